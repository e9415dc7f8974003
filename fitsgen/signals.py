"""SIGINT and SIGTERM: what they interrupt, and what is whole before they do.

In: work that may be stopped, and steps of it that may not. Out: `Stopped`, once.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Self
from weakref import ReferenceType, ref

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
SOON = 0.01  # seconds

_Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


class Stopped(BaseException):
    """A signal asked to stop; no `Exception`, so that nothing takes it for a failed job."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status of a process that a signal ended: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.number


class _Stop:
    """The handler of the signals. The first one counts: what is cleaned up then is undisturbed."""

    def __init__(self) -> None:
        self.number = 0
        self.is_due = False  # `Stopped` is yet to be raised
        self.is_held = False
        self._raised: ReferenceType[Stopped] | None = None

    def __call__(self, number: int, _: FrameType | None = None) -> None:
        if not self.number:
            self.number, self.is_due = number, True
        self.act()

    def act(self) -> None:
        """Raise `Stopped` if that is due."""
        if self.is_due and not self.is_held:
            self.is_due = False
            # No name stands for it here: its traceback would keep it.
            raise self._new()

    def watch(self, *_: object) -> None:
        """Raise it once more where it was dropped."""
        self.is_due = self.is_due or self.is_dropped
        self.act()

    @property
    def is_dropped(self) -> bool:
        """Whether it was raised, and nobody has it now.

        Python drops what is raised while an object is finalised, and libraries in C drop what
        they take for a failure of their own, as NumPy does while it is imported.
        """
        return self._raised is not None and self._raised() is None

    def end(self, alarm: _Handler) -> None:
        """Watch no more, and have the alarm handled as before; raises `Stopped` if that is due."""
        if self._raised is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)  # An alarm on its way is forgotten.
            signal.signal(signal.SIGALRM, alarm)
        if self.is_due or self.is_dropped:
            raise Stopped(self.number)

    def _new(self) -> Stopped:
        stopped = Stopped(self.number)
        self._raised = ref(stopped)
        signal.signal(signal.SIGALRM, self.watch)
        signal.setitimer(signal.ITIMER_REAL, SOON, SOON)
        return stopped


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` at SIGINT and SIGTERM, but not where they are ignored already (nohup).

    Who catches it in here keeps it, as the cause of what is raised then, or it comes again.
    """
    stop = _Stop()
    told = sys.unraisablehook

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, Stopped):
            told(what)

    heard = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    alarm = signal.getsignal(signal.SIGALRM)
    before = {one: signal.signal(one, stop) for one in heard}
    sys.unraisablehook = dropped
    try:
        try:
            yield
        finally:
            stop.is_held = True  # What follows is whole: `Stopped` is either on its way or waits.
    finally:
        sys.unraisablehook = told
        for one, handler in before.items():
            signal.signal(one, handler)
        stop.end(alarm)


class Held:
    """Signals wait until what is done here is whole; a context manager.

    A process that is begun here does not get them: they are for this one, which ends the others.
    Where `stopped_by_signals` is not at work they wait as far as this thread is asked.
    """

    def __init__(self, mask: set[signal.Signals | int] | None = None) -> None:
        """Begin; with a mask of this thread it is the other way round."""
        self._is_held = mask is None
        self._wanted = mask
        self._stop = _current()
        self._was_held = self._stop.is_held if self._stop else False
        self._mask: set[signal.Signals | int] = set()

    def __enter__(self) -> Self:
        # The mask alone would not do: another thread, also one of a library, gets the signal then,
        # and its handler runs in this one.
        self._set(self._is_held)
        if self._wanted is None:
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        else:
            self._mask = signal.pthread_sigmask(signal.SIG_SETMASK, self._wanted)
        self._act()
        return self

    def __exit__(self, *_: object) -> None:
        self._set(self._was_held)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._act()

    def interruptible(self) -> Held:
        """Return a context manager for what may be interrupted in between."""
        return Held(self._mask)

    def _set(self, is_held: bool) -> None:
        if self._stop:
            self._stop.is_held = is_held

    def _act(self) -> None:
        if self._stop:
            self._stop.act()


def _current() -> _Stop | None:
    """Return the handler that is at work, in the one thread where Python calls it."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handlers = map(signal.getsignal, SIGNALS)
    return next((one for one in handlers if isinstance(one, _Stop)), None)
