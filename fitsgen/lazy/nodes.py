"""What a lazy array consists of: pixels of a file, arrays in memory, and functions of them.

A node knows its shape and type. A view of a node (a slice, a turn, a new shape) is the same
view of all that it consists of, so that a piece is computed from pieces. NumPy does the work:
where the pixels of a file lie is an array without memory that is viewed and not looked into, and
the pixels are read from there into a buffer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fitsgen.lazy.cast import other_sign, with_other_sign
from fitsgen.lazy.gather import File, gathered
from fitsgen.lazy.pieces import (
    PIECE,
    Array,
    Index,
    Shape,
    begin,
    buffer,
    crosswise,
    cuts,
    elements,
    extent,
    first_turned,
    repeats,
)

Change: TypeAlias = Callable[[Array], Array]
"""Gives a view of an array; raises ValueError where only a copy would do."""

# What is read together where pixels are needed in another order than the file's.
SLAB = 64 << 20
# Of so many bytes that lie around those that are needed, reading all is no gain.
SPARSE = 2
# To be done by one thread before another one may take over, which costs time.
PIECES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Pixels as a file has them.

    where
        Where they lie, in the file's byte order: a view of what `placed` gives.
    offset
        Whether the highest bit is to be turned over, for BZERO makes another type of them.
    as_is
        Whether they are wanted as they are stored.

    """

    file: File
    where: Array = field(repr=False)
    offset: bool = False
    as_is: bool = False

    @property
    def shape(self) -> Shape:
        """The axes, in NumPy's order."""
        return self.where.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that `read` gives: the machine's byte order, unless `as_is`."""
        if self.as_is:
            return self.where.dtype
        stored = self.where.dtype.newbyteorder("=")
        return other_sign(stored) if self.offset else stored

    def view(self, change: Change) -> Stored:
        """Return the pixels as `change` views them."""
        return Stored(self.file, change(self.where), self.offset, self.as_is)

    def read(self) -> Array:
        """Read all pixels."""
        stored = self._fetched()
        if self.as_is:
            return stored
        if not self.offset:
            values: Array = stored.astype(self.dtype, copy=False)
            return values
        return with_other_sign(stored)

    def load(self) -> Node:
        """Return the pixels in memory."""
        return Memory(self.read())

    def turned(self) -> int:
        """Return the first axis of what is best read as a whole."""
        return first_turned(self.where)

    def itemsize(self) -> int:
        """Return the bytes of the widest type that is in work."""
        return self.where.dtype.itemsize

    def _fetched(self) -> Array:
        where = self.where
        if not where.size:
            return np.empty(where.shape, where.dtype)
        low, high = extent(where)
        if high - low > max(PIECE, SPARSE * where.nbytes):
            return gathered(self.file, where)
        read = buffer(high - low)
        self.file.fetch(read.data, low)
        start = begin(where) - low
        return np.ndarray(where.shape, where.dtype, read.data, start, where.strides)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """An array in memory; one without strides repeats one value and takes the room of one."""

    array: Array

    @property
    def shape(self) -> Shape:
        """The axes."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type."""
        return self.array.dtype

    def view(self, change: Change) -> Memory:
        """Return the array as `change` views it."""
        return Memory(change(self.array))

    def read(self) -> Array:
        """Return the array, in an order that can be read quickly."""
        return crosswise(self.array) if self.turned() < self.array.ndim else self.array

    def load(self) -> Node:
        """Return itself."""
        return self

    def turned(self) -> int:
        """Return the first axis of what is best read as a whole."""
        return first_turned(self.array)

    def itemsize(self) -> int:
        """Return the bytes of the widest type that is in work."""
        return self.array.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """What a function gives that takes arrays element by element.

    operands
        Nodes of this shape, and single values.

    """

    function: Callable[..., Array]
    operands: tuple[object, ...]
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The operands that are nodes."""
        return tuple(one for one in self.operands if isinstance(one, Node))

    def view(self, change: Change) -> Applied:
        """Return the function of the operands as `change` views them."""
        operands = _changed(self.operands, lambda node: node.view(change))
        shape = next(one.shape for one in operands if isinstance(one, Node))
        return Applied(self.function, operands, shape, self.dtype)

    def read(self) -> Array:
        """Compute all."""
        return self.function(*map(_read, self.operands))

    def load(self) -> Node:
        """Return the function of operands in memory."""
        operands = _changed(self.operands, lambda node: node.load())
        return Applied(self.function, operands, self.shape, self.dtype)

    def turned(self) -> int:
        """Return the first axis of what is best read as a whole."""
        return min(node.turned() for node in self.nodes)

    def itemsize(self) -> int:
        """Return the bytes of the widest type that is in work."""
        return max(self.dtype.itemsize, *(node.itemsize() for node in self.nodes))


Node: TypeAlias = Stored | Memory | Applied


def _changed(operands: tuple[object, ...], change: Callable[[Node], Node]) -> tuple[object, ...]:
    return tuple([change(one) if isinstance(one, Node) else one for one in operands])


def _read(operand: object) -> object:
    return operand.read() if isinstance(operand, Node) else operand


def part(node: Node, index: Index) -> Node:
    """Return a piece of a node."""
    return node.view(lambda array: array[index]) if index else node


def slabs(node: Node) -> Iterator[Index]:
    """Give the indices of what is read at a time, in C order.

    That is some pieces where pixels are wanted in the order in which they lie; and whole frames
    where rows become columns, unless they are too large.
    """
    together = math.prod(node.shape[node.turned() :])
    width = node.itemsize()
    if together * width > SLAB:
        together = SLAB // 2 // width
    return cuts(node.shape, max(together, PIECES * elements(width)))


def computed(node: Node) -> Iterator[Array]:
    """Give all elements, in pieces that follow each other in C order."""
    if node.turned() < len(node.shape):
        node = node.load()
    for index in cuts(node.shape, elements(node.itemsize())):
        yield part(node, index).read()


def is_constant(node: Node) -> bool:
    """Whether a node is one value, repeated."""
    match node:
        case Memory(array=array):
            return repeats(array)
        case Applied():
            return all(map(is_constant, node.nodes))
    return False
