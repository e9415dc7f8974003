"""A path to the bytes of a FITS file.

In: a path that a user gave. Out: an `OpenFile`: the file, or a temporary one without a name
where the input is gzip-compressed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from typing import IO

from fitsgen.diagnostics import InputError, input_error
from fitsgen.inputs.content import OpenFile
from fitsgen.inputs.unpacking import MAGIC, Members

# More than any compressed exposure unpacks to, and less than the disk of a shared machine.
MAX_UNPACKED = 64 * 2**30
# Detector data shrink to a half or a tenth, masks to a hundredth; only a file of nearly nothing
# comes near the 1032 to 1 that deflate can reach. So what goes beyond this is taken for a bomb,
# unless it is so small that it does no harm.
MAX_RATIO = 200
HARMLESS = 256 * 2**20
# Bytes that tell what a file is.
_MARK = 16

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


def open_file(path: str) -> OpenFile:
    """Open a FITS file.

    Raises
    ------
    InputError
        When the path is no regular file, cannot be read, is damaged gzip, unpacks
        to more than the limits above or than the disk has room for, or does not begin
        as a FITS file does (FITS Standard 4.0, section 4.4.1.1).
    """
    try:
        _require_regular(path)
        with open(path, "rb") as file:
            first = file.read(_MARK)
            if not first:
                raise input_error(path, "the file is empty")
            if first.startswith(MAGIC):
                return _unpacked(file, path)
            _require_fits(first, path)
            return OpenFile(path, file.fileno())
    except OSError as error:
        raise input_error(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # A path with a NUL in it.
        raise input_error(path, f"cannot be read: {error}") from None


def is_bomb(packed: int, unpacked: int, ratio: int = MAX_RATIO) -> bool:
    """Whether so many bytes are more than an honest compressed file holds."""
    return unpacked > MAX_UNPACKED or unpacked > max(HARMLESS, ratio * packed)


def _require_regular(path: str) -> None:
    # Looked at before it is opened: opening a FIFO waits for ever, a device may act on it.
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise input_error(path, "is a directory: expected a FITS file")
    if not stat.S_ISREG(mode):
        raise input_error(path, "is a pipe, socket or device: expected a FITS file")


def _unpacked(file: IO[bytes], path: str) -> OpenFile:
    """Unpack gzip into a temporary file that has no name, so none is left behind."""
    packed, unpacked, first = os.fstat(file.fileno()).st_size, 0, b""
    members = Members(file, path)
    with _temporary(path) as target:
        for piece in members:
            if len(first) < _MARK:
                first = (first + piece)[:_MARK]
                if len(first) == _MARK:
                    _require_fits(first, path)
            unpacked += len(piece)
            if is_bomb(packed, unpacked):
                raise input_error(
                    path,
                    f"{packed} bytes of gzip unpack to more than {unpacked}: refused",
                    "where you trust the file, run gunzip on it and give the result",
                )
            _keep(target, piece, path)
        _require_fits(first, path)
        return OpenFile(path, target.fileno(), members.problems)


def _temporary(path: str) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise _no_room(path, error) from None


def _keep(target: IO[bytes], piece: bytes, path: str) -> None:
    """Write all of a piece."""
    view = memoryview(piece)
    try:
        while view:
            view = view[target.write(view) :]
    except OSError as error:
        raise _no_room(path, error) from None


def _no_room(path: str, error: OSError) -> InputError:
    message = f"cannot be unpacked in {tempfile.gettempdir()}: {error.strerror or error}"
    return input_error(path, message, "TMPDIR names another directory for temporary files")


def _require_fits(first: bytes, path: str) -> None:
    if first.startswith(b"SIMPLE  ="):
        return
    kinds = (kind for start, kind in _SIGNATURES if first.startswith(start))
    text = first.decode("latin-1")
    shown = next(kinds, f"`{text}`" if text.isascii() and text.isprintable() else first.hex(" "))
    raise input_error(path, f"is no FITS file: expected `SIMPLE  =` at its start, found {shown}")
