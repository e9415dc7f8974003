"""A template and its includes to a list of cards, by a plain pyparsing grammar: the peer of ours.

In: a path and the directories of includes. Out: a `Card` for each header line,
in the order of the template. It knows the whole line format (sections, cards,
includes, comments, continuations, brackets and quotes), and keeps no positions
and tells no more of an error than pyparsing does: less work than ours, not more.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyparsing as pp


class Card(NamedTuple):
    """A header line as text: continued lines are joined by a blank."""

    keyword: str
    value: str
    comment: str
    optional: bool


def read(path: Path, roots: Sequence[Path]) -> list[Card]:
    """Read a template, and every include where it stands."""
    cards: list[Card] = []
    for line in _grammar().parse_string(path.read_text(encoding="utf-8-sig"), parse_all=True):
        if "include" in line:
            cards += read(_find(line["include"], (path.parent, *roots)), roots)
        elif "keyword" in line:
            value, comment = _joined(line.get("value", "")), _joined(line.get("comment", "/"))
            optional = line["assign"] == "?="
            cards.append(Card(line["keyword"], value, comment[1:].strip(), optional))
    return cards


def _find(name: str, roots: Sequence[Path]) -> Path:
    return next(root / name for root in roots if (root / name).exists())


def _joined(text: str) -> str:
    return re.sub(r"\s*\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*\s*", " ", text).strip()


@functools.cache
def _grammar() -> pp.ParserElement:
    blanks = pp.ParserElement.DEFAULT_WHITE_CHARS
    pp.ParserElement.set_default_whitespace_chars(" \t\r")
    try:
        return _file()
    finally:
        pp.ParserElement.set_default_whitespace_chars(blanks)


def _file() -> pp.ParserElement:
    end = pp.LineEnd().suppress()
    continuation = pp.Regex(r"\\[ \t]*\r?\n([ \t]*#[^\n]*\n)*")

    string = pp.Regex(r"'([^'\\\n]|\\[^\n])*'" + r'|"([^"\\\n]|\\[^\n])*"')
    text = pp.Regex(r"[^\s'\"()\[\]{}/\\#][^'\"()\[\]{}/\\#\n]*")
    opening, closing, slash = pp.one_of("( [ {"), pp.one_of(") ] }"), pp.Literal("/")
    group = pp.Forward()
    group <<= opening + pp.ZeroOrMore(text | string | slash | group) + closing
    value = pp.original_text_for(pp.OneOrMore(text | string | group).ignore(continuation))

    comment = pp.Regex(r"/(\\[ \t]*\r?\n|[^\n])*")
    hierarch = pp.Regex(r"HIERARCH[ \t]+[^=\n]*?(?=[ \t]*\??=)")
    keyword = hierarch | pp.Word(pp.alphas + "_-", pp.alphanums + "_-")
    assign = pp.one_of("?= =")
    card = (
        keyword("keyword") + assign("assign") + pp.Opt(value("value")) + pp.Opt(comment)("comment")
    )

    name = pp.Word(pp.alphas + "_", pp.alphanums + "_")
    section = "<<" + pp.one_of("file header data")("section") + pp.Opt(name)("name") + ">>"
    path = pp.QuotedString("'") | pp.QuotedString('"')
    include = pp.Literal("#include").suppress() + path("include")
    remark = pp.Regex(r"#(?!include\b)[^\n]*").suppress()
    piece = pp.original_text_for(
        pp.OneOrMore(text | string | opening | closing | slash).ignore(continuation)
    )
    line = (card | section | include | comment | remark | piece) + end
    return pp.ZeroOrMore(pp.Group(line) | end)
