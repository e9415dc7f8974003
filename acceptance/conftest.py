"""What the acceptance tests share: each case is simulated and run once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import pytest_terminal_summary as pytest_terminal_summary

from acceptance.cases import Case
from acceptance.running import Run, run

Runs = Callable[[Case], Run]


@pytest.fixture(scope="session")
def runs() -> Iterator[Runs]:
    """Give the run of a case; one that failed fails again, at once.

    The files, some GB, are gone afterwards. All cases of a process share a cache of references,
    in which the pipeline finds those that match.
    """
    done: dict[Case, Run | AssertionError] = {}
    with tempfile.TemporaryDirectory(prefix="fitsgen-acceptance-") as place:

        def made(case: Case) -> Run:
            if case not in done:
                try:
                    done[case] = run(case, Path(place) / case.name, Path(place) / "crds")
                except AssertionError as error:
                    done[case] = error
            found = done[case]
            if isinstance(found, AssertionError):
                raise found
            return found

        yield made
