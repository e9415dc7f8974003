"""The types of arrays that an expression may name: no objects, no raw memory, no clocks.

A type is written out, so that it is known when the template is compiled.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator

from fitsgen.check import policy
from fitsgen.check.faults import Fault

_HINT = "write it out, as in 'uint16', 'float32' or 'U20'"


def check(tree: ast.expr) -> Iterator[Fault]:
    """Yield a fault for each type that an array must not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in type_arguments(node):
                yield from _type(argument)


def type_arguments(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call that name an array's type."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "dtype"]
    match call.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            place = policy.TYPE_ARGUMENTS.get(name)
        case ast.Attribute(attr=name):
            place = policy.METHOD_TYPE_ARGUMENTS.get(name)
        case _:
            place = None
    given = [] if place is None else call.args[place : place + 1]
    return [*given, *named]


def _type(node: ast.expr) -> Iterator[Fault]:
    match node:
        case ast.Constant(value=str(text)):
            if not _is_allowed(text):
                yield Fault(node, f"arrays of type {text!r} are not allowed", _HINT)
        case (
            ast.Constant(value=None)
            | ast.Attribute(attr="dtype")
            | ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="dtype"))
            # Which names NumPy's types have is told where names are checked.
            | ast.Attribute(value=ast.Name(id="np"))
        ):
            pass
        case ast.Name(id=name) if name in policy.TYPE_NAMES:
            pass
        case ast.IfExp(body=one, orelse=other):
            yield from _type(one)
            yield from _type(other)
        case ast.List(elts=columns):
            for column in columns:
                yield from _column(column)
        case _:
            yield Fault(node, "the type of an array must be constant", _HINT)


def _column(column: ast.expr) -> Iterator[Fault]:
    """Check a column of a structured type: its name, its type, and the shape of its elements."""
    match column:
        case ast.Tuple(elts=[ast.Constant(value=str()), type_]):
            yield from _type(type_)
        case ast.Tuple(elts=[ast.Constant(value=str()), type_, ast.Tuple(elts=axes) as shape]):
            yield from _type(type_)
            lengths = [
                one.value
                for one in axes
                if isinstance(one, ast.Constant) and isinstance(one.value, int)
            ]
            if len(lengths) < len(axes) or math.prod(lengths) > policy.MAX_SUBARRAY:
                hint = f"whole numbers, of at most {policy.MAX_SUBARRAY} elements"
                yield Fault(shape, "this is no shape of a column's elements", hint)
        case _:
            hint = "write ('NAME', 'float32'), or with a shape ('NAME', 'float32', (2, 3))"
            yield Fault(column, "this is no column", hint)


def _is_allowed(text: str) -> bool:
    """Whether a type's text, or each part of a list of them, is of a kind that data can have."""
    for part in re.split(r",(?![^(]*\))", text):
        match = policy.ARRAY_TYPE.fullmatch(part.strip())
        if not match:
            return False
        width = re.search(r"[SUa](\d+)$", part)
        if width and int(width[1]) > policy.MAX_ITEM_SIZE:
            return False
        if math.prod(map(int, re.findall(r"\d+", match[1] or ""))) > policy.MAX_SUBARRAY:
            return False
    return True
