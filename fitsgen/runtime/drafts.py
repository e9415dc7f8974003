"""A file while it is written: it gets its name in one step, or vanishes.

In: an open directory and the name that the file shall have. Out: a `Draft` to write to. It has no
name where the system knows how (open(2), O_TMPFILE). Else it has one that follows from the
file's, and a lock (flock(2)), which ends with its process, however that ends: so the next one
that writes the file recognises what was left behind, and looks at nothing else.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

MAX_STEM = 50  # of a temporary name, which must stay under 255 bytes
STALE_AFTER = 24 * 3600.0  # where the file system has no locks
PATIENCE = 1.0  # seconds to wait for another process

T = TypeVar("T")


class InUse(Exception):  # noqa: N818 - says what is wrong
    """Another process is writing the file."""


class _Lock(enum.Enum):
    OURS = enum.auto()
    OTHERS = enum.auto()
    UNKNOWN = enum.auto()  # the file system has none


@dataclass(frozen=True, slots=True)
class Draft:
    """An unfinished file, in an open directory.

    part
        The name that it has or may have in between.

    """

    fd: int
    directory: int
    part: str
    has_name: bool

    def publish(self, name: str, *, overwrite: bool) -> None:
        """Give the file its final name: an existing one is refused, or replaced whole.

        Raises
        ------
        OSError, InUse

        """
        if not overwrite:
            self._link(name)
            return
        if not self.has_name:
            _claimed(self.directory, self.part, lambda: self._link(self.part))
        os.replace(self.part, name, src_dir_fd=self.directory, dst_dir_fd=self.directory)

    def _link(self, name: str) -> None:
        # A directory descriptor makes os.link call linkat(2), which alone follows
        # the link in /proc to the file itself.
        os.link(
            self.part if self.has_name else f"/proc/self/fd/{self.fd}",
            name,
            src_dir_fd=self.directory,
            dst_dir_fd=self.directory,
            follow_symlinks=not self.has_name,
        )

    def close(self) -> None:
        """End the work; the temporary name goes. What was to be told, a sync has told."""
        with contextlib.suppress(OSError):
            if _stands_for(self.directory, self.part, self.fd):
                os.unlink(self.part, dir_fd=self.directory)
        with contextlib.suppress(OSError):
            os.close(self.fd)


@contextlib.contextmanager
def draft(directory: int, name: str, mode: int) -> Iterator[Draft]:
    """Open a file to write to; whatever happens, it is gone or has its final name after.

    Parameters
    ----------
    directory
        An open directory.
    mode
        Its permissions, of which the system takes away the umask.

    Raises
    ------
    OSError, InUse

    """
    part = part_name(name)
    discard_abandoned(directory, part)
    fd = _open_unnamed(directory, mode)
    has_name = fd < 0
    if has_name:
        fd = _claimed(directory, part, lambda: _create(directory, part, mode))
    made = Draft(fd, directory, part, has_name)
    if not has_name:
        _lock(fd)
    try:
        yield made
    finally:
        made.close()


def part_name(name: str) -> str:
    """Return the temporary name of a file."""
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{name[:MAX_STEM]}.{digest}.part"


def discard_abandoned(directory: int, part: str) -> bool:
    """Remove what a process of this user left behind that was killed; return whether it is gone."""
    try:
        info = os.stat(part, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid():
            return False
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(part, flags, dir_fd=directory)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        lock = _lock(fd)
        is_old = time.time() - os.fstat(fd).st_mtime > STALE_AFTER
        # Who has the lock of a file may take its name away, and nobody else. Until it was ours the
        # name may have been given to another file.
        if lock is _Lock.OURS or (lock is _Lock.UNKNOWN and is_old):
            if _stands_for(directory, part, fd):
                os.unlink(part, dir_fd=directory)
            return True
    except OSError:
        pass
    finally:
        os.close(fd)
    return False


def _claimed(directory: int, part: str, make: Callable[[], T]) -> T:
    """Make something of a temporary name, once no other process has that."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return make()
        except FileExistsError:
            if not discard_abandoned(directory, part):
                if time.monotonic() > end:
                    raise InUse(part) from None
                time.sleep(0.01)


def _create(directory: int, part: str, mode: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(part, flags, mode, dir_fd=directory)
    try:
        # Before it was locked it looked as if it were left behind.
        if _lock(fd) is not _Lock.OTHERS and _stands_for(directory, part, fd):
            return fd
    except BaseException:
        Draft(fd, directory, part, has_name=True).close()
        raise
    os.close(fd)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _open_unnamed(directory: int, mode: int) -> int:
    """Return a file that vanishes unless it is linked, or -1 where the system has none."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return -1
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode, dir_fd=directory)
    except OSError as error:
        # Old kernels take O_TMPFILE for a wish to write to the directory (EISDIR).
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            return -1
        raise


def _lock(fd: int) -> _Lock:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Lock.OTHERS
    except OSError:
        return _Lock.UNKNOWN
    return _Lock.OURS


def _stands_for(directory: int, name: str, fd: int) -> bool:
    """Whether a name is that of an open file."""
    try:
        info = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(info, os.fstat(fd))
