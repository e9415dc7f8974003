"""An expression's text to its syntax tree, by Python's own parser, its errors told in our words."""

from __future__ import annotations

import ast
import functools
import math
import re
import warnings

from fitsgen.check import policy
from fitsgen.diagnostics import Problem, warning
from fitsgen.model import Expression, offset_of
from fitsgen.syntax.nodes import Logical

# Brackets, and the strings whose brackets are none.
_BRACKET = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[()\[\]{}]""", re.DOTALL)
# Python takes some of them for the end of a line, and NUL for the end of the text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def parse_expression(text: Logical) -> tuple[Expression | None, list[Problem]]:
    """Parse the text of one expression; a text that is none gives `None` and the reason."""
    if problem := _unreadable(text):
        return None, [problem]
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
            expression = Expression(text, value)
            if problem := _too_large(expression) or _unwritable(expression):
                return None, [problem]
            return expression, [*problems, *_doubled_quotes(text)]
        case [ast.Expr(), second, *_]:
            at = text.position(offset_of(text.text, second.lineno, second.col_offset))
            hint = "an open bracket or a \\ at the end of a line continues it"
            return None, [Problem("a second expression; there can be one", at, hint)]
        case []:
            return None, [Problem("expected an expression", text.position(0))]
    return None, [Problem("expected an expression, found a statement", text.position(0))]


def _unreadable(text: Logical) -> Problem | None:
    """Return why a text is not given to Python's parser."""
    if len(text.text) > policy.MAX_TEXT:
        message = f"an expression of {len(text.text)} characters; {policy.MAX_TEXT} are allowed"
        return Problem(message, text.position(0))
    if control := _CONTROL.search(text.text):
        message = f"the character {control[0]!r} cannot stand in a template"
        return Problem(message, text.position(control.start()))
    if (depth := _nesting(text.text)) > policy.MAX_BRACKETS:
        message = f"brackets nested {depth} deep; {policy.MAX_BRACKETS} are allowed"
        return Problem(message, text.position(0))
    return None


def _too_large(expression: Expression) -> Problem | None:
    """Return what of a tree is more than the passes and the module are made for."""
    level: list[ast.AST] = [expression.tree]
    count = depth = 0
    while level:
        count, depth = count + len(level), depth + 1
        for node in level:
            if isinstance(node, ast.Constant) and _is_too_large(node.value):
                return Problem("a number too large", expression.locate(node))
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if count > policy.MAX_NODES:
        message = f"an expression of {count} parts; {policy.MAX_NODES} are allowed"
        return Problem(message, expression.position)
    if depth > policy.MAX_LEVELS:
        message = f"an expression nested {depth} deep; {policy.MAX_LEVELS} are allowed"
        return Problem(message, expression.position)
    return None


def _unwritable(expression: Expression) -> Problem | None:
    """Return which f-string cannot be written down anew, as the module needs it.

    Up to Python 3.11 there can be no backslash within the braces, nor the quotes around.
    """
    if "{" not in expression.text.text:
        return None
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.JoinedStr):
            try:
                anew = tree_of(ast.unparse(node))
            except ValueError:
                anew = None
            if anew is None or ast.dump(anew) != ast.dump(node):
                hint = "take the text out of the braces: 'text' + f'{...}'"
                message = "this f-string has text within its braces that cannot stand there"
                return Problem(message, expression.locate(node), hint)
    return None


def _is_too_large(value: object) -> bool:
    match value:
        case int():
            return value.bit_length() > policy.MAX_INTEGER_BITS
        case float():
            return math.isinf(value)
        case complex():
            return math.isinf(value.imag)
    return False


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[ast.Module, tuple[str, ...]]:
    """Parse a text; headers repeat a few hundred texts in thousands of cards."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return ast.parse(text), tuple(str(one.message) for one in caught)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "([{" else -1 if bracket in ")]}" else 0
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


def tree_of(text: str) -> ast.expr | None:
    """Return the tree of a text that is one expression, and `None` for any other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _second_value(text: str) -> int | None:
    """Return where the text goes on after a complete expression, if it does.

    The longest beginning of the text, cut at a blank, that is an expression
    by itself; what follows it is no part of one.
    """
    for blank in reversed([match.start() for match in re.finditer(r"[ \t]+", text)][:200]):
        if tree_of(text[:blank].strip()) is None:
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
