"""An array of numbers as a FITS image: which stored type it takes, and its bytes.

In: a NumPy array and what a template demands of BITPIX, BZERO, BSCALE and the axes.
Out: `Encoded`. The array is walked in pieces of about 1 MiB and never copied whole,
so it may be a view of a file that is larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fitsgen.runtime.encoded import (
    SCALING_COMMENTS,
    Buffer,
    CardValue,
    DataError,
    Demands,
    Encoded,
    StructuralCard,
    check_demands,
    demanded_card,
    demanded_integer,
    demanded_number,
    leading_cards,
)

Array: TypeAlias = npt.NDArray[Any]

PIECE = 1 << 20


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


PIXEL_TYPES = (
    PixelType("uint8", 8),
    PixelType("int8", 8, -128),
    PixelType("int16", 16),
    PixelType("uint16", 16, 32768),
    PixelType("int32", 32),
    PixelType("uint32", 32, 2147483648),
    PixelType("int64", 64),
    PixelType("uint64", 64, 9223372036854775808),
    PixelType("float32", -32),
    PixelType("float64", -64),
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


def encode_image(array: Array, demands: Demands, *, primary: bool) -> Encoded:
    """Encode numbers of one to 999 axes as an image.

    Raises:
        DataError: where a demand and the data differ, or a value does not survive.
    """
    storage = stored_type(array.dtype, demands)
    check_values(array, storage)
    cards = (
        *leading_cards("IMAGE", storage.type.bitpix, array.shape, primary=primary),
        *_scaling_cards(storage, demands),
    )
    implied = (StructuralCard("PCOUNT", 0, ""), StructuralCard("GCOUNT", 1, ""))
    check_demands(cards + implied, demands, ("NAXIS", "NAXISn", "PCOUNT", "GCOUNT"))
    size = array.size * storage.type.dtype.itemsize
    return Encoded(cards, size, b"\0", partial(image_blocks, array, storage))


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


def _scaling_cards(storage: Storage, demands: Demands) -> tuple[StructuralCard, ...]:
    made: tuple[tuple[str, CardValue], ...] = ()
    if storage.type.bzero:
        made = (("BSCALE", 1), ("BZERO", storage.type.bzero))
    own = {k: StructuralCard(k, value, SCALING_COMMENTS[k]) for k, value in made}
    demanded = [card for keyword in SCALING_COMMENTS for card in demanded_card(demands, keyword)]
    return tuple((own | {card.keyword: card for card in demanded}).values())


def check_values(array: Array, storage: Storage, place: Callable[..., str] | None = None) -> None:
    """Raise DataError for the first value that is not read back as it was.

    Parameters:
        place: words for an index; "pixel [1, 2]" where it is not given.
    """
    own = own_type(array.dtype)
    if not storage.scaled and _always_fits(own.dtype, storage.type.dtype):
        return
    where = first_misfit(_sample(array), lambda block: survivors(block, storage))
    if where is not None:
        at = place(*where) if place else f"pixel {list(where)}"
        value = array[where].item()
        raise DataError(f"{at} is {value}, which {storage} cannot hold{_range(value, storage)}")


def first_misfit(
    array: Array, judge: Callable[[Array], npt.NDArray[np.bool_]]
) -> tuple[int, ...] | None:
    """Return the index of the first value that `judge` does not find good, or None."""
    start = 0
    for block in pieces(array):
        good = judge(block)
        if not good.all():
            index = np.unravel_index(start + int(np.argmin(good)), array.shape)
            return tuple(int(i) for i in index)
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


def image_blocks(array: Array, storage: Storage) -> Iterator[Buffer]:
    """Give the bytes of an image whose values were checked."""
    stored = storage.type.dtype.newbyteorder(">")
    plain = not storage.scaled and not storage.type.bzero
    if plain and array.dtype == stored and array.flags.c_contiguous:
        raw = as_bytes(array)
        yield from (raw[start : start + PIECE] for start in range(0, len(raw), PIECE))
    elif _is_constant(array):
        yield from _repeat(array, storage)
    else:
        yield from (as_bytes(stored_values(block, storage)) for block in pieces(array))


def _repeat(array: Array, storage: Storage) -> Iterator[Buffer]:
    """Encode one block of a constant image, and give it over and over."""
    full, count = divmod(array.size, PIECE // 8)
    value = array[(0,) * array.ndim]
    block = as_bytes(stored_values(np.full(min(PIECE // 8, array.size), value), storage))
    for _ in range(full):
        yield block
    yield block[: count * storage.type.dtype.itemsize]


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
    count = max(1, PIECE // max(1, array.dtype.itemsize))
    if array.flags.c_contiguous:
        array = array.reshape(-1)
    yield from _walk(array, count)


def _walk(array: Array, count: int) -> Iterator[Array]:
    if not array.size:
        return
    row = array.size // array.shape[0]
    if row > count:
        for part in array:
            yield from _walk(part, count)
        return
    for start in range(0, array.shape[0], count // row):
        yield _straight(array[start : start + count // row])


def _straight(block: Array) -> Array:
    """Return a piece of a turned image as one that is quick to read row by row.

    Pixels that follow each other in a turned image are a power of two apart in memory, as a
    rule, and push each other out of the processor's cache. Copied in the order of memory
    first, to rows of an odd length, they don't.
    """
    if block.ndim < 2 or abs(block.strides[-1]) <= abs(block.strides[-2]):
        return block
    turned = block.swapaxes(-1, -2)
    apart = np.empty((*turned.shape[:-1], turned.shape[-1] + 16), block.dtype)
    apart[..., :-16] = turned
    return apart[..., :-16].swapaxes(-1, -2)


def _is_constant(array: Array) -> bool:
    return array.size > 1 and not any(array.strides)


def _sample(array: Array) -> Array:
    """Return enough of an array to judge all its values: of a constant one, the first."""
    return array[(slice(0, 1),) * array.ndim] if _is_constant(array) else array
