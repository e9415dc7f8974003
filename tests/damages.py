"""A damaged input as a value: how it is made of good files, what reads it, what has to be said.

The tables of damages are in `damages_fits`, `damages_data`, `damages_packed`, `damages_templates`
and `damages_text`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from fitsgen.simulate.raw import Exposure, nirspec_ifu

HEAD = """<<file copy>>
<<header primary>>
TARGET   = input('TARGET') / what was looked at
EXPTIME  = input('EXPTIME') / [s] how long
"""


def copied(name: str) -> str:
    """Return a section that copies an HDU."""
    return f"<<header {name}>>\nEXTNAME  = '{name}'\n<<data>>\ninput['{name}'].data\n"


# To copy a table or a compressed image takes longer than to open a file.
TEMPLATES = {
    "t.gen.txt": HEAD + copied("SCI"),
    "events.gen.txt": HEAD + copied("EVENTS"),
    "packed.gen.txt": HEAD + copied("PACKED"),
    "all.gen.txt": HEAD + copied("SCI") + copied("EVENTS") + copied("PACKED"),
}
TEMPLATE = TEMPLATES["t.gen.txt"]
CONVERT = "convert in.fits -t t.gen.txt -o out.fits"


class Outcome(enum.Enum):
    """What becomes of a damaged input."""

    REFUSED = "an error, status 1, no file"
    WARNED = "a warning, and a file with the data as they are"
    UNHARMED = "a file with the data as they are: nobody reads what is damaged"


Make = Callable[[Path], object]


@dataclass(frozen=True)
class Damage:
    """One damaged input.

    make
        Damages the good files of a directory.
    says
        What stands in the messages.
    command
        The arguments of fitsgen.
    environment
        What differs from the usual one.

    """

    make: Make
    says: tuple[str, ...]
    outcome: Outcome = Outcome.REFUSED
    command: str = CONVERT
    environment: tuple[tuple[str, str], ...] = ()


def refused(make: Make, *says: str, command: str = CONVERT, **environment: str) -> Damage:
    return Damage(make, says, Outcome.REFUSED, command, tuple(environment.items()))


def warned(make: Make, *says: str, command: str = CONVERT) -> Damage:
    return Damage(make, says, Outcome.WARNED, command)


def unharmed(make: Make, command: str = CONVERT) -> Damage:
    return Damage(make, (), Outcome.UNHARMED, command)


def written(name: str, content: bytes | str) -> Make:
    def make(directory: Path) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (directory / name).write_bytes(raw)

    return make


def changed(name: str, change: Callable[[bytes], bytes]) -> Make:
    """Change the bytes of a file."""

    def make(directory: Path) -> None:
        path = directory / name
        path.write_bytes(change(path.read_bytes()))

    return make


def all_of(*makes: Make) -> Make:
    def make(directory: Path) -> None:
        for one in makes:
            one(directory)

    return make


def make_good(directory: Path) -> None:
    """Write the files that are damaged: an image, a table with a heap, a compressed image."""
    primary = fits.PrimaryHDU()
    primary.header["TARGET"] = ("Vega", "what was looked at")
    primary.header["EXPTIME"] = (12.5, "[s] how long")
    dice = np.random.default_rng(6)
    pixels = dice.normal(100, 3, (30, 20)).astype("float32")
    counts = dice.integers(0, 300, (40, 50)).astype("int16")
    lists = np.array([dice.integers(0, 9, n).astype("int16") for n in (3, 0, 5)], dtype=object)
    columns = [
        fits.Column("TIME", "D", array=np.arange(3) + 0.5, unit="s"),
        fits.Column("NAME", "8A", array=np.array(["a", "bb", "ccc"])),
        fits.Column("HITS", "PI()", array=lists),
    ]
    hdus = fits.HDUList(
        [
            primary,
            fits.ImageHDU(pixels, name="SCI"),
            fits.BinTableHDU.from_columns(columns, name="EVENTS"),
            fits.CompImageHDU(counts, name="PACKED", compression_type="RICE_1", tile_shape=(8, 50)),
        ]
    )
    hdus.writeto(directory / "in.fits")
    hdus.writeto(directory / "sums.fits", checksum=True)
    raw = nirspec_ifu(Exposure(integrations=1, groups=2, rows=8, columns=6))
    raw.writeto(directory / "raw.fits")
    for name, text in TEMPLATES.items():
        (directory / name).write_text(text)
