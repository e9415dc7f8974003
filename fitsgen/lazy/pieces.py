"""Where elements lie in a file, and where to cut an array so that its pieces fit the cache.

In: shapes and strides. Out: indices of pieces, in C order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Index: TypeAlias = tuple[int | slice, ...]
Shape: TypeAlias = tuple[int, ...]

PIECE = 1 << 20
"""Bytes that are worked on at a time: they stay in the second-level cache."""

# Elements between rows that are read crosswise. A power of two of bytes from each other, they
# would push one another out of the cache.
_GAP = 16
_ROWS = 128
_PAGE = 4096


def cuts(shape: Shape, most: int) -> Iterator[Index]:
    """Give the indices of pieces of at most `most` elements, in C order."""
    if not math.prod(shape):
        return
    if math.prod(shape) <= most:
        yield ()
        return
    row = math.prod(shape[1:])
    if row > most:
        for number in range(shape[0]):
            yield from ((number, *rest) for rest in cuts(shape[1:], most))
        return
    step = most // row
    yield from ((slice(start, start + step),) for start in range(0, shape[0], step))


def buffer(size: int) -> npt.NDArray[np.uint8]:
    """Return bytes that begin where a page of memory does: the system reads to there faster."""
    raw = np.empty(size + _PAGE, np.uint8)
    start = -address(raw) % _PAGE
    return raw[start : start + size]


def address(array: Array) -> int:
    """Return where in memory the first element is."""
    where: int = array.__array_interface__["data"][0]
    return where


# No process has memory here: it is beyond what x86-64 and ARM64 give to one.
_NOWHERE = 1 << 54


@dataclass(frozen=True, slots=True)
class _Claim:
    """What NumPy takes for memory, without looking."""

    __array_interface__: dict[str, object]


def placed(start: int, dtype: str, shape: Shape) -> Array:
    """Return an array that tells where elements lie in a file, the first one at byte `start`.

    There is no memory behind it: it is to be viewed, for NumPy does the arithmetic of strides, and
    never to be looked into, which would end the process.
    """
    # NumPy counts bytes in a word, and would wrap around.
    if max(shape, default=0) >= _NOWHERE:
        raise ValueError("an axis is too long")
    claimed = {"data": (_NOWHERE + start, True), "shape": shape, "typestr": dtype, "version": 3}
    return np.asarray(_Claim(claimed))


def extent(where: Array) -> tuple[int, int]:
    """Return the bytes of a file within which placed elements lie."""
    low, high = np.lib.array_utils.byte_bounds(where)
    return low - _NOWHERE, high - _NOWHERE


def begin(where: Array) -> int:
    """Return the byte of a file where the first of placed elements is."""
    return address(where) - _NOWHERE


def place_of(number: int, shape: Shape) -> Shape:
    """Return the index of an element that is counted from 0 in C order."""
    return tuple(int(one) for one in np.unravel_index(number, shape))


def repeats(array: Array) -> bool:
    """Whether an array is one value, that takes the room of one."""
    return array.size > 1 and not any(array.strides)


def elements(itemsize: int) -> int:
    """Return how many elements a piece has."""
    return max(1, PIECE // max(1, itemsize))


def first_turned(array: Array) -> int:
    """Return the first axis along which elements lie closer than along a later one.

    What begins there is best read as a whole; the number of axes where there is none.
    """
    steps = [
        (abs(stride), axis)
        for axis, stride, length in zip(count(), array.strides, array.shape, strict=False)
        if stride and length > 1
    ]
    for place, (stride, axis) in enumerate(steps):
        if any(later > stride for later, _ in steps[place + 1 :]):
            return axis
    return array.ndim


def crosswise(array: Array) -> Array:
    """Return a copy, in C order, of an array whose columns follow each other in memory.

    A few rows of memory at a time are laid out so that they are not a power of two of bytes from
    each other, and read crosswise while they are in the cache.
    """
    made = np.empty(array.shape, array.dtype)
    order = memory_order(array)
    width = min(_ROWS, array.shape[-1])
    shape = [*array.shape[:-1], width]
    shape = [shape[axis] for axis in order]
    rows = np.empty((*shape[:-1], shape[-1] + _GAP), array.dtype)[..., :-_GAP]
    turned = rows.transpose([order.index(axis) for axis in range(array.ndim)])
    forward = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in array.strides)
    for start in range(0, array.shape[-1], width):
        part = array[..., start : start + width]
        now = turned[..., : part.shape[-1]]
        now[...] = part[forward]  # copied as it lies, at the speed of memory
        made[..., start : start + width] = now[forward]
    return made


def memory_order(array: Array) -> Shape:
    """Return the axes in the order in which elements lie in memory, the last one closest."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))
