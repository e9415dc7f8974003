"""Batches: failing jobs, lost workers, many jobs, and being stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitsgen.batch import Outcome, Ran, Stopped, run, stopped_by_signals
from fitsgen.diagnostics import InputError, Problem, warning


@dataclass(frozen=True)
class Write:
    """Writes a file, after what makes it fail or its worker die."""

    path: Path
    fault: str = ""

    @property
    def name(self) -> str:
        return self.path.name

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
            case "exit":
                os._exit(1)
            case "exit once" if not self.path.exists():
                self.path.touch()
                os._exit(1)
            case "sleep":
                time.sleep(60)
        self.path.write_text("done")
        return Ran()


FAULTS = {
    # what goes wrong: what is told
    "problem": "the input is wrong",
    "bug": "a fault in fitsgen, please report it: ZeroDivisionError: oh (test_batch.py:",
    "memory": "memory: there is not enough memory",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_fails_stops_no_other(workers: int, tmp_path: Path) -> None:
    jobs = [Write(tmp_path / (fault or "well"), fault) for fault in (*FAULTS, "warning", "")]
    results = sorted(run(jobs, workers), key=lambda result: result.number)
    assert [result.job for result in results] == jobs
    for result in results[:3]:
        assert result.outcome is Outcome.FAILED
        assert result.problems[0].message.startswith(FAULTS[result.job.fault])
    assert [result.outcome for result in results[3:]] == [Outcome.MADE, Outcome.MADE]
    assert results[3].problems[0].message == "doubtful"
    assert (tmp_path / "well").exists()


def test_a_lost_worker_takes_no_other_job_with_it(tmp_path: Path) -> None:
    faults = ["", "exit", "", "", "", "", "", ""]
    jobs = [Write(tmp_path / str(number), fault) for number, fault in enumerate(faults)]
    results = {result.number: result for result in run(jobs, 2)}
    failed = [number for number, result in results.items() if result.outcome is Outcome.FAILED]
    assert (len(results), failed) == (8, [1])
    assert results[1].problems[0].message.startswith("1: its process was killed, alone too")
    assert [path.name for path in sorted(tmp_path.iterdir())] == list("0234567")


def test_a_job_whose_worker_was_lost_is_tried_again(tmp_path: Path) -> None:
    (result,) = run([Write(tmp_path / "job", "exit once")], 2)
    assert (result.outcome, result.job.path.read_text()) == (Outcome.MADE, "done")


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_are_taken_as_they_are_needed(workers: int, tmp_path: Path) -> None:
    """However many there are, few are held."""
    taken = 0

    def endless() -> Iterator[Write]:
        nonlocal taken
        while True:
            taken += 1
            yield Write(tmp_path / str(taken))

    with closing(run(endless(), workers)) as results:
        for done, _ in enumerate(results, 1):
            assert taken <= done + 2 * workers
            if done == 50:
                break


def test_no_jobs_give_no_results() -> None:
    assert list(run([], 2)) == []


def test_closing_ends_the_workers_at_once(tmp_path: Path) -> None:
    jobs = [Write(tmp_path / "quick"), *(Write(tmp_path / "slow", "sleep") for _ in range(4))]
    start = time.monotonic()
    with closing(run(jobs, 2)) as results:
        assert next(results).job.name == "quick"
    assert time.monotonic() - start < 10
    assert not (tmp_path / "slow").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped:
        stop_twice(number)
    assert stopped.value.status == 128 + number
    assert signal.getsignal(number) is before


@stopped_by_signals()
def stop_twice(number: signal.Signals) -> None:
    try:
        signal.raise_signal(number)
    finally:
        signal.raise_signal(number)  # while things are put in order


def test_workers_end_with_a_batch_that_is_killed(tmp_path: Path) -> None:
    """They would wait for a next job for ever."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from fitsgen.batch import run
from test_batch import Pid
for result in run([Pid(Path({str(tmp_path)!r}) / str(n)) for n in range(2)], 2):
    pass
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

    path: Path
    name = "pid"

    def run(self) -> Ran:
        (self.path.parent / str(os.getpid())).touch()
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
