"""Every damaged input is one plain error in bounded time and memory, or a warning and the data.

Each is given to fitsgen in a process of its own, as a user does it. What the figure says holds for
all of them: no traceback, no hang, no run of much memory, no file that was not there, and none
changed. The damages are in `damages_fits.py` and the other files of such a name.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from astropy.io import fits
from damages import Damage, Outcome, make_good
from damages_data import DATA
from damages_fits import HEADERS
from damages_packed import PACKED
from damages_templates import TEMPLATES
from damages_text import TEXTS

TABLES = ({**HEADERS, **DATA}, PACKED, TEMPLATES, TEXTS)
DAMAGES: dict[str, Damage] = {name: one for table in TABLES for name, one in table.items()}
RECOVERABLE = {name: one for name, one in DAMAGES.items() if one.outcome is Outcome.WARNED}

# Of processors: what others do on the machine does not count. By the clock it is cut off later.
MAX_SECONDS = 10
MAX_WAIT = 60
MAX_MEMORY = 512 * 2**20
PROCESSES = 2
OUTPUT = "out.fits"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ran:
    """What a process did: its status, seconds by the clock and of processors, bytes, texts."""

    status: int
    wall: float
    seconds: float
    memory: int
    out: str
    err: str


@dataclass(frozen=True)
class Laboratory:
    """Where good files are copied, damaged and given to fitsgen."""

    good: Path
    directory: Path
    launchers: queue.SimpleQueue[subprocess.Popen[str]]

    def examine(self, name: str, *more: str) -> tuple[Ran, list[str]]:
        """Damage good files; return what fitsgen did with them, and what of that is wrong."""
        damage = DAMAGES[name]
        directory = self.directory / hashlib.sha256(f"{name}{more}".encode()).hexdigest()[:16]
        shutil.copytree(self.good, directory)
        damage.make(directory)
        before = snapshot(directory)
        command = [sys.executable, "-m", "fitsgen", *shlex.split(damage.command), *more]
        ran = self.launched(command, directory, damage.environment)
        wrong = list(excesses(ran))
        if damage.outcome is Outcome.REFUSED or more:
            says = [one.replace("warning: ", "error: ") if more else one for one in damage.says]
            wrong += refusal(ran, says, before, snapshot(directory))
        else:
            wrong += recovery(ran, damage, before, snapshot(directory))
            wrong += self.difference(directory / OUTPUT)
        shutil.rmtree(directory)
        return ran, [f"{name}: {one}" for one in wrong]

    def launched(
        self, command: Sequence[str], directory: Path, environment: Mapping[str, str] | object
    ) -> Ran:
        """Run a command; the templates are all kept in one cache, but where a case has its own."""
        usual = {"FITSGEN_CACHE": str(self.directory / "cache"), "HOME": str(directory)}
        wish = {
            "command": command,
            "directory": str(directory),
            "environment": {**os.environ, **usual, **dict(environment)},
            "seconds": MAX_WAIT,
        }
        launcher = self.launchers.get()
        try:
            print(json.dumps(wish), file=launcher.stdin, flush=True)
            return Ran(**json.loads(launcher.stdout.readline()))
        finally:
            self.launchers.put(launcher)

    def difference(self, path: Path) -> list[str]:
        """Say where the data of a file that was made are not those that are made of good files."""
        if not path.exists():
            return [f"no {OUTPUT}"]
        with fits.open(path) as made, fits.open(self.good.parent / "made.fits") as expected:
            return [f"{hdu.name} differs" for hdu in made if data(hdu) != data(expected[hdu.name])]

    def examine_all(self, names: Sequence[str], *more: str) -> tuple[list[Ran], list[str]]:
        with ThreadPoolExecutor(PROCESSES) as threads:
            results = list(threads.map(lambda name: self.examine(name, *more), names))
        return [ran for ran, _ in results], [one for _, wrong in results for one in wrong]


def data(hdu: fits.hdu.base.ExtensionHDU) -> list[object]:
    """Return the data of an HDU as Python has them."""
    return [] if hdu.data is None else [hdu.data.shape, hdu.data.tolist()]


def snapshot(directory: Path) -> dict[str, str]:
    """Return what each file below a directory is."""
    found = {}
    for path in directory.rglob("*"):
        is_file = path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
        found[str(path.relative_to(directory))] = f"{path.lstat().st_mode:o} {content}"
    return found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what was made, removed or changed; a cache may fill itself."""
    names = {name for name in before.keys() | after.keys() if not name.startswith("kept")}
    return sorted(name for name in names if before.get(name) != after.get(name))


