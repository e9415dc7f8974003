"""Bytes to files that readers can open, none of them on a disk; and a small source of each kind.

In: the bytes of an execution. Out: paths.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.sources import DataFile, FitsSource, Source

HERE = Path(__file__).resolve().parent
INCLUDES = HERE / "includes"


@contextmanager
def in_memory(data: bytes) -> Iterator[str]:
    """Give the path of a file that is in memory only."""
    descriptor = os.memfd_create("fuzz")
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@functools.cache
def scratch() -> Path:
    """Return a directory for files whose names count; in memory where the system has such."""
    memory = "/dev/shm"
    place = None if "TMPDIR" in os.environ or not os.access(memory, os.W_OK) else memory
    path = Path(tempfile.mkdtemp(prefix="fitsgen-fuzz-", dir=place))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def written(name: str, data: bytes) -> Path:
    """Write a file that is read under its name; the next one of the name takes its place."""
    path = scratch() / name
    with open(path, "wb", buffering=0) as file:
        file.write(data)
    return path


@functools.cache
def sources() -> dict[str, Source]:
    """Return the inputs that expressions are evaluated with: a few values, pixels, a table."""
    descriptor = os.memfd_create("source")  # stays open with the process
    os.write(descriptor, (HERE / "source.fits").read_bytes())
    file = FitsFile.open(f"/proc/self/fd/{descriptor}")
    values = {"PROGRAM": "01234", "VISIT": 1, "ANGLE": 1.5, "LIST": [1, 2], "GOOD": True}
    data_file = DataFile("obsid", (("", values), ("more", {"FILTER": "F070W"})))
    return {"input": FitsSource(file), "obsid": data_file}
