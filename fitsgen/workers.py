"""Jobs run by processes of this machine.

In: jobs with numbers, and how many run at a time. Out: how each went. A worker that is lost takes
no job with it: what it had is run again, alone, so that each job answers for itself.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Self

from fitsgen.batch import LOST, SIGNALS, Attempt, Job, Ran, attempt, failed, fault, signals_held

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GRACE = 10.0  # seconds that a worker has to clean up when it is stopped


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(modules: Sequence[str]) -> None:
    """Import what workers need, once for all of them.

    NumPy may be among it: its library for matrices is kept from starting threads, which a process
    that is forked must not have.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        if _may_fork():
            for module in modules:
                importlib.import_module(module)
        else:
            from multiprocessing import forkserver

            with signals_held():
                multiprocessing.set_forkserver_preload(list(modules))
                forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _may_fork() -> bool:
    """Whether this process has no second thread, also none of a library's, that is known."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _context() -> ForkContext | ForkServerContext:
    """Fork workers from this process, at no cost; else from a server that has no threads."""
    if _may_fork():
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver")


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the way to it, and the job that it has."""

    process: BaseProcess
    connection: Connection
    job: tuple[int, Job] | None = None


class Workers:
    """Worker processes, begun with the first jobs; a crew of a batch."""

    def __init__(self, count: int) -> None:
        self._count = count
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
        try:
            worker.connection.send_bytes(message)
        except OSError:
            self._lose(worker)

    def _listen(self, timeout: float | None) -> None:
        """Take in what workers say, once one of them says something."""
        for key, _ in self._heard.select(timeout) if self._workers else ():
            worker: _Worker = key.data
            try:
                attempt = pickle.loads(worker.connection.recv_bytes())
            except (EOFError, OSError):
                self._lose(worker)
                continue
            if worker.job:
                self._ended.append((worker.job[0], attempt))
                worker.job = None
        self._give()

    def _lose(self, worker: _Worker) -> None:
        """Put the job of a worker that is lost with those to be run again, once."""
        if worker.job:
            number, job = worker.job
            if number == self._alone:
                self._ended.append((number, failed(f"{job.name}: {LOST}")))
            else:
                self._lost.append((number, job))
        self._workers.remove(worker)
        self._heard.unregister(worker.connection)
        _bury(worker)

    def _hire(self) -> _Worker:
        context = _context()
        ours, theirs = multiprocessing.Pipe()
        # A server that forks may be older than what this process has now.
        now = (os.getcwd(), dict(os.environ))
        with signals_held():
            process = context.Process(target=_serve, args=(theirs, *now), daemon=True)
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._heard.register(ours, selectors.EVENT_READ, worker)
        return worker


def _bury(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    worker.process.close()
    worker.connection.close()


def _serve(connection: Connection, directory: str, environment: Mapping[str, str]) -> None:
    """Run jobs in a worker, which stands where its parent does and ends when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_follow_parent, daemon=True).start()
    with suppress(EOFError, OSError):  # The parent is gone.
        while True:
            connection.send_bytes(_work(connection.recv_bytes()))


def _follow_parent() -> None:
    """End with the parent; a worker would wait for its next job for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


class _Ended(SystemExit):
    """A worker was told to end."""


def _work(message: bytes) -> bytes:
    """Run a job in a worker, which cleans up where SIGTERM ends it in the midst of one."""
    try:
        signal.signal(signal.SIGTERM, _end)
        try:
            answer = pickle.dumps(attempt(pickle.loads(message)))
        except Exception as error:  # The job or what it gave back could not be sent.
            answer = pickle.dumps(Attempt(Ran((fault(error),))))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except _Ended:  # Its worker would take the next job.
        os._exit(1)
    return answer


def _end(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended(128 + number)
