"""What constant parts of an expression come to, as far as that is known without risk.

Constants are folded with care: no step computes a value that is larger than
the bound it is held against.
"""

from __future__ import annotations

import ast
import contextlib
import math
import operator
from collections.abc import Callable

from fitsgen.check import policy

Number = int | float
_ARITHMETIC: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_BITS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_OF_NUMBERS: dict[str, Callable[..., object]] = {
    "abs": abs,
    "max": max,
    "min": min,
    "round": round,
    "int": int,
    "float": float,
}
_MAX_TEXT = 4096


class Constants:
    """The values of the parts of one expression; each is worked out once."""

    def __init__(self) -> None:
        self._known: dict[ast.expr, object] = {}

    def value(self, node: ast.expr) -> object:
        """Return the number or text that a part is, and None where that is not known."""
        if node not in self._known:
            with contextlib.suppress(ArithmeticError, ValueError, TypeError):
                self._known[node] = self._value(node)
        return self._known.setdefault(node, None)

    def whole(self, node: ast.expr) -> int:
        """Return the whole number that a part is or is cut to, and 0 where that is not known."""
        match self.value(node):
            case int(value):
                return int(value)
            case float(value) if math.isfinite(value):
                return int(value)
        return 0

    def _value(self, node: ast.expr) -> object:
        match node:
            case ast.Constant(value=int() | float() | str() as value):
                return value
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert() as sign, operand=operand):
                return _signed(sign, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return _combined(self.value(left), op, self.value(right))
            case ast.Call(func=ast.Name(id="len"), args=[argument], keywords=[]):
                text = self.value(argument)
                return len(text) if isinstance(text, str) else None
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._called(name, arguments)
            case ast.IfExp(body=one, orelse=other):
                return self._larger(one, other)
        return None

    def _called(self, name: str, arguments: list[ast.expr]) -> object:
        values = [self.value(argument) for argument in arguments]
        known = all(isinstance(value, int | float | str) for value in values)
        if not (values and known and name in _OF_NUMBERS):
            return None
        if name == "round" and not all(abs(value) < 20 for value in values[1:]):  # type: ignore[arg-type]
            return None
        return _OF_NUMBERS[name](*values)

    def _larger(self, one: ast.expr, other: ast.expr) -> object:
        """Return the larger of two numbers, for either may be the value."""
        values = [self.value(one), self.value(other)]
        known = [value for value in values if isinstance(value, int | float)]
        return max(known, default=None)


def bits(value: int) -> int:
    """Return how many bits a number has that grows by powers; 0 for -1, 0 and 1."""
    return abs(value).bit_length() if abs(value) > 1 else 0


def is_too_large(left: object, op: ast.operator, right: object) -> bool:
    """Whether an operation of numbers gives one that has too many bits."""
    match left, op, right:
        case int(), ast.Pow(), int():
            return bits(left) * right > policy.MAX_INTEGER_BITS
        case int(), ast.LShift(), int():
            return bits(left) + right > policy.MAX_INTEGER_BITS and left != 0
        case int(), ast.Mult(), int():
            return bits(left) + bits(right) > policy.MAX_INTEGER_BITS
        case None, ast.Pow() | ast.LShift(), int():
            return right > policy.MAX_INTEGER_BITS
    return False


def _signed(sign: ast.unaryop, value: object) -> object:
    match sign, value:
        case ast.USub(), int() | float():
            return -value
        case ast.UAdd(), int() | float():
            return value
        case ast.Invert(), int():
            return ~value
    return None


def _combined(left: object, op: ast.operator, right: object) -> object:
    if is_too_large(left, op, right):
        return None
    match left, right:
        case (int(), int()) if type(op) in _BITS:
            return _BITS[type(op)](left, right)
        case (int() | float(), int() | float()) if type(op) in _ARITHMETIC:
            value = _ARITHMETIC[type(op)](left, right)
            return value if isinstance(value, int | float) else None
        case (str(), str()) if isinstance(op, ast.Add) and len(left) + len(right) <= _MAX_TEXT:
            return left + right
        case (str(), int()) if isinstance(op, ast.Mult) and len(left) * right <= _MAX_TEXT:
            return left * right
        case (int(), str()) if isinstance(op, ast.Mult) and len(right) * left <= _MAX_TEXT:
            return left * right
    return None
