"""What the acceptance tests share: each case is simulated and run once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import pytest_terminal_summary as pytest_terminal_summary
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from acceptance.cases import Case, case_of
from acceptance.running import Run, run

Runs = Callable[[Case], Run]


class ByCase(LoadScopeScheduling):
    """Gives all tests of a case to one process, so that it is simulated once."""

    def _split_scope(self, nodeid: str) -> str:
        return case_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByCase:
    """Spread the cases over the processes of pytest-xdist."""
    return ByCase(config, log)


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
