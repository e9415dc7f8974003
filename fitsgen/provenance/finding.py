"""The files that a record names, found again and unchanged.

In: names, paths and digests of a record, and directories. Out: paths of files that have these
digests, or problems. A path of a record is only read, and what has another digest is not used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fitsgen import library
from fitsgen.diagnostics import Position, Problem, Source
from fitsgen.provenance.record import File
from fitsgen.records import Stamp

HINT = "--find DIRECTORY looks for a file of this name in a directory"


@dataclass(frozen=True, slots=True)
class Places:
    """Where files are looked for: beside the record, where they were, and in further directories.

    Of the last, only the names count.
    """

    beside: Path
    directories: Sequence[Path] = ()

    def candidates(self, path: str) -> Iterator[Path]:
        """Give the files there are that may be the one."""
        local = _local(path)
        directories = (self.beside, *self.directories) if local.name else ()
        inside = [directory / local.name for directory in directories]
        for one in dict.fromkeys((self.beside / local, local, *inside)):
            with suppress(OSError, ValueError):
                if stat.S_ISREG(one.stat().st_mode):
                    yield one

    def folders(self, recorded: Sequence[str]) -> Iterator[Path]:
        """Give directories in which includes may be."""
        for path in recorded:
            local = _local(path)
            yield from (one for one in (self.beside / local, local) if os.path.isdir(one))
        yield from self.directories


def find_file(file: File, places: Places) -> Path | Problem:
    """Return where a file is, unchanged; or a problem that says what is the case."""
    return unchanged(file, list(places.candidates(file.path)))


def find_template(template: File, places: Places) -> Path | Problem:
    """Return where a template is; one without a path comes with fitsgen."""
    if template.path:
        return find_file(template, places)
    path = library.templates_directory() / (_local(template.name).name + library.SUFFIX)
    return unchanged(template, [path] if path.is_file() else [])


def unchanged(file: File, candidates: Sequence[Path]) -> Path | Problem:
    """Return the first file that is as a record says, or a problem that tells of the first."""
    problems = []
    for path in candidates:
        problem = _change(file, path)
        if problem is None:
            return path
        problems.append(problem)
    if problems:
        return problems[0]
    return Problem("was not found", Position(Source(file.path or file.name)), HINT)


def _change(file: File, path: Path) -> Problem | None:
    """Return in what a file is not as a record says, None where it is."""
    position = Position(Source(str(path)))
    try:
        size = path.stat().st_size
        if size != file.size:
            sizes = f"it had {file.size:,} bytes, and has {size:,}"
            return Problem(f"has changed since: {sizes}", position)
        sha256 = Stamp.of(path).sha256
    except OSError as error:
        return Problem(f"cannot be read: {error.strerror or error}", position)
    if sha256 == file.sha256:
        return None
    return Problem(f"has changed since: SHA-256 was {file.sha256}, is {sha256}", position)


def _local(path: str) -> Path:
    """Return the path that a text of a record stands for here, one that is not there if none."""
    try:
        return Path(os.fsdecode(path.encode("utf-8", "surrogateescape")))
    except ValueError:
        return Path()
