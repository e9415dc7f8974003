"""The pass that checks what is known of cards: constant values, and comments beside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fitsgen.check.python_syntax import tree_of
from fitsgen.diagnostics import Problem, warning
from fitsgen.model import COMMENTARY, Card, FileType
from fitsgen.namespace import KNOWN
from fitsgen.runtime.cards import (
    CardError,
    check_reserved,
    commentary_texts,
    fits_comment,
    plain,
)
from fitsgen.runtime.structural import is_structural

_NUMBER = r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?"
# A minus has blanks around it: 0-100 is a range, 2012-11-10 a date.
_ARITHMETIC = re.compile(rf"{_NUMBER}((\s*[*/]\s*|\s+[-+]\s+){_NUMBER})*")


def check(file_type: FileType) -> Iterator[Problem]:
    """Check constant values, and that the comments beside them are not cut."""
    for hdu in file_type.hdus:
        for card in hdu.cards():
            expression = card.expression
            if _divides(card):
                hint = "to divide, put brackets around the whole: (a / b)"
                yield warning("this comment looks like an expression", card.position, hint)
            if expression and isinstance(getattr(expression.tree, "value", None), bytes):
                continue  # refused as syntax
            if expression and expression.is_constant:
                yield from _constant(card, expression.constant, is_structural(card.keyword))
            elif len(card.keyword) <= 8 and not fits_comment(card.keyword, None, card.comment):
                yield warning("the comment is too long for its card and will be cut", card.position)


def _divides(card: Card) -> bool:
    """Whether a comment begins like the rest of a division: A / input('B'), A / 2 / comment."""
    match card.expression:
        case None:
            return False
        case expression if expression.is_constant and isinstance(expression.constant, str):
            return False
    second = re.search(r"\s/", card.comment)
    beginning = card.comment[: second.start()].rstrip() if second else card.comment
    if _ARITHMETIC.fullmatch(beginning):
        # But "2 / 3 of the field" is a part of something.
        is_part = second is not None and card.comment[second.end() :].lstrip()[:1].isdigit()
        return not is_part or _ARITHMETIC.fullmatch(card.comment) is not None
    if "(" not in beginning:
        return False
    tree = tree_of(beginning)
    if tree is None:
        return False
    names = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return any(isinstance(name, ast.Name) and name.id in KNOWN for name in names)


def _constant(card: Card, value: object, structural: bool) -> Iterator[Problem]:
    at = card.expression.position if card.expression else card.position
    try:
        if card.keyword in COMMENTARY:
            commentary_texts(value)
            return
        plain_value, unit = plain(value)
        check_reserved(card.keyword, plain_value)
        comment = f"[{unit}] {card.comment}" if unit else card.comment
        whole = fits_comment(card.keyword, plain_value, comment)
    except CardError as error:
        yield Problem(str(error), at)
        return
    if not whole and not structural:
        yield warning("the comment is too long for its card and will be cut", card.position)
