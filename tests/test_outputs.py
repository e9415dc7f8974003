"""What `fitsgen` leaves behind: links, permissions, signals, two processes, deaf ears, kills."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from faults import snapshot

from fitsgen.cli import main

KILLS = int(os.environ.get("FITSGEN_KILLS", "60"))
SMALL = """<<file small>>
<<header primary>>
FILENAME = / its name
NUMBER = none('NUMBER')
"""
LARGE = """<<file large>>
<<header primary>>
NUMBER = none('NUMBER')
<<data>>
np.arange(16 * 2**20, dtype='float32')
"""
NONE = "<<file none>>\nNUMBER = 7\n"
OLD = b"an earlier output"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a directory of its own, with templates beside it."""
    for name, text in (("small.gen.txt", SMALL), ("large.gen.txt", LARGE), ("none.dat", NONE)):
        (tmp_path / name).write_text(text)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


def arguments(*more: str | Path, template: str = "small") -> list[str]:
    given = ["convert", "../none.dat", "-t", f"../{template}.gen.txt", "-o", "out.fits"]
    return [*given, *map(str, more)]


def convert(*more: str | Path) -> Result:
    result = CliRunner().invoke(main, arguments(*more))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


WITHOUT_UNNAMED = "import os; del os.O_TMPFILE; from fitsgen.cli import main; main()"


def command(*more: str | Path, template: str = "large", is_named: bool = False) -> list[str]:
    how = ["-c", WITHOUT_UNNAMED] if is_named else ["-m", "fitsgen"]
    return [sys.executable, *how, *arguments(*more, template=template)]


# Permissions and owners


@pytest.fixture
def _umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(name: str = "out.fits") -> int:
    return stat.S_IMODE(os.stat(name).st_mode)


@pytest.mark.usefixtures("_umask")
@pytest.mark.parametrize("is_named", [False, True])
def test_permissions(is_named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_named:
        monkeypatch.delattr(os, "O_TMPFILE")
    assert convert().exit_code == 0
    assert mode() == 0o640
    for before, after in ((0o600, 0o600), (0o666, 0o666), (0o444, 0o444), (0o6755, 0o755)):
        os.chmod("out.fits", before)
        assert convert("--overwrite").exit_code == 0
        assert oct(mode()) == oct(after)


def is_root() -> bool:
    return os.geteuid() == 0


@pytest.mark.skipif("not is_root()", reason="only root may give files away")
def test_owner_and_group_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.fits").write_bytes(OLD)
    os.chmod("out.fits", 0o664)
    os.chown("out.fits", 12345, 54321)
    assert convert("--overwrite").exit_code == 0
    info = os.stat("out.fits")
    assert (info.st_uid, info.st_gid, mode()) == (12345, 54321, 0o664)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "fchown", refuse)
    assert convert("--overwrite").exit_code == 0
    # Another group than the one that was meant.
    assert (os.stat("out.fits").st_uid, mode()) == (0, 0o644)


# Links


def test_a_link_is_refused_unless_it_is_to_be_followed() -> None:
    os.mkdir("data")
    os.symlink("data/run12.fits", "out.fits")
    refused = convert("--overwrite")
    assert refused.exit_code == 1
    assert "is a symbolic link, which is never replaced" in refused.stderr
    assert "add --follow-links" in refused.stderr
    assert os.listdir("data") == []
    for options in ([], ["--overwrite"]):
        result = convert("--follow-links", *options)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"wrote {Path('data/run12.fits').resolve()}\n"
        assert os.readlink("out.fits") == "data/run12.fits"
        assert b"FILENAME= 'run12.fits'" in Path("data/run12.fits").read_bytes()
    assert "exists; --overwrite replaces it" in convert("--follow-links").stderr
    assert os.listdir("data") == ["run12.fits"]


def test_links_that_lead_nowhere_good() -> None:
    os.symlink("loop", "out.fits")
    os.symlink("out.fits", "loop")
    assert convert("--follow-links", "--overwrite").exit_code == 1
    os.unlink("out.fits")
    os.symlink("none/there.fits", "out.fits")
    assert "none does not exist" in convert("--follow-links").stderr
    os.unlink("out.fits")
    os.symlink("../none.dat", "out.fits")
    assert "is an input" in convert("--follow-links", "--overwrite").stderr
    assert Path("../none.dat").read_text() == NONE


