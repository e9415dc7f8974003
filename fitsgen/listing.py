"""What a user names on a command line to the files that are meant, in order.

In: paths of raw files, directories, globs, manifests and lists. Out: entries, one by one; of a
directory of a million files a sorted list is kept on the disk, not in memory.
"""

from __future__ import annotations

import glob
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self

from fitsgen.diagnostics import InputError, Problem, input_error
from fitsgen.manifest import SUFFIX, Entry, Wrong, read_list, read_manifest

RAW_SUFFIXES = (".fits", ".fits.gz")
STDIN = "-"


class Scratch:
    """Texts kept on the disk while a command runs, in a file without a name; a context manager."""

    def __init__(self) -> None:
        # Without a name SQLite keeps its cache in memory, and the rest in a temporary file.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("BEGIN")
        self._tables = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def sorted(self, texts: Iterable[str]) -> tuple[Iterator[str], int]:
        """Return texts in order, each once, and how many there are; they are taken at once."""
        table = f"sorted_{self._tables}"
        self._tables += 1
        execute = self._database.execute
        execute(f"CREATE TABLE {table} (text BLOB PRIMARY KEY) WITHOUT ROWID")
        rows = ((os.fsencode(text),) for text in texts)
        self._database.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", rows)
        (count,) = execute(f"SELECT count(*) FROM {table}").fetchone()
        found = execute(f"SELECT text FROM {table} ORDER BY text")
        return (os.fsdecode(text) for (text,) in found), count

    def claims(self) -> Claims:
        """Return an empty store of what belongs to whom."""
        return Claims(self._database)


class Claims:
    """What belongs to whom: the first who asks has it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE claims (what BLOB PRIMARY KEY, who TEXT NOT NULL) WITHOUT ROWID"
        )

    def take(self, what: Path, who: str) -> str | None:
        """Take something; return who has it already, None where nobody had."""
        row = (os.fsencode(what), who.encode("utf-8", "replace").decode())
        cursor = self._database.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", row)
        if cursor.rowcount:
            return None
        found = self._database.execute("SELECT who FROM claims WHERE what = ?", row[:1])
        return str(found.fetchone()[0])


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries that are meant, and how many there are; None where only the end will tell."""

    entries: Iterator[Entry | Wrong]
    count: int | None


def listing(
    what: Sequence[str],
    lists: Sequence[Path],
    scratch: Scratch,
    is_ours: Callable[[Path], bool] = lambda _: False,
) -> Listing:
    """Return what is meant by what a user names.

    Parameters
    ----------
    what
        Raw files, directories, globs, manifests (`*.jsonl`), or `-`: a list on standard input.
    lists
        Files with a name on each line.
    is_ours
        Whether a file was made by the command: in directories and globs that is no raw file.

    """
    parts = [_part(one, scratch, is_ours) for one in what]
    parts += [Listing(read_list(str(path), partial(_binary, path)), None) for path in lists]
    counts = [part.count for part in parts]
    known = [count for count in counts if count is not None]
    entries = (entry for part in parts for entry in _told(part.entries))
    return Listing(entries, sum(known) if len(known) == len(counts) else None)


def _part(what: str, scratch: Scratch, is_ours: Callable[[Path], bool]) -> Listing:
    path = Path(what)
    if what == STDIN:
        return Listing(read_list("standard input", _standard_input), None)
    if os.path.isdir(what):
        return _sorted(_raw_files(path), scratch, is_ours, f"{what}: no files *.fits or *.fits.gz")
    if what.endswith(SUFFIX):
        return Listing(read_manifest(path), None)
    if glob.has_magic(what) and not os.path.lexists(what):
        found = (one for one in glob.iglob(what, recursive=True) if os.path.isfile(one))
        return _sorted(found, scratch, is_ours, f"{what}: no such files")
    return Listing(iter([_raw(what)]), 1)


def _sorted(
    names: Iterable[str], scratch: Scratch, is_ours: Callable[[Path], bool], nothing: str
) -> Listing:
    ordered, count = scratch.sorted(name for name in names if not is_ours(Path(name)))
    if not count:
        raise InputError(Problem(nothing))
    return Listing(map(_raw, ordered), count)


def _raw_files(directory: Path) -> Iterator[str]:
    try:
        with os.scandir(directory) as found:
            for one in found:
                if one.name.endswith(RAW_SUFFIXES) and one.is_file():
                    yield one.path
    except OSError as error:
        raise input_error(str(directory), f"cannot be read: {error.strerror or error}") from None


def _raw(name: str) -> Entry:
    return Entry((("", Path(os.path.abspath(name))),), name)


def _binary(path: Path) -> BinaryIO:
    return path.open("rb")


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def _told(entries: Iterator[Entry | Wrong]) -> Iterator[Entry | Wrong]:
    """Take a list that cannot be read for an entry that fails: the others go on."""
    try:
        yield from entries
    except InputError as error:
        place = error.problems[0].position
        yield Wrong(str(place), error.problems, place)
