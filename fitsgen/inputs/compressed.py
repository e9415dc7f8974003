"""Tile-compressed images to their pixels, decoded by a process of their own.

In: the header and the bytes of the table that such an image is kept in. Out: a read-only array,
or an `InputError`. Damaged data make the decoders of astropy write where they should not, which
ends their process at times: it must not be this one.
"""

from __future__ import annotations

import math
import mmap
import os
import signal
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

from fitsgen.blocks import CARD, padded
from fitsgen.inputs.content import Span
from fitsgen.inputs.headers import Header
from fitsgen.inputs.opening import is_bomb
from fitsgen.inputs.structure import MAX_AXES, integer
from fitsgen.limits import ONE_THREAD, Limits, signal_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What a decoder may take, besides what an image of its size needs: time of a processor, where ten
# times as much may go by.
SECONDS = 5.0
MEMORY = 512 * 2**20
BYTES_A_SECOND = 2**20
COPIES = 6  # of the pixels, at most, that astropy has at a time; small integers as doubles
LONGER = 10

_BEGIN = "import sys; sys.path[:] = sys.argv[4:]; from fitsgen.inputs.decoder import main; main()"
_MAX_TOLD = 500
_PRIMARY = b"".join(
    f"{keyword:8}= {value:>20}".ljust(CARD).encode("ascii")
    for keyword, value in {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "0", "EXTEND": "T"}.items()
)


def compressed_shape(header: Header) -> tuple[int, ...]:
    """Return the shape of a tile-compressed image (NumPy order)."""
    count = integer(header, "ZNAXIS", 0, MAX_AXES)
    return tuple(integer(header, f"ZNAXIS{n}", 0) for n in range(count, 0, -1))


def read_compressed(header: Header, raw: Span) -> NDArray[Any]:
    """Return a tile-compressed image (FITS Standard 4.0, section 10), decoded by astropy.

    Parameters
    ----------
    raw
        The data of the table, its heap included.

    Returns
    -------
    array
        Read-only, of the type that astropy gives; it is a map of a temporary file.

    Raises
    ------
    InputError
        The image claims to be far larger than its data; or they cannot be decoded, for whatever
        reason.

    """
    size = math.prod(compressed_shape(header)) * abs(integer(header, "ZBITPIX")) // 8
    if is_bomb(len(raw), size):
        raise header.place.error(f"{len(raw)} compressed bytes claim to be {size}: refused")
    limits = Limits(
        MEMORY + COPIES * (size + len(raw)), SECONDS + (size + len(raw)) / BYTES_A_SECOND
    )
    try:
        with tempfile.TemporaryFile() as packed, tempfile.TemporaryFile() as pixels:
            _write(packed, header, raw)
            why = _decode(packed, pixels, limits)
            if not why:
                return _array(pixels, compressed_shape(header))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise header.place.error(f"the compressed image cannot be decoded: {why}")


def _write(file: IO[bytes], header: Header, raw: Span) -> None:
    """Write a FITS file with the table of the image alone."""
    end = b"END".ljust(CARD)
    for part in (_PRIMARY, header.raw):
        file.write((part + end).ljust(padded(len(part + end)), b" "))
    for piece in raw.pieces():
        file.write(piece)
    file.write(bytes(padded(len(raw)) - len(raw)))
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)


def _decode(packed: IO[bytes], pixels: IO[bytes], limits: Limits) -> str:
    """Have a FITS file decoded into another file, of NumPy's format; or return why not."""
    import subprocess

    seconds = limits.seconds or 0.0
    given = [str(limits.memory), str(seconds), str(os.getpid())]
    # Isolated: what lies where the user stands is not imported.
    command = [sys.executable, "-I", "-c", _BEGIN, *given, *_import_path()]
    try:
        done = subprocess.run(
            command,
            stdin=packed,
            stdout=pixels,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
            timeout=LONGER * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the decoder took longer than {LONGER * seconds:.0f} s"
    pixels.seek(0)
    match done.returncode:
        case 0:
            return ""
        case 1:
            told = pixels.read(_MAX_TOLD).decode("utf-8", "replace")
            return told or "the decoder failed"
        case status if status == -signal.SIGXCPU:
            return f"the decoder took longer than {seconds:.0f} s"
        case status if status < 0:
            return f"the decoder was ended by {signal_name(-status)}"
        case status:
            return f"the decoder ended with status {status}"


def _import_path() -> list[str]:
    """Return where this process finds modules, but for the directory where the user stands.

    Where fitsgen itself stands comes last: that may be this directory.
    """
    here = os.getcwd()
    path = [os.path.abspath(one) for one in sys.path if one]
    return [one for one in path if one != here] + [os.path.abspath(f"{__file__}/../../..")]


def _array(file: IO[bytes], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return what a decoder wrote; raises ValueError where that is no image of this shape."""
    import numpy as np

    np.lib.format.read_magic(file)
    found, _, dtype = np.lib.format.read_array_header_1_0(file)
    if found != shape or dtype.kind not in "iuf":
        raise ValueError(f"expected an image of {shape}, found {dtype} of {found}")
    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    pixels: NDArray[Any] = np.frombuffer(content, dtype, math.prod(shape), file.tell())
    return pixels.reshape(shape)