def test_a_link_among_the_parents_is_no_matter() -> None:
    os.mkdir("data")
    os.symlink("data", "alias")
    assert convert("-o", "alias/a.fits").exit_code == 0
    assert os.listdir("data") == ["a.fits"]


def test_a_batch_follows_links(raw_exposure: Path) -> None:
    os.mkdir("data")
    name = "raw_nirspec_ifu_level1b.fits"
    os.symlink(f"data/{name}", name)
    batch = ["batch", str(raw_exposure), "-t", "nirspec_ifu_level1b", "-j", "1"]
    refused = CliRunner().invoke(main, batch)
    assert (refused.exit_code, os.listdir("data")) == (1, [])
    for outcome in ("made", "skipped"):
        done = CliRunner().invoke(main, [*batch, "--follow-links"])
        assert (done.exit_code, done.stdout.split()[0]) == (0, outcome), done.output
    assert (os.listdir("data"), os.path.islink(name)) == ([name], True)


# Nobody listens

DEAF = {
    "> /dev/full": (1, "error: what is to be printed cannot be written: No space left on device\n"),
    ">&-": (1, "error: what is to be printed cannot be written: Bad file descriptor\n"),
    "| head -c 0": (1, ""),
    "2> /dev/full": (0, ""),
    "2>&-": (0, ""),
    "<&- >&- 2>&-": (1, ""),
}


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("how", DEAF)
def test_a_made_file_stands_where_nobody_can_be_told(how: str, unbuffered: str) -> None:
    line = " ".join(command(template="small"))
    line = f"(sleep 0.2; {line}; echo $? >status) {how}" if "|" in how else f"{line} {how}"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
    status = int(Path("status").read_text()) if "|" in how else done.returncode
    assert (status, done.stderr) == DEAF[how]
    assert Path("out.fits").stat().st_size == 2880
    assert Path("out.fits").read_bytes().startswith(b"SIMPLE  =")


