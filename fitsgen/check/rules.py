"""Spliced lines of a verification template to its model: for each HDU, a check for each keyword.

In: the lines, those of inherited templates before its own. Out: a `FileType`
whose expressions ask something of `x`, and all problems found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fitsgen.check import duplicates, expressions, keywords
from fitsgen.check.structure import build_rules
from fitsgen.diagnostics import Position, Problem
from fitsgen.model import Card, FileType
from fitsgen.namespace import VALUE
from fitsgen.syntax.includes import Line

READABLE = (VALUE, "output")


def check_rules(lines: Iterable[Line], start: Position) -> tuple[FileType, list[Problem]]:
    """Build the model of a verification template and check it.

    Where a keyword has several checks, the last one counts.
    """
    file_type, problems = build_rules(lines, start)
    for one_pass in PASSES:
        problems += one_pass(file_type)
    return duplicates.settle(file_type), problems


def _expressions(file_type: FileType) -> Iterator[Problem]:
    for expression in file_type.expressions():
        yield from expressions.check_expression(expression, frozenset({VALUE}))


def _questions(file_type: FileType) -> Iterator[Problem]:
    """Check that what stands beside a keyword asks something of its value."""
    for card in (card for hdu in file_type.hdus for card in hdu.cards()):
        yield from _question(card)


def _question(card: Card) -> Iterator[Problem]:
    expression = card.expression
    if expression is None:
        return
    strangers = [name for name in expression.reads if name not in READABLE]
    if strangers:
        message = f"a check looks at x and output, and not at {', '.join(strangers)}"
        yield Problem(message, expression.position)
    elif not expression.reads:
        message = "this is no check: it does not look at x, the value"
        known = expression.text.text if expression.is_constant else ""
        yield Problem(message, expression.position, f"write x == {known}" if known else "")


def _repeated(file_type: FileType) -> Iterator[Problem]:
    """Warn of a second check in one file; one that overrides an inherited check is meant."""
    for problem in duplicates.check(file_type):
        first = problem.notes[0][1]
        if first and problem.position and first.source == problem.position.source:
            yield problem


PASSES: tuple[Callable[[FileType], Iterable[Problem]], ...] = (
    keywords.check,
    _expressions,
    _questions,
    _repeated,
)
