"""Positions in templates and problems found there, as values, and how they are shown.

In: nothing of fitsgen. Out: `Problem`, which every stage gathers and only the
command line prints, and the exceptions that carry problems to a caller.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

MAX_SHOWN_COLUMNS = 160
STRICT_NOTE = "a warning without --strict"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that positions point into: its name as a user would write it, and its lines."""

    name: str
    lines: Sequence[str] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands: line and column count from 1; 0 means the file as a whole.

    `chain` holds the includes that led here, the innermost first.
    """

    source: Source
    line: int = 0
    column: int = 0
    chain: tuple[Position, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        if not self.line:
            return self.source.name
        if not self.column:
            return f"{self.source.name}:{self.line}"
        return f"{self.source.name}:{self.line}:{self.column}"

    @property
    def text(self) -> str:
        """The line that the position points into, or '' where it is not known."""
        lines = self.source.lines
        return lines[self.line - 1] if 0 < self.line <= len(lines) else ""


class Severity(enum.Enum):
    """How bad a problem is: an error stops the work, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, where, and what may be done about it.

    `notes` add further sentences (each with a position, where it has one).
    """

    message: str
    position: Position | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    notes: tuple[tuple[str, Position | None], ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether the problem stops the work."""
        return self.severity is Severity.ERROR


def warning(
    message: str,
    position: Position | None = None,
    hint: str = "",
    notes: tuple[tuple[str, Position | None], ...] = (),
) -> Problem:
    """Make a problem that is shown but stops nothing."""
    return Problem(message, position, hint, Severity.WARNING, notes)


class FitsgenError(Exception):
    """A failure that is the user's to mend; `problems` has all that was found, in order."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return render(self.problems)


class CompileError(FitsgenError):
    """A template that cannot be compiled."""


class InputError(FitsgenError):
    """An input that cannot be read."""


def input_error(name: str, message: str, hint: str = "") -> InputError:
    """Return an error about an input as a whole."""
    return InputError(Problem(message, Position(Source(name)), hint))


class GenerateError(FitsgenError):
    """A file that cannot be made from the inputs given."""


class VerifyError(FitsgenError):
    """A file that is not what its template says."""


class OutputError(FitsgenError):
    """A file that cannot be written."""


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that stop the work."""
    return [problem for problem in problems if problem.is_error]


def strictly(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with each warning raised to an error, which says that it was one."""
    return [
        replace(problem, severity=Severity.ERROR, notes=(*problem.notes, (STRICT_NOTE, None)))
        if problem.severity is Severity.WARNING
        else problem
        for problem in problems
    ]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by where a reader of the template meets them, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: _reading_order(problem.position))


def _reading_order(position: Position | None) -> tuple[tuple[int, int], ...]:
    if position is None:
        return ()
    places = (*reversed(position.chain), position)
    return tuple((place.line, place.column) for place in places)


def render(problems: Iterable[Problem]) -> str:
    """Return problems as text for a person, one paragraph each."""
    return "\n".join("\n".join(_paragraph(problem)) for problem in problems)


def render_json(problems: Iterable[Problem]) -> str:
    """Return problems as a JSON array of objects, for a program."""
    return json.dumps([record(problem) for problem in problems], indent=2)


def _paragraph(problem: Problem) -> list[str]:
    at = f"{problem.position}: " if problem.position else ""
    lines = [f"{at}{problem.severity.value}: {problem.message}"]
    if problem.position and problem.position.text.strip():
        lines += _excerpt(problem.position)
    for text, position in problem.notes:
        lines.append(f"  note: {text}" + (f" ({position})" if position else ""))
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    if problem.position:
        lines += [f"  included from {place}" for place in problem.position.chain]
    return [_printable(line) for line in lines]


def _printable(text: str) -> str:
    """Return a text that does nothing to a terminal: names and values in it are anybody's."""
    if text.isprintable():
        return text
    kept = (c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(kept)


def _excerpt(position: Position) -> list[str]:
    """Return the line and a caret under the column; a long line is cut around the column."""
    text = position.text.rstrip().expandtabs(1)
    column = max(position.column, 1)
    start = 0 if column <= MAX_SHOWN_COLUMNS else column - MAX_SHOWN_COLUMNS // 2
    shown = text[start : start + MAX_SHOWN_COLUMNS]
    margin = f"{position.line:>5} | "
    lines = [margin + shown]
    if position.column:
        lines.append(" " * (len(margin) - 2) + "| " + " " * (column - 1 - start) + "^")
    return lines


def record(problem: Problem) -> dict[str, object]:
    """Return a problem as what JSON can hold."""
    return {
        "severity": problem.severity.value,
        "message": problem.message,
        "hint": problem.hint,
        **_place(problem.position),
        "included_from": [_place(p) for p in problem.position.chain] if problem.position else [],
        "notes": [{"message": text, **_place(position)} for text, position in problem.notes],
    }


def _place(position: Position | None) -> dict[str, object]:
    if position is None:
        return {"path": None, "line": None, "column": None}
    return {
        "path": position.source.name,
        "line": position.line or None,
        "column": position.column or None,
    }


def counted(count: int, what: str) -> str:
    """Return how many there are of something, such as `1 error`, `2 errors`."""
    return f"{count} {what}{'' if count == 1 else 's'}"
