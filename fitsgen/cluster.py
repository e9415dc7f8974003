"""Jobs run by the workers of an existing dask scheduler, on this machine or others.

In: jobs with numbers, and the address of a scheduler. Out: how each went. Dask runs what a lost
worker had on another one. Scheduler and workers are told nothing of fitsgen but by bytes, so the
scheduler needs none, and a worker without it, or with another one, says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fitsgen import __version__
from fitsgen.batch import LOST, Attempt, Job, Outcome, Ran, attempt, failed, fault
from fitsgen.diagnostics import InputError, Problem

TIMEOUT = 5.0  # seconds in which a scheduler must answer
LOOK = 1.0  # seconds between two looks at the cluster while nothing comes from it
HELD = 2  # jobs for each worker: one in work and one in wait
EPOCH = "SOURCE_DATE_EPOCH"
MAX_TOLD = 5  # workers that are not as they should be
SAME = "every worker needs the fitsgen that this command has, " + __version__
SHARED = "every worker must have the same directories under the same names"


class Cluster:
    """The workers of a dask scheduler; a crew of a batch.

    Raises
    ------
    InputError
        `distributed` is not installed, the scheduler does not answer or is lost, or a worker has
        another version of fitsgen.

    """

    def __init__(self, address: str) -> None:
        self._client = _connected(address)
        # Futures are held: dask forgets what nobody wants any more.
        self._running: dict[str, tuple[int, Job, Any]] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ended: list[Any] = []
        self._room = HELD
        self._looked = 0.0
        try:
            _require_same(self._client)
        except BaseException:
            self._client.close(timeout=TIMEOUT)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take back what has not begun; what a worker has begun it goes on with."""
        with suppress(Exception):  # The scheduler may be gone.
            self._client.close(timeout=TIMEOUT)

    def submit(self, number: int, job: Job) -> None:
        """Take a job over, once there is room for one more."""
        self._look()
        while len(self._running) - len(self._ended) >= self._room:
            self._wait(LOOK)
        call = pickle.dumps(_Call(__version__, os.environ.get(EPOCH), pickle.dumps(job)))
        key = f"fitsgen-{number}-{os.urandom(8).hex()}"
        # What unpickles it works: so neither the scheduler nor a strange worker knows of fitsgen.
        with _connection():
            future = self._client.submit(pickle.loads, call, key=key, pure=False)
        self._running[key] = (number, job, future)
        future.add_done_callback(self._done.put)

    def ended(self, *, wait: bool) -> list[tuple[int, Attempt]]:
        """Give the jobs that have ended since; wait until one has.

        Raises
        ------
        InputError
            The scheduler is lost.

        """
        self._wait(0.0)
        while wait and self._running and not self._ended:
            self._wait(LOOK)
        futures, self._ended = self._ended, []
        if not futures:
            return []
        whole = {one.key: one for one in futures if one.status == "finished"}
        with _connection():
            answers = self._client.gather(whole, errors="skip")
        return [_attempt(*self._running.pop(one.key), answers.get(one.key)) for one in futures]

    def _wait(self, seconds: float) -> None:
        """Wait until a job has ended, or for some time."""
        with suppress(queue.Empty):
            self._ended.append(self._done.get(timeout=seconds))
            while True:
                self._ended.append(self._done.get(timeout=0))
        self._look()

    def _look(self) -> None:
        """Find out now and then whether the cluster is there, and how many workers it has."""
        if time.monotonic() - self._looked < LOOK:
            return
        with _connection():
            if self._client.status != "running":
                raise ConnectionError
            self._room = HELD * max(1, len(self._client.nthreads()))
        self._looked = time.monotonic()


@contextmanager
def _connection() -> Iterator[None]:
    """Say in plain words that the scheduler is gone, whatever the client says of it."""
    try:
        yield
    except Exception:
        hint = "run the command again once there is one: it makes the rest"
        raise InputError(Problem("the scheduler was lost", hint=hint)) from None


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        message = "--scheduler needs dask, which is not installed"
        raise InputError(Problem(message, hint="pip install 'fitsgen[dask]'")) from None
    # What they would log is told as a problem.
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    begin: Any = Client  # has no types
    try:
        # A client that does not come about hangs for some time when it is deleted.
        asyncio.run(asyncio.wait_for(_asked(address), TIMEOUT))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Versions of other packages do not matter.
            return begin(address, timeout=TIMEOUT, set_as_default=False, name="fitsgen")
    except Exception as error:  # Whatever may answer there, or nothing.
        reason = str(error) or f"nothing within {TIMEOUT:g} seconds"
        message = f"{address}: no dask scheduler answers there: {reason[:200]}"
        raise InputError(Problem(message)) from None