def excesses(ran: Ran) -> Iterator[str]:
    if "Traceback" in ran.err + ran.out:
        yield f"a traceback: {ran.err[-300:]}"
    if ran.seconds > MAX_SECONDS or ran.wall >= MAX_WAIT:
        yield f"{ran.seconds:.1f} s of processors, {ran.wall:.1f} s by the clock"
    if ran.memory > MAX_MEMORY:
        yield f"{ran.memory >> 20} MiB"


def refusal(
    ran: Ran, says: Sequence[str], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    """Say where a run is not one plain error."""
    if ran.status != 1:
        yield f"status {ran.status}: {ran.err[-300:]}"
    if "error: " not in ran.err:
        yield f"no error: {ran.err[-300:]}"
    if missing := [one for one in says if one not in ran.err]:
        yield f"{missing} is not in: {ran.err[:500]}"
    if found := changes(before, after):
        yield f"changed: {found}"


def recovery(
    ran: Ran, damage: Damage, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    """Say where a run does not make its file, and say what has to be said."""
    if ran.status != 0:
        yield f"status {ran.status}: {ran.err[-300:]}"
    if missing := [one for one in damage.says if one not in ran.err]:
        yield f"{missing} is not in: {ran.err[:500]}"
    if damage.outcome is Outcome.UNHARMED and ran.err:
        yield f"said: {ran.err[:300]}"
    if (found := changes(before, after)) != [OUTPUT]:
        yield f"changed: {found}"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    directory = tmp_path_factory.mktemp("damaged")
    good = directory / "good"
    good.mkdir()
    make_good(good)
    command = [sys.executable, "-S", str(HERE / "launcher.py")]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    launchers: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
    for one in running:
        launchers.put(one)
    laboratory = Laboratory(good, directory, launchers)
    made = [sys.executable, "-m", "fitsgen", "convert", "in.fits", "-t", "all.gen.txt"]
    assert laboratory.launched([*made, "-o", "../made.fits"], good, {}).status == 0
    yield laboratory
    for one in running:
        one.communicate()


def test_damaged_inputs(laboratory: Laboratory, record_property: pytest.RecordProperty) -> None:
    """All of them, by two processes; what fails is told together."""
    runs, wrong = laboratory.examine_all(list(DAMAGES))
    slowest, largest = max(ran.seconds for ran in runs), max(ran.memory for ran in runs)
    record_property(
        "figure",
        f"{len(runs)} damaged inputs ({len(RECOVERABLE)} of them recoverable):"
        f" {sum('Traceback' in ran.err for ran in runs)} tracebacks, slowest {slowest:.1f} s,"
        f" most memory {largest >> 20} MiB, {sum('changed: ' in one for one in wrong)} wrong files"
        " written",
    )
    assert not wrong, "\n".join(wrong)


def test_with_strict_recoverable_damage_makes_nothing(
    laboratory: Laboratory, record_property: pytest.RecordProperty
) -> None:
    runs, wrong = laboratory.examine_all(list(RECOVERABLE), "--strict")
    wrong += [
        f"{name}: not told that it is a warning: {ran.err}"
        for name, ran in zip(RECOVERABLE, runs, strict=True)
        if "note: a warning without --strict" not in ran.err or "warning: " in ran.err
    ]
    record_property("figure", f"{len(runs)} recoverable damages with --strict: {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong)


def test_there_are_as_many_damages_as_promised() -> None:
    assert len(DAMAGES) >= 160
    assert len(DAMAGES) == sum(map(len, TABLES))
