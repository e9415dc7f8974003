"""A path to the bytes of a FITS file, mapped into memory read-only.

In: a path that a user gave. Out: an `OpenFile`: the file, or a temporary one without a name
where the input is gzip-compressed.
"""

from __future__ import annotations

import gzip
import mmap
import os
import stat
import tempfile
import zlib
from contextlib import ExitStack
from typing import IO

from fitsgen.diagnostics import InputError, Position, Problem, Source

# More than any compressed exposure unpacks to, and less than the disk of a shared machine.
MAX_UNPACKED = 64 * 2**30
# Detector data shrink to a half or a tenth, masks to a hundredth; only a file of nearly nothing
# comes near the 1032 to 1 that deflate can reach. So what goes beyond this is taken for a bomb,
# unless it is so small that it does no harm.
MAX_RATIO = 200
HARMLESS = 256 * 2**20
_PIECE = 2**20

_SIGNATURES = (
    (b"\x89HDF", "an HDF5 file"),
    (b"#ASDF", "an ASDF file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2-compressed file"),
    (b"\xfd7zXZ", "an xz-compressed file"),
    (b"\x1f\x9d", "a file packed by compress"),
    (b"<?xml", "an XML file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"<<file", "a data file or template"),
)


class OpenFile:
    """A file that is mapped into memory, and can be read without the map, too.

    What is read without it costs no memory beyond its buffer, and a file that became shorter
    gives an error there, where the map would end the process. It is closed with the last object
    that uses it.
    """

    __slots__ = ("_address", "_descriptor", "map", "path")

    def __init__(self, path: str, descriptor: int) -> None:
        """Map an open file; raises `OSError`."""
        self.path = path
        self._descriptor = os.dup(descriptor)
        self._address = 0
        self.map = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)

    def __del__(self) -> None:
        os.close(self._descriptor)

    @property
    def address(self) -> int:
        """Where in memory the map begins."""
        if not self._address:
            import numpy as np

            from fitsgen.lazy.pieces import address

            self._address = address(np.frombuffer(self.map, np.uint8))
        return self._address

    def fetch(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with what begins at a byte of the file; raises `InputError`."""
        while buffer:
            try:
                count = os.preadv(self._descriptor, [buffer], offset)
            except OSError as error:
                raise _unreadable(self.path, error) from None
            if not count:
                raise file_error(self.path, "became shorter while it was read")
            buffer, offset = buffer[count:], offset + count

    def release(self) -> None:
        """Give back the memory of what was looked at in the map."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.map.madvise(mmap.MADV_DONTNEED)


def open_file(path: str) -> OpenFile:
    """Open a FITS file.

    Raises
    ------
    InputError
        When the path is no regular file, cannot be read, is damaged gzip, unpacks
        to more than the limits above, or does not begin as a FITS file does
        (FITS Standard 4.0, section 4.4.1.1).
    """
    try:
        _require_regular(path)
        with open(path, "rb") as file:
            first = file.read(16)
            if not first:
                raise file_error(path, "the file is empty")
            file.seek(0)
            with _unpacked(file, path) if first.startswith(b"\x1f\x8b") else file as plain:
                _require_fits(plain.read(16), path)
                return OpenFile(path, plain.fileno())
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError as error:  # A path with a NUL in it.
        raise file_error(path, f"cannot be read: {error}") from None


def _unreadable(path: str, error: OSError) -> InputError:
    return file_error(path, f"cannot be read: {error.strerror or error}")


def file_error(path: str, message: str, hint: str = "") -> InputError:
    """Return an error about a file as a whole."""
    return InputError(Problem(message, Position(Source(path)), hint))


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether so many bytes are more than an honest compressed file holds."""
    return unpacked > MAX_UNPACKED or unpacked > max(HARMLESS, MAX_RATIO * packed)


def _require_regular(path: str) -> None:
    # Looked at before it is opened: opening a FIFO waits for ever, a device may act on it.
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise file_error(path, "is a directory: expected a FITS file")
    if not stat.S_ISREG(mode):
        raise file_error(path, "is a pipe, socket or device: expected a FITS file")


def _unpacked(file: IO[bytes], path: str) -> IO[bytes]:
    """Unpack gzip into a temporary file that has no name, so none is left behind."""
    with ExitStack() as undo:
        target = undo.enter_context(tempfile.TemporaryFile())
        try:
            _unpack(file, target, path)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise file_error(path, f"the gzip compression is damaged: {error}") from None
        target.seek(0)
        undo.pop_all()
    return target


def _unpack(file: IO[bytes], target: IO[bytes], path: str) -> None:
    packed, unpacked = os.fstat(file.fileno()).st_size, 0
    with gzip.GzipFile(fileobj=file) as source:
        while piece := source.read(_PIECE):
            unpacked += len(piece)
            if is_bomb(packed, unpacked):
                raise file_error(
                    path,
                    f"{packed} bytes of gzip unpack to more than {unpacked}: refused",
                    "where you trust the file, run gunzip on it and give the result",
                )
            target.write(piece)


def _require_fits(first: bytes, path: str) -> None:
    if first.startswith(b"SIMPLE  ="):
        return
    kinds = (kind for start, kind in _SIGNATURES if first.startswith(start))
    text = first.decode("latin-1")
    shown = next(kinds, f"`{text}`" if text.isascii() and text.isprintable() else first.hex(" "))
    raise file_error(path, f"is no FITS file: expected `SIMPLE  =` at its start, found {shown}")
