"""How the program ends where it is stopped, or where nobody can be told anything.

In: the program. Out: an exit status, and one plain line at most; never a traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from fitsgen.signals import Stopped, stopped_by_signals

# Files are written elsewhere, where a failure is told of the file.
_OF_STREAMS = (
    *(errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF),
    *(errno.ECONNRESET, errno.EAGAIN),
)


@contextmanager
def plain_ending() -> Iterator[None]:
    """End with status 130 or 143 at a signal, and with 1 where what is printed is not taken."""
    _open_closed_streams()
    try:
        with stopped_by_signals():
            yield
    except Stopped as stop:
        _last_words("stopped")
        sys.exit(stop.status)
    except OSError as error:
        if error.errno not in _OF_STREAMS or error.filename is not None:
            raise
        # Who reads a pipe and ends, as `head` does, has had enough.
        if error.errno != errno.EPIPE:
            _last_words(f"error: what is to be printed cannot be written: {error.strerror}")
        _silence()
        sys.exit(1)


def _open_closed_streams() -> None:
    """See to it that no file becomes the standard output, where that was closed (`>&-`).

    It is told that nothing can be printed; that errors cannot be, cannot be told.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _last_words(text: str) -> None:
    try:
        click.echo(text, err=True)
    except OSError:
        _silence()


def _silence() -> None:
    """Let what waits to be printed go nowhere: Python tries again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
