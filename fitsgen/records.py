"""What was made from what: a file of records beside the files that were made.

In: the path of the file of records. Out: a `Record` of each file that was made, by its name. A line
is a JSON object: `begun` before a file is made, so that it is known as ours whenever the work is
cut off, and `made` with digests after it. The last line of a name counts.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from fitsgen.diagnostics import InputError, OutputError, Position, Problem, Source

MAX_SIZE = 256 * 2**20  # a million records
MAX_LINE = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was: its size in bytes, when it was changed, the SHA-256 of its bytes."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file, in blocks; raises `OSError` where that fails."""
        with path.open("rb", buffering=0) as file:
            # Before it is read: what is written to it after that gives it a later time.
            info = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(info.st_size, info.st_mtime_ns, digest)

    def holds(self, path: Path) -> bool:
        """Whether a file is what it was.

        Size and time of change as they were are taken for the same bytes, as `make` does.
        """
        try:
            info = path.stat()
            if (info.st_size, info.st_mtime_ns) == (self.size, self.mtime_ns):
                return True
            return info.st_size == self.size and self.of(path).sha256 == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Record:
    """What a file was made from: digests of what it depends on, and what it then was.

    recipe
        The digest of all that was asked for besides files.
    template
        The digest of the template, its includes and its checks.
    inputs
        By path, relative to the directory of the records.

    """

    version: str
    recipe: str
    template: str
    inputs: Mapping[str, Stamp]
    output: Stamp


class Records:
    """The records of one directory; several processes may write to them at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Record | None]:
        """Return the record of each file that is ours, None where its making was cut off.

        Raises
        ------
        InputError
            The file of records cannot be read, or is too large.

        """
        try:
            with self._opened(os.O_RDONLY) as descriptor:
                return {name: _record(line) for name, line in _lines(self._whole(descriptor))}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(self._problem(error)) from None

    def begin(self, name: str) -> None:
        """Say that a file is about to be made; raises `OutputError`."""
        self._append({"begun": name})

    def add(self, name: str, record: Record) -> None:
        """Say what a file was made from; raises `OutputError`."""
        self._append({"made": name, **asdict(record)})

    def forget(self, name: str) -> None:
        """Say that a file was not made after all; raises `OutputError`."""
        self._append({"dropped": name})

    def compact(self) -> None:
        """Leave one line for each file that is ours, in one step; raises `OutputError`."""
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.part")
        try:
            with self._locked(fcntl.LOCK_EX) as descriptor:
                text = b"".join(line for _, line in _lines(self._whole(descriptor)))
                if text:
                    _write(temporary, text)
                    temporary.replace(self._path)
                else:
                    self._path.unlink()
        except OSError as error:
            raise OutputError(self._problem(error)) from None
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _append(self, line: Mapping[str, object]) -> None:
        # What was torn from a line before by a full disk or a fall of the machine ends here.
        text = b"\n" + json.dumps(line).encode("ascii") + b"\n"
        try:
            with self._locked(fcntl.LOCK_SH) as descriptor:
                if os.write(descriptor, text) != len(text):
                    raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            raise OutputError(self._problem(error)) from None

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[int]:
        """Open the file that has the name now, and lock it against being replaced."""
        while True:
            with self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
                with contextlib.suppress(OSError):  # A file system without locks: none is needed
                    fcntl.flock(descriptor, kind)  # as long as one process works on a directory.
                if self._is_current(descriptor):
                    yield descriptor
                    return

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.lstat())
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        # Not through a link, which may lead anywhere; and without waiting for a pipe.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o666)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _whole(self, descriptor: int) -> bytes:
        size = os.fstat(descriptor).st_size
        if size > MAX_SIZE:
            raise OSError(errno.EFBIG, f"has {size:,} bytes; {MAX_SIZE:,} is the most")
        return os.pread(descriptor, size, 0)

    def _problem(self, error: OSError) -> Problem:
        reason = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror or error
        message = f"the record of what was made cannot be kept here: {reason}"
        return Problem(message, Position(Source(str(self._path))))


def _write(path: Path, text: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    with open(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _lines(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the last line of each name that is ours; a torn or strange line counts for nothing."""
    last: dict[str, bytes] = {}
    for line in text.splitlines(keepends=True):
        match _parsed(line):
            case {"begun": str(name)} | {"made": str(name)}:
                last[name] = line
            case {"dropped": str(name)}:
                last.pop(name, None)
    yield from last.items()


def _record(line: bytes) -> Record | None:
    """Return what a line says of how a file was made, None where it does not say it."""
    fields: Any = _parsed(line)
    try:
        return Record(
            version=str(fields["version"]),
            recipe=str(fields["recipe"]),
            template=str(fields["template"]),
            inputs={str(path): Stamp(**stamp) for path, stamp in fields["inputs"].items()},
            output=Stamp(**fields["output"]),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _parsed(line: bytes) -> object:
    if not line.endswith(b"\n") or len(line) > MAX_LINE:
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
