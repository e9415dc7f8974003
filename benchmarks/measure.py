"""Two things to do, done in turn, to the median times of both and of their ratio.

In: callables, each preceded by what must be made anew for every sample.
Out: a `Figure`; with its name, a `Line` of the table.
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

PAIRS = 5
ASTROPY_SAMPLES = 3  # it is slow, and only there for comparison


@dataclass(frozen=True, slots=True)
class AtMost:
    """Smaller is better: a ratio is our time divided by the peer's. None: nothing is demanded."""

    limit: float | None = None

    def ratio(self, ours: float, peer: float) -> float:
        return ours / peer

    def is_met(self, value: float) -> bool | None:
        return None if self.limit is None else value <= self.limit

    def __str__(self) -> str:
        return "" if self.limit is None else f"<= {self.limit:g}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Bigger is better: a ratio is our speed divided by the peer's."""

    limit: float

    def ratio(self, ours: float, peer: float) -> float:
        return peer / ours

    def is_met(self, value: float) -> bool | None:
        return value >= self.limit

    def __str__(self) -> str:
        return f">= {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured.

    value
        In `unit`; the ratio to the peer where that is ''.
    ours, peer
        Medians in seconds, where times were taken.
    astropy
        As `value`, of astropy doing the same.

    """

    value: float
    aim: AtMost | AtLeast
    unit: str = ""
    ours: float | None = None
    peer: float | None = None
    astropy: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table; nothing is made or timed before `measure` is called."""

    what: str
    measure: Callable[[], Figure]


def compared(
    ours: Timer,
    peer: Timer,
    aim: AtMost | AtLeast,
    samples: int = PAIRS,
    astropy: Timer | None = None,
) -> Figure:
    """Take samples of two timers in turn; a pair shares whatever the machine did meanwhile."""
    ours(), peer()
    pairs, others = [], []
    for number in range(samples):
        one, other = _pair(ours, peer, turned=bool(number % 2))
        pairs.append((one, other))
        if astropy and number < ASTROPY_SAMPLES:
            others.append(aim.ratio(astropy(), other))
    return Figure(
        median(aim.ratio(one, other) for one, other in pairs),
        aim,
        ours=median(one for one, _ in pairs),
        peer=median(other for _, other in pairs),
        astropy=median(others) if others else None,
    )


def alone(ours: Timer, aim: AtMost, samples: int) -> Figure:
    """Take samples of one timer, for an aim that is a time (in milliseconds)."""
    seconds = median(ours() for _ in range(samples))
    return Figure(seconds * 1e3, aim, "ms", ours=seconds)


def _pair(ours: Timer, peer: Timer, *, turned: bool) -> tuple[float, float]:
    if turned:
        other = peer()
        return ours(), other
    return ours(), peer()


def call(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> Timer:
    """Return a timer of a call in this process; what is done before it is not timed."""
    return prepared(before, lambda _: work())


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
    return call(lambda: told(command), before)


def told(command: Sequence[str]) -> str:
    """Run a process and return what it prints; one that fails says why in the exception."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