@pytest.mark.parametrize("how", ["> /dev/full", "2> /dev/full", ">&-", "2>&-"])
def test_an_error_that_cannot_be_told_is_one_all_the_same(how: str) -> None:
    Path("out.fits").write_bytes(OLD)
    line = " ".join(command(template="small"))
    done = subprocess.run(["bash", "-c", f"{line} {how}"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert Path("out.fits").read_bytes() == OLD


# Stopped and killed


def begun(*options: str, is_named: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("--no-verify", *options, is_named=is_named),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def await_writing(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has a file open in this directory, or has ended."""
    while process.poll() is None:
        for one in Path(f"/proc/{process.pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                if os.readlink(one).startswith(f"{Path.cwd()}/"):
                    return
        time.sleep(0.001)


@dataclass(frozen=True)
class Moment:
    """So many seconds after the start of a process, or of its writing."""

    wait: float
    is_writing: bool


@dataclass
class Watched:
    """Conversions of 64 MiB, ended at chosen moments."""

    left: set[str] = field(default_factory=set)
    partial: int = 0
    damaged: int = 0
    ended: int = 0
    told: bytes = b""

    def run(self, at: Moment, number: int, options: Sequence[str], *, is_named: bool) -> int:
        """Begin a conversion, send it a signal, and return the status."""
        process = begun(*options, is_named=is_named)
        if at.is_writing:
            await_writing(process)
        time.sleep(at.wait)
        process.send_signal(number)
        _, self.told = process.communicate(timeout=60)
        self.ended += process.returncode != 0
        return process.returncode

    def look(self, whole: bytes, *, was_there: bool) -> None:
        """Count what is wrong in this directory."""
        self.left.update(name for name in os.listdir() if name != "out.fits")
        if not os.path.exists("out.fits"):
            self.damaged += was_there
        elif os.path.getsize("out.fits") != len(whole):
            is_old = was_there and Path("out.fits").read_bytes() == OLD
            self.partial += not is_old
        else:
            self.partial += Path("out.fits").read_bytes() != whole


def prepare(*, is_there: bool) -> list[str]:
    Path("out.fits").unlink(missing_ok=True)
    if is_there:
        Path("out.fits").write_bytes(OLD)
    return ["--overwrite"] if is_there else []


def measured() -> tuple[float, float, bytes]:
    """How long it takes until it writes, and then until it ends; and what it makes."""
    first = second = math.inf
    for _ in range(3):
        prepare(is_there=False)
        start = time.monotonic()
        process = begun()
        await_writing(process)
        first = min(first, time.monotonic() - start)
        start = time.monotonic()
        assert process.wait() == 0
        second = min(second, time.monotonic() - start)
        process.communicate()
    return first, second, Path("out.fits").read_bytes()


@pytest.mark.slow
def test_killed_at_random_moments(record_property: Callable[[str, object], None]) -> None:
    """Half of them over an earlier output, a quarter where no file is without a name.

    Some come too late, so there are more conversions than kills.
    """
    before, writing, whole = measured()
    watched, chance = Watched(), random.Random(6)
    again = runs = 0
    for number in takewhile(lambda _: watched.ended < KILLS, range(2 * KILLS)):
        is_there, is_named = number % 2 == 1, number % 4 >= 2 and number % 8 >= 4
        options = prepare(is_there=is_there)
        early, late = Moment(chance.uniform(0, before), False), chance.uniform(0, 1.05 * writing)
        at = early if number % 5 == 0 else Moment(late, True)
        watched.run(at, signal.SIGKILL, options, is_named=is_named)
        watched.look(whole, was_there=is_there)
        if number % 10 == 9:
            runs += 1
            done = subprocess.run(command("--no-verify", "--overwrite"), stdout=subprocess.DEVNULL)
            again += done.returncode == 0 and list(snapshot(Path())) == ["out.fits"]
    record_property(
        "figure",
        f"{watched.ended} conversions killed: {watched.partial} partial files,"
        f" {watched.damaged} earlier outputs lost, {again} of {runs} next runs succeeded",
    )
    assert (watched.partial, watched.damaged, again) == (0, 0, runs)
    assert watched.ended == KILLS
    assert len(watched.left) <= 1  # the temporary name


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_named", [False, True])
def test_stopped_at_random_moments(number: signal.Signals, is_named: bool) -> None:
    _, writing, whole = measured()
    watched, chance = Watched(), random.Random(number)
    stopped = 0
    for one in range(8):
        options = prepare(is_there=one % 2 == 1)
        at = Moment(chance.uniform(0, 0.9 * writing), True)
        status = watched.run(at, number, options, is_named=is_named)
        if status == 128 + number:
            assert watched.told == b"stopped\n"
            stopped += 1
        else:  # It was done, and Python was at its end.
            assert status in (0, -number)
            assert Path("out.fits").read_bytes() == whole
        watched.look(whole, was_there=one % 2 == 1)
    assert (watched.partial, watched.damaged, watched.left) == (0, 0, set())
    assert stopped


# Two of them

ROUNDS = int(os.environ.get("FITSGEN_ROUNDS", "60"))
RACE = """
import os, sys
from pathlib import Path
if {is_named}: del os.O_TMPFILE
from fitsgen.diagnostics import OutputError
from fitsgen.runtime.files import write_file
from fitsgen.runtime.writing import Part
letter = sys.argv[1].encode()
parts = [Part(letter * 2880)] * 20
for line in sys.stdin:
    try:
        write_file(Path(line.strip()), parts, overwrite={overwrite})
        print("made", flush=True)
    except OutputError as error:
        print(error.problems[0].message, flush=True)
"""


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("is_named", [False, True])
def test_two_processes_write_one_name(
    overwrite: bool, is_named: bool, record_property: Callable[[str, object], None]
) -> None:
    code = RACE.format(is_named=is_named, overwrite=overwrite)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for letter in "ab"
    ]
    made = {0: 0, 1: 0, 2: 0}
    refusals = ("exists; --overwrite replaces it", "another process is writing it")
    for number in range(ROUNDS):
        for process in both:
            print(f"{number}.fits", file=process.stdin, flush=True)
        told = [process.stdout.readline().strip() for process in both if process.stdout]
        made[told.count("made")] += 1
        assert all(one == "made" or one.startswith(refusals) for one in told), told
        assert Path(f"{number}.fits").read_bytes() in (b"a" * 57600, b"b" * 57600)
    for process in both:
        process.communicate()
    assert sorted(os.listdir()) == sorted(f"{number}.fits" for number in range(ROUNDS))
    assert made[0] == 0
    if not overwrite:
        assert made == {0: 0, 1: ROUNDS, 2: 0}
        record_property("figure", f"two writers of one name, {ROUNDS} rounds: one wins in each")