async def _asked(address: str) -> None:
    """Ask who is there; raises where it is no scheduler."""
    from distributed.core import rpc

    ask: Any = rpc  # has no types
    async with ask(address, timeout=TIMEOUT) as server:
        kind = (await server.identity())["type"]
    if kind != "Scheduler":
        raise ValueError(f"this is a {kind}")


def _require_same(client: Any) -> None:
    """Make sure that every worker there is has this fitsgen; raises `InputError`."""
    with _connection():
        answers = client.run(eval, "__import__('fitsgen').__version__", on_error="return")
    problems = []
    for worker, answer in answers.items():
        if isinstance(answer, ImportError):
            problems.append(Problem(f"the worker {worker} has no fitsgen: {answer}", hint=SAME))
        elif isinstance(answer, str) and answer != __version__:
            problems.append(Problem(f"the worker {worker} has fitsgen {answer}", hint=SAME))
    if problems:
        raise InputError(problems[:MAX_TOLD])


def _attempt(number: int, job: Job, future: Any, answer: bytes | None) -> tuple[int, Attempt]:
    """Return how a job went, by what its worker answered."""
    if answer is None:
        return number, _unanswered(job, future)
    attempt: Attempt = pickle.loads(answer)
    if attempt.outcome is Outcome.MADE and not _is_seen(job.output):
        message = f"{job.output}: a worker wrote it where this computer does not see it"
        return number, failed(message, SHARED)
    return number, attempt


def _unanswered(job: Job, future: Any) -> Attempt:
    """Say why a job has no answer."""
    from distributed import KilledWorker

    if future.status != "error":
        return failed(f"{job.name}: it was cancelled on the cluster")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return failed(f"{job.name}: {LOST}")
    if isinstance(error, ImportError):
        return failed(f"{job.name}: its worker has no fitsgen, or another one: {error}", SAME)
    return Attempt(Ran((fault(error),)))


def _is_seen(path: Path) -> bool:
    """Whether a file is there; a directory of another computer is looked at anew."""
    if os.path.lexists(path):
        return True
    with suppress(OSError):
        os.listdir(path.parent)
    return os.path.lexists(path)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of `work`, made where this is unpickled."""

    version: str
    epoch: str | None
    job: bytes

    def __reduce__(self) -> tuple[object, ...]:
        return work, (self.version, self.epoch, self.job)


# Threads of a worker gain nothing from one another, and share warnings and the environment.
_ONE_AT_A_TIME = threading.Lock()


def work(version: str, epoch: str | None, message: bytes) -> bytes:
    """Run a job in a worker of a cluster.

    Parameters
    ----------
    version
        That of the fitsgen which asks.
    epoch
        SOURCE_DATE_EPOCH there, for the same bytes here.
    message
        The job, pickled.

    Returns
    -------
    bytes
        An `Attempt`, pickled.

    """
    if version != __version__:
        return pickle.dumps(
            failed(f"its worker has fitsgen {__version__}; the command has {version}")
        )
    with _ONE_AT_A_TIME, _environment(epoch):
        try:
            job: Job = pickle.loads(message)
            unseen = [path for path in job.paths if not os.path.exists(path)]
            if unseen:
                answer = failed(f"{unseen[0]}: its worker, {_host()}, does not see it", SHARED)
            else:
                answer = attempt(job)
            return pickle.dumps(answer)
        except Exception as error:  # The job or what it gave back could not be sent.
            return pickle.dumps(Attempt(Ran((fault(error),))))


@contextmanager
def _environment(epoch: str | None) -> Iterator[None]:
    before = os.environ.pop(EPOCH, None)
    if epoch is not None:
        os.environ[EPOCH] = epoch
    try:
        yield
    finally:
        os.environ.pop(EPOCH, None)
        if before is not None:
            os.environ[EPOCH] = before


def _host() -> str:
    import socket

    return socket.gethostname()
