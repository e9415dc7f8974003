"""What becomes of many files: told as they come, and in a table at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fitsgen.cli.report import show

if TYPE_CHECKING:
    from fitsgen.batch import Outcome
    from fitsgen.diagnostics import Problem
    from fitsgen.tasks import Task


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
        from fitsgen.batch import Outcome

        return self.outcome is Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Step:
    """A file that is to be made if there is a task, and the row that it will have if all goes well.

    Without a task the row is what became of it already.
    """

    row: Row
    task: Task | None = None


def carry_out(
    steps: Iterable[Step], rows: dict[int, Row], total: int, workers: int, *, quiet: bool
) -> None:
    """Do what is to be done, telling of it.

    Parameters
    ----------
    steps
        Taken one by one, shortly before each is done.
    rows
        Filled with what became of each step, by its number.
    total
        How many steps there are.

    """
    from fitsgen.batch import run

    due: list[tuple[int, Row]] = []

    def known(number: int, row: Row) -> None:
        rows[number] = row
        tell(row)

    def tasks() -> Iterator[Task]:
        for number, step in enumerate(steps):
            if step.task:
                due.append((number, step.row))
                yield step.task
            else:
                known(number, step.row)

    with (
        told(total, quiet=quiet) as tell,
        contextlib.closing(run(tasks(), min(workers, total))) as results,
    ):
        for result in results:
            number, expected = due[result.number]
            row = dataclasses.replace(
                expected,
                outcome=result.outcome,
                problems=result.problems,
                seconds=result.seconds,
            )
            known(number, row)


@contextlib.contextmanager
def told(total: int, *, quiet: bool) -> Iterator[Callable[[Row], None]]:
    """Give what tells of each file: a bar on a terminal, else lines; problems either way."""
    seen: set[Problem] = set()

    def tell(row: Row) -> None:
        if quiet:
            return
        if not sys.stderr.isatty():
            click.echo(f"{row.outcome.value:<8}{row.name}")
        fresh = [problem for problem in row.problems if problem not in seen and _matters(problem)]
        seen.update(fresh)
        show(fresh)

    if quiet or not sys.stderr.isatty():
        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def advance(row: Row) -> None:
            tell(row)
            bar.advance(task)

        yield advance


def show_table(rows: Sequence[Row]) -> None:
    """Print how many files were made, skipped and failed, and of each that failed the reason."""
    from fitsgen.batch import Outcome
    from fitsgen.diagnostics import errors

    counts = Counter(row.outcome for row in rows)
    click.echo("".join(f"\n{one.value:<8}{counts[one]:>6}" for one in Outcome))
    failed = [row for row in rows if row.is_failure]
    if failed:
        click.echo("\nfailed")
    for row in failed:
        click.echo(f"  {row.name}  ({', '.join(filter(None, (row.source, row.where)))})")
        for problem in errors(row.problems):
            click.echo(f"    {problem.message}")


def show_plan(rows: Sequence[Row]) -> None:
    """Print what would be done."""
    from fitsgen.batch import Outcome

    verbs = {Outcome.MADE: "make", Outcome.SKIPPED: "skip", Outcome.FAILED: "fail"}
    for row in rows:
        file_type = f" as {row.file_type}" if row.file_type else ""
        click.echo(
            f"{verbs[row.outcome]}  {row.name}  of {row.source or row.where}{file_type}"
            + (f": {row.why}" if row.why else "")
        )
        show(row.problems)


def show_json(rows: Iterable[Row]) -> None:
    """Print the same for a program."""
    import json

    from fitsgen.batch import Outcome

    rows = list(rows)
    counts = Counter(row.outcome for row in rows)
    report: dict[str, Any] = {one.value: counts[one] for one in Outcome}
    report["files"] = [_record(row) for row in rows]
    click.echo(json.dumps(report, indent=2))


def _record(row: Row) -> dict[str, object]:
    from fitsgen.diagnostics import record

    return {
        "name": row.name,
        "source": row.source,
        "where": row.where,
        "file_type": row.file_type,
        "outcome": row.outcome.value,
        "why": row.why,
        "seconds": round(row.seconds, 3),
        "problems": [record(problem) for problem in row.problems],
    }


def _matters(problem: Problem) -> bool:
    """Whether a problem is more than a note: of many files, notes would hide the rest."""
    from fitsgen.diagnostics import Severity

    return problem.severity is not Severity.NOTE
