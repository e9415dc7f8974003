"""The parts of a file to their places in it, by helper threads where that pays.

In: an open file whose space is reserved, so that what is not written reads as zeros; and its
parts. Out: the parts in the file. The places of blocks are known before they are made, so that
two can be made at the same time; NumPy and the system let another thread go on meanwhile.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fitsgen.blocks import padded
from fitsgen.runtime.encoded import Block, Buffer, Encoded
from fitsgen.signals import Held

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

PIECE = 1 << 20
THREADS = 2
# Below this, starting threads takes longer than they save.
WORTH_THREADS = 8 << 20
KEPT = 16 << 20
# So much is written before the disk begins to work on it.
DISK_WINDOW = 16 << 20
# So many blocks are in work or done before their turn to be waited for.
HELD = 2 * THREADS

Progress: TypeAlias = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Part:
    """One HDU: its header, padded to a multiple of 2880 bytes, and its data."""

    header: bytes
    data: Encoded | None = None

    @property
    def size(self) -> int:
        """Bytes that the HDU takes in the file, padding included."""
        return len(self.header) + (padded(self.data.size) if self.data else 0)


class Unmade(Exception):  # noqa: N818 - says what became of it
    """The data of a part could not be made."""

    def __init__(self, number: int, why: Exception) -> None:
        super().__init__(number, why)
        self.number = number
        self.why = why


class WrongSize(Exception):  # noqa: N818 - says what is wrong
    """Data of another size than was told."""


def write_parts(descriptor: int, parts: Sequence[Part], progress: Progress | None = None) -> None:
    """Write all parts, one after another from the beginning of the file.

    Raises
    ------
    OSError
        The system fails to write.
    WrongSize
        Data is longer or shorter than it was told to be.
    Unmade
        Whatever else is raised where data is made.

    """
    total = sum(part.size for part in parts)
    with _pool(total) as pool:
        output = _Output(descriptor, total, progress, pool)
        start = 0
        for number, part in enumerate(parts):
            output.write(part.header, start, number)
            if part.data:
                _write_data(output, part.data, start + len(part.header), number)
            start += part.size
        output.finish(0)


def _write_data(output: _Output, data: Encoded, start: int, number: int) -> None:
    place = start
    blocks = data.blocks()
    while (block := _made(number, lambda: next(blocks, None))) is not None:
        size = block.size if isinstance(block, Block) else memoryview(block).nbytes
        if place + size > start + data.size:
            raise WrongSize(f"the data is longer than the {data.size} bytes told")
        output.write(block, place, number)
        place += size
    if place - start != data.size:
        raise WrongSize(
            f"the data ended after {place - start} of {data.size} bytes; did an input shrink?"
        )
    rest = padded(data.size) - data.size
    output.write(Block(rest) if data.fill == b"\0" else data.fill * rest, place, number)


def _made(number: int, make: Callable[[], Result]) -> Result:
    """Return what is made for a part, or say that it could not be."""
    try:
        return make()
    except (OSError, WrongSize):
        raise
    except Exception as error:
        raise Unmade(number, error) from error


@contextmanager
def _pool(total: int) -> Iterator[ThreadPoolExecutor | None]:
    if total < WORTH_THREADS or (os.cpu_count() or 1) < THREADS:
        yield None
        return
    from concurrent.futures import ThreadPoolExecutor

    _keep_freed_memory()
    pool = ThreadPoolExecutor(THREADS)
    try:
        yield pool
    finally:
        with Held():  # A thread that was not waited for would write to a closed file.
            pool.shutdown(cancel_futures=True)


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed, up to twice KEPT, for what is allocated next.

    glibc gives pages back at once until something large was freed (mallopt(3), M_TRIM_THRESHOLD),
    and the system takes longer to clear new pages than all the rest takes. Other libraries do
    nothing special here.
    """
    bytes(KEPT)


@dataclass(slots=True)
class _Output:
    """An open file that counts what is written to it."""

    descriptor: int
    total: int
    progress: Progress | None
    pool: ThreadPoolExecutor | None
    done: int = 0
    on_its_way: int = 0
    running: deque[tuple[Future[None], int, int]] = field(default_factory=deque)

    def write(self, block: Buffer | Block, place: int, number: int) -> None:
        """Write a block to its place, or have it written."""
        match block:
            case Block(make=None):
                self._count(block.size)
            case Block() if self.pool:
                future = self.pool.submit(_write_block, self.descriptor, block, place)
                self.running.append((future, block.size, number))
                self.finish(HELD)
            case Block():
                _made(number, partial(_write_block, self.descriptor, block, place))
                self._count(block.size)
            case _:
                self._count(write_all(self.descriptor, block, place))

    def finish(self, most: int) -> None:
        """Wait until at most so many blocks are in work."""
        while len(self.running) > most:
            future, size, number = self.running.popleft()
            _made(number, future.result)
            self._count(size)

    def _count(self, size: int) -> None:
        self.done += size
        if self.done - self.on_its_way >= DISK_WINDOW:
            _to_disk(self.descriptor, self.on_its_way, self.done)
            self.on_its_way = self.done
        if self.progress:
            self.progress(self.done, self.total)


def _to_disk(descriptor: int, start: int, end: int) -> None:
    """Have the system begin to bring what was written to the disk, and not wait for it.

    That is what Linux does for pages that are said not to be needed; the file is synced later, and
    waits for less then.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)


def _write_block(descriptor: int, block: Block, place: int) -> None:
    done = 0
    for piece in block.pieces():
        done += write_all(descriptor, piece, place + done)
    if done != block.size:
        raise WrongSize(f"a block of {block.size} bytes has {done}")


def write_all(descriptor: int, buffer: Buffer, place: int) -> int:
    """Write bytes to a place of a file, however many calls that takes; return how many."""
    rest = memoryview(buffer).cast("B")
    size = len(rest)
    while rest:
        count = os.pwrite(descriptor, rest[:PIECE], place)
        rest, place = rest[count:], place + count
    return size
