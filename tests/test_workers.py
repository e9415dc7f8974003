"""Workers under limits: what becomes of a job that takes too long or too much."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from jobs import NOTHING, Do, Work

from fitsgen.batch import Attempt, Outcome, run
from fitsgen.diagnostics import Problem
from fitsgen.limits import Limits, machine_memory
from fitsgen.workers import MEMORY, SECONDS, Workers, fair


def attempts(jobs: list[Work], workers: int, limits: Limits) -> list[Attempt]:
    with Workers(workers, limits) as crew:
        results = sorted(run(map(Do, jobs), crew), key=lambda result: result.number)
    return [result.attempt for result in results if result.attempt]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("what", ["sleep", "compute"])
def test_a_job_over_its_time_fails_and_is_not_run_again(
    what: str, workers: int, tmp_path: Path
) -> None:
    jobs = [Work(tmp_path / str(n), what if n == 1 else NOTHING) for n in range(4)]
    start = time.monotonic()
    found = attempts(jobs, workers, Limits(seconds=0.7))
    assert time.monotonic() - start < 10
    assert [one.outcome for one in found] == [Outcome.MADE, Outcome.FAILED, *[Outcome.MADE] * 2]
    assert found[1].ran.problems == (Problem("1: took longer than 0.7 s (--limit-time)"),)
    assert found[1].seconds == 0.7
    assert (tmp_path / "1").read_text() == "begun\n"


def test_all_jobs_may_be_over_their_time(tmp_path: Path) -> None:
    jobs = [Work(tmp_path / str(n), "sleep") for n in range(4)]
    found = attempts(jobs, 2, Limits(seconds=0.2))
    assert [one.outcome for one in found] == [Outcome.FAILED] * 4


def test_each_job_has_its_own_time(tmp_path: Path) -> None:
    """Also where a worker has done others before."""
    jobs = [Work(tmp_path / str(n)) for n in range(30)]
    found = attempts(jobs, 1, Limits(seconds=2.0))
    assert {one.outcome for one in found} == {Outcome.MADE}


def test_a_job_that_takes_too_much_memory_fails(tmp_path: Path) -> None:
    jobs = [Work(tmp_path / "much", "allocate"), Work(tmp_path / "little")]
    found = attempts(jobs, 1, Limits(memory=700 * 2**20))
    assert found[0].ran.problems == (Problem("much: there is not enough memory"),)
    assert found[1].outcome is Outcome.MADE


def test_a_job_that_crashes_its_worker_is_told_by_the_signal(tmp_path: Path) -> None:
    jobs = [Work(tmp_path / "a", "crash"), Work(tmp_path / "b")]
    found = attempts(jobs, 1, Limits())
    message = "a: its process was ended by SIGSEGV, more than once"
    assert found[0].ran.problems == (Problem(message),)
    assert (tmp_path / "a").read_text() == "begun\nbegun\n"
    assert found[1].outcome is Outcome.MADE


def test_limits_are_those_of_the_system(tmp_path: Path) -> None:
    (found,) = attempts([Work(tmp_path / "a", "limits")], 1, Limits(800 * 2**20, 100.0))
    memory, core, seconds = eval(found.ran.problems[0].message)
    assert (memory, core) == (800 * 2**20, 0)
    assert 100 * (os.cpu_count() or 1) < seconds < 200 * (os.cpu_count() or 1)


def test_by_default_workers_share_the_machine() -> None:
    whole = machine_memory()
    assert fair(Limits(), 1) == Limits(max(whole, MEMORY), SECONDS)
    assert fair(Limits(), 2) == Limits(max(whole // 2, MEMORY), SECONDS)
    assert fair(Limits(), 10**6) == Limits(MEMORY, SECONDS)
    assert fair(Limits(300 * 2**20, 9.0), 5) == Limits(300 * 2**20, 9.0)
