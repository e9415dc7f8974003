"""Python code laid out for a reader: long calls and tables are broken at their brackets.

Every piece of text comes from `repr` or `ast.unparse`; only blanks and line
breaks inside brackets are added.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH = 100
STEP = "    "


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is bracketed: its text on one line, and laid out at an indentation."""

    flat: str
    laid: Callable[[str], str]

    @classmethod
    def fixed(cls, text: str) -> Part:
        """Return a part that is never broken."""
        return cls(text, lambda _: text)


def bracketed(start: str, parts: Sequence[Part], end: str, indent: str, *, room: int = 0) -> str:
    """Return `start`, the parts with commas, and `end`: on one line if that fits, else on many.

    `room` is what else has to stand on the line.
    """
    flat = f"{start}{', '.join(part.flat for part in parts)}{end}"
    if _ends(flat, indent) + room <= WIDTH:
        return flat
    if len(parts) == 1 and parts[0].flat[0] in "([{" and parts[0].flat[-1] in ")]}":
        return f"{start}{parts[0].laid(indent)}{end}"
    inner = indent + STEP
    lines = "".join(f"{inner}{part.laid(inner)},\n" for part in parts)
    return f"{start}\n{lines}{indent}{end}"


def _ends(text: str, indent: str) -> int:
    """Return the column at which the last line of a text ends."""
    before, _, last = text.rpartition("\n")
    return len(last) if before else len(indent) + len(last)


def expression(node: ast.expr, indent: str, room: int = 0) -> str:
    """Return an expression's code; it begins where the indentation and `room` end."""
    flat = ast.unparse(node)
    if len(indent) + len(flat) + room <= WIDTH:
        return flat
    match node:
        case ast.Call(func=function, args=[*arguments], keywords=keywords):
            parts = [*map(_part, arguments), *map(_named, keywords)]
            return bracketed(f"{_operand(function, indent, room)}(", parts, ")", indent, room=room)
        case ast.Attribute(value=value, attr=name):
            return f"{_operand(value, indent, room)}.{name}"
        case ast.Subscript(value=value, slice=index):
            # By itself a list of slices would come out in brackets that Python refuses there.
            within = ast.unparse(ast.Subscript(value=ast.Name("x"), slice=index))
            return _operand(value, indent, room) + within.removeprefix("x")
        case ast.Dict(keys=keys, values=values):
            pairs = [
                _pair(key, value)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            ]
            return bracketed("{", pairs, "}", indent, room=room)
        case ast.List(elts=elements):
            return bracketed("[", list(map(_part, elements)), "]", indent, room=room)
        case ast.Tuple(elts=[element]):
            return f"({expression(element, indent, room + len('(,)'))},)"
        case ast.Tuple(elts=elements):
            return bracketed("(", list(map(_part, elements)), ")", indent, room=room)
    return flat


def _operand(node: ast.expr, indent: str, room: int) -> str:
    """Return what a call, an attribute or a subscript is applied to, in brackets if it must be."""
    match node:
        case ast.Call() | ast.Attribute() | ast.Subscript() | ast.Dict() | ast.List():
            return expression(node, indent, room)
    # unparse puts the brackets that an operand of this kind needs.
    return ast.unparse(ast.Attribute(value=node, attr="x")).removesuffix(".x")


def _part(node: ast.expr) -> Part:
    return Part(ast.unparse(node), lambda indent: expression(node, indent, 1))


def _named(keyword: ast.keyword) -> Part:
    return _after(f"{keyword.arg}=", keyword.value)


def _pair(key: ast.expr, value: ast.expr) -> Part:
    return _after(f"{ast.unparse(key)}: ", value)


def _after(start: str, node: ast.expr) -> Part:
    return Part(
        start + ast.unparse(node), lambda indent: start + expression(node, indent, len(start) + 1)
    )
