"""Entries of `fitsgen batch` to steps.

In: what a user names. Out: `Work`, whose steps are found out as they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fitsgen.batch import Outcome
from fitsgen.cli.outcomes import Row, Step
from fitsgen.cli.running import Work, step_for
from fitsgen.diagnostics import FitsgenError, Problem
from fitsgen.listing import Claims, Scratch, listing
from fitsgen.manifest import Entry, Wrong
from fitsgen.records import Ledger
from fitsgen.targets import RECORDS, Wish, task_of


@contextmanager
def begin(
    what: Sequence[str],
    lists: Sequence[Path],
    wish: Wish,
    directory: Path,
    ledger: Ledger,
    *,
    overwrite: bool,
) -> Iterator[Work]:
    """Find what is meant by what a user names.

    Parameters
    ----------
    directory
        Where outputs go, as the user wrote it.

    """
    with Scratch() as scratch:
        listed = listing(what, lists, scratch, partial(_is_ours, ledger))
        plan = Plan(wish, directory, ledger, scratch.claims(), overwrite)
        yield Work(map(plan.step, listed.entries), listed.count)


def _is_ours(ledger: Ledger, path: Path) -> bool:
    """Whether a file was made by this command: then it is no raw file."""
    return ledger.of(Path(os.path.abspath(path)).with_name(RECORDS)).get(path.name) is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """How steps are made of entries.

    directory
        Where outputs go, as the user wrote it.
    claims
        The outputs of the entries that came before.

    """

    wish: Wish
    directory: Path
    ledger: Ledger
    claims: Claims
    overwrite: bool

    def step(self, entry: Entry | Wrong) -> Step:
        """Find out what is to be done of an entry."""
        where = str(entry.position or "")
        row = Row(Path(entry.shown).name, entry.shown, where, "", Outcome.FAILED)
        if isinstance(entry, Wrong):
            return Step(replace(row, name=entry.shown, source="", problems=entry.problems))
        try:
            task = task_of(entry, self.wish)
        except FitsgenError as error:
            return Step(replace(row, problems=error.problems))
        row = replace(row, name=self._shown(task.output))
        if other := self.claims.take(task.output, where or entry.shown):
            message = f"{row.name} is the output of {other} too, and is made of that"
            return Step(replace(row, problems=(Problem(message, entry.position),)))
        row = replace(row, file_type=task.file_type, outcome=Outcome.MADE)
        return step_for(task, row, self.ledger, overwrite=self.overwrite)

    def _shown(self, output: Path) -> str:
        if output.is_relative_to(self.wish.directory):
            return str(self.directory / output.relative_to(self.wish.directory))
        return str(output)
