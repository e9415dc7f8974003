"""Where the measurements are made, how large they are, and what several of them use.

In: a directory and the choice of sizes. Out: a `Bench` that is handed to whatever measures, and
files written, copied, synced and removed the same way by ours and by every peer.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import told
from fitsgen import library

NAME = "nirspec_ifu_level1b"
PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is made: cubes in MiB, numbers of files; integrations and groups of ramps."""

    cube: int = 512
    process: int = 2048
    large: int = 6144
    headers: int = 1000
    exposures: int = 400
    ramps: tuple[int, int] = (4, 10)


QUICK = Sizes(cube=64, process=64, large=256, headers=100, exposures=40, ramps=(1, 2))


@dataclass(frozen=True, slots=True)
class Bench:
    """A directory that is gone afterwards, a raw exposure, and the template."""

    directory: Path
    sizes: Sizes
    raw: Path
    template: Path

    @classmethod
    def prepare(cls, directory: Path, sizes: Sizes) -> Bench:
        """Make a raw exposure of few pixels; compiled modules are kept in the directory."""
        from fitsgen.simulate.raw import Exposure, nirspec_ifu

        os.environ["FITSGEN_CACHE"] = str(directory / "cache")
        raw = directory / "raw.fits"
        nirspec_ifu(Exposure(rows=8, columns=8)).writeto(raw)
        return cls(directory, sizes, raw, library.find(NAME))

    @property
    def made(self) -> Path:
        """The output of ours and of every peer, one after another."""
        return self.directory / "made.fits"

    def headers_only(self) -> tuple[Path, Path]:
        """Write the primary header of the template as a file type, and the raw one's header."""
        from astropy.io import fits

        text = self.template.read_text(encoding="utf-8")
        template = self.directory / "headers.gen.txt"
        primary = text[: text.index("#include 'science.gen.inc'")]
        template.write_text(primary.replace(NAME, "headers"), encoding="utf-8")
        raw = self.directory / "raw_header.fits"
        header = fits.getheader(self.raw)
        fits.PrimaryHDU(header=header).writeto(raw, overwrite=True)
        return template, raw


def command() -> list[str]:
    """Return how `fitsgen` is started, by the interpreter that measures."""
    script = Path(sysconfig.get_path("scripts"), "fitsgen")
    return [PYTHON, str(script)] if script.exists() else [PYTHON, "-m", "fitsgen"]


def copy(source: Path, target: Path) -> None:
    """Copy a file with `cp` and sync it: the peer of a conversion, which always syncs."""
    told(["cp", str(source), str(target)])
    sync(target)


def sync(path: Path) -> None:
    """Wait until a file and its name are on the disk, as a conversion does."""
    for one in (path, path.parent):
        _fsync(one)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and let the disk finish that before anything is timed."""
    directories = set()
    for path in paths:
        path.unlink(missing_ok=True)
        directories.add(path.parent)
    for directory in directories:
        _fsync(directory)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
