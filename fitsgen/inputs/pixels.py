"""Stored numbers to the values they stand for: images, and the columns of tables.

In: bytes and the header that describes them. Out: read-only arrays.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.headers import Header
from fitsgen.inputs.structure import Structure, integer, real

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fitsgen.inputs.content import Span
    from fitsgen.lazy.array import LazyArray

_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def read_pixels(header: Header, structure: Structure, raw: Span) -> LazyArray:
    """Return an image (NumPy order: NAXIS1 is the last axis), of which nothing is read yet."""
    from fitsgen.lazy.array import LazyArray, applied
    from fitsgen.lazy.nodes import Stored

    dtype = _DTYPES[structure.bitpix]
    try:
        where = raw.where(dtype, structure.axes[::-1])
    except ValueError as error:
        raise header.error(f"an image of {len(structure.axes)} axes: {error}", "NAXIS") from None
    zero, scale = real(header, "BZERO", 0), real(header, "BSCALE", 1)
    if is_other_sign(where.dtype, zero, scale):
        return LazyArray(Stored(raw.file, where, offset=True))
    pixels = LazyArray(Stored(raw.file, where))
    if (zero, scale) == (0, 1):
        return pixels
    blank = integer(header, "BLANK") if "BLANK" in header and structure.bitpix > 0 else None
    change = partial(physical, zero=zero, scale=scale, null=blank)
    return applied(change, (pixels,), {})


def is_other_sign(dtype: np.dtype[Any], zero: float, scale: float) -> bool:
    """Whether an offset makes unsigned integers (signed bytes) of a stored type."""
    from fitsgen.lazy.cast import OTHER_SIGN

    # Only stored types are there: unsigned bytes and signed integers.
    return scale == 1 and OTHER_SIGN.get(dtype.str[1:], ("", 0))[1] == zero != 0


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
        with np.errstate(all="ignore"):
            values = stored.astype("c16" if stored.dtype.kind == "c" else "f8")
            values *= float(scale)
            values += float(zero)
        if null is not None and stored.dtype.kind in "iu":
            values[stored == null] = np.nan
    values.flags.writeable = False
    return values
