"""Spliced lines to a checked model, and all problems found on the way.

Each pass looks at the whole file type and yields what it finds; to add a
check, write a file with a `check` and name it in `PASSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fitsgen.check import (
    dependencies,
    duplicates,
    expressions,
    keywords,
    structural,
    structure,
    values,
)
from fitsgen.diagnostics import Position, Problem
from fitsgen.model import FileType
from fitsgen.syntax.includes import Line

# Who mends so many has seen enough; to look for a likely name takes a thousandth of a second.
MAX_ERRORS = 1000

Pass = Callable[[FileType], Iterable[Problem]]

PASSES: tuple[Pass, ...] = (
    keywords.check,
    expressions.check,
    duplicates.check,
    values.check,
    structural.check,
    dependencies.check,
)


def check(lines: Iterable[Line], start: Position) -> tuple[FileType, list[Problem]]:
    """Build the model of a template and run every pass over it.

    `start` is the beginning of the template's file. The model is whole only
    if no problem is an error; the problems come in the order of the template.
    """
    file_type, problems = structure.build(lines, start)
    for one_pass in PASSES:
        problems += _bounded(one_pass(file_type))
    return duplicates.settle(file_type), problems


def _bounded(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Give problems, and not go on after as many errors as are told."""
    count = 0
    for problem in problems:
        yield problem
        count += problem.is_error
        if count == MAX_ERRORS:
            return
