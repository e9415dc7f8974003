"""How many elements the parts of an expression have, as far as constants tell.

What is not known counts 0 as a length, and 1 as a factor of a size.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

from fitsgen.check.constants import Constants

# Where the number of elements stands that a function of NumPy is to make, or their shape.
_SHAPED = {
    **dict.fromkeys(("full", "ones", "zeros"), (0, "shape")),
    **dict.fromkeys(("geomspace", "linspace", "logspace"), (2, "num")),
    "bincount": (2, "minlength"),
    "broadcast_to": (1, "shape"),
    "histogram": (1, "bins"),
    "indices": (0, "dimensions"),
    "resize": (1, "new_shape"),
}
# The same, where as many are made of each element of the first argument.
_REPEATED = {"repeat": (1, "repeats"), "tile": (1, "reps"), "vander": (1, "N")}
# The same, of a random generator.
_GENERATED = {
    **dict.fromkeys(("permutation", "random", "standard_normal"), 0),
    **dict.fromkeys(("choice", "exponential", "poisson"), 1),
    **dict.fromkeys(("binomial", "gamma", "integers", "lognormal", "normal", "uniform"), 2),
    "triangular": 3,
}
_SAME = frozenset("abs array asarray copy cumsum exp log sin cos sqrt square sort".split())
_MAX_AXES = 64


class Sizes:
    """The sizes of the parts of one expression; each is worked out once."""

    def __init__(self) -> None:
        self.constants = Constants()
        self._lengths: dict[ast.expr, int] = {}
        self._elements: dict[ast.expr, int] = {}

    def length(self, node: ast.expr) -> int:
        """Return how long a text, list, tuple or range can be; 0 where that is not known."""
        if node not in self._lengths:
            self._lengths[node] = self._length(node)
        return self._lengths[node]

    def elements(self, node: ast.expr) -> int:
        """Return how many elements an array has, those of what makes it included; else 0."""
        if node not in self._elements:
            self._elements[node] = 0
            if isinstance(node, ast.Call):
                self._elements[node] = self._called(node)
        return self._elements[node]

    def steps(self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp) -> int:
        """Return how many values a comprehension makes, those inside its values included."""
        steps = math.prod(max(self.length(one.iter), 1) for one in node.generators)
        match node:
            case ast.ListComp(elt=ast.ListComp() as inner):
                return steps * self.steps(inner)
            case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value) | ast.DictComp(value=value):
                return steps * max(self.length(value), 1)

    def work(self, node: ast.Call) -> int:
        """Return how many products a convolution takes, as far as it is known."""
        match node:
            case ast.Call(func=ast.Attribute(attr="convolve"), args=[one, other, *_]):
                return self.elements(one) * self.elements(other)
        return 0

    def _length(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=str(text)):
                return len(text)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return len(parts)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                times = max(
                    self.length(left) * self.constants.whole(right),
                    self.length(right) * self.constants.whole(left),
                )
                return max(times, 0)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.length(left) + self.length(right)
            case ast.IfExp(body=one, orelse=other):
                return max(self.length(one), self.length(other))
            case ast.ListComp() | ast.GeneratorExp():
                return math.prod(max(self.length(one.iter), 1) for one in node.generators)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._length_of_call(name, arguments)
            case ast.Call(func=ast.Attribute(value=text, attr=name), args=arguments):
                return self._length_of_text(text, name, arguments)
        return 0

    def _length_of_call(self, name: str, arguments: list[ast.expr]) -> int:
        match name, arguments:
            case "range", _:
                return self._range(arguments)
            case "list" | "tuple" | "sorted" | "enumerate", [first, *_]:
                return self.length(first)
        return 0

    def _length_of_text(self, text: ast.expr, name: str, arguments: list[ast.expr]) -> int:
        match name, arguments:
            case "ljust" | "rjust" | "center" | "zfill", [width, *_]:
                return max(self.length(text), self.constants.whole(width))
            case "join", [parts]:
                return self.length(text) * self.length(parts)
            case "replace", [_, new, *_]:
                return self.length(text) * self.length(new)
        return 0

    def _range(self, arguments: Sequence[ast.expr]) -> int:
        """Return the length of a range, or of np.arange."""
        values = [self.constants.value(argument) for argument in arguments]
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(numbers) < len(values) or not all(map(math.isfinite, numbers)):
            return 0
        match numbers:
            case [stop]:
                return max(int(stop), 0)
            case [start, stop]:
                return max(int(stop - start), 0)
            case [start, stop, step] if step:
                return max(int((stop - start) / step), 0)
        return 0

    def _called(self, node: ast.Call) -> int:
        arguments = node.args
        match node.func:
            case ast.Attribute(value=ast.Name(id="np"), attr=name):
                return self._made(name, node)
            case ast.Attribute(value=array, attr="repeat") if arguments:
                return max(self.elements(array), 1) * self._shape(arguments[0])
            case ast.Attribute(attr=name) if name in _GENERATED:
                return self._argument(node, _GENERATED[name], "size")
        return 0

    def _made(self, name: str, node: ast.Call) -> int:
        """Return how many elements an array has that a function of NumPy makes."""
        if name in _SHAPED:
            return self._argument(node, *_SHAPED[name])
        if name in _REPEATED:
            return max(self._first(node), 1) * self._argument(node, *_REPEATED[name])
        match name:
            case "eye" | "tri":
                rows = self._argument(node, 0, "N")
                return rows * (self._argument(node, 1, "M") or rows)
            case "identity":
                return self._argument(node, 0, "n") ** 2
            case "arange":
                return self._range([*node.args[:3], *_named(node, "stop")])
            case "pad":
                return self._first(node) + self._argument(node, 1, "pad_width")
            case "kron" | "outer":
                return math.prod(self.elements(one) for one in node.args[:2])
            case "diag":
                return self._first(node) ** 2 if self._is_flat(node.args[:1]) else 0
        return self._first(node) if name in _SAME else 0

    def _first(self, node: ast.Call) -> int:
        """Return how many elements the first argument has."""
        match node.args:
            case [first, *_]:
                return self.elements(first) or self.length(first)
        return 0

    def _is_flat(self, arguments: Sequence[ast.expr]) -> bool:
        """Whether an array is made with one axis."""
        match arguments:
            case [ast.Call(func=ast.Attribute(attr="full" | "ones" | "zeros"), args=[shape, *_])]:
                return isinstance(self.constants.value(shape), int)
            case [ast.Call(func=ast.Attribute(attr="arange" | "linspace"))]:
                return True
        return False

    def _argument(self, node: ast.Call, place: int, name: str) -> int:
        """Return the size that an argument gives, by its place or its name."""
        given = [*node.args[place : place + 1], *_named(node, name)]
        return self._shape(given[0]) if given else 0

    def _shape(self, node: ast.expr) -> int:
        """Return how many elements a shape has; lengths that are not known count 1."""
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return math.prod(max(self.constants.whole(part), 1) for part in parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right) if self.length(node):
                return max(self._shape(left), 1) * max(self._shape(right), 1)
            case ast.BinOp(left=left, op=ast.Mult(), right=right) if self.length(node):
                # (10**6,) * 3 is a shape of three axes.
                shape, times = (left, right) if self.length(left) else (right, left)
                power: int = self._shape(shape) ** min(self.constants.whole(times), _MAX_AXES)
                return power
        return max(self.constants.whole(node), 0)


def _named(node: ast.Call, name: str) -> list[ast.expr]:
    return [keyword.value for keyword in node.keywords if keyword.arg == name]
