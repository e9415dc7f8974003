"""The types of arrays that an expression may name: no objects, no raw memory, no clocks.

A type is written out, so that it is known when the template is compiled.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from fitsgen.check import policy

Fault = TypeVar("Fault")

_HINT = "write it out, as in 'uint16', 'float32' or 'U20'"


def check(tree: ast.expr, fault: Callable[[ast.expr, str, str], Fault]) -> Iterator[Fault]:
    """Yield a fault for each type that an array must not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in _type_arguments(node):
                yield from _type(argument, fault)


def _type_arguments(call: ast.Call) -> Iterator[ast.expr]:
    """Find the arguments that name an array's type."""
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "dtype")
    match call.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            place = policy.TYPE_ARGUMENTS.get(name)
        case ast.Attribute(attr=name) if name in policy.METHODS:
            # A method has its array before the point instead of as its first argument.
            place = policy.TYPE_ARGUMENTS.get(name, 0) - 1
        case _:
            return
    if place is not None and 0 <= place < len(call.args):
        yield call.args[place]


def _type(node: ast.expr, fault: Callable[[ast.expr, str, str], Fault]) -> Iterator[Fault]:
    match node:
        case ast.Constant(value=str(text)):
            if not _is_allowed(text):
                yield fault(node, f"arrays of type {text!r} are not allowed", _HINT)
        case (
            ast.Constant(value=None) | ast.Attribute() | ast.Call(func=ast.Attribute(attr="dtype"))
        ):
            pass
        case ast.IfExp(body=one, orelse=other):
            yield from _type(one, fault)
            yield from _type(other, fault)
        case ast.List(elts=columns) if all(isinstance(one, ast.Tuple) for one in columns):
            for column in columns:
                if isinstance(column, ast.Tuple) and len(column.elts) > 1:
                    yield from _type(column.elts[1], fault)
        case _:
            yield fault(node, "the type of an array must be constant", _HINT)


def _is_allowed(text: str) -> bool:
    """Whether a type's text, or each part of a list of them, is of a kind that data can have."""
    for part in re.split(r",(?![^(]*\))", text):
        match = policy.ARRAY_TYPE.fullmatch(part.strip())
        if not match:
            return False
        width = re.search(r"[SUa](\d+)$", part)
        if width and int(width[1]) > policy.MAX_ITEM_SIZE:
            return False
    return True
