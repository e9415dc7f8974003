"""Which stored type numbers take in a FITS file, and whether they survive in it.

In: numbers, and what a template demands of BITPIX, BZERO and BSCALE. Out: a `Storage`; and
pieces of an array as FITS stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fitsgen.lazy.cast import OTHER_SIGN
from fitsgen.lazy.pieces import Array, Shape, cuts, elements, place_of, repeats
from fitsgen.runtime.encoded import DataError, Demands, demanded_integer, demanded_number


@dataclass(frozen=True, slots=True)
class PixelType:
    """A NumPy type and how FITS stores it (FITS Standard 4.0, sections 4.4.1.1 and 4.4.2.5)."""

    name: str
    bitpix: int
    bzero: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in native byte order."""
        return np.dtype(self.name)

    def __str__(self) -> str:
        offset = f", BZERO = {self.bzero}" if self.bzero else ""
        return f"{self.name} (BITPIX = {self.bitpix}{offset})"


_STORED = (("u1", 8), ("i2", 16), ("i4", 32), ("i8", 64), ("f4", -32), ("f8", -64))
PIXEL_TYPES = (
    *(PixelType(np.dtype(stored).name, bitpix) for stored, bitpix in _STORED),
    *(
        PixelType(np.dtype(other).name, 8 * np.dtype(other).itemsize, bzero)
        for other, bzero in OTHER_SIGN.values()
    ),
)


@dataclass(frozen=True, slots=True)
class Storage:
    """What is stored: the values, or (value - bzero) / bscale where that is a real scaling."""

    type: PixelType
    bzero: int | float = 0
    bscale: int | float = 1

    @property
    def scaled(self) -> bool:
        """Whether stored and physical values differ by more than the offset of a type."""
        return (self.bzero, self.bscale) != (0, 1)

    def __str__(self) -> str:
        scale = f" with BSCALE = {self.bscale}, BZERO = {self.bzero}" if self.scaled else ""
        return f"{self.type}{scale}"


def stored_type(dtype: np.dtype[Any], demands: Demands) -> Storage:
    """Return how data of a type is stored under the demands for BITPIX, BZERO and BSCALE.

    An offset of an unsigned type that is demanded alone names that type.
    """
    own = own_type(dtype)
    bitpix = demanded_integer(demands, "BITPIX")
    bzero = demanded_number(demands, "BZERO")
    bscale = demanded_number(demands, "BSCALE")
    if bscale == 0:
        raise DataError("BSCALE = 0 would make all pixels equal")
    if bitpix is None:
        named = [t.bitpix for t in PIXEL_TYPES if t.bzero and t.bzero == bzero]
        bitpix = named[0] if named else own.bitpix
        bzero = own.bzero if bzero is None and bscale in (None, 1) else bzero
    choice = [t for t in PIXEL_TYPES if t.bitpix == bitpix]
    if not choice:
        raise DataError(f"BITPIX = {bitpix} is none of 8, 16, 32, 64, -32, -64")
    bzero, bscale = bzero or 0, 1 if bscale is None else bscale
    for candidate in choice:
        if (candidate.bzero, 1) == (bzero, bscale):
            return Storage(candidate)
    return Storage(next(t for t in choice if not t.bzero), bzero, bscale)


def own_type(dtype: np.dtype[Any]) -> PixelType:
    """Return the FITS type of a NumPy type, whatever its byte order."""
    for candidate in PIXEL_TYPES:
        if candidate.dtype == dtype.newbyteorder("="):
            return candidate
    raise DataError(f"FITS images cannot hold {dtype.name}")


def check_values(array: Array, storage: Storage, place: Callable[..., str] | None = None) -> None:
    """Raise DataError for the first value that is not read back as it was.

    Parameters:
        place: words for an index; "pixel [1, 2]" where it is not given.
    """
    if fits_always(array.dtype, storage):
        return
    start = 0
    for piece in pieces(_sample(array)):
        check_piece(piece, storage, start, array.shape, place)
        start += piece.size


def check_piece(
    piece: Array,
    storage: Storage,
    start: int,
    shape: Shape,
    place: Callable[..., str] | None = None,
) -> None:
    """Raise DataError for the first value of a piece that is not read back as it was.

    Parameters:
        start: the place of the piece's first value in an array of a shape, in C order.
        place: words for an index; "pixel [1, 2]" where it is not given.
    """
    good = survivors(piece, storage)
    if good.all():
        return
    first = int(np.argmin(good))
    where, value = place_of(start + first, shape), piece.reshape(-1)[first].item()
    at = place(*where) if place else pixel(where)
    raise DataError(f"{at} is {value}, which {storage} cannot hold{_range(value, storage)}")


def pixel(where: Shape) -> str:
    """Return what a pixel is called in messages."""
    return f"pixel {list(where)}"


