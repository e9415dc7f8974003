"""Two things to do, done in turn, to the median times of both and of their ratio.

In: callables, each preceded by what must be made anew for every sample.
Out: a `Figure`, one line of the table.
"""

from __future__ import annotations

import gc
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Ready = TypeVar("Ready")
Timer = Callable[[], float]
"""Does something once and returns how many seconds it took."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: medians in seconds; `aim` is the most that `ratio` may be.

    Without a peer the ratio is the time itself, to one millisecond.
    """

    what: str
    ours: float
    peer: float | None
    ratio: float
    aim: float | None

    def row(self) -> tuple[str, str, str, str, str, str]:
        """Return the texts of a line of the table."""
        unit = "" if self.peer is not None else " ms"
        met = "" if self.aim is None else "met" if self.ratio <= self.aim else "not met"
        return (
            self.what,
            f"{self.ours * 1e3:.2f}",
            "" if self.peer is None else f"{self.peer * 1e3:.2f}",
            f"{self.ratio:.2f}{unit}",
            "" if self.aim is None else f"{self.aim:g}{unit}",
            met,
        )


def compared(what: str, ours: Timer, peer: Timer, aim: float | None, samples: int) -> Figure:
    """Take samples of two timers in turn; a pair shares whatever the machine did meanwhile."""
    ours(), peer()
    pairs = [_pair(ours, peer, turned=bool(number % 2)) for number in range(samples)]
    return Figure(
        what,
        median(one for one, _ in pairs),
        median(other for _, other in pairs),
        median(one / other for one, other in pairs),
        aim,
    )


def alone(what: str, ours: Timer, aim: float, samples: int) -> Figure:
    """Take samples of one timer, for an aim that is a time (in milliseconds)."""
    seconds = median(ours() for _ in range(samples))
    return Figure(what, seconds, None, seconds * 1e3, aim)


def _pair(ours: Timer, peer: Timer, *, turned: bool) -> tuple[float, float]:
    if turned:
        other = peer()
        return ours(), other
    return ours(), peer()


def call(work: Callable[[], object]) -> Timer:
    """Return a timer of a call in this process."""
    return prepared(lambda: None, lambda _: work())


def prepared(prepare: Callable[[], Ready], work: Callable[[Ready], object]) -> Timer:
    """Return a timer of a call on what is made anew, untimed, before each one."""

    def timer() -> float:
        ready = prepare()
        gc.collect()
        start = time.perf_counter()
        work(ready)
        return time.perf_counter() - start

    return timer


def process(command: Sequence[str], before: Callable[[], object] = lambda: None) -> Timer:
    """Return a timer of a whole process, from its start to its end."""

    def timer() -> float:
        before()
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start

    return timer
