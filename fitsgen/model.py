"""A checked template as values: all that a backend may read.

In: nothing. Out: the types that `fitsgen.check` fills. Every part knows where
in the templates it comes from.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from types import EllipsisType

from fitsgen.diagnostics import Position
from fitsgen.namespace import NOT_SOURCES
from fitsgen.syntax.nodes import Logical

COMMENTARY = frozenset({"COMMENT", "HISTORY"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A Python expression of a template, parsed."""

    text: Logical
    tree: ast.expr = field(compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the namespace that the expression uses, in the order of the text."""
        return _names(self.tree)

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources that the expression reads, in the order of the text."""
        return tuple(name for name in self.names if name not in NOT_SOURCES)

    @property
    def position(self) -> Position:
        """Where the expression starts."""
        return self.text.position(0)

    def locate(self, node: ast.expr | ast.keyword | ast.stmt) -> Position:
        """Return where in the templates a part of the expression stands."""
        return self.text.position(offset_of(self.text.text, node.lineno, node.col_offset))

    def locate_name(self, node: ast.Attribute) -> Position:
        """Return where the name of an attribute stands, which is the end of it."""
        start = offset_of(self.text.text, node.end_lineno or 1, node.end_col_offset or 0)
        # Python takes ligatures and the like apart: as it stands the name may be shorter.
        while start and ("_" + self.text.text[start - 1]).isidentifier():
            start -= 1
        return self.text.position(start)

    @property
    def is_constant(self) -> bool:
        """Whether the value is known when the template is compiled."""
        return _is_literal(self.tree)

    @property
    def constant(self) -> object:
        """The value of a constant expression."""
        return _literal(self.tree)


@functools.lru_cache(maxsize=4096)
def _names(tree: ast.expr) -> tuple[str, ...]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in nodes if node.id not in bound))


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a place that `ast` gives as a line and a column in UTF-8 bytes."""
    lines = text.split("\n")
    start = (0, *accumulate(len(one) + 1 for one in lines))[line - 1]
    return start + len(lines[line - 1].encode()[:column].decode("utf-8", "ignore"))


@dataclass(frozen=True, slots=True)
class Card:
    """A keyword with its value and comment; no expression: filled in from data, or undefined."""

    keyword: str
    expression: Expression | None
    comment: str
    optional: bool
    position: Position


@dataclass(frozen=True, slots=True)
class Heading:
    """A card with a blank keyword and a text."""

    text: str
    position: Position


@dataclass(frozen=True, slots=True)
class Blank:
    """A blank card."""

    position: Position


Item = Card | Heading | Blank


@dataclass(frozen=True, slots=True)
class HDU:
    """A header section and the data section after it."""

    name: str
    items: tuple[Item, ...]
    data: Expression | None
    position: Position

    def cards(self) -> Iterator[Card]:
        """Iterate over the cards with a keyword."""
        return (item for item in self.items if isinstance(item, Card))

    def find(self, keyword: str) -> Card | None:
        """Return the card of a keyword; of several, the last, which is the one that counts."""
        return next((c for c in reversed(tuple(self.cards())) if c.keyword == keyword), None)


@dataclass(frozen=True, slots=True)
class FileType:
    """A whole template: `summary` is the first template comment of its file."""

    name: str
    hdus: tuple[HDU, ...]
    position: Position
    summary: str = ""

    def expressions(self) -> Iterator[Expression]:
        """Iterate over the expressions, of cards and of data, in the order of the template."""
        for hdu in self.hdus:
            for card in hdu.cards():
                if card.expression:
                    yield card.expression
            if hdu.data:
                yield hdu.data


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, bytes | EllipsisType)
        case ast.Name(id="T" | "F"):
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return True
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return all(map(_is_literal, parts))
        case ast.Dict(keys=keys, values=values):
            return all(map(_is_key, keys)) and all(map(_is_literal, values))
    return False


def _is_key(node: ast.expr | None) -> bool:
    match node:
        case None | ast.List() | ast.Dict():
            return False
        case ast.Tuple(elts=parts):
            return all(map(_is_key, parts))
    return _is_literal(node)


def _literal(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return name == "T"
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=parts):
            return [_literal(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(_literal(part) for part in parts)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {_literal(key): _literal(value) for key, value in pairs if key is not None}
    raise ValueError("not a constant")
