"""What a process leaves that is killed while it writes, and what the next one makes of it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_files import HEADER, contents, way  # noqa: F401

from fitsgen.diagnostics import OutputError
from fitsgen.runtime.drafts import STALE_AFTER, part_name
from fitsgen.runtime.encoded import Encoded
from fitsgen.runtime.files import check_output, write_file
from fitsgen.runtime.writing import Part


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What a killed process left of `out.fits`."""
    path = tmp_path / part_name("out.fits")
    path.write_bytes(b"some")
    return path


def test_what_was_left_of_the_same_output_is_removed_and_nothing_else(
    left: Path,
    tmp_path: Path,
    way: str,  # noqa: F811
) -> None:
    others = [part_name("other.fits"), ".out.fits.part", left.name[:-5], f"x{left.name}"]
    for name in others:
        (tmp_path / name).touch()
    write_file(tmp_path / "out.fits", [Part(HEADER)])
    assert contents(tmp_path) == sorted(["out.fits", *others])


@pytest.mark.usefixtures("left")
def test_it_is_removed_also_where_the_output_was_complete(tmp_path: Path) -> None:
    (tmp_path / "out.fits").touch()
    with pytest.raises(OutputError, match="exists"):
        check_output(tmp_path / "out.fits", False, [])
    assert contents(tmp_path) == ["out.fits"]


def no_locks(*_: object) -> None:
    raise OSError(errno.EOPNOTSUPP, "no locks")


@pytest.mark.parametrize("is_old", [False, True])
def test_without_locks_age_decides(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.delattr(os, "O_TMPFILE")
    then = time.time() - STALE_AFTER - (60 if is_old else -60)
    os.utime(left, (then, then))
    if is_old:
        write_file(tmp_path / "out.fits", [Part(HEADER)])
        assert contents(tmp_path) == ["out.fits"]
    else:
        with pytest.raises(OutputError, match="another process is writing it"):
            write_file(tmp_path / "out.fits", [Part(HEADER)])
        assert contents(tmp_path) == [left.name]


def test_a_directory_that_is_another_when_the_file_is_done(tmp_path: Path, way: str) -> None:  # noqa: F811
    directory = tmp_path / "there"
    directory.mkdir()

    def blocks() -> Iterator[bytes]:
        directory.rename(tmp_path / "moved")
        directory.mkdir()
        yield b"data"

    with pytest.raises(OutputError, match="was moved or removed while the file was written"):
        write_file(directory / "out.fits", [Part(HEADER, Encoded((), 4, b"\0", blocks))])
    assert (contents(directory), contents(tmp_path / "moved")) == ([], [])


def put_link(path: Path) -> None:
    (path.parent / "target").write_bytes(b"mine")
    path.symlink_to("target")


def put_file_of_another(path: Path) -> None:
    path.touch()
    os.chown(path, 12345, 12345)


OBSTACLES = [Path.mkdir, os.mkfifo, put_link]
if os.geteuid() == 0:  # who may give files away
    OBSTACLES.append(put_file_of_another)


@pytest.mark.parametrize("put", OBSTACLES)
def test_what_is_not_ours_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None]
) -> None:
    put(tmp_path / part_name("out.fits"))
    before = contents(tmp_path)
    write_file(tmp_path / "out.fits", [Part(HEADER)])
    monkeypatch.delattr(os, "O_TMPFILE")
    with pytest.raises(OutputError, match="another process is writing it"):
        write_file(tmp_path / "out.fits", [Part(HEADER)], overwrite=True)
    assert contents(tmp_path) == sorted([*before, "out.fits"])
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_bytes() == b"mine"


WRITER = """
import sys, time
from pathlib import Path
from fitsgen.diagnostics import OutputError
from fitsgen.runtime.encoded import Encoded
from fitsgen.runtime.files import write_file
from fitsgen.runtime.writing import Part
import os
if {named}: del os.O_TMPFILE
def blocks():
    for i in range({count}):
        yield {letter!r} * (1 << 20)
        if i == 1: print("writing", flush=True); time.sleep({pause})
{more}
data = Encoded((), {count} << 20, b"\\0", blocks)
try:
    write_file(Path({path!r}), [Part(b" " * 2880, data)], overwrite={overwrite})
except OutputError as error:
    print(error, flush=True)
    sys.exit(1)
"""


def writer(path: Path, **options: object) -> subprocess.Popen[str]:
    settings = {"count": 4, "letter": b"x", "pause": 0, "more": "", "named": False}
    settings |= {"overwrite": False, "path": str(path)} | options
    code = WRITER.format(**settings)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_leaves_no_file(
    tmp_path: Path, overwrite: bool, number: signal.Signals
) -> None:
    path = tmp_path / "out.fits"
    if overwrite:
        path.write_bytes(b"old")
    with writer(path, pause=60, overwrite=overwrite) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
    assert process.returncode == -number
    assert contents(tmp_path) == (["out.fits"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


def test_an_interrupt_leaves_no_temporary_file_either(tmp_path: Path) -> None:
    with writer(tmp_path / "out.fits", pause=60, named=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert len(contents(tmp_path)) == 1
        process.send_signal(signal.SIGINT)
    assert process.returncode
    assert contents(tmp_path) == []


@pytest.mark.parametrize("named", [False, True])
def test_of_two_writers_of_one_name_one_wins(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "out.fits"
    both = [writer(path, letter=letter, pause=0.3, named=named) for letter in (b"a", b"b")]
    told = [process.communicate()[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    loser = 0 if both[0].returncode else 1
    assert "exists; --overwrite replaces it" in told[loser]
    assert path.read_bytes()[2880 : 2880 + (4 << 20)] == (b"b", b"a")[loser] * (4 << 20)
    assert contents(tmp_path) == ["out.fits"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_another_process_is_writing_to_is_refused(
    tmp_path: Path, overwrite: bool
) -> None:
    path = tmp_path / "out.fits"
    with writer(path, pause=60, named=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        before = contents(tmp_path)
        second = writer(path, named=True, overwrite=overwrite)
        told = second.communicate()[0]
        assert (second.returncode, contents(tmp_path)) == (1, before)
        assert "another process is writing it" in told
        assert f"if none is, remove {tmp_path / before[0]}" in told
        process.kill()
    assert contents(tmp_path) == before
    write_file(path, [Part(HEADER)], overwrite=overwrite)
    assert contents(tmp_path) == ["out.fits"]


@pytest.mark.parametrize("named", [False, True])
def test_a_limit_on_file_sizes_is_told_before_the_work(tmp_path: Path, named: bool) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))"
    process = writer(tmp_path / "out.fits", more=limit, named=named)
    told = process.communicate()[0]
    assert process.returncode == 1
    assert "out.fits" in told
    assert "4,199,040" in told
    assert "ulimit -f" in told
    assert "writing" not in told
    assert contents(tmp_path) == []