def fits_always(dtype: np.dtype[Any], storage: Storage) -> bool:
    """Whether all numbers of a type are read back from storage as they were."""
    return not storage.scaled and _always_fits(own_type(dtype).dtype, storage.type.dtype)


def first_misfit(
    array: Array, judge: Callable[[Array], npt.NDArray[np.bool_]]
) -> tuple[int, ...] | None:
    """Return the index of the first value that `judge` does not find good, or None."""
    start = 0
    for block in pieces(array):
        good = judge(block)
        if not good.all():
            return place_of(start + int(np.argmin(good)), array.shape)
        start += block.size
    return None


def _range(value: float, storage: Storage) -> str:
    if storage.scaled or storage.type.dtype.kind == "f":
        rounded = f"; .astype('{storage.type.dtype.name}') rounds it" if not storage.scaled else ""
        return f" exactly{rounded}"
    limits = np.iinfo(storage.type.dtype)
    if value == value and limits.min <= value <= limits.max:
        return "; it holds whole numbers"
    return f"; it holds {limits.min} to {limits.max}"


def survivors(values: Array, storage: Storage) -> npt.NDArray[np.bool_]:
    """Return which values are read back from storage as they were."""
    if not storage.scaled:
        return _fits(values, storage.type.dtype)
    wide = values.astype(np.float64)
    stored = _scale(wide, storage)
    back = stored * storage.bscale + storage.bzero
    same = (back == wide) | (np.isnan(back) & np.isnan(wide))
    good: npt.NDArray[np.bool_] = same & _fits(values, wide.dtype)
    return good & _fits(stored, storage.type.dtype)


def _fits(values: Array, target: np.dtype[Any]) -> npt.NDArray[np.bool_]:
    """Return which values a type holds exactly; NaN is held by floats alone."""
    good: npt.NDArray[np.bool_]
    if _always_fits(values.dtype, target):
        return np.ones(values.shape, bool)
    match values.dtype.kind in "iu", target.kind in "iu":
        case True, True:
            own, limits = np.iinfo(values.dtype), np.iinfo(target)
            good = (values >= max(own.min, limits.min)) & (values <= min(own.max, limits.max))
        case False, True:
            # The upper limit plus one is a power of two, which every float type holds.
            limits = np.iinfo(target)
            low, above = float(limits.min), float(limits.max + 1)
            good = (values >= low) & (values < above) & (np.rint(values) == values)
        case True, False:
            near = values.astype(target)
            inside = near < float(np.iinfo(values.dtype).max + 1)
            good = inside & (np.where(inside, near, 0).astype(values.dtype) == values)
        case _:
            with np.errstate(over="ignore"):
                good = (values.astype(target) == values) | np.isnan(values)
    return good


def _always_fits(own: np.dtype[Any], target: np.dtype[Any]) -> bool:
    # NumPy calls the cast of 64-bit integers to float64 safe, though it rounds.
    rounds = own.itemsize == 8 and own.kind in "iu" and target.kind == "f"
    return not rounds and np.can_cast(own, target, "safe")


def _scale(wide: Array, storage: Storage) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        stored: Array = (wide - storage.bzero) / storage.bscale
    return np.rint(stored) if storage.type.dtype.kind in "iu" else stored


def stored_values(values: Array, storage: Storage) -> Array:
    """Return checked values as FITS stores them: unscaled, in its byte order and signs."""
    if storage.scaled:
        values = _scale(values.astype(np.float64), storage)
    values = values.astype(storage.type.dtype, copy=False)
    out = np.empty(values.shape, values.dtype.newbyteorder(">"))
    pack(values, out)
    return out


def as_bytes(array: Array) -> memoryview:
    """Return the bytes of an array that lies in C order."""
    return array.reshape(-1).view(np.uint8).data


SIGN_BITS = {t.dtype.newbyteorder("="): abs(t.bzero) for t in PIXEL_TYPES if t.bzero}


def pack(values: Array, out: Array) -> None:
    """Write values into an array of the same shape and type, and of FITS's byte order.

    Subtracting BZERO from an unsigned integer turns its highest bit over, which one pass
    does together with the byte order.
    """
    bit = SIGN_BITS.get(values.dtype.newbyteorder("="))
    if bit is None:
        out[...] = values
        return
    order = out.dtype.newbyteorder("=")
    unsigned = np.dtype(f"u{order.itemsize}")
    pixels = values.view(unsigned) if order == np.int8 else values
    target = out.view(unsigned) if order == np.int8 else out
    np.bitwise_xor(pixels, unsigned.type(bit), out=target)


def pieces(array: Array) -> Iterator[Array]:
    """Give an array, in C order, as views of about 1 MiB."""
    for index in cuts(array.shape, elements(array.dtype.itemsize)):
        yield array[index] if index else array


def _sample(array: Array) -> Array:
    """Return enough of an array to judge all its values: of one that repeats, the first."""
    return array[(slice(0, 1),) * array.ndim] if repeats(array) else array
