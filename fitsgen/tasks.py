"""A conversion as a job of a batch, which is done only where something has changed.

In: a `Task`, and the record of when it was done before. Out: why it is due; and the file, verified,
with a record of what it was made from.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen import __version__
from fitsgen.batch import Ran
from fitsgen.compiler import Loaded, load
from fitsgen.diagnostics import FitsgenError, InputError, OutputError, Position, Problem, errors
from fitsgen.diagnostics import Source as Text
from fitsgen.inputs.sources import DataFile, Source
from fitsgen.records import Record, Records, Stamp
from fitsgen.runtime.convert import Options, convert
from fitsgen.runtime.declare import FileType

if TYPE_CHECKING:
    from fitsgen.verification.load import Expectations


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be made; it can be pickled.

    inputs
        What is read. Their digests are kept.
    recipe
        All that the output depends on besides files and template, as text: the same for the same.
    records
        The file of records of the output's directory.
    sources
        Data files made in memory.
    view
        What the FITS input is seen through.
    verified
        Whether the file is verified once it is written.
    replace
        Whether there may be a file of the output's name.

    """

    output: Path
    template: str
    inputs: tuple[Path, ...]
    recipe: str
    records: Path
    include: tuple[Path, ...] = ()
    sources: tuple[DataFile, ...] = ()
    view: Callable[[Source], Source] | None = None
    verified: bool = True
    replace: bool = False

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.output.name

    def run(self) -> Ran:
        """Make the file and keep the record of it; raises `FitsgenError`."""
        loaded = loaded_once(self.template, self.include)
        expected = _expected_once(self.template, self.include) if self.verified else None
        stamps = {self._relative(path): _stamp(path) for path in self.inputs}
        records = Records(self.records)
        records.begin(self.name)
        try:
            options = Options(self.output, self.replace, view=self.view)
            given = (*self.inputs, *self.sources)
            problems = convert(loaded.file_type, given, {}, options).problems
        except FitsgenError:
            if not self.replace:
                records.forget(self.name)
            raise
        if expected:
            problems += _verified(self.output, expected)
        # What was found wrong stays as begun: it is ours, and is made anew the next time.
        if not errors(problems):
            parts = (__version__, _digest(self.recipe), self._fingerprint(), stamps)
            records.add(self.name, Record(*parts, _stamp(self.output)))
        return Ran(problems)

    def due(self, known: Mapping[str, Record | None], *, overwrite: bool) -> str:
        """Return why the file has to be made, '' where it has not.

        Parameters
        ----------
        known
            What the file of records has.
        overwrite
            Whether a file that is none of ours has to be made too.

        Raises
        ------
        CompileError
            The template has errors.
        OutputError
            There is such a file, and it is none of ours.

        """
        if not os.path.lexists(self.output):
            return "missing"
        if self.name not in known:
            if overwrite:
                return "not made by this command"
            message = "exists already and was not made by this command"
            place = Position(Text(str(self.output)))
            raise OutputError(Problem(message, place, "--overwrite replaces it"))
        record = known[self.name]
        return "its making was cut off" if record is None else self._changed(record)

    def _changed(self, record: Record) -> str:
        if record.version != __version__:
            return f"made by fitsgen {record.version[:40]}"
        if record.recipe != _digest(self.recipe):
            return "something else is asked for"
        if record.template != self._fingerprint():
            return f"the template {self.template} has changed"
        for path in self.inputs:
            stamp = record.inputs.get(self._relative(path))
            if stamp is None or not stamp.holds(path):
                return f"{path.name} has changed"
        return "" if record.output.holds(self.output) else "the file itself has changed"

    def _fingerprint(self) -> str:
        return fingerprint(self.template, self.include, self.verified)

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self.output.parent.resolve())


@functools.cache
def loaded_once(template: str, include: tuple[Path, ...]) -> Loaded:
    """Load a file type, once in a process."""
    return load(template, include)


def _verified(path: Path, expected: Expectations) -> tuple[Problem, ...]:
    from fitsgen.verification import verify

    return tuple(verify(path, expected.file_type, expected.checks))


@functools.cache
def _expected_once(template: str, include: tuple[Path, ...]) -> Expectations:
    from fitsgen.verification.load import with_checks

    return with_checks(loaded_once(template, include), include=include)


@functools.cache
def fingerprint(template: str, include: tuple[Path, ...], verified: bool) -> str:
    """Return a digest of what stands in a template and its includes, and in those of its checks.

    It is that of the bytes, wherever the files are; a module is its own source.
    """
    known: list[FileType | None] = [loaded_once(template, include).file_type]
    if verified:
        known.append(_expected_once(template, include).checks)
    digests = []
    for origins in (one.origins for one in known if one and one.origins):
        files = sorted({hashlib.sha256(p.read_bytes()).hexdigest() for p in origins.files.values()})
        digests.append(" ".join(files) or origins.module)
    return _digest("\n".join(digests))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(path: Path) -> Stamp:
    try:
        return Stamp.of(path)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise InputError(Problem(message, Position(Text(str(path))))) from None
