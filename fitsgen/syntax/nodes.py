"""The tree of one file: a node a line, each with where it stands in the text.

A node holds offsets into the text of its file; positions with their chain of
includes come into being when the file is spliced into a template.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from fitsgen.diagnostics import Position, Source

# What a continuation leaves out of an expression: the backslash, the line
# break, and the comment lines and blanks before the text goes on.
_JOIN = re.compile(r"[ \t]*\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*[ \t]*|[ \t]*\r?\n[ \t]*")


RULES_SUFFIX = ".val.txt"
"""Verification templates are told from others by their names."""


class Span(NamedTuple):
    """A stretch of a file's text: offsets `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """`<<word argument>>`."""

    span: Span
    word: str
    argument: str


@dataclass(frozen=True, slots=True)
class Include:
    """`#include "path"`, or `<<inherit "path">>`, which only a verification template has."""

    span: Span
    path: str
    inherits: bool = False


@dataclass(frozen=True, slots=True)
class Directive:
    """A reserved word such as `#if`."""

    span: Span


@dataclass(frozen=True, slots=True)
class Card:
    """`KEYWORD = value / comment`; `optional` where it was written with `?=`."""

    span: Span
    keyword: Span
    value: Span | None
    comment: Span | None
    optional: bool
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Heading:
    """`/ text`: a section heading, or in a data section a piece that begins with a slash."""

    span: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a data expression."""

    span: Span


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line."""

    span: Span


Node = Section | Include | Directive | Card | Heading | Piece | Blank


@dataclass(frozen=True, slots=True)
class Tree:
    """One parsed file."""

    source: Source
    text: str = field(repr=False)
    nodes: tuple[Node, ...] = field(repr=False)
    line_starts: tuple[int, ...] = field(repr=False, compare=False)

    def position(self, offset: int, chain: tuple[Position, ...] = ()) -> Position:
        """Return the position of a character of the text."""
        line = bisect_right(self.line_starts, offset)
        return Position(self.source, line, offset - self.line_starts[line - 1] + 1, chain)


@dataclass(frozen=True, slots=True)
class Root:
    """A directory in which includes are looked up, and how paths below it are shown."""

    directory: Path
    label: str


def is_rules(path: Path) -> bool:
    """Whether a path is that of a verification template."""
    return path.name.endswith(RULES_SUFFIX)


def line_starts(text: str) -> tuple[int, ...]:
    """Return the offset at which each line of a text starts."""
    lengths = (len(line) + 1 for line in text.split("\n"))
    return (0, *accumulate(lengths))[:-1]


@dataclass(frozen=True, slots=True)
class Logical:
    """A text joined from continued lines, which remembers where each part of it came from.

    `parts` has, for each part, its offset in the joined text, the tree and
    the offset in the tree's text.
    """

    text: str
    parts: tuple[tuple[int, Tree, int], ...] = field(repr=False, compare=False)
    chain: tuple[Position, ...] = field(default=(), repr=False, compare=False)

    def position(self, offset: int) -> Position:
        """Return where a character of the joined text stands."""
        index = max(bisect_right(self.parts, offset, key=lambda part: part[0]) - 1, 0)
        start, tree, origin = self.parts[index]
        return tree.position(origin + offset - start, self.chain)


def logical(tree: Tree, span: Span, chain: tuple[Position, ...] = (), joint: str = " ") -> Logical:
    """Join the continued lines of a span into one line.

    Inside a quoted string the break itself vanishes, as it does in Python.
    """
    raw = tree.text[span.start : span.end]
    if "\n" not in raw:
        return Logical(raw, ((0, tree, span.start),), chain)
    texts: list[str] = []
    parts: list[tuple[int, Tree, int]] = []
    length = start = 0
    for break_ in (*_JOIN.finditer(raw), None):
        end = break_.start() if break_ else len(raw)
        parts.append((length, tree, span.start + start))
        texts.append(raw[start:end])
        length += end - start + len(joint)
        start = break_.end() if break_ else end
    return Logical(joint.join(texts), tuple(parts), chain)
