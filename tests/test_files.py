"""A file appears complete or not at all, and nothing else is touched."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fitsgen.diagnostics import OutputError
from fitsgen.runtime.encoded import Buffer, Encoded
from fitsgen.runtime.files import check_output, safe_name, write_file
from fitsgen.runtime.writing import Part, Unmade

HEADER = b"SIMPLE".ljust(2880)


def part(*blocks: Buffer, size: int | None = None, fill: bytes = b"\0") -> Part:
    total = sum(len(block) for block in blocks) if size is None else size
    return Part(HEADER, Encoded((), total, fill, lambda: iter(blocks)))


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write by a file without a name, and as systems do that know none."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE")
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no unnamed files")
    return str(request.param)


def contents(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_parts_are_written_in_order_and_padded(tmp_path: Path, way: str) -> None:
    path = tmp_path / "out.fits"
    seen: list[tuple[int, int]] = []
    parts = [
        Part(HEADER),
        part(b"ab", b"", b"c"),
        part(memoryview(b"x" * 2880)),
        part(b"t", fill=b" "),
    ]
    write_file(path, parts, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == (
        HEADER
        + HEADER
        + b"abc".ljust(2880, b"\0")
        + HEADER
        + b"x" * 2880
        + HEADER
        + b"t".ljust(2880)
    )
    assert contents(tmp_path) == ["out.fits"]
    assert seen[-1] == (7 * 2880, 7 * 2880)
    assert seen == sorted(seen)


def test_the_mode_is_what_the_umask_leaves(tmp_path: Path, way: str) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "out.fits", [Part(HEADER)])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.fits").stat().st_mode) == 0o640


def test_a_name_relative_to_the_current_directory(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(Path("out.fits"), [Part(HEADER)])
    write_file(Path("out.fits"), [part(b"new")], overwrite=True)
    assert (tmp_path / "out.fits").stat().st_size == 5760
    assert contents(tmp_path) == ["out.fits"]


@pytest.mark.parametrize("name", ["x" * 250, "ü" * 120])
def test_long_names_are_no_matter(tmp_path: Path, way: str, name: str) -> None:
    for overwrite in (False, True):
        write_file(tmp_path / name, [Part(HEADER)], overwrite=overwrite)
    assert contents(tmp_path) == [name]


def make_nothing(path: Path) -> None:
    pass


def make_file(path: Path) -> None:
    path.write_bytes(b"old")


def make_empty(path: Path) -> None:
    path.touch()


def make_directory(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    (path.parent / "target").write_bytes(b"old")
    path.symlink_to("target")


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


OBSTACLES = [
    (make_file, False, "exists; --overwrite replaces it"),
    (make_empty, False, "exists; --overwrite replaces it"),
    (make_link, False, "exists; --overwrite replaces it"),
    (make_dangling, False, "exists; --overwrite replaces it"),
    (make_fifo, False, "exists"),
    (make_directory, False, "is a directory"),
    (make_directory, True, "is a directory"),
    (make_link, True, "symbolic link"),
    (make_dangling, True, "symbolic link"),
    (make_fifo, True, "no regular file"),
]


@pytest.mark.parametrize(("make", "overwrite", "message"), OBSTACLES)
def test_what_is_there_is_left_as_it_is(
    tmp_path: Path, way: str, make: Callable[[Path], None], overwrite: bool, message: str
) -> None:
    path = tmp_path / "out.fits"
    make(path)
    before = contents(tmp_path), path.lstat()
    for attempt in (
        lambda: write_file(path, [Part(HEADER)], overwrite=overwrite),
        lambda: check_output(path, overwrite, []),
    ):
        with pytest.raises(OutputError, match=message):
            attempt()
    assert (contents(tmp_path), path.lstat()) == before


@pytest.mark.parametrize("make", [make_file, make_dangling, make_directory])
def test_a_name_taken_while_the_file_is_written_is_refused(
    tmp_path: Path, way: str, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "out.fits"

    def blocks() -> Iterator[bytes]:
        make(path)
        yield b"data"

    with pytest.raises(OutputError, match="exists"):
        write_file(path, [Part(HEADER, Encoded((), 4, b"\0", blocks))])
    assert contents(tmp_path) == ["out.fits"]
    assert path.is_symlink() or path.is_dir() or path.read_bytes() == b"old"


def test_a_directory_made_in_the_meantime_is_not_replaced(tmp_path: Path, way: str) -> None:
    path = tmp_path / "out.fits"

    def blocks() -> Iterator[bytes]:
        path.mkdir()
        yield b"data"

    with pytest.raises(OutputError, match="is a directory"):
        write_file(path, [Part(HEADER, Encoded((), 4, b"\0", blocks))], overwrite=True)
    assert contents(tmp_path) == ["out.fits"]


def test_overwriting_is_one_step(tmp_path: Path, way: str) -> None:
    path = tmp_path / "out.fits"
    path.write_bytes(b"old")

    def blocks() -> Iterator[bytes]:
        assert path.read_bytes() == b"old"
        yield b"data"

    with path.open("rb") as reader:
        write_file(path, [Part(HEADER, Encoded((), 4, b"\0", blocks))], overwrite=True)
        assert reader.read() == b"old"
    assert path.stat().st_size == 5760
    assert contents(tmp_path) == ["out.fits"]


class Stopped(BaseException):
    """Stands for what ends a program: an interrupt, an exit."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stopped, MemoryError, ValueError])
