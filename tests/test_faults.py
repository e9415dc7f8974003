"""An output is whole or absent, whatever call of the system fails, and wherever it is killed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults import KILL, RENAME, TERMINATE, Ended, Faulty, built, each_call, snapshot
from test_batch import wait_until

from fitsgen.simulate.raw import Exposure, nirspec_ifu

TEMPLATE = """<<file small>>
<<header primary>>
OBSERVER = input('OBSERVER') / who looked
NUMBER = 7 / a number
<<data>>
<<header science>>
EXTNAME = 'SCI'
<<data>>
input[0].data + 1
<<header table>>
EXTNAME = 'ROWS'
<<data>>
{'ROW': np.arange(100)}
"""
LARGE = """<<file large>>
<<header primary>>
<<data>>
np.arange(12 * 2**18, dtype='float32')
"""
OLD = b"an earlier output"
Figure = Callable[[str, object], None]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a raw file, plain and packed, and a template of three HDUs."""
    directory = tmp_path_factory.mktemp("given")
    exposure = Exposure(integrations=1, groups=2, rows=8, columns=6)
    nirspec_ifu(exposure).writeto(directory / "raw.fits")
    nirspec_ifu(exposure).writeto(directory / "raw.fits.gz")
    (directory / "small.gen.txt").write_text(TEMPLATE)
    return directory


