"""An expression's text to its syntax tree, by Python's own parser, its errors told in our words."""

from __future__ import annotations

import ast
import functools
import re
import warnings

from fitsgen.diagnostics import Problem, warning
from fitsgen.model import Expression, offset_of
from fitsgen.syntax.nodes import Logical

MAX_TEXT = 64 * 1024
MAX_NESTING = 60


def parse_expression(text: Logical) -> tuple[Expression | None, list[Problem]]:
    """Parse the text of one expression; a text that is none gives `None` and the reason."""
    if len(text.text) > MAX_TEXT:
        message = f"an expression of {len(text.text)} characters; {MAX_TEXT} are allowed"
        return None, [Problem(message, text.position(0))]
    if (depth := _nesting(text.text)) > MAX_NESTING:
        message = f"brackets nested {depth} deep; {MAX_NESTING} are allowed"
        return None, [Problem(message, text.position(0))]
    try:
        tree, complaints = _parse(text.text)
    except SyntaxError as error:
        return None, [_explain(error, text)]
    except (RecursionError, MemoryError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        return None, [Problem(f"Python cannot read this expression: {reason}", text.position(0))]
    problems = [warning(complaint, text.position(0)) for complaint in complaints]
    match tree.body:
        case [ast.Expr(value=value)]:
            problems += _doubled_quotes(text)
            return Expression(text, value), problems
        case [ast.Expr(), second, *_]:
            at = text.position(offset_of(text.text, second.lineno, second.col_offset))
            hint = "an open bracket or a \\ at the end of a line continues it"
            return None, [Problem("a second expression; there can be one", at, hint)]
        case []:
            return None, [Problem("expected an expression", text.position(0))]
    return None, [Problem("expected an expression, found a statement", text.position(0))]


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[ast.Module, tuple[str, ...]]:
    """Parse a text; headers repeat a few hundred texts in thousands of cards."""
    if "\\" not in text:
        return ast.parse(text), ()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return ast.parse(text), tuple(str(one.message) for one in caught)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth += 1 if bracket in "([{" else -1
        deepest = max(deepest, depth)
    return deepest


def _explain(error: SyntaxError, text: Logical) -> Problem:
    """Map a syntax error to the template, and say what a template's author may have meant."""
    lines = text.text.split("\n")
    line = min(error.lineno or 1, len(lines))
    column = max((error.offset or 1) - 1, 0)
    offset = min(sum(len(one) + 1 for one in lines[: line - 1]) + column, len(text.text))
    message = error.msg
    if unclosed := re.match(r"'(.)' was never closed", message):
        return Problem(f"this {unclosed[1]} is never closed", text.position(offset))
    if second := _second_value(text.text):
        hint = "a comment starts with /: is one missing?"
        return Problem("text after a complete expression", text.position(second), hint)
    hint = "an open bracket or a \\ continues the line before" if text.text[:1] in ".,)]}" else ""
    return Problem(f"not a Python expression: {message}", text.position(offset), hint)


def _second_value(text: str) -> int | None:
    """Return where the text goes on after a complete expression, if it does.

    The longest beginning of the text, cut at a blank, that is an expression
    by itself; what follows it is no part of one.
    """
    for blank in reversed([match.start() for match in re.finditer(r"[ \t]+", text)][:200]):
        try:
            ast.parse(text[:blank].strip(), mode="eval")
        except (SyntaxError, ValueError):
            continue
        rest = text[blank:]
        if re.match(r"\s+[\w'\"(\[{]", rest):
            return blank + len(rest) - len(rest.lstrip())
    return None


def _doubled_quotes(text: Logical) -> list[Problem]:
    """FITS writes a quote in a string as two; in Python that ends one string and starts another."""
    doubled = re.match(r"'(?:[^'\\]|\\.)+''(?:[^'\\]|\\.)+'$", text.text)
    if not doubled:
        return []
    hint = 'write "it\'s" for a text with a quote in it'
    at = text.position(text.text.index("''"))
    return [warning("two quotes in a row join two strings, as in Python", at, hint)]
