"""Sizes that are known when a template is compiled, refused where nobody can mean them.

Constants are folded with care: no step computes a value that is larger than
the bound it is held against.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from fitsgen.check import policy

Fault = TypeVar("Fault")
_Make = Callable[[ast.expr, str], Fault]

_SHAPED = {"ones": 0, "zeros": 0, "full": 0, "eye": 0, "identity": 0, "tri": 0, "broadcast_to": 1}
_COUNTED = frozenset("arange repeat pad tile linspace logspace geomspace resize indices".split())
_PADDED = frozenset("center ljust rjust zfill".split())
_WIDE = re.compile(r"%[-+ #0]*(?:\*|\d*\.?\*|\d{4,}|\d*\.\d{4,})")


def check(tree: ast.expr, fault: _Make[Fault]) -> Iterator[Fault]:
    """Yield a fault for each part of an expression that is larger than anybody can mean."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp():
                yield from _operation(node, fault)
            case ast.Call():
                yield from _call(node, fault)
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
                steps = math.prod(_length(generator.iter) for generator in node.generators)
                if steps > policy.MAX_STEPS:
                    yield fault(node, f"a comprehension of {steps} steps")
            case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
                yield from _format(spec, fault)


def _operation(node: ast.BinOp, fault: _Make[Fault]) -> Iterator[Fault]:
    left, right = fold(node.left), fold(node.right)
    match node.op, left, right:
        case ast.Pow(), int(), int() if _bits(left) * right > policy.MAX_INTEGER_BITS:
            yield fault(node, "a power too large to compute")
        case ast.LShift(), int(), int() if _bits(left) + right > policy.MAX_INTEGER_BITS:
            yield fault(node, "a shift too large to compute")
        case ast.Mult(), int(), _ if _length_of(node.right) * left > policy.MAX_REPEATED:
            yield fault(node, "a text or list repeated too often")
        case ast.Mult(), _, int() if _length_of(node.left) * right > policy.MAX_REPEATED:
            yield fault(node, "a text or list repeated too often")
        case ast.Mod(), str(), _ if wide := _WIDE.search(left):
            yield fault(node, f"a format wider than {policy.MAX_WIDTH}: {wide[0]}")


def _call(node: ast.Call, fault: _Make[Fault]) -> Iterator[Fault]:
    match node.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            yield from _array(node, name, fault)
        case ast.Attribute(attr=name) if name in _PADDED:
            if any(_folded(argument) > policy.MAX_TEXT_PADDING for argument in node.args):
                yield fault(node, "a text padded too wide")
        case ast.Attribute(attr="repeat"):
            yield from _counts(node, fault)
        case ast.Name(id="round") if len(node.args) == 2 and abs(_folded(node.args[1])) > 400:
            yield fault(node, "a number rounded to more digits than any has")
        case ast.Name(id="list" | "tuple" | "sorted" | "sum" | "max" | "min" | "any" | "all"):
            if any(_length(argument) > policy.MAX_STEPS for argument in node.args):
                yield fault(node, "a range too long to walk")
    yield from _sized(node, fault)


def _array(node: ast.Call, name: str, fault: _Make[Fault]) -> Iterator[Fault]:
    place = _SHAPED.get(name)
    if place is not None and len(node.args) > place:
        if _elements(node.args[place]) > policy.MAX_ELEMENTS:
            yield fault(node, "an array larger than any file")
    elif name in _COUNTED:
        yield from _counts(node, fault)


def _counts(node: ast.Call, fault: _Make[Fault]) -> Iterator[Fault]:
    if any(_elements(argument) > policy.MAX_COUNT for argument in node.args):
        yield fault(node, "an array larger than any file")


def _sized(node: ast.Call, fault: _Make[Fault]) -> Iterator[Fault]:
    for keyword in node.keywords:
        if keyword.arg in ("size", "shape") and _elements(keyword.value) > policy.MAX_COUNT:
            yield fault(node, "an array larger than any file")


def _format(spec: ast.JoinedStr, fault: _Make[Fault]) -> Iterator[Fault]:
    for part in spec.values:
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            yield fault(spec, "the format of a value must be constant")
        elif "%" in part.value:
            yield fault(spec, "the format of a date may depend on the place: write .isoformat()")
        elif any(int(width[:9]) > policy.MAX_WIDTH for width in re.findall(r"\d+", part.value)):
            yield fault(spec, f"a format wider than {policy.MAX_WIDTH}")


def fold(node: ast.expr) -> object:
    """Return the value of a constant expression of bounded size, else `None`."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = fold(operand)
            return -number if isinstance(number, int | float) else None
        case ast.BinOp(left=one, op=operator, right=other):
            return _combine(operator, fold(one), fold(other))
    return None


def _combine(operator: ast.operator, one: object, other: object) -> object:
    if isinstance(one, str) and isinstance(other, str) and isinstance(operator, ast.Add):
        return one + other
    if not (isinstance(one, int) and isinstance(other, int)):
        return None
    match operator:
        case ast.Add():
            return one + other
        case ast.Sub():
            return one - other
        case ast.Mult() if _bits(one) + _bits(other) <= policy.MAX_INTEGER_BITS:
            return one * other
        case ast.Pow() if other >= 0 and _bits(one) * other <= policy.MAX_INTEGER_BITS:
            return one**other
        case ast.LShift() if 0 <= other <= policy.MAX_INTEGER_BITS:
            return one << other
        case ast.FloorDiv() if other:
            return one // other
    return None


def _bits(value: int) -> int:
    return max(abs(value).bit_length(), 1) if abs(value) > 1 else 0


def _folded(node: ast.expr) -> int:
    match fold(node):
        case int(value):
            return int(value)
        case float(value) if math.isfinite(value):
            return int(value)
    return 0


def _elements(node: ast.expr) -> int:
    """Return how many elements a shape has, as far as it is known (what is not counts 1)."""
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return math.prod(max(_folded(part), 1) for part in parts)
        case ast.BinOp(left=ast.Tuple() | ast.List() as part, op=ast.Mult(), right=count):
            # (10**6,) * 3 is a shape of three axes.
            times = min(_folded(count), 1000)
            return int(_elements(part) ** max(times, 0))
    return _folded(node)


def _length_of(node: ast.expr) -> int:
    """Return the length of a literal text, list or tuple; 0 for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return len(text)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return len(parts)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return max(_length_of(left) * _folded(right), _length_of(right) * _folded(left))
    return 0


def _length(node: ast.expr) -> int:
    """Return how many steps an iterable takes, as far as it is known (what is not counts 1)."""
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            return max(_folded(stop), 1)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop]):
            return max(_folded(stop) - _folded(start), 1)
        case ast.GeneratorExp(generators=generators):
            return math.prod(_length(generator.iter) for generator in generators)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop, step]) if _folded(step):
            return max((_folded(stop) - _folded(start)) // _folded(step), 1)
    return max(_length_of(node), 1)
