"""The type of a value, as far as its expression tells without being made.

In: an expression's tree. Out: a `ValueType`, or for data what an image of them
has in its header; None where only making it would tell.
"""

from __future__ import annotations

import ast
import enum


class ValueType(enum.Enum):
    """The type of a header value."""

    LOGICAL = "logical"
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"


# What a function always gives.
_RESULTS = {
    **dict.fromkeys(("int", "len", "date_and_time_to_cds"), ValueType.INTEGER),
    **dict.fromkeys(("float", "toMJD"), ValueType.FLOAT),
    **dict.fromkeys(("str", "now", "version", "substr", "tofitstime"), ValueType.TEXT),
    **dict.fromkeys(("bool", "any", "all"), ValueType.LOGICAL),
}

# BITPIX, and BZERO where the type is kept with an offset (FITS Standard 4.0, table 11).
_IMAGES = {
    "uint8": (8, 0),
    "int8": (8, -128),
    "int16": (16, 0),
    "uint16": (16, 1 << 15),
    "int32": (32, 0),
    "uint32": (32, 1 << 31),
    "int64": (64, 0),
    "uint64": (64, 1 << 63),
    "float32": (-32, 0),
    "float64": (-64, 0),
}
_MAKERS = {"ones": 1, "zeros": 1, "full": 2}
"""NumPy's makers of arrays, and the place of the argument that names the type."""


def type_of(value: object) -> ValueType | None:
    """Return the type of a value."""
    match value:
        case bool():
            return ValueType.LOGICAL
        case int():
            return ValueType.INTEGER
        case float():
            return ValueType.FLOAT
        case str():
            return ValueType.TEXT
    return None


def value_type(node: ast.expr) -> ValueType | None:
    """Return the type that an expression gives in any case."""
    match node:
        case ast.Compare() | ast.Name(id="T" | "F") | ast.UnaryOp(op=ast.Not()):
            return ValueType.LOGICAL
        case ast.Constant(value=value):
            return type_of(value)
        case ast.JoinedStr():
            return ValueType.TEXT
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            known = value_type(operand)
            return ValueType.INTEGER if known is ValueType.LOGICAL else known
        case ast.Call(func=ast.Name(id=name)):
            return _RESULTS.get(name)
        case ast.Call(func=ast.Attribute(attr="strip" | "upper" | "lower" | "replace")):
            return ValueType.TEXT
        case ast.IfExp(body=one, orelse=other):
            return value_type(one) if value_type(one) is value_type(other) else None
    return None


def image_type(node: ast.expr) -> tuple[int, int] | None:
    """Return BITPIX and BZERO of the image that a data expression gives in any case."""
    match node:
        case ast.Call(func=ast.Attribute(attr="astype"), args=[ast.Constant(value=str(name))]):
            return _IMAGES.get(name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=maker)) if maker in _MAKERS:
            return _made(node, _MAKERS[maker])
    return None


def _made(node: ast.Call, place: int) -> tuple[int, int] | None:
    named = [one.value for one in node.keywords if one.arg == "dtype"] or node.args[place:][:1]
    match named:
        case [ast.Constant(value=str(name))]:
            return _IMAGES.get(name)
    return None
