"""Many independent jobs, in worker processes; what a job does is not known here.

In: an iterator of jobs and a number of workers. Out: a `Result` of each as it ends. A job that
fails stops no other, a worker that is lost takes no other job with it, and of a million jobs only
a few are held at a time.
"""

from __future__ import annotations

import enum
import itertools
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from fitsgen.diagnostics import FitsgenError, Problem, errors

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# One job in work and one in wait for each worker: none is idle, and few are lost with a worker.
HELD = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GRACE = 10.0  # seconds that a worker has to clean up when the batch is stopped


class Outcome(enum.Enum):
    """What became of a job; that nothing was to be done is for the caller to find out."""

    MADE = "made"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a job tells when it has run. With an error among the problems it failed."""

    problems: tuple[Problem, ...] = ()


class Job(Protocol):
    """A job: it can be pickled, and runs in any process."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def run(self) -> Ran:
        """Do it; raises `FitsgenError` where it cannot be done."""
        ...


J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a run of a job went, as its worker tells it."""

    ran: Ran
    seconds: float


@dataclass(frozen=True, slots=True)
class Result(Generic[J]):
    """A job that has ended. `number` counts the jobs from 0, in the order they came in."""

    number: int
    job: J
    outcome: Outcome
    problems: tuple[Problem, ...]
    seconds: float


class Stopped(BaseException):
    """A signal asked to stop; no `Exception`, so that nothing takes it for a failed job."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status of a process that a signal ended: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` at SIGINT and SIGTERM, once: what is cleaned up then is not disturbed."""

    def stop(number: int, _: object) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    before = {one: signal.signal(one, stop) for one in SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(modules: Sequence[str]) -> None:
    """Start the server that workers are forked from; it imports modules once, while we go on.

    NumPy may be among them: its library for matrices is kept from starting threads there, which
    a process that is forked must not have.
    """
    from multiprocessing import forkserver

    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with _interrupts_held():
            multiprocessing.set_forkserver_preload(list(modules))
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from processes begun here: it is for this one, which then ends the others."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(jobs: Iterable[J], workers: int) -> Generator[Result[J]]:
    """Run jobs, and give a result of each when it ends, in whatever order.

    Parameters
    ----------
    jobs
        Taken one by one, shortly before each begins.
    workers
        How many run at a time; one runs in this process.

    Close the iterator to stop: workers then clean up and end.

    """
    numbered = enumerate(jobs)
    if workers > 1:
        yield from _pooled(numbered, workers)
        return
    for number, job in numbered:
        yield _result(number, job, _attempt(job))


def _pooled(numbered: Iterator[tuple[int, J]], workers: int) -> Iterator[Result[J]]:
    running: dict[Future[Attempt], tuple[int, J]] = {}
    crew = _Crew(workers)
    try:
        while True:
            lost = []
            for number, job in itertools.islice(numbered, HELD * workers - len(running)):
                if future := crew.submit(job):
                    running[future] = (number, job)
                else:
                    lost.append((number, job))
            if not running and not lost:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if lost or any(isinstance(one.exception(), BrokenProcessPool) for one in done):
                # Where one worker is lost, all that was running is: soon, not at once.
                done, _ = wait(running)
            for future in done:
                number, job = running.pop(future)
                if attempt := _outcome(future):
                    yield _result(number, job, attempt)
                else:
                    lost.append((number, job))
            if lost:
                yield from _again(sorted(lost, key=lambda one: one[0]))
                crew.renew()
    finally:
        crew.close(at_work=bool(running))


def _again(lost: list[tuple[int, J]]) -> Iterator[Result[J]]:
    """Run jobs that were lost once more, each alone, so that each answers for itself."""
    for number, job in lost:
        crew, attempt = _Crew(1), None
        try:
            future = crew.submit(job)
            attempt = _outcome(future) if future else None
        finally:
            crew.close(at_work=attempt is None)
        if attempt is None:
            message = f"{job.name}: its process was killed, alone too; is there too little memory?"
            attempt = Attempt(Ran((Problem(message),)), 0.0)
        yield _result(number, job, attempt)


def _outcome(future: Future[Attempt]) -> Attempt | None:
    """Wait for an attempt; None where its worker was lost."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except Exception as error:  # The job or what it gave back could not be sent.
        return Attempt(Ran((_fault(error),)), 0.0)


def _result(number: int, job: J, attempt: Attempt) -> Result[J]:
    ran = attempt.ran
    outcome = Outcome.FAILED if errors(ran.problems) else Outcome.MADE
    return Result(number, job, outcome, ran.problems, attempt.seconds)


def _attempt(job: Job) -> Attempt:
    """Run a job; whatever fails in it is told as a problem."""
    start = time.monotonic()
    try:
        ran = job.run()
    except FitsgenError as error:
        ran = Ran(error.problems)
    except MemoryError:
        ran = Ran((Problem(f"{job.name}: there is not enough memory"),))
    except Exception as error:
        ran = Ran((_fault(error),))
    return Attempt(ran, time.monotonic() - start)


def _fault(error: Exception) -> Problem:
    """Tell of an error that no job should raise, with the place that its author needs."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    message = f"{type(error).__name__}: {error}"[:1000]
    return Problem(f"a fault in fitsgen, please report it: {message}{place}")


class _Crew:
    """Worker processes. A server without threads forks them: this process may have some."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._others = frozenset(multiprocessing.active_children())
        self._executor = self._hired()

    def submit(self, job: Job) -> Future[Attempt] | None:
        """Give a job to the workers; None where they are lost."""
        with _interrupts_held():
            try:
                return self._executor.submit(_work, job)
            except BrokenProcessPool:
                return None

    def renew(self) -> None:
        """Put new workers in the place of lost ones."""
        self.close(at_work=True)
        self._executor = self._hired()

    def close(self, *, at_work: bool) -> None:
        """End the workers; those that are at work are told to, and clean up first."""
        ours = set(multiprocessing.active_children()) - self._others if at_work else set()
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in ours:
            process.terminate()
        end = time.monotonic() + GRACE
        for process in ours:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
        self._executor.shutdown(wait=True)

    def _hired(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        # The server may be older than what this process has now.
        now = (os.getcwd(), dict(os.environ))
        return ProcessPoolExecutor(self._workers, context, _begin_worker, now)


def _begin_worker(directory: str, environment: Mapping[str, str]) -> None:
    """Make a worker stand where this process does, and end when that is killed."""
    import threading

    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End with the parent; a worker would wait for its next job for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


class _Ended(SystemExit):
    """A worker was told to end."""


def _work(job: Job) -> Attempt:
    """Run a job in a worker, which cleans up where SIGTERM ends it in the midst of one."""
    try:
        signal.signal(signal.SIGTERM, _end)
        attempt = _attempt(job)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except _Ended:  # Back in the pool, the worker would take the next job.
        os._exit(1)
    return attempt


def _end(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended(128 + number)
