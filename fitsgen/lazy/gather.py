"""Elements that lie far apart in a file, read in the order of the file.

In: a file, and where the elements lie in it. Out: an array of them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fitsgen.lazy.pieces import PIECE, Array, begin, extent, memory_order

# Bytes that are read in the time of a system call, with what Python does around it.
_FAR = 1 << 15


class File(Protocol):
    """A file that is read by any thread, from any place."""

    def fetch(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with what begins at a byte of the file."""
        ...


def gathered(file: File, where: Array) -> Array:
    """Return elements that lie at placed ones; raises what the file does."""
    order = memory_order(where)
    forward = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in where.strides)
    ordered = where[forward].transpose(order)
    made = np.empty(ordered.shape, where.dtype)
    _gather(file, ordered, made)
    return made.transpose(np.argsort(order))[forward]


def _gather(file: File, where: Array, made: Array) -> None:
    """Fill an array, in C order, from placed elements whose axes are in the order of the file."""
    low, high = extent(where)
    has_far_rows = where.strides[0] > _FAR
    if where.flags.c_contiguous:
        file.fetch(_bytes(made), low)
    elif high - low <= PIECE:
        read = np.empty(high - low, np.uint8)
        file.fetch(read.data, low)
        made[...] = np.ndarray(where.shape, where.dtype, read.data, 0, where.strides)
    elif has_far_rows and where[:1].flags.c_contiguous:
        _runs(file, where, made)
    elif has_far_rows or len(where) == 1:
        # Of more axes than one: to index the elements of one axis would be to look at them.
        for number in range(len(where)):
            _gather(file, where[number], made[number])
    else:
        # What lies between is read, too: that is quicker than to go round it.
        step = max(1, PIECE // where.strides[0])
        for start in range(0, len(where), step):
            _gather(file, where[start : start + step], made[start : start + step])


def _runs(file: File, where: Array, made: Array) -> None:
    """Read what lies far from each other, but in one piece for each index."""
    content, first, step = _bytes(made), begin(where), where.strides[0]
    size = len(content) // len(where)
    for number in range(len(where)):
        file.fetch(content[number * size : (number + 1) * size], first + number * step)


def _bytes(made: Array) -> memoryview:
    return made.reshape(-1).view(np.uint8).data
