"""A check to words: the type and the values that it allows."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from fitsgen.model import Expression
from fitsgen.valuetypes import ValueType, value_type

_TYPES = {
    "is_integer": ValueType.INTEGER.value,
    "is_float": ValueType.FLOAT.value,
    "is_numeric": "number",
    "is_string": ValueType.TEXT.value,
    "is_bool": ValueType.LOGICAL.value,
}
_KINDS = {"is_empty": "no value", "is_date": "a date", "is_cds": "a CCSDS time"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a check allows: a type in a word, and values; '' where it says nothing of them."""

    type: str = ""
    values: str = ""


def allowed(check: Expression | None) -> Allowed:
    """Return what a check allows, in words where it is of a common form and else as it stands."""
    if check is None:
        return Allowed()
    return _words(check.tree)


def _words(node: ast.expr) -> Allowed:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return _all(parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return _any(list(map(_words, parts)))
        case ast.Name(id="x"):
            return Allowed(ValueType.LOGICAL.value, "T")
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id="x")):
            return Allowed(ValueType.LOGICAL.value, "F")
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=ast.Name(id="is_empty"))):
            return Allowed("", "not empty")
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id="x"), *arguments]):
            return _asked(name, arguments, node)
        case ast.Compare(left=ast.Name(id="x"), ops=[ast.Eq()], comparators=[value]):
            return Allowed(_common_type([value]), ast.unparse(value))
        case ast.Compare(
            left=ast.Name(id="x"),
            ops=[ast.In()],
            comparators=[ast.Tuple(elts=values) | ast.List(elts=values)],
        ):
            return Allowed(_common_type(values), ", ".join(map(ast.unparse, values)))
    return Allowed("", ast.unparse(node))


def _common_type(values: list[ast.expr]) -> str:
    types = {value_type(value) for value in values}
    known = types.pop() if len(types) == 1 else None
    return known.value if known else ""


def _asked(name: str, arguments: list[ast.expr], node: ast.Call) -> Allowed:
    """Return what one of the language's questions about x allows."""
    match name, arguments:
        case _, [] if name in _TYPES:
            return Allowed(_TYPES[name])
        case _, [] if name in _KINDS:
            return Allowed("", _KINDS[name])
        case "in_range", [low, high] if not node.keywords:
            return Allowed("", f"{ast.unparse(low)} to {ast.unparse(high)}")
        case "regex", [ast.Constant(value=str(pattern))]:
            return Allowed(ValueType.TEXT.value, f"matching {pattern}")
    return Allowed("", ast.unparse(node))


def _all(parts: list[ast.expr]) -> Allowed:
    told = list(map(_words, parts))
    types = [one.type for one in told if one.type]
    values = [(one.values, part) for one, part in zip(told, parts, strict=True) if one.values]
    bracketed = (
        f"({value})" if len(values) > 1 and _is_or(part) else value for value, part in values
    )
    return Allowed("".join(types[:1]), " and ".join(bracketed))


def _is_or(node: ast.expr) -> bool:
    return isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)


def _any(told: list[Allowed]) -> Allowed:
    """Return alternatives; that there may be no value leaves the type as it is."""
    types = list(dict.fromkeys(one.type for one in told if one.values != _KINDS["is_empty"]))
    known = types[0] if len(types) == 1 else ""
    values = [one.values or f"any {one.type}" for one in told]
    return Allowed(known, " or ".join(values))
