"""`fitsgen proposal`."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitsgen.cli.options import format_option, include_option
from fitsgen.cli.outcomes import Row, Step, carry_out, show_json, show_plan, show_table
from fitsgen.cli.report import show

if TYPE_CHECKING:
    from fitsgen.diagnostics import Problem
    from fitsgen.jwst.planning import Plan, Target
    from fitsgen.records import Record
    from fitsgen.tasks import Task


WORKERS_NEED = (
    *("numpy", "fitsgen.cli", "fitsgen.jwst.planning", "fitsgen.tasks"),
    *("fitsgen.runtime.arrays", "fitsgen.runtime.checks", "fitsgen.verification.load"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """How the files of all proposals are to be made."""

    include: tuple[Path, ...]
    overwrite: bool
    verified: bool


@click.command("proposal")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    *("-j", "--jobs"),
    type=click.IntRange(1, 1024),
    help="How many exposures are converted at a time.  [default: as many as there are processors]",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--overwrite", is_flag=True, help="Replace files that this command did not make.")
@click.option(
    "--verify/--no-verify",
    "verified",
    default=True,
    show_default=True,
    help="Verify each file that was made, with the template's checks.",
)
@format_option
@include_option
def proposal_verb(
    directory: Path,
    jobs: int | None,
    dry_run: bool,
    overwrite: bool,
    verified: bool,
    format_: str,
    include: Sequence[Path],
) -> None:
    """Make the files of all exposures that JWST proposals plan.

    Finds each proposal (ddddd.prop) in DIRECTORY and below, and makes of every
    exposure jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>_<detector>_uncal.fits beside
    it. Run again, it makes what is missing, or made from something that has
    changed since.

    \b
    Example: fitsgen proposal night_12 --dry-run
    Example: fitsgen proposal night_12 --jobs 4
    """
    from fitsgen.batch import Stopped, prepare, stopped_by_signals, usable_processors

    rows: dict[int, Row] = {}
    jobs = jobs or usable_processors()
    try:
        with stopped_by_signals():
            if jobs > 1 and not dry_run:
                prepare(WORKERS_NEED)
            wish = Wish(tuple(include), overwrite, verified)
            found, is_whole = _found(directory)
            steps = (step for one in found for step in one.steps(wish))
            if dry_run:
                rows.update(enumerate(step.row for step in steps))
            else:
                total = sum(len(one) for one in found)
                _carry_out(steps, rows, total, jobs, quiet=format_ == "json")
        status = 0 if is_whole and not any(row.is_failure for row in rows.values()) else 1
    except Stopped as stop:
        click.echo("stopped", err=True)
        status = stop.status
    ordered = [rows[number] for number in sorted(rows)]
    if format_ == "json":
        show_json(ordered)
    elif dry_run:
        show_plan(ordered)
    else:
        show_table(ordered)
    sys.exit(status)


def _carry_out(
    steps: Iterable[Step], rows: dict[int, Row], total: int, jobs: int, *, quiet: bool
) -> None:
    """Make the files, and leave the files of records tidy, whatever happens."""
    from fitsgen.diagnostics import OutputError
    from fitsgen.records import Records

    touched: dict[Path, None] = {}

    def noted() -> Iterator[Step]:
        for step in steps:
            if step.task:
                touched[step.task.records] = None
            yield step

    try:
        carry_out(noted(), rows, total, jobs, quiet=quiet)
    finally:
        for path in touched:
            try:
                Records(path).compact()
            except OutputError as error:
                show(error.problems)


def _found(directory: Path) -> tuple[list[Found], bool]:
    """Read all proposals, and tell whether all of the directory could be looked at."""
    from fitsgen.diagnostics import InputError, Position, Problem, Source
    from fitsgen.jwst.planning import find_proposals, plan
    from fitsgen.records import Records

    paths, problems = find_proposals(directory)
    if not paths and not problems:
        message = "there are no proposals, files named as 01234.prop, here or below"
        problems = [Problem(message, Position(Source(str(directory))))]
    show(problems)
    found = []
    for path in paths:
        try:
            planned = plan(path)
            show(planned.proposal.problems)
            found.append(Found(path, planned, Records(_records(path)).read()))
        except InputError as error:
            found.append(Found(path, problems=error.problems))
    return found, not problems


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A proposal with its plan and the records of what was made of it; or why it has none."""

    path: Path
    plan: Plan | None = None
    records: Mapping[str, Record | None] = dataclasses.field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return 1 if self.plan is None else len(self.plan)

    def steps(self, wish: Wish) -> Iterator[Step]:
        """Find out what is to be done of each exposure, one after another."""
        from fitsgen.jwst.planning import Target

        if self.plan is None:
            yield Step(_failure(self.path.name, "", str(self.path), self.problems))
            return
        for step in self.plan.steps():
            exposure = step.exposure
            where, source = str(exposure.position), exposure.base.name
            if isinstance(step, Target):
                task = _task(self.path, step, wish)
                yield _step_of(task, source, where, self.records, wish)
            else:
                yield Step(_failure(exposure.stem, source, where, step.problems))


def _step_of(
    task: Task, source: str, where: str, known: Mapping[str, Record | None], wish: Wish
) -> Step:
    from fitsgen.batch import Outcome
    from fitsgen.diagnostics import FitsgenError

    try:
        why = task.due(known, overwrite=wish.overwrite)
    except FitsgenError as error:
        return Step(_failure(task.name, source, where, error.problems))
    if not why:
        row = Row(task.name, source, where, task.template, Outcome.SKIPPED, "up to date")
        return Step(row)
    row = Row(task.name, source, where, task.template, Outcome.MADE, why)
    return Step(row, dataclasses.replace(task, replace=os.path.lexists(task.output)))


def _task(proposal: Path, target: Target, wish: Wish) -> Task:
    from fitsgen.tasks import Task

    return Task(
        output=proposal.with_name(target.name),
        template=target.file_type,
        inputs=(target.exposure.base,),
        recipe=target.recipe,
        records=_records(proposal),
        include=wish.include,
        sources=(target.obsid,),
        view=target.view,
        verified=wish.verified,
    )


def _records(proposal: Path) -> Path:
    return proposal.with_name(proposal.name + ".made")


def _failure(name: str, source: str, where: str, problems: Sequence[Problem]) -> Row:
    from fitsgen.batch import Outcome

    return Row(name, source, where, "", Outcome.FAILED, problems=tuple(problems))
