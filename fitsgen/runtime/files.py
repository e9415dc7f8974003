"""Bytes to a file that is complete, or to none.

In: a path and the parts of a FITS file, a header and data each. Out: the file under its
name, synced, or an OutputError and nothing left behind. NumPy is not needed here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitsgen.diagnostics import OutputError, Position, Problem, Source
from fitsgen.runtime.writing import Part, Progress, WrongSize, write_parts

MAX_NAME = 200
MAX_STEM = 50  # of a temporary name, which must stay under 255 bytes
STALE_AFTER = 24 * 3600.0


def write_file(
    path: Path,
    parts: Sequence[Part],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write a file whole, so that its name never stands for a part of it.

    The bytes go to a file without a name in the target's directory, whose space is
    reserved first; when all is written and synced it gets its name in one step.

    Parameters:
        progress: called with the bytes written and the bytes in all, about once a MiB.

    Raises:
        OutputError: where the file exists and `overwrite` is not set, or cannot be written.
    """
    check_output(path, overwrite, ())
    total = sum(part.size for part in parts)
    with (
        _directory(path) as directory,
        _unfinished(path, directory, total) as draft,
        _plain_words(path, total),
    ):
        _reserve(draft.fd, total)
        write_parts(draft.fd, parts, progress)
        os.fsync(draft.fd)
        draft.publish(path.name, overwrite)
        _sync_directory(directory)


def check_output(path: Path, overwrite: bool, inputs: Sequence[Path]) -> None:
    """Refuse, before any work, an output that `write_file` would refuse or that is an input.

    Raises:
        OutputError: says what stands in the way.
    """
    if not path.name or "\0" in str(path):
        raise _refusal(path, "this is no name for a file")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        _check_directory(path)
        return
    except OSError as error:
        raise _refusal(path, _explain(error, path, 0)) from error
    for given in inputs:
        with contextlib.suppress(OSError):
            if path.samefile(given):
                raise _refusal(path, f"is an input ({given}); the output must be another file")
    if stat.S_ISDIR(mode):
        raise _refusal(path, "is a directory; a file name is needed")
    if not overwrite:
        raise _refusal(path, "exists; --overwrite replaces it")
    if stat.S_ISLNK(mode):
        raise _refusal(path, "is a symbolic link, which is never replaced; name the file itself")
    if not stat.S_ISREG(mode):
        raise _refusal(path, "is no regular file, and is never replaced")
    _check_directory(path)


def safe_name(value: object) -> str:
    """Return a header value as a file name, where it can be one.

    Raises:
        ValueError: where it is anything but 1 to 200 letters, digits, '.', '_' and '-',
            or starts with '.' or '-', or has '..' in it.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"a file name is needed, but the header value is {value!r}")
    name = str(value)
    if not name:
        raise ValueError("a file name is needed, but the header value is empty")
    if len(name) > MAX_NAME:
        raise ValueError(f"the name has {len(name)} characters; {MAX_NAME} is the most")
    wrong = re.search(r"[^A-Za-z0-9._-]", name)
    if wrong:
        raise ValueError(
            f"{name!r} has {wrong[0]!r} in it; a file name made from header values"
            " may hold letters, digits, '.', '_' and '-'"
        )
    if ".." in name:
        raise ValueError(f"{name!r} has '..' in it; a file name made from header values must not")
    if name[0] in ".-":
        raise ValueError(f"{name!r} starts with {name[0]!r}; a file name must not")
    return name


@dataclass(frozen=True, slots=True)
class _Draft:
    """The file while it is written; `part` is its temporary name, '' where it has none."""

    fd: int
    directory: int
    part: str
    spare: str

    def publish(self, name: str, overwrite: bool) -> None:
        """Give the file its final name: an existing one is refused, or replaced whole."""
        if not overwrite:
            self._link(name)
        elif self.part:
            os.replace(self.part, name, src_dir_fd=self.directory, dst_dir_fd=self.directory)
        else:
            self._link(self.spare)
            try:
                os.replace(self.spare, name, src_dir_fd=self.directory, dst_dir_fd=self.directory)
            except BaseException:
                os.unlink(self.spare, dir_fd=self.directory)
                raise

    def _link(self, name: str) -> None:
        # A directory descriptor makes os.link call linkat(2), which alone follows
        # the link in /proc to the file itself.
        source = self.part or f"/proc/self/fd/{self.fd}"
        os.link(
            source,
            name,
            src_dir_fd=self.directory,
            dst_dir_fd=self.directory,
            follow_symlinks=not self.part,
        )


@contextlib.contextmanager
def _directory(path: Path) -> Iterator[int]:
    with _plain_words(path):
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield directory
    finally:
        os.close(directory)


@contextlib.contextmanager
def _unfinished(path: Path, directory: int, total: int) -> Iterator[_Draft]:
    """Open a file to write to; whatever happens, it is gone or has its final name after."""
    part = f".{path.name[:MAX_STEM]}.{os.getpid()}.{secrets.token_hex(8)}.part"
    with _plain_words(path, total):
        fd = _open_unnamed(directory)
        draft = _Draft(fd, directory, "", part)
        if fd < 0:
            _sweep(path, directory)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            draft = _Draft(os.open(part, flags, 0o666, dir_fd=directory), directory, part, part)
    try:
        yield draft
    finally:
        os.close(draft.fd)
        if draft.part:
            with contextlib.suppress(OSError):
                os.unlink(draft.part, dir_fd=directory)


def _open_unnamed(directory: int) -> int:
    """Return a file that vanishes unless it is linked, or -1 where the system has none."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return -1
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666, dir_fd=directory)
    except OSError as error:
        # Old kernels take O_TMPFILE for a wish to write to the directory (EISDIR).
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            return -1
        raise


