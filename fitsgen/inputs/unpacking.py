"""Gzip-compressed bytes to what they hold (RFC 1952).

In: an open file. Out: the bytes of all its members, one after another; or an `InputError`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO

from fitsgen.diagnostics import InputError, Position, Problem, Source, input_error, warning

MAGIC = b"\x1f\x8b"
# Tells zlib that the header and the sum of gzip stand around what is deflated.
_BITS = 16 + zlib.MAX_WBITS
_READ = 1 << 16
_MOST = 1 << 20


class Members:
    """The members of a gzip file, to be gone through once.

    problems
        Warnings, when that is done.

    """

    def __init__(self, file: IO[bytes], path: str) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._file = file
        self._path = path
        self._at = 0
        self._rest = b""

    def __iter__(self) -> Iterator[bytes]:
        """Yield what the members hold, in pieces of up to 1 MiB.

        Raises
        ------
        InputError
            A member is damaged, or not whole.

        """
        self._file.seek(0)
        self._more()
        while self._rest.startswith(MAGIC):
            yield from self._member()
            # The first bytes of the next one may be yet to be read.
            self._more()
        self._end()

    def _member(self) -> Iterator[bytes]:
        member = zlib.decompressobj(_BITS)
        while not member.eof:
            try:
                piece = member.decompress(self._rest, _MOST)
            except zlib.error as error:
                raise self._damaged(str(error).partition(": ")[2] or str(error)) from None
            self._rest = member.unconsumed_tail
            if not self._rest and not member.eof and not self._more() and not piece:
                raise self._damaged("it ends before its last member does")
            yield piece
        self._rest = member.unused_data

    def _more(self) -> int:
        """Read on, and return how many bytes there were."""
        read = self._file.read(_READ)
        self._at += len(read)
        self._rest += read
        return len(read)

    def _damaged(self, why: str) -> InputError:
        where = f"between bytes {max(0, self._at - _READ)} and {self._at}"
        return input_error(self._path, f"the gzip compression is damaged {where}: {why}")

    def _end(self) -> None:
        """Warn of what follows the last member, but of zeros, which tapes fill blocks with."""
        count, is_zero = len(self._rest), not self._rest.strip(b"\0")
        while read := self._file.read(_MOST):
            count, is_zero = count + len(read), is_zero and not read.strip(b"\0")
        if not is_zero:
            message = f"{count} bytes after the gzip-compressed data are ignored"
            self.problems = (warning(message, Position(Source(self._path))),)
