"""A record to the file that it tells of, made again and compared.

In: a `Recorded`, and where to look for files. Out: an `Outcome`. What the record names is only
read, and only where it has the digest that is told; the file is made in a temporary directory, or
where the user says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fitsgen import library
from fitsgen.compiler import load
from fitsgen.diagnostics import CompileError, InputError, Position, Problem, Severity, Source
from fitsgen.inputs import INPUT
from fitsgen.jwst.view import Frame, view
from fitsgen.literals import value_of
from fitsgen.provenance.cards import texts
from fitsgen.provenance.difference import difference
from fitsgen.provenance.finding import Places, find_file, find_template, unchanged
from fitsgen.provenance.record import Include, Record
from fitsgen.provenance.recording import template_files, tools
from fitsgen.provenance.source import Recorded
from fitsgen.records import Stamp
from fitsgen.runtime.convert import Options, convert
from fitsgen.runtime.declare import FileType
from fitsgen.runtime.functions import frozen_clock


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look for what a record names.

    directories
        Further directories, for files by their names alone.
    include
        Directories of includes, before all others.
    template
        The template, or the compiled module, in place of the recorded one.

    """

    directories: Sequence[Path] = ()
    include: Sequence[Path] = ()
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of making a file again.

    name
        What it was compared with.
    sha256
        The digest of what was made.
    problems
        What differs; nothing where it is the same, byte for byte.

    """

    name: str
    sha256: str
    problems: tuple[Problem, ...]


def versions(recorded: Recorded) -> Iterator[Problem]:
    """Yield a warning or a note for each version that is another now."""
    record = recorded.record
    then = (record.fitsgen, record.python, record.numpy, record.platform)
    for name, before, now in zip(
        ("fitsgen", "Python", "NumPy", "platform"), then, tools(), strict=True
    ):
        if before != now:
            severity = Severity.WARNING if name == "fitsgen" else Severity.NOTE
            message = f"it was made with {name} {before}, and this is {now}"
            yield Problem(message, _at(recorded), severity=severity)


def make_again(recorded: Recorded, search: Search, output: Path | None = None) -> Outcome:
    """Make the file of a record again, and compare it.

    Parameters
    ----------
    output
        Where to; None: to a temporary file.

    Raises
    ------
    InputError
        Something that is needed was not recorded, is not found, or has changed: all of it is told.
    GenerateError, OutputError
        It cannot be made, or not written.

    """
    record = recorded.record
    _require_reproducible(recorded)
    found = _found(recorded, search)
    with _target(output) as path:
        seen = view(Frame(record.asked.frame), record.asked.subarray or None)
        options = Options(
            path,
            mark=record.asked.mark,
            checksum=record.asked.checksum,
            view=seen,
            name=record.asked.name,
            record=lambda *_: found.history,
        )
        with frozen_clock(record.instant):
            convert(found.file_type, found.given, found.parameters, options)
        return _compared(recorded, search, path)


@dataclass(frozen=True, slots=True)
class _Found:
    """All that a conversion needs, as it was."""

    file_type: FileType
    given: Sequence[dict[str, Path]]
    parameters: dict[str, object]
    history: tuple[str, ...]


def _require_reproducible(recorded: Recorded) -> None:
    missing = recorded.record.missing
    if missing:
        raise InputError(
            [Problem(f"this was not recorded: {one}", _at(recorded)) for one in missing]
        )


def _found(recorded: Recorded, search: Search) -> _Found:
    """Find all that is needed; raises `InputError` with everything that is wrong."""
    record = recorded.record
    places = Places(recorded.path.parent, search.directories)
    problems = list[Problem]()
    given = list[dict[str, Path]]()
    for file in record.inputs:
        match find_file(file, places):
            case Problem() as problem:
                problems.append(problem)
            case path:
                given.append({"" if file.name == INPUT else file.name: path})
    file_type, wrong = _file_type(record, search, places)
    problems += wrong
    parameters, wrong = _parameters(recorded)
    problems += wrong
    try:
        Frame(record.asked.frame)
        history = texts(replace(record, output=None)) if record.asked.history else ()
    except ValueError as error:
        problems.append(Problem(str(error), _at(recorded)))
    if problems or file_type is None:
        raise InputError(problems)
    return _Found(file_type, given, parameters, history)


def _file_type(
    record: Record, search: Search, places: Places
) -> tuple[FileType | None, Sequence[Problem]]:
    """Compile the template, or tell why not; a module is run only where the user names it."""
    template = record.template
    if search.template is None:
        found = find_template(template, places)
    else:
        found = unchanged(template, [library.find(search.template, search.include)])
    if isinstance(found, Problem):
        return None, [found]
    if found.suffix == ".py" and search.template is None:
        message = "is a compiled module, and to use it is to run a program"
        hint = f"where you trust it, give it yourself: --template {found}"
        return None, [Problem(message, Position(Source(str(found))), hint)]
    include = (*search.include, *places.folders(record.directories))
    try:
        loaded = load(str(found), include)
    except CompileError as error:
        return None, error.problems
    _, *included = template_files(loaded)
    return loaded.file_type, list(_changed(record.includes, included))


def _changed(then: Sequence[Include], now: Sequence[tuple[str, Path]]) -> Iterator[Problem]:
    """Yield a problem for each include that is not what it was. Where it is does not matter."""
    digests = {name: (path, Stamp.of(path).sha256) for name, path in now}
    before = {include.name: include.sha256 for include in then}
    if sorted(before.values()) == sorted(sha256 for _, sha256 in digests.values()):
        return
    for name, (path, sha256) in digests.items():
        position = Position(Source(str(path)))
        if name not in before:
            yield Problem("is included, and was not then", position)
        elif before[name] != sha256:
            message = f"has changed since: SHA-256 was {before[name]}, is {sha256}"
            yield Problem(message, position)
    for name in before:
        if name not in digests:
            yield Problem("was included then, and is not now", Position(Source(name)))


def _parameters(recorded: Recorded) -> tuple[dict[str, object], list[Problem]]:
    values, problems = dict[str, object](), list[Problem]()
    for name, text in recorded.record.parameters.items():
        try:
            values[name] = value_of(text)
        except ValueError as error:
            problems.append(Problem(f"parameter {name}: {error}", _at(recorded)))
    return values, problems


@contextmanager
def _target(output: Path | None) -> Iterator[Path]:
    if output:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="fitsgen-") as directory:
        yield Path(directory) / "again.fits"


def _compared(recorded: Recorded, search: Search, made: Path) -> Outcome:
    stamp = Stamp.of(made)
    if recorded.is_output:
        problem = difference(recorded.path, made)
        problems = () if problem is None else (problem,)
        return Outcome(str(recorded.path), stamp.sha256, problems)
    return _compared_with_record(recorded, search, made, stamp)


def _compared_with_record(recorded: Recorded, search: Search, made: Path, stamp: Stamp) -> Outcome:
    """Compare with the digest of the output, and with the output where that is still there."""
    output = recorded.record.output
    if output is None:
        raise InputError(Problem("it does not say what the output was", _at(recorded)))
    places = Places(recorded.path.parent, search.directories)
    there = next(places.candidates(output.path), None)
    problems = list[Problem]()
    if stamp.sha256 != output.sha256:
        message = f"is not the same: SHA-256 was {output.sha256}, is {stamp.sha256}"
        problems.append(Problem(message, Position(Source(output.name))))
    if there and (problem := difference(there, made)):
        problems.append(problem)
    return Outcome(str(there or output.name), stamp.sha256, tuple(problems))


def _at(recorded: Recorded) -> Position:
    return Position(Source(str(recorded.path)))
