"""Runs `fitsgen` with a system that fails at a chosen call (`faults.c`).

In: what is to be run, below which directory what shall happen, and at which call. Out: how it
ended. As a program it is a process with the library that has imported fitsgen, and forks itself for
each run: so hundreds of them take seconds, and each is one of `fitsgen` with its system calls.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTHING, KILL, RENAME, TERMINATE = 0, -1, -2, -3


@dataclass(frozen=True)
class Ended:
    """How a run ended: the calls that were counted, and whether the chosen one was among them."""

    status: int
    out: str
    err: str
    calls: tuple[str, ...]
    was_hit: bool


class Faulty:
    """A process that is forked for each run."""

    def __init__(
        self,
        library: Path,
        environment: Mapping[str, str],
        warm: Sequence[Sequence[str]],
        scratch: Path,
    ) -> None:
        """Begin it; it runs the commands `warm` first, so that all is imported."""
        self.scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(library), json.dumps(warm)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, "LD_PRELOAD": str(library)},
        )

    def run(
        self,
        *arguments: str | Path,
        below: Path,
        at: int = 0,
        what: int = NOTHING,
        is_named: bool = False,
    ) -> Ended:
        """Run a command.

        Parameters
        ----------
        below
            The directory whose calls are counted; it is where the command stands, too.
        at, what
            The number of the call, and the errno or another fate of it.
        is_named
            Whether the system knows no files without a name.

        """
        wish = [list(map(str, arguments)), str(below), at, what, is_named]
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(wish), file=self._process.stdin, flush=True)
        status, out, err, calls, was_hit = json.loads(self._process.stdout.readline())
        return Ended(status, out, err, tuple(calls), was_hit)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait() == 0


def built(directory: Path) -> Path:
    """Compile the library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler
    library = directory / "faults.so"
    source = Path(__file__).with_suffix(".c")
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([compiler, *options, "-o", library, source, "-ldl"], check=True)
    return library


def main(library: Any, warm: Sequence[Sequence[str]]) -> None:
    """Run what is asked for, one after another."""
    from fitsgen.cli import main as fitsgen

    library.faults_name.restype = ctypes.c_char_p
    for command in warm:
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
            fitsgen(command)
    for line in sys.stdin:
        arguments, below, at, what, is_named = json.loads(line)
        library.faults(os.fsencode(below), at, what)
        with _temporary() as out, _temporary() as err:
            child = os.fork()
            if not child:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(below)
                if is_named:
                    del os.O_TMPFILE
                _run_and_exit(fitsgen, arguments)
            _, status = os.waitpid(child, 0)
            told = [_text(out), _text(err)]
        names = [library.faults_name(n).decode() for n in range(1, library.faults_count() + 1)]
        ended = [os.waitstatus_to_exitcode(status), *told, names, bool(library.faults_hit())]
        print(json.dumps(ended), flush=True)


def _run_and_exit(program: Callable[[Sequence[str]], object], arguments: Sequence[str]) -> None:
    status = 70
    try:
        program(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)  # What Python does at its end takes longer than all the rest.


def _temporary() -> Any:
    """Return a file that is not counted."""
    return tempfile.TemporaryFile(dir=os.path.dirname(sys.argv[1]))


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode())


def snapshot(directory: Path) -> dict[str, bytes]:
    """Return what is below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def each_call(run: Callable[[int], Ended], least: int) -> Iterator[tuple[str, Ended]]:
    """Run for the first call, the second, and so on until there is none: give its name.

    Fails where there are fewer than so many calls.
    """
    for at in range(1, 1000):
        ended = run(at)
        if not ended.was_hit:
            assert at > least, ended
            return
        yield ended.calls[at - 1], ended
    raise AssertionError("there is no end of calls")


if __name__ == "__main__":
    main(ctypes.CDLL(sys.argv[1]), json.loads(sys.argv[2]))
