"""One file's text to its tree, with every syntax error found on the way.

In: a path or a text. Out: a `Tree` and a list of `Problem`. The grammar is
`template.lark`; nothing here knows what FITS is.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken

from fitsgen.diagnostics import CompileError, Problem, Source
from fitsgen.syntax.nodes import (
    Blank,
    Card,
    Directive,
    Heading,
    Include,
    Node,
    Piece,
    Section,
    Span,
    Tree,
    line_starts,
)

MAX_PROBLEMS = 100

# What stands at a fault, in the order in which they are tried: a message, a hint.
FAULTS = (
    (r"#include[ \t]*$", "#include needs a path", 'write #include "name.gen.inc"'),
    (r"#include\b(?![ \t]*['\"])", "the path of an #include stands in quotes",
     'write #include "name.gen.inc"'),
    (r"#include\b", "an #include cannot stand inside a continued line",
     "end the line before it: take away the \\ at its end"),
    (r"#", "text after an expression is no comment",
     "a comment starts with /; a template comment (#) has a line of its own"),
    (r"['\"]", "this quote is never closed", "close it on the same line"),
    (r"<<", "a section line is <<file NAME>>, <<header NAME>> or <<data>>", ""),
    (r"[(\[{]", "this bracket is never closed", ""),
)  # fmt: skip

# A continuation at the end of the file takes the last line break with it.
_OPEN_END = re.compile(r"\\[ \t]*\n([ \t]*#[^\n]*\n)*\Z")


def parse(text: str, source: Source) -> tuple[Tree, list[Problem]]:
    """Parse a text.

    Every line that breaks the grammar gives a problem and is left out of the
    tree; the lines after it are read all the same.

    Raises `CompileError` where too many lines do: then it is no template at all.
    """
    ended = text if text.endswith("\n") else text + "\n"
    if _OPEN_END.search(ended):
        ended += "\n"
    tree = Tree(source, ended, (), line_starts(ended))
    problems: list[Problem] = []

    def recover(error: UnexpectedInput) -> bool:
        if len(problems) == MAX_PROBLEMS:
            at = tree.position(error.pos_in_stream or 0)
            message = f"more than {MAX_PROBLEMS} lines are wrong: no further one is read"
            raise CompileError([*problems, Problem(message, at)])
        problems.append(_problem(error, tree))
        _skip_line(error)
        return True

    nodes: tuple[Node, ...] = _grammar().parse(ended, on_error=recover)  # type: ignore[assignment]
    return Tree(source, ended, nodes, tree.line_starts), problems


def _problem(error: UnexpectedInput, tree: Tree) -> Problem:
    offset = error.pos_in_stream or 0
    rest = tree.text[offset:].split("\n", 1)[0].rstrip()
    at = tree.position(offset)
    for pattern, message, hint in FAULTS:
        if re.match(pattern, rest):
            return Problem(message, at, hint)
    if not rest:
        return Problem("the line ends too early", at)
    return Problem(f"expected the end of the line, found {_quoted(rest)}", at)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _skip_line(error: UnexpectedInput) -> None:
    """Take the parser back to the start of a line, and the lexer on to the end of this one."""
    lexer: Any = error.interactive_parser.lexer_thread.state
    if not (isinstance(error, UnexpectedToken) and "\n" in error.token):
        here, text = lexer.line_ctr.char_pos, lexer.text.text
        lexer.line_ctr.feed(text[here : text.index("\n", here)])
    state = error.interactive_parser.parser_state
    if state.value_stack and getattr(state.value_stack[-1], "type", "") == "_NEWLINE":
        # The line before is whole, but waits for what follows to be taken for one.
        error.interactive_parser.feed_token(Token("_NEWLINE", "\n"))
    # Below the tokens of the broken line, the stacks hold the start state
    # and, once there is a line, all lines that are whole.
    whole = 1 if state.value_stack and not isinstance(state.value_stack[0], Token) else 0
    del state.state_stack[whole + 1 :]
    del state.value_stack[whole:]


@functools.cache
def _grammar() -> Lark:
    text = Path(__file__).with_name("template.lark").read_text(encoding="ascii")
    return Lark(text, parser="lalr", lexer="contextual", transformer=_Nodes())


class _Nodes(Transformer[Token, tuple[Node, ...]]):
    """Turns what the grammar matched into nodes, while it parses."""

    def start(self, nodes: list[Node]) -> tuple[Node, ...]:
        return tuple(nodes)

    def section(self, tokens: list[Token]) -> Section | Include:
        word, argument = re.fullmatch(r"<<\s*(\w+)\s*(.*?)\s*>>", tokens[0]).groups()  # type: ignore[union-attr]
        if word == "inherit" and (path := re.fullmatch(r"(['\"])(.*)\1", argument)):
            return Include(_span(tokens[0]), path[2], inherits=True)
        return Section(_span(tokens[0]), word, argument)

    def include(self, tokens: list[Token]) -> Include:
        path = str(tokens[0])[len("#include") :].strip()
        return Include(_span(tokens[0]), path[1:-1])

    def directive(self, tokens: list[Token]) -> Directive:
        return Directive(_span(tokens[0]))

    def heading(self, tokens: list[Token]) -> Heading:
        return Heading(_span(tokens[0]))

    def piece(self, tokens: list[Token]) -> Piece:
        return Piece(_span(tokens[0], tokens[-1]))

    def blank(self, tokens: list[Token]) -> Blank:
        start = _span(tokens[0]).start
        return Blank(Span(start, start))

    def card(self, tokens: list[Token]) -> Card:
        keyword, *value = tokens
        comment = value.pop() if value and value[-1].type == "COMMENT" else None
        head = keyword.rstrip(" \t").removesuffix("=")
        name = head.removesuffix("?").rstrip(" \t")
        start, _ = span = _span(keyword, tokens[-1])
        return Card(
            span,
            Span(start, start + len(name)),
            _span(value[0], value[-1]) if value else None,
            _span(comment) if comment else None,
            head.endswith("?"),
        )

    def open_card(self, tokens: list[Token]) -> Card:
        card = self.card(tokens)
        return Card(card.span, card.keyword, card.value, None, card.optional, closed=False)


def _span(first: Token, last: Token | None = None) -> Span:
    return Span(first.start_pos, (last or first).end_pos)  # type: ignore[arg-type]
