"""Bytes to a file that is complete, or to none: the one way in which fitsgen writes files.

In: a path and the parts of a FITS file, a header and data each; or whoever writes. Out: the file
under its name, synced, or an OutputError and nothing left behind. NumPy is not needed here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitsgen.diagnostics import OutputError, Position, Problem, Source
from fitsgen.runtime.drafts import InUse, discard_abandoned, draft, part_name
from fitsgen.runtime.writing import Part, Progress, WrongSize, write_parts
from fitsgen.signals import Held

MAX_NAME = 200


def write_file(
    path: Path,
    parts: Sequence[Part],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    disposable: bool = False,
) -> None:
    """Write a file whole, so that its name never stands for a part of it.

    Parameters:
        progress: called with the bytes written and the bytes in all, about once a MiB.
        disposable: as in `whole_file`.

    Raises:
        OutputError: where the file exists and `overwrite` is not set, or cannot be written.
    """
    total = sum(part.size for part in parts)
    with (
        whole_file(path, overwrite=overwrite, size=total, disposable=disposable) as file,
        file.interruptible(),
    ):
        write_parts(file.fd, parts, progress)


def write_bytes(
    path: Path, content: bytes, *, overwrite: bool = False, disposable: bool = False
) -> None:
    """Write a file of another kind whole, as `write_file` does, which it raises as."""
    write_file(path, [Part(content)], overwrite=overwrite, disposable=disposable)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A file while it is written: its descriptor, and where signals may interrupt that."""

    fd: int
    interruptible: Callable[[], Held]


@contextlib.contextmanager
def whole_file(
    path: Path, *, overwrite: bool = False, size: int = 0, disposable: bool = False
) -> Iterator[Unfinished]:
    """Give what is to be written; if that does not fail, it gets its name in one step.

    The bytes go to a file without a name in the target's directory, whose space is
    reserved first; when all is written and synced it gets its name. A file that is replaced
    passes on its permissions, and its owner and group where this process may set them.

    Parameters:
        size: the bytes of it, where that is known.
        disposable: whether it can be made anew at any time and is for its owner alone: it is not
            synced, and nobody else may read it.

    Raises:
        OutputError: where the file exists and `overwrite` is not set, or cannot be written.
    """
    check_output(path, overwrite, ())
    with plain_words(path, size), Held() as held, _directory(path) as directory:
        old = _replaced(directory, path.name) if overwrite and not disposable else None
        with draft(directory, path.name, 0o600 if old or disposable else 0o666) as made:
            _reserve(made.fd, size)
            yield Unfinished(made.fd, held.interruptible)
            if old:
                _pass_on(old, made.fd)
            if not disposable:
                with held.interruptible():
                    os.fsync(made.fd)
            _require_in_place(path, directory)
            made.publish(path.name, overwrite=overwrite)
        if not disposable:
            _sync_directory(path, directory)


def check_output(path: Path, overwrite: bool, inputs: Sequence[Path]) -> None:
    """Refuse, before any work, an output that `write_file` would refuse or that is an input.

    What a killed process left of it is removed.

    Raises:
        OutputError: says what stands in the way.
    """
    if not path.name or "\0" in str(path):
        raise _refusal(path, "this is no name for a file")
    with contextlib.suppress(OSError), _directory(path) as directory:
        discard_abandoned(directory, part_name(path.name))
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
        raise _refusal(
            path,
            "is a symbolic link, which is never replaced",
            "name the file itself, or add --follow-links",
        )
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


def followed(path: Path) -> Path:
    """Return the file that a symbolic link stands for, also where that is yet to be made."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextlib.contextmanager
def _directory(path: Path) -> Iterator[int]:
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield directory
    finally:
        os.close(directory)


def _replaced(directory: int, name: str) -> os.stat_result | None:
    """Return what is known of the file that is to be replaced, if there is one."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _pass_on(old: os.stat_result, fd: int) -> None:
    """Give a file the owner, group and permissions of another, as far as this process may.

    Not the bits that let a program run as its owner or group. A group that could not be passed on
    has no more permissions than anybody.
    """
    for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
        with _where_possible():
            os.fchown(fd, owner, group)
    mode = stat.S_IMODE(old.st_mode) & 0o777
    if os.fstat(fd).st_gid != old.st_gid:
        mode = mode & ~0o070 | (mode & 0o007) << 3 & mode
    with _where_possible():
        os.fchmod(fd, mode)


@contextlib.contextmanager
def _where_possible() -> Iterator[None]:
    """Do without what this user may not do, or the file system cannot."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EINVAL, *_UNSUPPORTED):
            raise


_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV)


def _require_in_place(path: Path, directory: int) -> None:
    """Refuse to name a file in a directory that is now elsewhere, or nowhere."""
    try:
        is_there = os.path.samestat(os.stat(path.parent), os.fstat(directory))
    except FileNotFoundError:
        is_there = False
    if not is_there:
        raise _refusal(
            path, f"the directory {path.parent} was moved or removed while the file was written"
        )


def _reserve(fd: int, total: int) -> None:
    """Take the disk space before the work, where the file system knows how to."""
    if not total:
        return
    try:
        os.posix_fallocate(fd, 0, total)
    except OSError as error:
        if error.errno not in (errno.EINVAL, *_UNSUPPORTED):
            raise
        # What is never written then reads as zeros too.
        os.ftruncate(fd, total)


def _sync_directory(path: Path, directory: int) -> None:
    """Have the name on the disk, too. Where that fails, the file stands, and is whole."""
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EROFS):  # some file systems cannot
            reason = error.strerror or str(error)
            raise _refusal(
                path,
                "the file is whole, but its directory could not be synced"
                f" ({reason}): a failure of power may take it away",
            ) from error


def _check_directory(path: Path) -> None:
    parent = path.parent
    if not parent.exists():
        raise _refusal(path, f"the directory {parent} does not exist")
    if not parent.is_dir():
        raise _refusal(path, f"{parent} is no directory")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _refusal(path, f"the directory {parent} cannot be written to")


@contextlib.contextmanager
def plain_words(path: Path, size: int = 0) -> Iterator[None]:
    """Turn a failure of the system into an OutputError; `size` is that of the file."""
    try:
        yield
    except OSError as error:
        raise _refusal(path, _explain(error, path, size)) from error
    except WrongSize as error:
        raise _refusal(path, str(error)) from error
    except InUse as error:
        hint = f"if none is, remove {path.with_name(str(error))}"
        raise _refusal(path, "another process is writing it", hint) from error


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


def _refusal(path: Path, reason: str, hint: str = "") -> OutputError:
    return OutputError(Problem(reason, Position(Source(str(path))), hint))
