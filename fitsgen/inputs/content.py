"""The bytes of an open file, read by `pread` alone.

In: a descriptor. Out: an `OpenFile`, and `Span`s of it. Nothing is mapped into memory: a file
that becomes shorter while it is used gives an error, where a map would end the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitsgen.diagnostics import Problem, input_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitsgen.lazy.pieces import Shape

PIECE = 1 << 20
WINDOW = 1 << 16


class OpenFile:
    """A file that can be read from any place, by any thread; it is closed with its last user.

    path
        As the user named it.
    size
        In bytes, when it was opened.
    problems
        Warnings about the file as a whole.

    """

    __slots__ = ("_descriptor", "path", "problems", "size")

    def __init__(self, path: str, descriptor: int, problems: tuple[Problem, ...] = ()) -> None:
        """Take an open file, of which the descriptor is copied; raises `OSError`."""
        self._descriptor = -1
        self._descriptor = os.dup(descriptor)
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self.problems = problems

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def fetch(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with what begins at a byte of the file; raises `InputError`."""
        while buffer:
            try:
                count = os.preadv(self._descriptor, [buffer], offset)
            except OSError as error:
                where = f"cannot be read at byte {offset}"
                raise input_error(self.path, f"{where}: {error.strerror or error}") from None
            if not count:
                now = os.fstat(self._descriptor).st_size
                message = f"became shorter while it was read: from {self.size} to {now} bytes"
                raise input_error(self.path, message)
            buffer, offset = buffer[count:], offset + count

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a part of the file; raises `InputError`."""
        made = bytearray(stop - start)
        self.fetch(memoryview(made), start)
        return bytes(made)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file that follow each other, to be read when they are wanted."""

    file: OpenFile
    start: int
    size: int

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        """Read them all; raises `InputError`."""
        return self.file.read(self.start, self.start + self.size)

    def part(self, start: int, stop: int) -> Span:
        """Return some of them, as few as there are."""
        start = min(start, self.size)
        return Span(self.file, self.start + start, max(0, min(stop, self.size) - start))

    def pieces(self) -> Iterator[memoryview]:
        """Read them in pieces of up to 1 MiB; each takes the place of the one before."""
        buffer = memoryview(bytearray(min(PIECE, self.size)))
        for start in range(0, self.size, PIECE):
            piece = buffer[: self.size - start]
            self.file.fetch(piece, self.start + start)
            yield piece

    def where(self, dtype: str, shape: Shape) -> NDArray[Any]:
        """Return where elements of a type and shape lie that begin here.

        Raises
        ------
        ValueError
            NumPy has no such shape.

        """
        from fitsgen.lazy.pieces import placed

        return placed(self.start, dtype, shape)


class Window:
    """Bytes of a file to be sliced, for a reader that goes forward in small steps."""

    __slots__ = ("_content", "_span", "_start")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._start = 0
        self._content = b""

    def __len__(self) -> int:
        return self._span.size

    def __getitem__(self, key: slice) -> bytes:
        """Return the bytes of a slice, as few as there are; raises `InputError`."""
        start, stop, _ = key.indices(self._span.size)
        at = start - self._start
        if at < 0 or stop - self._start > len(self._content):
            if stop - start > WINDOW:
                return bytes(self._span.part(start, stop))
            self._content = bytes(self._span.part(start, start + WINDOW))
            self._start, at = start, 0
        return self._content[at : at + stop - start]
