"""A file and what its template says of it, to everything that is wrong with the file.

In: the path of a FITS file, a compiled file type and, where there are any, its
checks. Out: findings, none of which stops the search for others; each has the
place in the file and, where it breaks a rule, the position of that in the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from fitsgen.diagnostics import InputError, Problem
from fitsgen.inputs.fits import FitsFile
from fitsgen.runtime.declare import FileType
from fitsgen.verification import hdus, keywords, rules
from fitsgen.verification.expected import expectation
from fitsgen.verification.findings import Finding, Place, finding
from fitsgen.verification.found import read
from fitsgen.verification.standard import faults

__all__ = ["Finding", "Place", "verify"]


def verify(
    path: str | PathLike[str], file_type: FileType, checks: FileType | None = None
) -> list[Problem]:
    """Return all that is wrong with a file.

    Parameters
    ----------
    path
        A FITS file, plain or gzip-compressed.
    file_type
        What the file should be: its HDUs, their order and names, the keywords
        with their order, types and fixed values.
    checks
        A compiled verification template: a check for each keyword.

    Returns
    -------
    list of Problem
        Errors and warnings, in the order of the file; a file that cannot be
        read gives what the reader says.

    """
    try:
        with FitsFile.open(path) as file:
            return list(_findings(fspath(path), file, file_type, checks))
    except InputError as error:
        return [_unreadable(fspath(path), problem) for problem in error.problems]


def _findings(
    path: str, file: FitsFile, file_type: FileType, checks: FileType | None
) -> Iterator[Problem]:
    yield from faults(file)
    expected = expectation(file_type)
    found = read(path, file)
    matched = hdus.match(expected, found)
    yield from matched.findings
    told: set[tuple[int | None, int | None]] = set()
    for wanted, there in matched.pairs:
        for one in keywords.compare(wanted, there):
            told.add((one.place.hdu, one.place.card))
            yield one
    if checks:
        for one in rules.ask(checks, file, matched.pairs):
            # What is wrong by the template is not told a second time.
            if one.place.card is None or (one.place.hdu, one.place.card) not in told:
                yield one


def _unreadable(path: str, problem: Problem) -> Finding:
    return finding(problem.message, Place(path), hint=problem.hint)
