"""How many files are made, by whichever verb: by whom, with what report, and what was recorded.

In: steps, as they are needed, and how they are to be done. Out: an exit status; all is told.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fitsgen.batch import Crew, Outcome, Result, run
from fitsgen.cli.outcomes import (
    InOrder,
    Row,
    Step,
    Tally,
    Tell,
    json_object,
    lines,
    planned,
    progress,
    report_file,
)
from fitsgen.cli.report import show
from fitsgen.diagnostics import FitsgenError, OutputError, Position, Problem, Source
from fitsgen.limits import Limits
from fitsgen.records import Ledger
from fitsgen.signals import Stopped
from fitsgen.tasks import Task

WORKERS_NEED = (
    *("numpy", "fitsgen.jwst.planning", "fitsgen.tasks", "fitsgen.runtime.arrays"),
    *("fitsgen.runtime.checks", "fitsgen.verification.load"),
)


@dataclass(frozen=True, slots=True)
class How:
    """How files are made, and what is told of it."""

    jobs: int | None
    scheduler: str | None
    dry_run: bool
    report: Path | None
    format_: str
    limit_memory: int | None
    limit_time: float | None

    @property
    def limits(self) -> Limits:
        """What the making of a file may take, as far as it is said."""
        return Limits(self.limit_memory, self.limit_time)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, and how many steps that is, where that is known.

    is_whole
        Whether all could be looked at where the steps come from.

    """

    steps: Iterator[Step]
    total: int | None
    is_whole: bool = True


Begin = Callable[[Ledger], contextlib.AbstractContextManager[Work]]
"""Finds the work, told the records of what was made before."""


def step_for(task: Task, row: Row, ledger: Ledger, *, overwrite: bool) -> Step:
    """Find out whether a file has to be made, and why."""
    try:
        why = task.due(ledger.of(task.records).get(task.name), overwrite=overwrite)
    except FitsgenError as error:
        return Step(_failed(dataclasses.replace(row, file_type=""), error.problems))
    if not why:
        return Step(dataclasses.replace(row, outcome=Outcome.SKIPPED, why="up to date"))
    return Step(dataclasses.replace(row, why=why), task)


def conduct(begin: Begin, how: How) -> None:
    """Do the work or show it, tell of it, and end with a status."""
    if how.jobs and how.scheduler:
        raise click.UsageError("--jobs is for this machine, and --scheduler for others: give one")
    if how.limits and how.scheduler:
        message = "workers of a --scheduler have their own limits: give them where they are begun"
        raise click.UsageError(message)
    tally = Tally()
    try:
        with _told(how, tally) as rows:
            is_whole = _conduct(begin, how, rows)
            status = 0 if is_whole and not tally.failures else 1
    except Stopped as stop:
        click.echo("stopped", err=True)
        _show(tally, how)
        raise SystemExit(stop.status) from stop
    except FitsgenError as error:
        show(error.problems)
        if not tally.counts:
            sys.exit(1)
        status = 1
    _show(tally, how)
    sys.exit(status)


def _show(tally: Tally, how: How) -> None:
    if how.format_ != "json" and not how.dry_run:
        tally.show()


@contextlib.contextmanager
def _told(how: How, tally: Tally) -> Iterator[InOrder]:
    """Give what takes in rows; whatever happens, what it has is told at the end."""
    with contextlib.ExitStack() as stack:
        tells: list[Tell] = [tally.add]
        if how.format_ == "json":
            tells.append(stack.enter_context(json_object(tally)))
        else:
            tells.append(planned if how.dry_run else lines())
        if how.report:
            tells.append(stack.enter_context(report_file(how.report)))
        rows = InOrder(tells)
        try:
            yield rows
        finally:
            rows.rest()


def _conduct(begin: Begin, how: How, rows: InOrder) -> bool:
    """Do the work or show it; return whether all of it could be looked at."""
    ledger = Ledger()
    try:
        with begin(ledger) as work:
            if how.dry_run:
                for number, step in enumerate(work.steps):
                    rows.add(number, step.row)
            else:
                _carry_out(work, how, rows, ledger)
        return work.is_whole
    finally:
        show(ledger.close())


def _carry_out(work: Work, how: How, rows: InOrder, ledger: Ledger) -> None:
    with (
        progress(work.total, quiet=how.format_ == "json") as advance,
        _crew(how, work.total) as crew,
        contextlib.closing(run(_begun(work.steps, ledger), crew)) as results,
    ):
        for result in results:
            rows.add(result.number, _row(result, ledger))
            advance()


def _crew(how: How, total: int | None) -> Crew:
    if how.scheduler:
        from fitsgen.cluster import Cluster

        return Cluster(how.scheduler)
    from fitsgen.workers import Workers, fair, prepare, usable_processors

    jobs = how.jobs or usable_processors()
    if total is not None:
        jobs = max(1, min(jobs, total))
    prepare(WORKERS_NEED)
    return Workers(jobs, fair(how.limits, jobs))


def _begun(steps: Iterator[Step], ledger: Ledger) -> Iterator[Step]:
    """Record that a file is begun before it is: so it is known as ours, whatever happens."""
    for step in steps:
        if task := step.job:
            try:
                _make_directory(task.output.parent)
                ledger.of(task.records).begin(task.name)
            except OutputError as error:
                yield Step(_failed(step.row, error.problems))
                continue
        yield step


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the directory cannot be made: {error.strerror or error}"
        raise OutputError(Problem(message, Position(Source(str(directory))))) from None


def _row(result: Result[Step], ledger: Ledger) -> Row:
    """Record what came of a step, and return the row of it."""
    row, task, attempt = result.step.row, result.step.job, result.attempt
    if task is None or attempt is None:
        return row
    row = dataclasses.replace(
        row, outcome=attempt.outcome, problems=attempt.ran.problems, seconds=attempt.seconds
    )
    try:
        records = ledger.of(task.records)
        if attempt.ran.record:
            records.add(task.name, attempt.ran.record)
        elif not os.path.lexists(task.output):
            records.forget(task.name)
    except OutputError as error:
        row = _failed(row, (*row.problems, *error.problems))
    return row


def _failed(row: Row, problems: Sequence[Problem]) -> Row:
    return dataclasses.replace(row, outcome=Outcome.FAILED, problems=tuple(problems))
