"""Raw cubes of random pixels, written as detector files are.

In: how pixels are stored, and a size. Out: a FITS file with one image of frames of 2048 x 2048
pixels in the primary HDU. One frame at a time is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BLOCK = 2880
SIDE = 2048
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Pixels:
    """How pixels are stored: the bits of a value in `dtype`, big-endian, and their cards."""

    name: str
    dtype: str
    cards: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """Bytes of a pixel."""
        return int(self.dtype[-1])


UNSIGNED = Pixels("u16", ">u2", (("BITPIX", 16), ("BZERO", 32768), ("BSCALE", 1)))
INTEGERS = Pixels("i32", ">i4", (("BITPIX", 32),))
FLOATS = Pixels("f32", ">f4", (("BITPIX", -32),))


@dataclass(frozen=True, slots=True)
class Cube:
    """A file of `mib` MiB of pixels, which need not be there yet."""

    directory: Path
    pixels: Pixels
    mib: int

    @property
    def path(self) -> Path:
        return self.directory / f"{self.pixels.name}_{self.mib}.fits"

    @property
    def frames(self) -> int:
        return self.mib * MIB // (SIDE * SIDE * self.pixels.size)

    def ready(self) -> Path:
        """Write the file where it is missing, and read it once, so that it is in the page cache."""
        if not self.path.exists():
            self._write()
        with self.path.open("rb", buffering=0) as file:
            while file.read(MIB):
                pass
        return self.path

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        import numpy as np

        generator = np.random.default_rng(5)
        with self.path.open("wb") as file:
            file.write(self._header())
            for _ in range(self.frames):
                # Every 16 bits are a pixel, so those with an offset need no arithmetic.
                frame = generator.integers(0, 1 << 16, SIDE * SIDE, dtype=np.uint16)
                file.write(frame.astype(self.pixels.dtype).data)
            file.write(bytes(-file.tell() % BLOCK))

    def _header(self) -> bytes:
        axes = {"NAXIS": 3, "NAXIS1": SIDE, "NAXIS2": SIDE, "NAXIS3": self.frames}
        bitpix, *scaling = self.pixels.cards
        numbers = [bitpix, *axes.items(), *scaling]
        cards = ["SIMPLE  =                    T"]
        cards += [f"{keyword:8}= {value:20d}" for keyword, value in numbers]
        text = "".join(f"{card:80}" for card in (*cards, "END"))
        return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")
