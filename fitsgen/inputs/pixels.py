"""Stored numbers to the values they stand for: images, and the columns of tables.

In: bytes and the header that describes them. Out: read-only arrays.
"""

from __future__ import annotations

import io
import math
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.headers import BLOCK, CARD, Header
from fitsgen.inputs.opening import is_bomb
from fitsgen.inputs.structure import MAX_AXES, Structure, integer, real

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fitsgen.inputs.opening import OpenFile
    from fitsgen.lazy.array import LazyArray

_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# The zero point that makes the other kind of integer (FITS Standard 4.0, tables 11 and 19).
_OTHER_SIGN = {1: -(2**7), 2: 2**15, 4: 2**31, 8: 2**63}


def read_pixels(header: Header, structure: Structure, file: OpenFile, raw: memoryview) -> LazyArray:
    """Return an image (NumPy order: NAXIS1 is the last axis), of which nothing is read yet.

    Parameters
    ----------
    raw
        Where the pixels are in the map of the file.

    """
    import numpy as np

    from fitsgen.lazy.array import LazyArray, applied
    from fitsgen.lazy.nodes import Stored

    dtype = _DTYPES[structure.bitpix]
    try:
        # Not `np.ndarray(buffer=raw)`: its base is the map, and nothing would keep that open.
        where = np.frombuffer(raw, dtype).reshape(structure.axes[::-1])
    except (ValueError, OverflowError) as error:
        raise header.place.error(f"an image of {len(structure.axes)} axes: {error}") from None
    zero, scale = real(header, "BZERO", 0), real(header, "BSCALE", 1)
    if is_other_sign(where.dtype, zero, scale):
        return LazyArray(Stored(file, where, offset=True))
    pixels = LazyArray(Stored(file, where))
    if (zero, scale) == (0, 1):
        return pixels
    blank = integer(header, "BLANK") if "BLANK" in header and structure.bitpix > 0 else None
    change = partial(physical, zero=zero, scale=scale, null=blank)
    return applied(change, (pixels,), {})


def is_other_sign(dtype: np.dtype[Any], zero: float, scale: float) -> bool:
    """Whether an offset makes unsigned integers (signed bytes) of a stored type."""
    return dtype.kind in "iu" and scale == 1 and zero == _OTHER_SIGN[dtype.itemsize]


def physical(stored: NDArray[Any], zero: float, scale: float, null: int | None) -> NDArray[Any]:
    """Return `stored * scale + zero`, read-only.

    The array itself where that changes nothing; unsigned integers (signed bytes)
    where `zero` means them; else float64 or complex128, NaN where `null` was stored.
    FITS Standard 4.0, sections 4.4.2.5, 5.2.5 and 7.3.2.
    """
    import numpy as np

    if zero == 0 and scale == 1:
        values = stored
    elif is_other_sign(stored.dtype, zero, scale):
        from fitsgen.lazy.cast import with_other_sign

        values = with_other_sign(stored)
    else:
        values = stored.astype("c16" if stored.dtype.kind == "c" else "f8")
        with np.errstate(all="ignore"):
            values *= scale
            values += zero
        if null is not None and stored.dtype.kind in "iu":
            values[stored == null] = np.nan
    values.flags.writeable = False
    return values


def compressed_shape(header: Header) -> tuple[int, ...]:
    """Return the shape of a tile-compressed image (NumPy order)."""
    count = integer(header, "ZNAXIS", 0, MAX_AXES)
    return tuple(integer(header, f"ZNAXIS{n}", 0) for n in range(count, 0, -1))


def read_compressed(header: Header, raw: memoryview) -> NDArray[Any]:
    """Return a tile-compressed image (FITS Standard 4.0, section 10), decoded by astropy."""
    size = math.prod(compressed_shape(header)) * abs(integer(header, "ZBITPIX")) // 8
    if is_bomb(len(raw), size):
        raise header.place.error(f"{len(raw)} compressed bytes claim to be {size}: refused")
    import numpy as np
    from astropy.io import fits

    primary = fits.PrimaryHDU().header.tostring().encode("ascii")
    cards = header.raw + b"END".ljust(CARD)
    file = io.BytesIO(primary + _padded(cards, b" ") + _padded(bytes(raw), b"\0"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(file) as hdus:
                pixels = np.array(hdus[1].data)
        # What the decoders raise for damaged data is of every class there is.
        except Exception as error:
            raise header.place.error(f"the compressed image cannot be decoded: {error}") from None
    pixels.flags.writeable = False
    return pixels


def _padded(data: bytes, fill: bytes) -> bytes:
    return data.ljust(-(-len(data) // BLOCK) * BLOCK, fill)
