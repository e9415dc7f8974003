"""A data file to a source: the lines of a template, with literals for values.

It is data, never code: a value is a Python literal, `T` or `F`, and nothing is
evaluated.
"""

from __future__ import annotations

from pathlib import Path

from fitsgen.diagnostics import InputError, Position, Problem, Source, in_order
from fitsgen.inputs.sources import DataFile
from fitsgen.model import HDU


def read_data_file(path: Path) -> DataFile:
    """Read a data file.

    Raises
    ------
    InputError
        It cannot be read, breaks the grammar, or has a value that is no literal.

    """
    # Reading a template's syntax costs more to import than a conversion takes:
    # only data files pay for it.
    from fitsgen.check import keywords, structure
    from fitsgen.syntax.includes import Reader

    spliced, problems = Reader().splice(path, str(path))
    if spliced.tree is None:
        raise InputError(problems)
    file_type, more = structure.build(spliced.lines, Position(Source(str(path)), 1), loose="")
    problems += [*more, *keywords.check(file_type)]
    sections = []
    for hdu in file_type.hdus:
        values, more = _literals(hdu)
        sections.append((hdu.name, values))
        problems += more
    if any(problem.is_error for problem in problems):
        raise InputError(in_order(problems))
    return DataFile(file_type.name, tuple(sections))


def _literals(hdu: HDU) -> tuple[dict[str, object], list[Problem]]:
    """Return the values of a section."""
    values: dict[str, object] = {}
    problems = []
    for card in hdu.cards():
        if card.expression is None:
            values[card.keyword] = ""
        elif card.expression.is_constant:
            values[card.keyword] = card.expression.constant
        else:
            hint = "a data file holds literals: text, numbers, T and F, and lists of them"
            problems.append(Problem("this is no literal value", card.expression.position, hint))
    if hdu.data:
        problems.append(Problem("a data file has no data section", hdu.data.position))
    return values, problems
