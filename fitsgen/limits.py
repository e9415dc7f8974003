"""Limits on the memory and time of a process, set by the operating system.

In: `Limits`, and something to be done. Out: it is done in a child process under these limits, and
the exit status of that, or in plain words why it has none; or the limits are set on this process.
"""

from __future__ import annotations

import errno
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TypeVar

# The parent waits for these, and the system has to tell who sent them: macOS cannot do that,
# nor does it limit memory.
ARE_SUPPORTED = sys.platform == "linux"
STOPS = (signal.SIGINT, signal.SIGTERM)
HEARD = (*STOPS, signal.SIGCHLD)
GRACE = 5  # seconds of processor time above a limit, for it is the second belt
LEAST_MEMORY = 128 * 2**20  # what Python and NumPy take, and a little
SHORT_OF_MEMORY = 99  # the exit status by which a child tells it
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Result = TypeVar("Result")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SHORT = (
    *("failed to map", "cannot allocate memory", "can't start new thread"),
    "without setting an exception",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a process may take.

    memory
        Bytes that are its own and can be written to: arrays, the heap, the stacks of threads. Files
        that are mapped read-only, as inputs are, do not count.
    seconds
        From the start of what is to be done to its end.

    """

    memory: int | None = None
    seconds: float | None = None

    def __bool__(self) -> bool:
        return self.memory is not None or self.seconds is not None

    @property
    def shortage(self) -> str:
        """What is said where the memory does not suffice."""
        return f"needs more than {shown_size(self.memory or 0)} (--limit-memory)"

    @property
    def overtime(self) -> str:
        """What is said where the time does not suffice."""
        return f"took longer than {self.seconds or 0:g} s (--limit-time)"

    def impose(self, processors: int | None = None) -> None:
        """Set the limits on this process, and leave no memory dump where it crashes.

        Parameters
        ----------
        processors
            How many it may use all of the time; None: as many as there are.

        Memory by RLIMIT_DATA (getrlimit(2)), which counts such mappings since Linux 4.7;
        RLIMIT_AS would count the inputs that are mapped, too.
        """
        _lower(resource.RLIMIT_CORE, 0)
        if self.memory is not None:
            _lower(resource.RLIMIT_DATA, self.memory)
        self.begin(processors)

    def begin(self, processors: int | None = None) -> None:
        """Give this process its time from now on, of all processors (RLIMIT_CPU).

        Who waits for it ends it earlier; this is for the case that nobody does any more.
        """
        if self.seconds is not None:
            seconds = self.seconds * (processors or os.cpu_count() or 1)
            end = math.ceil(time.process_time() + seconds) + GRACE
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            soft = end if hard == resource.RLIM_INFINITY else min(end, hard)
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _lower(what: int, limit: int) -> None:
    """Set a limit for good, unless there is a lower one."""
    now = [one for one in resource.getrlimit(what) if one != resource.RLIM_INFINITY]
    least = min([limit, *now])
    with suppress(ValueError, OSError):  # macOS refuses some.
        resource.setrlimit(what, (least, least))


def parsed_size(text: str) -> int:
    """Return the bytes of a size such as 512M, 2G, 1.5GiB or 1000000; raises `ValueError`."""
    number = text.strip().upper().removesuffix("B").removesuffix("I")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    size = float(number.removesuffix(unit)) * _UNITS[unit]
    if not LEAST_MEMORY <= size < 2**63:
        raise ValueError(f"expected at least {shown_size(LEAST_MEMORY)}")
    return int(size)


def shown_size(size: float) -> str:
    """Return a number of bytes for a reader, such as 512 MiB."""
    unit = next((unit for unit in "TGMK" if size >= _UNITS[unit]), "")
    return f"{size / _UNITS[unit]:.4g} {unit}iB" if unit else f"{size:.0f} bytes"


def machine_memory() -> int:
    """Return the bytes of memory of this machine, or of its part that this process may use."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_group_limits()])


def _group_limits() -> list[int]:
    """Return the limits of the control groups that this process is in (cgroups(7))."""
    limits = []
    with suppress(OSError, ValueError), open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file.read().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                limits += _limits_above("/sys/fs/cgroup", path, "memory.max")
            elif "memory" in controllers.split(","):
                limits += _limits_above("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
    return limits


def _limits_above(root: str, path: str, name: str) -> list[int]:
    """Return the limits of a group and of all that it is part of; of '/' alone in a container."""
    limits = []
    while True:
        # There may be none, or the word `max`.
        with suppress(OSError, ValueError), open(f"{root}{path}/{name}", encoding="ascii") as file:
            limits.append(int(file.read()))
        if path in ("", "/"):
            return limits
        path = path.rpartition("/")[0]


def end_with(parent: int) -> None:
    """Have this process killed when the one that began it ends (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def is_shortage(error: BaseException) -> bool:
    """Whether an exception says that there is not enough memory; libraries say it in many ways."""
    match error:
        case MemoryError() | OSError(errno=errno.ENOMEM):
            return True
        case ImportError() | RuntimeError() | SystemError():
            return any(words in str(error).lower() for words in _SHORT)
    return False


def signal_name(number: int) -> str:
    """Return what a signal is called, such as SIGSEGV."""
    known = {one.value: one.name for one in signal.Signals}
    return known.get(number, f"signal {number}")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: by itself with a status, and else why."""

    status: int
    why: str = ""


def contained(work: Callable[[], object], limits: Limits) -> Ended:
    """Do something in a child process under limits, and wait for its end.

    The child has the files, the terminal and the signals of this process, which must have no other
    thread. It is killed when its time is over, or when this process ends.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # Where it is ignored, nobody hears of an end.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    parent, child = os.getpid(), os.fork()
    if not child:
        _run(work, limits, parent, before)
    try:
        return _awaited(child, limits)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Exceeded(Exception):  # noqa: N818 - says what happened to a limit
    """A child was over its limits, or was lost."""


def apart(make: Callable[[], Result], limits: Limits) -> Result:
    """Return what something returns in a child under limits; it has to be what can be pickled.

    Raises
    ------
    Exceeded
        Says in plain words why there is nothing.

    """
    import pickle
    import tempfile

    def tell() -> None:
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)
        pickle.dump(make(), file)
        file.flush()

    with tempfile.TemporaryFile() as file:
        ended = contained(tell, limits)
        if ended.status > 128:  # It was stopped, and so is this process.
            signal.raise_signal(ended.status - 128)
        if ended.status:
            raise Exceeded(ended.why or "its process failed")
        file.seek(0)
        made: Result = pickle.load(file)
    return made


def may_fork() -> bool:
    """Whether this process has no second thread, also none of a library's, that is known."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _run(
    work: Callable[[], object], limits: Limits, parent: int, mask: set[signal.Signals | int]
) -> NoReturn:
    """Be the child."""
    status = 1
    try:
        end_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # The threads of libraries for matrices would take memory for each processor.
        os.environ.update({name: os.environ.get(name, "1") for name in ONE_THREAD})
        limits.impose()
        status = _status(work)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 1
    finally:
        os._exit(status)


def _status(work: Callable[[], object]) -> int:
    try:
        work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        if is_shortage(error):
            return SHORT_OF_MEMORY
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _awaited(child: int, limits: Limits) -> Ended:
    """Wait for the end of a child, pass signals on to it, and kill it at the end of its time."""
    end = math.inf if limits.seconds is None else time.monotonic() + limits.seconds
    while True:
        heard = signal.sigtimedwait(HEARD, min(max(end - time.monotonic(), 0), 1e6))
        if heard is None and time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Ended(1, limits.overtime)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return _told(os.waitstatus_to_exitcode(status), limits)
        # A key such as Ctrl-C reaches the child, too: the system sends it to all in the terminal.
        if heard and heard.si_signo != signal.SIGCHLD and heard.si_code <= 0:
            os.kill(child, heard.si_signo)


def _told(status: int, limits: Limits) -> Ended:
    match -status:
        case signal.SIGINT | signal.SIGTERM as number:
            return Ended(128 + number)
        case signal.SIGXCPU:
            return Ended(1, limits.overtime)
        case number if number > 0:
            doubt = "; is there too little memory?" if number == signal.SIGKILL else ""
            return Ended(1, f"its process was ended by {signal_name(number)}{doubt}")
    return Ended(1, limits.shortage) if status == SHORT_OF_MEMORY else Ended(status)
