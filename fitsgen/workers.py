"""Jobs run by processes of this machine.

In: jobs with numbers, how many run at a time, and the limits of each. Out: how each went. A worker
that is lost takes no job with it: what it had is run again, alone, so that each job answers for
itself. One that is over its time is ended, and what it had has failed.
"""

from __future__ import annotations

import importlib
import math
import multiprocessing
import os
import pickle
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Self

from fitsgen.batch import LOST, Attempt, Job, Ran, attempt, failed, fault
from fitsgen.limits import ONE_THREAD, Limits, machine_memory, may_fork, signal_name
from fitsgen.signals import SIGNALS, Held, Stopped, stopped_by_signals

GRACE = 10.0  # seconds that a worker has to clean up when it is stopped
# What a worker may take where nobody says it.
MEMORY = 2**30  # at least
SECONDS = 3600.0
UNLIMITED = Limits()
BEGUN = b"begun"


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fair(limits: Limits, count: int) -> Limits:
    """Return the limits of each of so many workers: those given, or a share of this machine."""
    memory = limits.memory or max(MEMORY, machine_memory() // count)
    return Limits(memory, limits.seconds or SECONDS)


def prepare(modules: Sequence[str]) -> None:
    """Import what workers need, once for all of them.

    NumPy may be among it: its library for matrices is kept from starting threads, which a process
    that is forked must not have. A server of processes must not find modules where the user is.
    """
    wanted = dict.fromkeys((*ONE_THREAD, "PYTHONSAFEPATH"), "1")
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        if may_fork():
            for module in modules:
                importlib.import_module(module)
        else:
            from multiprocessing import forkserver

            with Held():
                multiprocessing.set_forkserver_preload(list(modules))
                forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _context() -> ForkContext | ForkServerContext:
    """Fork workers from this process, at no cost; else from a server that has no threads."""
    if may_fork():
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver")


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the way to it, and the job that it has, and until when once it has begun it."""

    process: BaseProcess
    connection: Connection
    job: tuple[int, Job] | None = None
    end: float = math.inf


class Workers:
    """Worker processes, begun with the first jobs; a crew of a batch.

    Parameters
    ----------
    count
        How many there are.
    limits
        The memory of each, and the time of each job.

    """

    def __init__(self, count: int, limits: Limits = UNLIMITED) -> None:
        self._count = count
        self._limits = limits
        self._workers: list[_Worker] = []
        self._heard = selectors.DefaultSelector()
        self._waiting: deque[tuple[int, Job]] = deque()
        self._lost: deque[tuple[int, Job]] = deque()
        self._alone = -1  # the number of the job that is run again
        self._ended: list[tuple[int, Attempt]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        end = time.monotonic() + GRACE
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            _bury(worker)
        self._workers.clear()
        self._heard.close()

    def submit(self, number: int, job: Job) -> None:
        """Take a job over; as many as there are workers may wait, so that none is idle."""
        self._waiting.append((number, job))
        self._give()
        while len(self._waiting) > self._count:
            self._listen(None)

    def ended(self, *, wait: bool) -> list[tuple[int, Attempt]]:
        """Give the jobs that have ended since; wait until one has."""
        self._listen(0.0)
        while wait and not self._ended:
            self._listen(None)
        ended, self._ended = self._ended, []
        return ended

    def _give(self) -> None:
        """Give jobs to those who have none; one that was lost only when all have none."""
        idle = [worker for worker in self._workers if worker.job is None]
        busy = [worker.job[0] for worker in self._workers if worker.job]
        if self._lost or self._alone in busy:
            if not busy:
                self._alone = self._lost[0][0]
                self._send(idle, self._lost.popleft())
            return
        while self._waiting and (idle or len(self._workers) < self._count):
            self._send(idle, self._waiting.popleft())

    def _send(self, idle: list[_Worker], numbered: tuple[int, Job]) -> None:
        number, job = numbered
        try:
            message = pickle.dumps(job)
        except Exception as error:
            self._ended.append((number, Attempt(Ran((fault(error),)))))
            return
        worker = idle.pop() if idle else self._hire()
        worker.job = numbered
        worker.end = math.inf
        try:
            worker.connection.send_bytes(message)
        except OSError:
            self._lose(worker)

    def _listen(self, timeout: float | None) -> None:
        """Take in what workers say, once one of them says something or is over its time."""
        end = min((worker.end for worker in self._workers if worker.job), default=math.inf)
        if end < math.inf:
            rest = max(0.0, end - time.monotonic())
            timeout = rest if timeout is None else min(rest, timeout)
        for key, _ in self._heard.select(timeout) if self._workers else ():
            worker: _Worker = key.data
            try:
                message = worker.connection.recv_bytes()
            except (EOFError, OSError):
                self._lose(worker)
                continue
            if message == BEGUN:
                worker.end = time.monotonic() + (self._limits.seconds or math.inf)
            elif worker.job:
                self._ended.append((worker.job[0], pickle.loads(message)))
                worker.job = None
        self._end_late()
        self._give()

    def _end_late(self) -> None:
        """End the workers that are over their time."""
        now = time.monotonic()
        for worker in [one for one in self._workers if one.job and one.end <= now]:
            self._lose(worker, is_late=True)

    def _lose(self, worker: _Worker, *, is_late: bool = False) -> None:
        """Put the job of a worker that is lost with those to be run again, once; no late one."""
        self._workers.remove(worker)
        self._heard.unregister(worker.connection)
        status = _bury(worker)
        if not worker.job:
            return
        number, job = worker.job
        if is_late or status == -signal.SIGXCPU:
            attempt = failed(f"{job.name}: {self._limits.overtime}")
            self._ended.append((number, replace(attempt, seconds=self._limits.seconds or 0.0)))
        elif number == self._alone:
            self._ended.append((number, failed(f"{job.name}: {_why(status)}")))
        else:
            self._lost.append((number, job))

    def _hire(self) -> _Worker:
        context = _context()
        ours, theirs = multiprocessing.Pipe()
        # A server that forks may be older than what this process has now.
        now = (os.getcwd(), dict(os.environ))
        with Held():
            process = context.Process(target=_serve, args=(theirs, *now, self._limits), daemon=True)
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._heard.register(ours, selectors.EVENT_READ, worker)
        return worker


def _why(status: int) -> str:
    """Say why a worker was lost twice, by its exit status."""
    if status >= 0 or status == -signal.SIGKILL:
        return LOST
    return f"its process was ended by {signal_name(-status)}, more than once"


def _bury(worker: _Worker) -> int:
    """See to the end of a worker; return its exit status, the negative number of a signal."""
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    status = worker.process.exitcode or 0
    worker.process.close()
    worker.connection.close()
    return status


def _serve(
    connection: Connection, directory: str, environment: Mapping[str, str], limits: Limits
) -> None:
    """Run jobs in a worker, which stands where its parent does and ends when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_follow_parent, daemon=True).start()
    limits.impose()
    with suppress(EOFError, OSError):  # The parent is gone.
        while True:
            connection.send_bytes(
                _work(connection.recv_bytes(), partial(_begin, connection, limits))
            )


def _begin(connection: Connection, limits: Limits) -> None:
    """Tell that a job begins, whose time counts from now on."""
    limits.begin()
    connection.send_bytes(BEGUN)


def _follow_parent() -> None:
    """End with the parent; a worker would wait for its next job for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _work(message: bytes, begin: Callable[[], None]) -> bytes:
    """Run a job in a worker, which cleans up where SIGTERM ends it in the midst of one."""
    try:
        with stopped_by_signals():
            try:
                job = pickle.loads(message)
                begin()
                return pickle.dumps(attempt(job))
            except Exception as error:  # The job or what it gave back could not be sent.
                return pickle.dumps(Attempt(Ran((fault(error),))))
    except Stopped:  # Its worker would take the next job.
        os._exit(1)
