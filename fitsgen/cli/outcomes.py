"""What becomes of many files: told as they come, reported line by line, and summed up at the end.

Counts and the first failures are kept, rows are not: there may be a million of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from fitsgen.batch import Outcome
from fitsgen.cli.report import show
from fitsgen.diagnostics import OutputError, Position, Problem, Severity, Source, errors, record
from fitsgen.runtime.files import plain_words, whole_file
from fitsgen.signals import Held
from fitsgen.tasks import Task

MAX_LISTED = 20  # failures at the end
MAX_SEEN = 1000  # problems that are not told twice
REFRESH = 0.1  # seconds between two looks of the bar


@dataclass(frozen=True, slots=True)
class Row:
    """A file that was to be made: of what, as what type, and what became of it.

    why
        Why it was made, or is to be.
    where
        Where it was asked for.

    """

    name: str
    source: str
    where: str
    file_type: str
    outcome: Outcome
    why: str = ""
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def is_failure(self) -> bool:
        """Whether the file could not be made."""
        return self.outcome is Outcome.FAILED

    def record(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return {
            "name": self.name,
            "source": self.source,
            "where": self.where,
            "file_type": self.file_type,
            "outcome": self.outcome.value,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            "problems": [record(problem) for problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A file that is to be made if there is a job, and the row that it will have if all goes well.

    Without a job the row is what became of it already.
    """

    row: Row
    job: Task | None = None


Tell = Callable[[Row], None]


@dataclass(slots=True)
class InOrder:
    """Rows in the order of their numbers, each told as soon as all before it are there."""

    tells: list[Tell]
    _next: int = 0
    _waiting: dict[int, Row] = field(default_factory=dict)

    def add(self, number: int, row: Row) -> None:
        """Take in a row."""
        self._waiting[number] = row
        while self._next in self._waiting:
            self._tell(self._waiting.pop(self._next))
            self._next += 1

    def rest(self) -> None:
        """Tell the rows that wait for one before them: it will not come."""
        for number in sorted(self._waiting):
            self._tell(self._waiting.pop(number))

    def _tell(self, row: Row) -> None:
        with Held():  # A row that is counted is also shown and reported.
            for tell in self.tells:
                tell(row)


@dataclass(slots=True)
class Tally:
    """How many files were made, skipped and failed, and the first failures."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    failures: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Count a row."""
        self.counts[row.outcome] += 1
        if row.is_failure and len(self.failures) < MAX_LISTED:
            self.failures.append(row)

    def numbers(self) -> dict[str, int]:
        """Return how many there are of each outcome."""
        return {one.value: self.counts[one] for one in Outcome}

    def show(self) -> None:
        """Print the numbers, and of each of the first failures the reason."""
        click.echo("".join(f"\n{name:<8}{count:>6}" for name, count in self.numbers().items()))
        if self.failures:
            click.echo("\nfailed")
        for row in self.failures:
            places = [one for one in (row.source, row.where) if one not in ("", row.name)]
            click.echo(f"  {row.name}" + (f"  ({', '.join(places)})" if places else ""))
            for problem in errors(row.problems):
                click.echo(f"    {problem.message}")
        if more := self.numbers()["failed"] - len(self.failures):
            click.echo(f"  and {more} more: --report FILE.jsonl has them all")


@contextlib.contextmanager
def progress(total: int | None, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Give what is called for each file that is done: on a terminal it moves a bar."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # It is refreshed here, not by a thread: a process with threads is not to be forked.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as bar:
        task, shown = bar.add_task("", total=total), 0.0

        def advance() -> None:
            nonlocal shown
            now = time.monotonic()
            bar.update(task, advance=1, refresh=now - shown > REFRESH)
            shown = now if now - shown > REFRESH else shown

        yield advance


def lines() -> Tell:
    """Return what tells of each file in a line, unless a bar does, and of problems either way."""
    seen: dict[Problem, None] = {}

    def tell(row: Row) -> None:
        if not sys.stderr.isatty():
            click.echo(f"{row.outcome.value:<8}{row.name}")
        fresh = [problem for problem in row.problems if problem not in seen and _matters(problem)]
        seen.update(dict.fromkeys(fresh))
        for old in list(seen)[: max(0, len(seen) - MAX_SEEN)]:
            del seen[old]
        show(fresh)

    return tell


def planned(row: Row) -> None:
    """Print what would be done."""
    verbs = {Outcome.MADE: "make", Outcome.SKIPPED: "skip", Outcome.FAILED: "fail"}
    file_type = f" as {row.file_type}" if row.file_type else ""
    click.echo(
        f"{verbs[row.outcome]}  {row.name}  of {row.source or row.where}{file_type}"
        + (f": {row.why}" if row.why else "")
    )
    show(row.problems)


@contextlib.contextmanager
def json_object(tally: Tally) -> Iterator[Tell]:
    """Give what prints rows as a JSON array, in an object that ends with the numbers."""
    before = '{\n  "files": ['

    def tell(row: Row) -> None:
        nonlocal before
        click.echo(before + "\n    " + json.dumps(row.record()), nl=False)
        before = ","

    try:
        yield tell
    finally:
        start = "\n  ],\n" if before == "," else before + "],\n"
        numbers = ",\n".join(f'  "{name}": {count}' for name, count in tally.numbers().items())
        click.echo(f"{start}{numbers}\n}}")


@contextlib.contextmanager
def report_file(path: Path) -> Iterator[Tell]:
    """Give what writes a JSON object a line to a file, which takes the place of an older report.

    It does so at the end, also where that comes early.

    Raises
    ------
    OutputError
        The file is no report, or cannot be written.

    """
    with plain_words(path):
        if os.path.lexists(path) and not _is_report(path):
            position = Position(Source(str(path)))
            raise OutputError(Problem("is no report of fitsgen, and is not replaced", position))
    ended: BaseException | None = None
    with whole_file(path, overwrite=True) as unfinished:
        file = open(unfinished.fd, "w", encoding="utf-8", closefd=False)  # noqa: SIM115

        def tell(row: Row) -> None:
            with plain_words(path):
                file.write(json.dumps(row.record()) + "\n")

        try:
            with unfinished.interruptible():
                yield tell
        except OutputError:  # This file may lack something.
            raise
        except BaseException as error:
            ended = error
        file.close()
    if ended:
        raise ended


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(2**16)
    return not first or (first.startswith(b'{"name": ') and b'"outcome": ' in first)


def _matters(problem: Problem) -> bool:
    """Whether a problem is more than a note: of many files, notes would hide the rest."""
    return problem.severity is not Severity.NOTE