def _sweep(path: Path, directory: int) -> None:
    """Remove what killed processes of this user left of the same output a day or more ago."""
    ours = re.compile(re.escape(f".{path.name[:MAX_STEM]}.") + r"\d+\.[0-9a-f]{16}\.part")
    for name in os.listdir(directory):
        if ours.fullmatch(name):
            with contextlib.suppress(OSError):
                info = os.stat(name, dir_fd=directory, follow_symlinks=False)
                old = time.time() - info.st_mtime > STALE_AFTER
                if old and info.st_uid == os.geteuid() and stat.S_ISREG(info.st_mode):
                    os.unlink(name, dir_fd=directory)


def _reserve(fd: int, total: int) -> None:
    """Take the disk space before the work, where the file system knows how to."""
    try:
        os.posix_fallocate(fd, 0, total)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV):
            raise
        # What is never written then reads as zeros too.
        os.ftruncate(fd, total)


def _sync_directory(directory: int) -> None:
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EROFS):  # some file systems cannot
            raise


def _check_directory(path: Path) -> None:
    parent = path.parent
    if not parent.exists():
        raise _refusal(path, f"the directory {parent} does not exist")
    if not parent.is_dir():
        raise _refusal(path, f"{parent} is no directory")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _refusal(path, f"the directory {parent} cannot be written to")


@contextlib.contextmanager
def _plain_words(path: Path, size: int = 0) -> Iterator[None]:
    """Turn a failure of the system into an OutputError."""
    try:
        yield
    except OSError as error:
        raise _refusal(path, _explain(error, path, size)) from error
    except WrongSize as error:
        raise _refusal(path, str(error)) from error


def _explain(error: OSError, path: Path, size: int) -> str:
    words = {
        errno.EEXIST: "exists; --overwrite replaces it",
        errno.ENOSPC: f"the disk is full: {size:,} bytes are needed",
        errno.EDQUOT: f"your disk quota does not allow {size:,} bytes more",
        errno.EFBIG: f"{size:,} bytes are more than the file system or a limit (ulimit -f) allows",
        errno.EIO: "the disk reports an error; its contents may be at risk",
        errno.EROFS: "the file system is read-only",
        errno.EACCES: f"no permission to write in the directory {path.parent}",
        errno.EPERM: f"no permission to write in the directory {path.parent}",
        errno.ENAMETOOLONG: "the name is too long",
        errno.ENOENT: f"the directory {path.parent} does not exist",
        errno.ENOTDIR: f"{path.parent} is no directory",
        errno.EISDIR: "is a directory; a file name is needed",
    }
    return words.get(error.errno or 0, f"cannot be written: {error.strerror or error}")


def _refusal(path: Path, reason: str) -> OutputError:
    return OutputError(Problem(reason, Position(Source(str(path)))))
