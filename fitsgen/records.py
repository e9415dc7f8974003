"""What was made from what: a file of records beside the files that were made.

In: the path of the file of records, an SQLite database. Out: a `Record` of each file that was
made, by its name. A name is `BEGUN` before its file is made, so that it is known as ours whenever
the work is cut off. One process reads and writes; another one is refused meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from fitsgen.diagnostics import OutputError, Position, Problem, Source

TABLE = "CREATE TABLE files (name BLOB PRIMARY KEY, record TEXT) WITHOUT ROWID"
APPLICATION = 0x66697473  # "fits": tells our databases from others
MAX_LENGTH = 2**20  # of a record, in bytes
MAX_OPEN = 16

# What a hostile database could make us do, and what it costs to look for damage.
_SAFE = ("locking_mode = EXCLUSIVE", "trusted_schema = OFF", "cell_size_check = ON")
# A commit survives a killed process without being synced; a power failure may take the last ones,
# and never damages the file. Exclusive, the log needs no memory shared with other processes.
_FAST = ("journal_mode = WAL", "synchronous = NORMAL")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was: its size in bytes, when it was changed, the SHA-256 of its bytes."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file, in blocks; raises `OSError` where that fails."""
        with path.open("rb", buffering=0) as file:
            # Before it is read: what is written to it after that gives it a later time.
            info = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(info.st_size, info.st_mtime_ns, digest)

    def holds(self, path: Path) -> bool:
        """Whether a file is what it was.

        Size and time of change as they were are taken for the same bytes, as `make` does.
        """
        try:
            info = path.stat()
            if (info.st_size, info.st_mtime_ns) == (self.size, self.mtime_ns):
                return True
            return info.st_size == self.size and self.of(path).sha256 == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Record:
    """What a file was made from: digests of what it depends on, and what it then was.

    recipe
        The digest of all that was asked for besides files.
    template
        The digest of the template, its includes and its checks.
    inputs
        By path, relative to the directory of the records.
    warned
        Whether it was made with warnings, or may have been.

    """

    version: str
    recipe: str
    template: str
    inputs: Mapping[str, Stamp]
    output: Stamp
    warned: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """The making of a file was begun; what came of it is not known."""


BEGUN: Final = Begun()
Known = Record | Begun | None
"""What is known of a name; None: it is none of ours."""


class Records:
    """The records of one directory; the file is made with the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._wrote = False

    def get(self, name: str) -> Known:
        """Return what is known of a file; raises `OutputError` where that cannot be read."""
        with self._told() as path:
            if self._database is None and not os.path.lexists(path):
                return None
            rows = self._opened().execute(
                "SELECT record FROM files WHERE name = ?", (os.fsencode(name),)
            )
            row = rows.fetchone()
        return _record(row[0]) if row else None

    def begin(self, name: str) -> None:
        """Say that a file is about to be made; raises `OutputError`."""
        self._put(name, None)

    def add(self, name: str, record: Record) -> None:
        """Say what a file was made from; raises `OutputError`."""
        self._put(name, json.dumps(asdict(record)))

    def forget(self, name: str) -> None:
        """Say that a file was not made after all; raises `OutputError`."""
        with self._told():
            self._opened().execute("DELETE FROM files WHERE name = ?", (os.fsencode(name),))

    def close(self) -> None:
        """Leave one tidy file, or none where there is nothing in it; raises `OutputError`."""
        database, self._database = self._database, None
        if database is None:
            return
        with self._told() as path:
            try:
                rows = database.execute("SELECT 1 FROM files LIMIT 1") if self._wrote else None
                is_empty = rows is not None and rows.fetchone() is None
            finally:
                database.close()
            if is_empty:
                path.unlink()

    def _put(self, name: str, record: str | None) -> None:
        with self._told():
            self._opened().execute("REPLACE INTO files VALUES (?, ?)", (os.fsencode(name), record))
            self._wrote = True

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = _connect(self._path)
        return self._database

    @contextmanager
    def _told(self) -> Iterator[Path]:
        """Tell in plain words what goes wrong with the file."""
        try:
            yield self._path
        except (OSError, sqlite3.Error) as error:
            message = f"the record of what was made cannot be kept here: {_reason(error)}"
            raise OutputError(Problem(message, Position(Source(str(self._path))))) from None


class Ledger:
    """The records of all directories that are written to, of which a few are open at a time."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, Records] = OrderedDict()

    def of(self, path: Path) -> Records:
        """Return the records that a file holds; raises `OutputError`."""
        records = self._open.get(path)
        if records is None:
            while len(self._open) >= MAX_OPEN:
                self._open.popitem(last=False)[1].close()
            records = self._open[path] = Records(path)
        self._open.move_to_end(path)
        return records

    def close(self) -> list[Problem]:
        """Leave tidy files, and say what went wrong with it."""
        problems: list[Problem] = []
        while self._open:
            try:
                self._open.popitem()[1].close()
            except OutputError as error:
                problems += error.problems
        return problems


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database that is ours, or a new one."""
    # Not through a link, which may lead anywhere; and without waiting for a pipe.
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
            raise OSError(0, f"is {kind}")
    database = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    try:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LENGTH)
        _pragmas(database, _SAFE)
        (application,) = database.execute("PRAGMA application_id").fetchone()
        tables = database.execute("SELECT sql FROM sqlite_schema").fetchall()
        if (application, tables) not in ((0, []), (APPLICATION, []), (APPLICATION, [(TABLE,)])):
            raise sqlite3.DatabaseError("it is a database of something else")
        _pragmas(database, _FAST)
        if not tables:
            _pragmas(database, (f"application_id = {APPLICATION}",))
            database.execute(TABLE)
    except BaseException:
        database.close()
        raise
    return database


def _pragmas(database: sqlite3.Connection, pragmas: tuple[str, ...]) -> None:
    for pragma in pragmas:
        database.execute(f"PRAGMA {pragma}").fetchall()


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    match getattr(error, "sqlite_errorcode", None):
        case sqlite3.SQLITE_BUSY:
            return "another fitsgen is at work here"
        case sqlite3.SQLITE_NOTADB:
            return "it is no file of records"
        case sqlite3.SQLITE_FULL:
            return "the disk is full"
        case _:
            return str(error)


def _record(text: object) -> Record | Begun:
    """Return what a row says of how a file was made; where it does not say it, that was begun."""
    try:
        fields: Any = json.loads(str(text))
        return Record(
            version=str(fields["version"]),
            recipe=str(fields["recipe"]),
            template=str(fields["template"]),
            inputs={str(path): Stamp(**stamp) for path, stamp in fields["inputs"].items()},
            output=Stamp(**fields["output"]),
            warned=fields.get("warned") is not False,
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return BEGUN
