"""Elements of one type to another, where nothing is lost in silence.

In: a piece of an array and a type. Out: the piece in that type; or `Misfit`, which says which
element the type cannot hold.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fitsgen.lazy.pieces import Array


class Misfit(ValueError):  # noqa: N818 - says what an element is, as KeyError does
    """An element that its new type cannot hold; `index` counts from 0 in C order."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


OTHER_SIGN = {
    "u1": ("i1", -(2**7)),
    "i2": ("u2", 2**15),
    "i4": ("u4", 2**31),
    "i8": ("u8", 2**63),
}
"""Of a stored type, the one that it is with an offset, and that (FITS 4.0, tables 11 and 19)."""


def with_other_sign(stored: Array) -> Array:
    """Return integers with half their range added, which makes unsigned ones of signed ones.

    That is turning the highest bit over; signed bytes are made of unsigned ones likewise.
    """
    width = stored.dtype.itemsize
    bits = stored.view(stored.dtype.str.replace("i", "u"))
    values: Array = np.bitwise_xor(bits, 1 << (8 * width - 1), dtype=f"u{width}")
    return values.view(other_sign(stored.dtype))


def other_sign(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that a stored one is with an offset."""
    return np.dtype(OTHER_SIGN[dtype.str[1:]][0])


def cast(values: Array, dtype: np.dtype[Any], casting: Any = "unsafe") -> Array:
    """Return elements in another type, as `astype` does.

    A float outside the range of an integer type gives any number (C11, section 6.3.1.4), so that
    it is refused. Integers wrap around as NumPy's do; where that changes one it is warned of.

    Raises
    ------
    Misfit
        A float is not a number of the type.

    """
    to_integer = dtype.kind in "iu" and values.size > 0
    if to_integer and values.dtype.kind == "f":
        _check_range(values, dtype)
    elif to_integer and values.dtype.kind in "iu" and values.dtype.itemsize > dtype.itemsize:
        _warn_of_wrapping(values, dtype)
    return values.astype(dtype, casting=casting, copy=False)


def _check_range(values: Array, dtype: np.dtype[Any]) -> None:
    """Raise where truncating a float does not give a number of the type; NaN never does."""
    limits = np.iinfo(dtype)
    if _fits(values.min(), limits) and _fits(values.max(), limits):
        return
    good = _fits(values, limits)
    if good.all():
        return
    index = int(np.argmin(good))
    value = values.reshape(-1)[index].item()
    hint = "np.nan_to_num or np.where" if value != value else "np.clip"
    raise Misfit(
        index,
        f"{value}, which {dtype.name} cannot hold; it holds {limits.min} to {limits.max}:"
        f" use {hint} first",
    )


def _fits(values: Any, limits: np.iinfo[Any]) -> Any:
    """Return which floats are numbers of an integer type once their decimals are cut off."""
    if values.dtype.itemsize < 4:
        values = values.astype(np.float32)  # A short float does not hold the limits.
    # Both limits are powers of two or zero, which floats hold as they are.
    return (np.trunc(values) >= float(limits.min)) & (values < float(limits.max) + 1.0)


def _warn_of_wrapping(values: Array, dtype: np.dtype[Any]) -> None:
    limits = np.iinfo(dtype)
    if int(values.min()) < limits.min or int(values.max()) > limits.max:
        message = (
            f"integers beyond {limits.min} to {limits.max} wrap around in {dtype.name};"
            " np.clip keeps them within"
        )
        warnings.warn(message, RuntimeWarning, stacklevel=1)
