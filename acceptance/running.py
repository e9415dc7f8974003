"""A case to the products of its pipeline: the commands that a user would give.

In: a `Case`, and a directory. Out: a `Run`, with what the commands wrote and logged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models import crds_environment

from acceptance.cases import Case
from fitsgen.simulate.detector import DIRECTORY
from fitsgen.simulate.modes import BY_NAME

_LEVEL = re.compile(r" - (?P<logger>\S+) - (WARNING|ERROR|CRITICAL) - (?P<text>.*)")
_PYTHON = re.compile(r"^\S+:\d+: (?P<text>\w*Warning: .*)")


@dataclass(frozen=True, slots=True)
class Run:
    """What a case came to.

    directory
        With the files of the simulation and of the pipeline.
    log
        All that the pipeline told.

    """

    case: Case
    directory: Path
    cache: Path
    log: str

    def product(self, suffix: str) -> Path:
        """Return the one file whose name ends so."""
        (path,) = self.directory.glob(f"*_{suffix}.fits")
        return path

    @property
    def references(self) -> list[Path]:
        """The reference files."""
        return sorted((self.directory / "references").glob("*.fits"))

    @property
    def warnings(self) -> Iterator[str]:
        """What was logged as a warning or as worse, and the warnings of Python."""
        for line in self.log.splitlines():
            if found := _LEVEL.search(line) or _PYTHON.search(line):
                yield found["text"]


def run(case: Case, directory: Path, cache: Path) -> Run:
    """Simulate a case and run its pipeline, each by its command."""
    directory.mkdir(parents=True)
    simulate = [sys.executable, "-m", "fitsgen", "simulate", *case.arguments]
    simulate.append(f"--parameters={_parameters(case, directory)}")
    _command([*simulate, "-o", str(directory), "--crds", str(cache)], directory)
    return _piped(case, directory, cache)


def run_again(done: Run, directory: Path, *options: str) -> Run:
    """Run the pipeline with further options, in another directory."""
    for suffix in ("uncal", "truth", "maps"):
        path = done.product(suffix)
        (directory / path.name).symlink_to(path)
    return _piped(done.case, directory, done.cache, *options)


def _piped(case: Case, directory: Path, cache: Path, *options: str) -> Run:
    (exposure,) = directory.glob("*_uncal.fits")
    name, *usual = case.pipeline.value
    strun = str(Path(sys.executable).with_name("strun"))
    command = [strun, name, exposure.name, *usual, *options]
    return Run(case, directory, cache, _command(command, directory, crds_environment(cache)))


def _parameters(case: Case, directory: Path) -> Path:
    """Write the parameters of the case's detector, with its dark current."""
    path = directory / "detector.dat"
    text = (DIRECTORY / f"{BY_NAME[case.mode].detector.name.lower()}.dat").read_text()
    path.write_text(re.sub(r"^DARK  .*$", f"DARK = {case.dark}", text, flags=re.MULTILINE))
    return path


def _command(
    arguments: list[str], directory: Path, environment: dict[str, str] | None = None
) -> str:
    done = subprocess.run(
        arguments,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-4000:]}"
    return done.stdout
