"""Batches: failing jobs, lost workers, many jobs, and being stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitsgen.batch import (
    AHEAD,
    Attempt,
    Outcome,
    Ran,
    Result,
    run,
)
from fitsgen.diagnostics import InputError, Problem, warning
from fitsgen.workers import Workers


@dataclass(frozen=True)
class Write:
    """Writes a file, after what makes it fail or its worker die."""

    output: Path
    fault: str = ""
    paths = ()

    @property
    def name(self) -> str:
        return self.output.name

    def run(self) -> Ran:
        match self.fault:
            case "problem":
                raise InputError(Problem("the input is wrong"))
            case "bug":
                raise ZeroDivisionError("oh")
            case "memory":
                raise MemoryError
            case "warning":
                return Ran((warning("doubtful"),))
            case "sleep":
                time.sleep(60)
            case "wait":
                wait_until(self.output.exists)
            case "slow":
                self.be_slow()
        self.perhaps_exit()
        self.output.write_text("done")
        return Ran()

    def be_slow(self) -> None:
        running = self.output.with_suffix(".running")
        running.touch()
        time.sleep(0.5)
        running.unlink()

    def perhaps_exit(self) -> None:
        match self.fault:
            case "exit":
                os._exit(1)
            case "exit once" if not self.output.exists():
                self.output.touch()
                os._exit(1)
            case "shy" if [*self.output.parent.glob("*.running")]:
                os._exit(1)


@dataclass(frozen=True)
class Do:
    """A step; without a job there is nothing to do."""

    job: Write | Pid | None


def results_of(jobs: Iterable[Write | Pid | None], workers: int) -> Iterator[Result[Do]]:
    with Workers(workers) as working, closing(run(map(Do, jobs), working)) as results:
        yield from results


def attempts(jobs: Iterable[Write], workers: int) -> list[Attempt]:
    """Give the attempts at jobs in the order of the jobs."""
    results = sorted(results_of(jobs, workers), key=lambda result: result.number)
    assert [result.step.job for result in results] == list(jobs)
    return [result.attempt for result in results if result.attempt]


FAULTS = {
    # what goes wrong: what is told
    "problem": "the input is wrong",
    "bug": "a fault in fitsgen, please report it: ZeroDivisionError: oh (test_batch.py:",
    "memory": "memory: there is not enough memory",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_fails_stops_no_other(workers: int, tmp_path: Path) -> None:
    jobs = [Write(tmp_path / (fault or "well"), fault) for fault in (*FAULTS, "warning", "")]
    found = attempts(jobs, workers)
    for job, attempt in zip(jobs[:3], found, strict=False):
        assert attempt.outcome is Outcome.FAILED
        assert attempt.ran.problems[0].message.startswith(FAULTS[job.fault])
    assert [attempt.outcome for attempt in found[3:]] == [Outcome.MADE, Outcome.MADE]
    assert found[3].ran.problems[0].message == "doubtful"
    assert (tmp_path / "well").exists()


def test_a_lost_worker_takes_no_other_job_with_it(tmp_path: Path) -> None:
    faults = ["", "exit", "", "", "", "", "", ""]
    jobs = [Write(tmp_path / str(number), fault) for number, fault in enumerate(faults)]
    found = attempts(jobs, 2)
    failed = [number for number, one in enumerate(found) if one.outcome is Outcome.FAILED]
    assert (len(found), failed) == (8, [1])
    assert found[1].ran.problems[0].message.startswith("1: its process was killed, more than once")
    assert [path.name for path in sorted(tmp_path.iterdir())] == list("0234567")


def test_many_lost_workers_take_no_other_job_with_them(tmp_path: Path) -> None:
    faults = ["exit", "exit once", "", "exit", "exit once", "exit once", ""]
    jobs = [Write(tmp_path / str(number), fault) for number, fault in enumerate(faults)]
    found = attempts(jobs, 3)
    failed = [number for number, one in enumerate(found) if one.outcome is Outcome.FAILED]
    assert failed == [0, 3]
    assert [path.name for path in sorted(tmp_path.iterdir())] == list("12456")


def test_a_job_whose_worker_was_lost_is_tried_again(tmp_path: Path) -> None:
    job = Write(tmp_path / "job", "exit once")
    (attempt,) = attempts([job], 2)
    assert (attempt.outcome, job.output.read_text()) == (Outcome.MADE, "done")


def test_a_job_that_is_tried_again_is_alone(tmp_path: Path) -> None:
    """So that no other is to blame where it is lost again."""
    slow = [Write(tmp_path / f"slow{number}", "slow") for number in range(4)]
    jobs = [*slow[:2], Write(tmp_path / "shy", "shy"), *slow[2:]]
    assert [one.outcome for one in attempts(jobs, 3)] == [Outcome.MADE] * 5


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_are_taken_as_they_are_needed(workers: int, tmp_path: Path) -> None:
    """However many there are, few are held."""
    taken = 0

    def endless() -> Iterator[Write]:
        nonlocal taken
        while True:
            taken += 1
            yield Write(tmp_path / str(taken))

    with closing(results_of(endless(), workers)) as results:
        for done, _ in enumerate(results, 1):
            assert taken <= done + 2 * workers + 1
            if done == 50:
                break


def test_what_has_no_job_does_not_wait_for_a_slow_one_until_too_much_is_held(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    steps: Iterator[Write | None] = iter([Write(go, "wait"), *[None] * (AHEAD + 10)])
    seen = []
    for result in results_of(steps, 2):
        seen.append(result.number)
        if len(seen) == AHEAD - 1:
            go.touch()
    # The slow one is number 0: as many as may be held came before it.
    assert seen.index(0) in (AHEAD - 1, AHEAD)
    assert len(seen) == AHEAD + 11


def test_no_jobs_give_no_results() -> None:
    assert attempts([], 2) == []


def test_closing_ends_the_workers_at_once(tmp_path: Path) -> None:
    jobs = [Write(tmp_path / "quick"), *(Write(tmp_path / "slow", "sleep") for _ in range(4))]
    start = time.monotonic()
    with closing(results_of(jobs, 2)) as results:
        assert next(results).step.job == jobs[0]
    assert time.monotonic() - start < 10
    assert not (tmp_path / "slow").exists()


def test_workers_end_with_a_batch_that_is_killed(tmp_path: Path) -> None:
    """They would wait for a next job for ever."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_batch import Pid, attempts
attempts([Pid(Path({str(tmp_path)!r}) / str(n)) for n in range(2)], 2)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
        process.kill()
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert not any(pid == process.pid for pid in pids)
    wait_until(lambda: not any(map(is_alive, pids)))


@dataclass(frozen=True)
class Pid:
    """Writes a file named as its process, and sleeps."""

    output: Path
    name = "pid"
    paths = ()

    def run(self) -> Ran:
        (self.output.parent / str(os.getpid())).touch()
        time.sleep(60)
        return Ran()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition, seconds: float = 30) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
