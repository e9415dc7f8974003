"""SIGINT and SIGTERM stop the work once, wherever they come, but not where it has to be whole."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_batch import wait_until

from fitsgen.signals import Held, Stopped, stopped_by_signals

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """See to it that nothing is left of it."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(one) for one in numbers], sys.unraisablehook
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    assert ([signal.getsignal(one) for one in numbers], sys.unraisablehook) == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@BOTH
def test_the_first_signal_stops_and_no_other(number: signal.Signals) -> None:
    with pytest.raises(Stopped) as stopped, stopped_by_signals():  # noqa: PT012
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # while things are put in order
    assert stopped.value.status == 128 + number


@BOTH
def test_what_is_held_is_whole(number: signal.Signals) -> None:
    """Also where another thread gets the signal, whose mask is not this one's."""
    ready, done = threading.Event(), threading.Event()

    def other() -> None:
        ready.wait()
        signal.pthread_kill(threading.get_ident(), number)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    steps = []
    with pytest.raises(Stopped), stopped_by_signals(), Held():  # noqa: PT012
        with Held():
            ready.set()
            done.wait()
            time.sleep(0.01)
            steps.append("inner")
        steps.append("outer")
    thread.join()
    assert steps == ["inner", "outer"]


def test_what_is_held_may_be_interrupted_in_between() -> None:
    steps = []
    with pytest.raises(Stopped), stopped_by_signals(), Held() as held:  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        steps.append("held")
        with held.interruptible():
            steps.append("in between")
        steps.append("after")
    assert steps == ["held"]


@pytest.mark.usefixtures("_as_before")
def test_held_without_handlers_waits_too() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), Held():  # noqa: PT012
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        time.sleep(0.01)
        steps.append("held")
    assert steps == ["held"]


class Closing:
    """Is signalled while it is finalised."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def finalised() -> None:
    Closing()


def called_back() -> None:
    one = Closing.__new__(type("Other", (), {}))
    reference = weakref.ref(one, lambda _: signal.raise_signal(signal.SIGTERM))
    del one
    assert reference() is None


def in_a_callback_of_c() -> None:
    kind = ctypes.CFUNCTYPE(None)
    kind(lambda: signal.raise_signal(signal.SIGTERM))()


def in_a_generator() -> None:
    def generator() -> Iterator[None]:
        try:
            yield
        finally:
            signal.raise_signal(signal.SIGTERM)

    next(generator())


@pytest.mark.parametrize("where", [finalised, called_back, in_a_callback_of_c, in_a_generator])
def test_python_drops_what_is_raised_there_but_it_stops(
    where: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    with pytest.raises(Stopped), stopped_by_signals():  # noqa: PT012
        where()
        time.sleep(20)
    assert time.monotonic() - start < 10
    assert capsys.readouterr() == ("", "")


def test_what_was_dropped_at_the_very_end_still_stops() -> None:
    with pytest.raises(Stopped), stopped_by_signals():
        finalised()


def test_who_catches_it_and_ends_is_not_stopped_again() -> None:
    """An alarm that comes late would end the process, or say `stopped` twice."""
    with pytest.raises(SystemExit) as ended, stopped_by_signals():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped as stop:
            time.sleep(0.05)
            raise SystemExit(stop.status) from stop
        finally:
            time.sleep(0.05)
    assert ended.value.code == 143


def test_what_is_ignored_stays_so() -> None:
    """As below `nohup`, and in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


LONG = """<<file long>>
<<header primary>>
A = sum(n for n in range(param('count')))
"""


@BOTH
@pytest.mark.parametrize("limits", [[], ["--limit-time", "60"]])
def test_a_verb_that_is_stopped(
    number: signal.Signals, limits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long.gen.txt").write_text(LONG)
    (tmp_path / "none.dat").write_text("<<file none>>")
    cache = tmp_path / "cache"
    monkeypatch.setenv("FITSGEN_CACHE", str(cache))
    command = [sys.executable, "-m", "fitsgen", "convert", "none.dat", "-t", "long.gen.txt"]
    command += ["--set", "count=100000000000", *limits]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: [*cache.glob("*.pickle")])  # It is compiled, and now computes.
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (128 + number, b"stopped\n")
    assert sorted(os.listdir(tmp_path)) == ["cache", "long.gen.txt", "none.dat"]
