"""What is wrong with a file, as values: a problem, and where in the file it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fitsgen.diagnostics import Position, Problem, Severity, Source, errors, record

_MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a FITS file something is: `card` counts the cards of a header from 1."""

    file: str
    hdu: int | None = None
    name: str = ""
    keyword: str = ""
    card: int | None = None
    value: object = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.hdu is not None:
            parts.append(f"HDU {self.hdu}" + (f" ({self.name})" if self.name else ""))
        if self.card is not None:
            parts.append(f"card {self.card}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Finding(Problem):
    """Something that is wrong with a file; its position is that of the rule, in the template."""

    place: Place = field(default=Place(""))


def finding(
    message: str,
    place: Place,
    position: Position | None = None,
    hint: str = "",
    severity: Severity = Severity.ERROR,
    notes: tuple[tuple[str, Position | None], ...] = (),
) -> Finding:
    """Make a finding: with the rule's position it names the file in the message."""
    if position is None:
        position, where = Position(Source(place.file)), str(place).removeprefix(place.file + ", ")
        said = f"{where}: {message}" if place.hdu is not None else message
    else:
        said = f"{place}: {message}"
    return Finding(said, position, hint, severity, notes, place)


def shown(value: object) -> str:
    """Return a header value as a header has it, cut where it is long."""
    match value:
        case None:
            return "undefined"
        case bool():
            return "T" if value else "F"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def render_json(results: Mapping[str, Sequence[Problem]]) -> str:
    """Return what was found in each file as JSON, for a program."""
    files = [
        {
            "file": file,
            "errors": len(errors(problems)),
            "problems": [_record(problem) for problem in problems],
        }
        for file, problems in results.items()
    ]
    return json.dumps(files, indent=2)


def _record(problem: Problem) -> dict[str, object]:
    if not isinstance(problem, Finding):
        return record(problem)
    place = problem.place
    value = repr(place.value) if isinstance(place.value, complex) else place.value
    return {
        **record(problem),
        "hdu": place.hdu,
        "name": place.name,
        "keyword": place.keyword,
        "card": place.card,
        "value": value,
    }
