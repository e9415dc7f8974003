"""Many independent jobs, done by a crew; what a job does is not known here.

In: an iterator of steps, some with a job, and a crew: processes of this machine (`fitsgen.workers`)
or of others (`fitsgen.cluster`). Out: a `Result` of each step as it ends. A job that fails stops no
other, and of a million steps only a few are held at a time.
"""

from __future__ import annotations

import enum
import os
import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from fitsgen.diagnostics import FitsgenError, Problem, errors
from fitsgen.records import Record

# Steps that may end before an earlier one does: who puts them in order holds as many.
AHEAD = 10_000
LOST = "its process was killed, more than once; is there too little memory?"


class Outcome(enum.Enum):
    """What became of a file; that nothing was to be done is for the caller to find out."""

    MADE = "made"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a job tells when it has run. With an error among the problems it failed.

    record
        What the file that it made was made from.

    """

    problems: tuple[Problem, ...] = ()
    record: Record | None = None


class Job(Protocol):
    """A job: it can be pickled, and runs in any process."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files and directories that must be there where it runs."""
        ...

    @property
    def output(self) -> Path:
        """The file that it makes."""
        ...

    def run(self) -> Ran:
        """Do it; raises `FitsgenError` where it cannot be done.

        It may run again after it was cut off, or after it was done and nobody heard of it.
        """
        ...


class Step(Protocol):
    """Something that is to be done if it has a job, and else is done already."""

    @property
    def job(self) -> Job | None:
        """What is to be done."""
        ...


S = TypeVar("S", bound=Step)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a run of a job went."""

    ran: Ran
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """Whether the job was done."""
        return Outcome.FAILED if errors(self.ran.problems) else Outcome.MADE


@dataclass(frozen=True, slots=True)
class Result(Generic[S]):
    """A step that has ended. `number` counts the steps from 0, in the order they came in.

    attempt
        How its job went, if it has one.

    """

    number: int
    step: S
    attempt: Attempt | None


class Crew(Protocol):
    """Who runs jobs; a context manager, at whose end no job runs any more."""

    def __enter__(self) -> Self:
        """Give itself."""
        ...

    def __exit__(self, *_: object) -> None:
        """End, at once: those who are at work clean up first."""
        ...

    def submit(self, number: int, job: Job) -> None:
        """Take a job over, once there is room for one more."""
        ...

    def ended(self, *, wait: bool) -> list[tuple[int, Attempt]]:
        """Give the jobs that have ended since, by their numbers; wait until one has."""
        ...


def run(steps: Iterable[S], crew: Crew) -> Generator[Result[S]]:
    """Do steps, and give a result of each when it ends, in whatever order.

    Parameters
    ----------
    steps
        Taken one by one, shortly before each begins.
    crew
        Who runs the jobs; it may be closed before all are done.

    """
    running: dict[int, S] = {}  # in the order of their numbers

    def ended(*, wait: bool) -> Iterator[Result[S]]:
        for number, attempt in crew.ended(wait=wait):
            yield Result(number, running.pop(number), attempt)

    for number, step in enumerate(steps):
        while running and number - next(iter(running)) >= AHEAD:
            yield from ended(wait=True)
        if step.job is None:
            yield Result(number, step, None)
        else:
            running[number] = step
            crew.submit(number, step.job)
        if running:
            yield from ended(wait=False)
    while running:
        yield from ended(wait=True)


def attempt(job: Job) -> Attempt:
    """Run a job; whatever fails in it is told as a problem."""
    start = time.monotonic()
    try:
        ran = job.run()
    except FitsgenError as error:
        ran = Ran(error.problems)
    except MemoryError:
        ran = Ran((Problem(f"{job.name}: there is not enough memory"),))
    except Exception as error:
        ran = Ran((fault(error),))
    return Attempt(ran, time.monotonic() - start)


def failed(message: str, hint: str = "") -> Attempt:
    """Return the attempt at a job that could not be run at all."""
    return Attempt(Ran((Problem(message, hint=hint),)))


def fault(error: Exception) -> Problem:
    """Tell of an error that no job should raise, with the place that its author needs."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    message = f"{type(error).__name__}: {error}"[:1000]
    return Problem(f"a fault in fitsgen, please report it: {message}{place}")