@pytest.mark.parametrize("overwrite", [False, True])
def test_work_that_fails_leaves_nothing(
    tmp_path: Path, way: str, error: type[BaseException], overwrite: bool
) -> None:
    path = tmp_path / "out.fits"
    if overwrite:
        path.write_bytes(b"old")

    def blocks() -> Iterator[bytes]:
        yield b"some"
        raise error

    with pytest.raises((error, Unmade)):
        write_file(path, [Part(HEADER, Encoded((), 8, b"\0", blocks))], overwrite=overwrite)
    assert contents(tmp_path) == (["out.fits"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


@pytest.mark.parametrize("size", [2, 4])
def test_data_of_another_length_than_told_is_an_error(tmp_path: Path, way: str, size: int) -> None:
    with pytest.raises(OutputError, match=r"longer than the 2|ended after 3 of 4"):
        write_file(tmp_path / "out.fits", [part(b"abc", size=size)])
    assert contents(tmp_path) == []


FAILURES = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EDQUOT, "quota"),
    (errno.EIO, "the disk reports an error"),
    (errno.EFBIG, "ulimit"),
    (errno.EROFS, "read-only"),
    (errno.EACCES, "no permission"),
    (errno.ELOOP, "cannot be written"),
]


@pytest.mark.parametrize("call", ["open", "posix_fallocate", "pwrite", "fsync", "link", "replace"])
@pytest.mark.parametrize(("number", "message"), FAILURES)
def test_a_failure_of_the_system_is_told_in_plain_words(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch, call: str, number: int, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    overwrite = call == "replace"
    path = tmp_path / "out.fits"
    if overwrite:
        path.write_bytes(b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError, match=message) as caught:
        write_file(path, [part(b"x")], overwrite=overwrite)
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert contents(tmp_path) == (["out.fits"] if overwrite else [])


def test_a_file_system_without_reservations_or_directory_sync_will_do(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reserve(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no")

    def sync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "no")

    monkeypatch.setattr(os, "posix_fallocate", reserve)
    monkeypatch.setattr(os, "fsync", sync)
    write_file(tmp_path / "out.fits", [part(b"x")])
    assert (tmp_path / "out.fits").stat().st_size == 5760


def test_short_writes_are_continued(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7])))
    write_file(tmp_path / "out.fits", [part(b"0123456789" * 100)])
    monkeypatch.undo()
    assert (tmp_path / "out.fits").read_bytes()[2880:3880] == b"0123456789" * 100


def test_the_order_is_reserve_write_sync_name_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("posix_fallocate", "pwrite", "fsync", "link"):
        real = getattr(os, name)

        def note(*args: object, real: Callable[..., object] = real, **more: object) -> object:
            calls.append(real.__name__)
            return real(*args, **more)

        monkeypatch.setattr(os, name, note)
    write_file(tmp_path / "out.fits", [Part(HEADER)])
    assert calls == ["posix_fallocate", "pwrite", "fsync", "link", "fsync"]


def test_unnamed_files_that_a_file_system_lacks_are_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def without(path: str, flags: int, *args: int, **more: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "no")
        return real(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", without)
    write_file(tmp_path / "out.fits", [Part(HEADER)])
    assert contents(tmp_path) == ["out.fits"]


def test_a_missing_directory_and_a_file_in_its_place(tmp_path: Path, way: str) -> None:
    (tmp_path / "file").touch()
    for path, message in (
        (tmp_path / "none" / "out.fits", "none does not exist"),
        (tmp_path / "file" / "out.fits", "is no directory"),
        (Path("/"), "no name"),
        (tmp_path / "a\0b", "no name"),
        (tmp_path / ("x" * 300), "too long"),
    ):
        with pytest.raises(OutputError, match=message):
            write_file(path, [Part(HEADER)])
        with pytest.raises(OutputError, match=message):
            check_output(path, False, [])


def test_an_unwritable_directory_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written to"):
        check_output(tmp_path / "out.fits", False, [])


def test_an_input_is_never_the_output(tmp_path: Path) -> None:
    given = tmp_path / "raw.fits"
    given.write_bytes(b"raw")
    (tmp_path / "soft.fits").symlink_to(given)
    (tmp_path / "hard.fits").hardlink_to(given)
    for name in ("raw.fits", "soft.fits", "hard.fits"):
        for overwrite in (False, True):
            with pytest.raises(OutputError, match="is an input"):
                check_output(tmp_path / name, overwrite, [tmp_path / "gone.fits", given])
    check_output(tmp_path / "other.fits", False, [given])


@pytest.mark.parametrize("name", ["a.fits", "A-1_b.2", "7", 7, "x" * 200])
def test_names_that_are_safe(name: object) -> None:
    assert safe_name(name) == str(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../x", "/", "a/b", ".hidden", "-rf", "#ERROR", "a b", "a\0", "a\n", "ä",
     "x" * 201, "x" * 4000, True, None, 1.5, b"a", ["a"]],
)  # fmt: skip
def test_names_that_are_not(name: object) -> None:
    with pytest.raises(ValueError, match=r"file name|characters"):
        safe_name(name)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 2 MiB, where this user may."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("reserve", [True, False])
def test_a_full_disk(
    tiny_disk: Path, way: str, reserve: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no")

    if not reserve:
        monkeypatch.setattr(os, "posix_fallocate", unsupported)
    big = part(*[b"x" * (1 << 20)] * 4)
    with pytest.raises(OutputError, match="the disk is full: 4,199,040 bytes"):
        write_file(tiny_disk / "out.fits", [big])
    assert contents(tiny_disk) == []
    write_file(tiny_disk / "out.fits", [part(b"x" * (1 << 20))])


@pytest.mark.slow
def test_a_read_only_disk(tiny_disk: Path, way: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(OutputError, match=r"read-only|cannot be written to"):
        write_file(tiny_disk / "out.fits", [Part(HEADER)])
