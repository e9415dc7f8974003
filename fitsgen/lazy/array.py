"""`LazyArray`: what stands for the pixels of an input in an expression.

In: pixels of a file or one value for all. Out: an array that knows its shape and type, and that
is computed in pieces of about 1 MiB when it is written. Views, casts, arithmetic and NumPy's
functions of single elements give another one; all else makes the whole array in memory, and
tells what that costs.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, SupportsIndex

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from fitsgen.lazy import functions
from fitsgen.lazy.cast import Misfit, cast
from fitsgen.lazy.cost import tell
from fitsgen.lazy.nodes import (
    Applied,
    Change,
    Memory,
    Node,
    computed,
    is_constant,
    part,
    slabs,
)
from fitsgen.lazy.pieces import Array, Shape, place_of


class LazyArray(NDArrayOperatorsMixin):
    """An array that is computed when it is written; it cannot be changed.

    It has NumPy's attributes and methods.
    """

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    @classmethod
    def repeating(cls, value: Any, shape: Shape) -> LazyArray:
        """Return one value, or an array that is broadcast, in a shape."""
        return cls(Memory(np.broadcast_to(value, shape)))

    @property
    def shape(self) -> Shape:
        """The axes, in NumPy's order."""
        return self.node.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type, in the machine's byte order unless it was cast to another."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.size * self.itemsize

    @property
    def T(self) -> LazyArray:  # noqa: N802 - NumPy's name
        """The array with its axes in reverse order."""
        return self.view_as(np.transpose)

    @property
    def real(self) -> LazyArray:
        """The real parts."""
        return applied(np.real, (self,), {})

    @property
    def imag(self) -> LazyArray:
        """The imaginary parts."""
        return applied(np.imag, (self,), {})

    def view_as(self, change: Change) -> LazyArray:
        """Return the array as `change` views it."""
        return LazyArray(self.node.view(change))

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Return the elements in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        wanted = _resolved(wanted, self.shape)
        if order != "C":
            return self.whole("reshape").reshape(wanted, order=order)
        try:
            return self.view_as(lambda array: array.reshape(wanted, copy=False))
        except ValueError:  # There is no such view.
            return self.whole("reshape").reshape(wanted)

    def ravel(self, order: Any = "C") -> Any:
        """Return the elements along one axis."""
        return self.reshape(-1, order=order)

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes in another order."""
        return self.view_as(lambda array: array.transpose(*axes))

    def swapaxes(self, axis1: SupportsIndex, axis2: SupportsIndex) -> Any:
        """Return the array with two axes exchanged."""
        return self.view_as(lambda array: array.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> Any:
        """Return the array without axes of length 1."""
        return self.view_as(lambda array: array.squeeze(axis))

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> LazyArray:
        """Return the elements in another type; see `cast` for what does not fit."""
        return applied(partial(cast, dtype=np.dtype(dtype), casting=casting), (self,), {})

    def clip(self, min: Any = None, max: Any = None, **more: Any) -> Any:
        """Return the elements, those beyond a limit as the limit."""
        return np.clip(self, min, max, **more)

    def round(self, decimals: int = 0) -> Any:
        """Return the elements rounded to decimals."""
        return np.round(self, decimals)

    def whole(self, what: str) -> Array:
        """Return all elements in memory, and tell that `what` needs them."""
        if isinstance(self.node, Memory) and not is_constant(self.node):
            return self.node.array  # of an expression, which changes no arrays
        tell(what, self.nbytes)
        made = np.empty(self.shape, self.dtype)
        flat, start = made.reshape(-1), 0
        for piece in self._pieces():
            flat[start : start + piece.size] = piece.reshape(-1)
            start += piece.size
        return made

    def reduced(self, function: Callable[..., Any], join: Callable[..., Any]) -> Any:
        """Return what a function makes of all elements, by what it makes of the pieces."""
        if not self.size:
            return function(np.empty(self.shape, self.dtype))
        return join(function(piece) for piece in self._pieces())

    def _pieces(self) -> Iterator[Array]:
        start = 0
        try:
            for index in slabs(self.node):
                for piece in computed(part(self.node, index)):
                    yield piece
                    start += piece.size
        except Misfit as misfit:
            where = place_of(start + misfit.index, self.shape)
            raise ValueError(f"element {list(where)} is {misfit}") from None

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if not all(_is_basic(one) for one in keys):
            return self.whole("an index that is an array")[key]
        if len(keys) == self.ndim and all(map(_is_integer, keys)):
            np.broadcast_to(np.int8(0), self.shape)[keys]  # raises IndexError in NumPy's words
            # Not the element itself, which would be looked at where there is no memory.
            near = tuple(slice(key, key + 1 or None) for key in keys)
            one = self.view_as(lambda array: array[near]) if near else self
            return one.whole("one element").reshape(-1)[0]
        return self.view_as(lambda array: array[key])

    def __pow__(self, exponent: Any) -> Any:
        # For some exponents NumPy's operator takes another way than its function.
        return applied(operator.pow, (self, exponent), {})

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def __contains__(self, value: object) -> bool:
        return bool(np.any(self == value))

    def __bool__(self) -> bool:
        return bool(self.whole("bool"))

    def __int__(self) -> int:
        return int(self.whole("int"))

    def __float__(self) -> float:
        return float(self.whole("float"))

    def __str__(self) -> str:
        return str(self.whole("a text"))

    def __repr__(self) -> str:
        return f"<array of shape {self.shape}, {self.dtype.name}>"

    def __getattr__(self, name: str) -> Any:
        if name not in functions.METHODS:
            raise AttributeError(f"an array has no {name}")
        return partial(_method, self, name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        # NumPy may take it for its own, and shuffle it.
        whole = self.whole("an array")
        return whole.astype(dtype or self.dtype, copy=isinstance(self.node, Memory))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        simple = method == "__call__" and ufunc.nout == 1 and ufunc.signature is None
        if simple and options.keys() <= {"dtype", "casting"}:
            return applied(ufunc, inputs, options)
        return getattr(ufunc, method)(*_in_memory(inputs, ufunc.__name__), **options)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
    ) -> Any:
        name = function.__name__
        first, *rest = arguments or (None,)
        others = any(isinstance(one, LazyArray | np.ndarray) for one in (*rest, *options.values()))
        if isinstance(first, LazyArray) and not others:
            if function in functions.LIKE and "shape" not in options:
                one = function(np.empty((), first.dtype), *rest, **options)
                return LazyArray.repeating(one, first.shape)
            if function in functions.VIEWS:
                return first.view_as(lambda array: function(array, *rest, **options))
            if function in (np.reshape, np.ravel, np.astype):
                return getattr(first, name)(*rest, **options)
            if not rest and not options and function in functions.REDUCTIONS:
                return first.reduced(function, functions.REDUCTIONS[function])
        if function in functions.ELEMENTWISE and _is_elementwise(function, arguments, options):
            return applied(function, arguments, options)
        named = {key: _memory(one, name) for key, one in options.items()}
        return function(*_in_memory(arguments, name), **named)


def applied(
    function: Callable[..., Any], operands: Sequence[Any], options: Mapping[str, Any]
) -> LazyArray:
    """Return a function of arrays of one shape, or that are broadcast to it, and single values.

    What depends on constants alone is computed here, once.
    """
    if options:
        function = partial(function, **options)
    arrays = [_node(one) for one in operands]
    shape = np.broadcast_shapes(*(node.shape for node in arrays if node))
    nodes = tuple(
        node.view(partial(np.broadcast_to, shape=shape)) if node and node.shape != shape else node
        for node in arrays
    )
    chosen = tuple(one if node is None else node for one, node in zip(operands, nodes, strict=True))
    # Of arrays without elements: it costs nothing, and gives the type.
    dtype = function(
        *(
            one if node is None else np.empty(0, node.dtype)
            for one, node in zip(operands, nodes, strict=True)
        )
    ).dtype
    made = Applied(function, chosen, shape, dtype)
    if not is_constant(made):
        return LazyArray(made)
    return LazyArray.repeating(part(made, (slice(0, 1),) * len(shape)).read(), shape)


def _node(operand: Any) -> Node | None:
    """Return an operand as a node; None for a single value."""
    match operand:
        case LazyArray():
            return operand.node
        case np.ndarray():
            return Memory(operand)
        case list() | tuple():
            return Memory(np.asarray(operand))
    return None


def _is_elementwise(
    function: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]
) -> bool:
    """Whether a call gives one element for each, and takes all that varies by position."""
    varying = any(isinstance(one, LazyArray | np.ndarray) for one in options.values())
    return not varying and (function is not np.where or len(arguments) == 3)


def _in_memory(values: Sequence[Any], what: str) -> list[Any]:
    return [_memory(one, what) for one in values]


def _memory(value: Any, what: str) -> Any:
    match value:
        case LazyArray():
            return value.whole(what)
        case list() | tuple():
            return type(value)(_in_memory(value, what))
    return value


def _method(array: LazyArray, name: str, *arguments: Any, **options: Any) -> Any:
    function = getattr(np, name, None)
    if not arguments and not options and function in functions.REDUCTIONS:
        return array.reduced(function, functions.REDUCTIONS[function])
    return getattr(array.whole(name), name)(*_in_memory(arguments, name), **options)


def _resolved(shape: Any, before: Shape) -> Shape:
    """Return a shape with the length that -1 stands for; raises ValueError as NumPy does."""
    resolved: Shape = np.broadcast_to(np.int8(0), before).reshape(shape).shape
    return resolved


def _is_basic(key: object) -> bool:
    """Whether a part of an index gives a view."""
    return key is None or key is Ellipsis or isinstance(key, slice) or _is_integer(key)


def _is_integer(key: object) -> bool:
    return isinstance(key, int | np.integer) and not isinstance(key, bool)