@pytest.fixture(scope="module")
def faulty(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    if not shutil.which("cc") and "CI" not in os.environ:
        pytest.skip("there is no compiler")
    scratch = tmp_path_factory.mktemp("faulty")
    environment = {
        "FITSGEN_CACHE": str(scratch / "cache"),
        "TMPDIR": str(scratch / "tmp"),
        "SOURCE_DATE_EPOCH": "1000000000",
        "OPENBLAS_NUM_THREADS": "1",
    }
    (scratch / "tmp").mkdir()
    warm = [
        [*convert(given), "-o", str(scratch / "warm.fits")],
        [*batch(given), "-o", str(scratch / "warm")],
    ]
    process = Faulty(built(scratch), environment, warm, scratch)
    yield process
    process.close()


def convert(given: Path, raw: str = "raw.fits") -> list[str]:
    return ["convert", str(given / raw), "-t", str(given / "small.gen.txt"), "--no-verify"]


def batch(given: Path) -> list[str]:
    return ["batch", *convert(given)[1:], "-j", "1"]


@pytest.fixture(scope="module")
def whole(faulty: Faulty, given: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the output is."""
    directory = tmp_path_factory.mktemp("whole")
    ended = faulty.run(*convert(given), "-o", "out.fits", below=directory)
    assert (ended.status, ended.out, ended.err) == (0, "wrote out.fits\n", "")
    return (directory / "out.fits").read_bytes()


@pytest.fixture(params=["unnamed", "named"])
def is_named(request: pytest.FixtureRequest) -> bool:
    """Whether the system is one that knows no files without a name."""
    return bool(request.param == "named")


@pytest.fixture(params=["new", "overwrite"])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path]:
    """Give a fresh directory, with an earlier output or without."""

    def fresh() -> Path:
        directory = tmp_path / "there"
        for one in (directory, tmp_path / "there.moved"):
            shutil.rmtree(one, ignore_errors=True)
        directory.mkdir()
        if request.param == "overwrite":
            (directory / "out.fits").write_bytes(OLD)
        return directory

    return fresh


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_call_that_fails_once(
    faulty: Faulty,
    given: Path,
    whole: bytes,
    begin: Callable[[], Path],
    is_named: bool,
    fault: int,
    record_property: Figure,
) -> None:
    """The error is told, and nothing is changed; but what is whole when it fails stands."""
    before: dict[str, bytes] = {}
    directory = begin()

    def run(at: int) -> Ended:
        before.clear()
        before.update(snapshot(begin()))
        options = [] if not before else ["--overwrite"]
        command = [*convert(given), "-o", "out.fits", *options]
        return faulty.run(*command, below=directory, at=at, what=fault, is_named=is_named)

    is_synced, count = False, 0
    for call, ended in each_call(run, 10):
        count += 1
        left = snapshot(directory)
        assert "Traceback" not in ended.err
        if call == "unlink":  # of the temporary name, beside the final one
            assert (ended.status, left.pop("out.fits")) == (0, whole)
            assert list(left.values()) == [whole]
            faulty.run(*convert(given), "-o", "out.fits", below=directory)
            assert snapshot(directory) == {"out.fits": whole}
            continue
        assert ended.err, (call, ended)
        first, last = ended.err.splitlines()
        assert (ended.status, ended.out, last) == (1, "", "1 error"), call
        assert first.startswith("out.fits: error: "), call
        if call == "fsync" and is_synced:
            assert "the file is whole, but its directory could not be synced" in first
            assert left == {"out.fits": whole}
        else:
            assert left == before, call
        is_synced = is_synced or call == "fsync"
    what = f"{'an earlier' if before else 'no'} output, {'named' if is_named else 'unnamed'}"
    name = errno.errorcode[fault]
    record_property("figure", f"{count} calls failing with {name} ({what}): all told, nothing lost")


def test_killed_at_any_call(
    faulty: Faulty,
    given: Path,
    whole: bytes,
    begin: Callable[[], Path],
    is_named: bool,
    record_property: Figure,
) -> None:
    directory = begin()
    options = ["--overwrite"] if snapshot(directory) else []
    old = snapshot(directory)

    def run(at: int, what: int = KILL, extra: list[str] = options) -> Ended:
        if what == KILL:
            begin()
        command = [*convert(given), "-o", "out.fits", *extra]
        return faulty.run(*command, below=directory, at=at, what=what, is_named=is_named)

    count = 0
    for call, ended in each_call(run, 10):
        count += 1
        assert ended.status == -9, call
        left = snapshot(directory)
        assert left.get("out.fits") in (old.get("out.fits"), whole), call
        again = run(0, 0)
        is_refused = not options and "out.fits" in left
        assert again.status == (1 if is_refused else 0), again.err
        assert snapshot(directory) == {"out.fits": whole}, call
    what = f"{'an earlier' if old else 'no'} output, {'named' if is_named else 'unnamed'}"
    record_property("figure", f"killed at each of {count} calls ({what}): 0 partial, 0 lost")


def test_stopped_at_any_call(
    faulty: Faulty,
    given: Path,
    whole: bytes,
    begin: Callable[[], Path],
    is_named: bool,
) -> None:
    directory = begin()
    old = snapshot(directory)
    options = ["--overwrite"] if old else []

    def run(at: int) -> Ended:
        begin()
        command = [*convert(given), "-o", "out.fits", *options]
        return faulty.run(*command, below=directory, at=at, what=TERMINATE, is_named=is_named)

    for call, ended in each_call(run, 10):
        assert (ended.status, ended.err) == (143, "stopped\n"), call
        assert snapshot(directory) in (old, {"out.fits": whole}), call


def test_a_directory_that_is_moved_at_any_call(
    faulty: Faulty, given: Path, whole: bytes, begin: Callable[[], Path], is_named: bool
) -> None:
    """Up to the naming of the file it is missed, and nothing is made; then the file is whole."""
    directory = begin()
    old = snapshot(directory)
    options = ["--overwrite"] if old else []

    def run(at: int) -> Ended:
        begin()
        command = [*convert(given), "-o", str(directory / "out.fits"), *options]
        return faulty.run(*command, below=directory, at=at, what=RENAME, is_named=is_named)

    for call, ended in each_call(run, 10):
        left = snapshot(directory.with_name("there.moved"))
        if ended.status:
            assert "was moved or removed while the file was written" in ended.err, call
            assert left == old, call
        else:
            assert left == {"out.fits": whole}, call
            assert call in ("link", "rename", "unlink", "fsync"), call


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, TERMINATE])
@pytest.mark.parametrize("at", [4, 7, 11])
def test_a_call_of_a_second_thread(
    faulty: Faulty, given: Path, tmp_path: Path, at: int, fault: int
) -> None:
    """What is larger than 8 MiB is written by two of them."""
    (tmp_path / "large.gen.txt").write_text(LARGE)
    (tmp_path / "out.fits").write_bytes(OLD)
    before = snapshot(tmp_path)
    command = ["convert", str(given / "raw.fits"), "-t", "large.gen.txt", "-o", "out.fits"]
    ended = faulty.run(*command, "--overwrite", below=tmp_path, at=at, what=fault, is_named=True)
    assert ended.was_hit, ended
    assert ended.calls[at - 1] == "pwrite"
    if fault == TERMINATE:
        assert (ended.status, ended.err) == (143, "stopped\n")
    else:
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.startswith("out.fits: error: ")
    assert snapshot(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_batch_with_a_call_that_fails_once(
    faulty: Faulty, given: Path, whole: bytes, tmp_path: Path, fault: int
) -> None:
    """Its records and its report fail like outputs, and the next run makes what is missing."""
    directory = tmp_path / "there"
    command = [*batch(given), "-o", "made", "--report", "report"]
    name = "made/raw_small.fits"

    def run(at: int) -> Ended:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return faulty.run(*command, below=directory, at=at, what=fault)

    for call, ended in each_call(run, 30):
        left = snapshot(directory)
        assert "Traceback" not in ended.err, call
        assert "a fault in fitsgen" not in ended.err, call
        assert left.get(name) in (None, whole), call
        assert ended.status == 1 or left.get(name) == whole, call
        assert "error: " in ended.err or ended.status == 0, call
        again = faulty.run(*command, below=directory)
        assert (again.status, again.err) == (0, ""), call
        assert snapshot(directory).keys() == {name, "made/fitsgen.made", "report"}, call
        assert snapshot(directory)[name] == whole


@pytest.mark.slow
def test_a_batch_killed_at_any_call(
    faulty: Faulty, given: Path, whole: bytes, tmp_path: Path
) -> None:
    """Killed are the command, or its worker, whose job is done again."""
    directory = tmp_path / "there"
    command = [*batch(given), "-o", "made", "--report", "report"]
    name = "made/raw_small.fits"

    def run(at: int, what: int = KILL) -> Ended:
        return faulty.run(*command, below=directory, at=at, what=what)

    def anew(at: int) -> Ended:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return run(at)

    for call, ended in each_call(anew, 30):
        assert ended.status in (0, -9), (call, ended)
        assert snapshot(directory).get(name) in (None, whole), call
        wait_until(lambda: run(0, 0).status == 0)  # A worker ends a little later.
        assert snapshot(directory).keys() == {name, "made/fitsgen.made", "report"}, call
        assert snapshot(directory)[name] == whole


@pytest.mark.parametrize("verb", ["compile", "describe"])
def test_other_files_are_whole_or_absent(
    faulty: Faulty, given: Path, begin: Callable[[], Path], verb: str
) -> None:
    directory = begin()
    old = snapshot(directory)
    options = ["-o", "out.fits", *(["--overwrite"] if old else [])]
    command = [verb, str(given / "small.gen.txt"), *options]
    assert faulty.run(*command, below=directory).status == 0
    whole = snapshot(directory)

    for fault in (errno.ENOSPC, KILL):

        def run(at: int, fault: int = fault) -> Ended:
            begin()
            return faulty.run(*command, below=directory, at=at, what=fault)

        for call, ended in each_call(run, 5):
            assert ended.status == (1 if fault > 0 else -9), call
            assert "Traceback" not in ended.err, call
            assert ended.out == "", call
            left = snapshot(directory)
            assert left.get("out.fits") in (old.get("out.fits"), whole["out.fits"]), call
            assert fault == KILL or len(left) < 2
            faulty.run(*command, below=directory)
            assert snapshot(directory) == whole, call


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EROFS, KILL])
def test_a_cache_that_cannot_be_written_is_done_without(
    faulty: Faulty, given: Path, whole: bytes, tmp_path: Path, fault: int
) -> None:
    out = tmp_path / "out.fits"
    cache = faulty.scratch / "cache"

    def run(at: int, fault: int = fault) -> Ended:
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(mode=0o700)
        out.unlink(missing_ok=True)
        return faulty.run(*convert(given), "-o", out, below=cache, at=at, what=fault)

    for call, ended in each_call(run, 4):
        if fault == KILL:
            assert ended.status == -9, call
            ended = faulty.run(*convert(given), "-o", out, below=cache)
        assert (ended.status, ended.err, out.read_bytes()) == (0, "", whole), call


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
def test_an_input_that_cannot_be_unpacked(
    faulty: Faulty, given: Path, whole: bytes, tmp_path: Path, fault: int
) -> None:
    out = tmp_path / "out.fits"

    def run(at: int) -> Ended:
        out.unlink(missing_ok=True)
        command = [*convert(given, "raw.fits.gz"), "-o", str(out)]
        return faulty.run(*command, below=faulty.scratch / "tmp", at=at, what=fault)

    for call, ended in each_call(run, 1):
        if ended.status == 0:  # Python's tempfile tries again by another way.
            assert out.read_bytes() == whole, call
            continue
        first, *_, count = ended.err.splitlines()
        assert (ended.status, ended.out, count) == (1, "", "1 error"), call
        assert first.startswith(f"{given}/raw.fits.gz: error: "), call
        assert os.strerror(fault) in first, call
        assert not out.exists()
