"""Exposures that proposals plan to steps of `fitsgen proposal`.

In: a directory. Out: `Work`, whose steps are found out as they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fitsgen.batch import Outcome
from fitsgen.cli.outcomes import Row, Step
from fitsgen.cli.report import show
from fitsgen.cli.running import Work, step_for
from fitsgen.diagnostics import InputError, Position, Problem, Source, errors, strictly
from fitsgen.jwst.planning import Plan, Target, find_proposals, plan
from fitsgen.records import Ledger
from fitsgen.tasks import Task, located


@dataclass(frozen=True, slots=True)
class Wish:
    """How the files of all proposals are to be made."""

    include: tuple[Path, ...]
    overwrite: bool
    verified: bool
    strict: bool


@contextmanager
def begin(directory: Path, wish: Wish, ledger: Ledger) -> Iterator[Work]:
    """Find the proposals in a directory and below."""
    found, is_whole = _found(directory, strict=wish.strict)
    steps = (step for one in found for step in one.steps(wish, ledger))
    yield Work(steps, sum(len(one) for one in found), is_whole)


def _found(directory: Path, *, strict: bool) -> tuple[list[Found], bool]:
    """Read all proposals, and tell whether all of the directory could be looked at."""
    paths, problems = find_proposals(directory)
    if not paths and not problems:
        message = "there are no proposals, files named as 01234.prop, here or below"
        problems = [Problem(message, Position(Source(str(directory))))]
    show(problems)
    found = []
    for path in paths:
        try:
            planned = plan(path)
            doubtful = planned.proposal.problems
            if strict and errors(raised := strictly(doubtful)):
                raise InputError(raised)
            show(doubtful)
            found.append(Found(path, planned))
        except InputError as error:
            found.append(Found(path, problems=error.problems))
    return found, not problems


@dataclass(frozen=True, slots=True)
class Found:
    """A proposal with its plan, or why it has none."""

    path: Path
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return 1 if self.plan is None else len(self.plan)

    def steps(self, wish: Wish, ledger: Ledger) -> Iterator[Step]:
        """Find out what is to be done of each exposure, one after another."""
        if self.plan is None:
            path = str(self.path)
            yield Step(Row(self.path.name, "", path, "", Outcome.FAILED, problems=self.problems))
            return
        for step in self.plan.steps():
            exposure = step.exposure
            known = (exposure.base.name, str(exposure.position))
            if isinstance(step, Target):
                task = _task(self.path, step, wish)
                row = Row(task.name, *known, task.file_type, Outcome.MADE)
                yield step_for(task, row, ledger, overwrite=wish.overwrite)
            else:
                row = Row(exposure.stem, *known, "", Outcome.FAILED, problems=step.problems)
                yield Step(row)


def _task(proposal: Path, target: Target, wish: Wish) -> Task:
    output = Path(os.path.abspath(proposal)).with_name(target.name)
    return Task(
        output=output,
        template=located(target.file_type, wish.include),
        inputs=(("", target.exposure.base),),
        recipe=target.recipe,
        records=output.with_name(proposal.name + ".made"),
        include=wish.include,
        sources=(target.obsid,),
        view=target.view,
        verified=wish.verified,
        strict=wish.strict,
    )
