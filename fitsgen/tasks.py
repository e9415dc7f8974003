"""A conversion as a job of a batch, which is done only where something has changed.

In: a `Task`, and what is known of when it was done before. Out: why it is due; and the file,
verified, with a record of what it was made from.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen import __version__, library
from fitsgen.batch import Ran
from fitsgen.compiler import Loaded, load, require_no_warnings
from fitsgen.diagnostics import (
    InputError,
    OutputError,
    Position,
    Problem,
    Severity,
    errors,
    strictly,
)
from fitsgen.diagnostics import Source as Text
from fitsgen.inputs.sources import DataFile, Source
from fitsgen.records import Begun, Known, Record, Stamp
from fitsgen.runtime.convert import Conversion, Options, convert
from fitsgen.runtime.declare import FileType

if TYPE_CHECKING:
    from fitsgen.jwst.view import Frame
    from fitsgen.verification.load import Expectations

MANY = 100  # templates and directories that a batch may use by turns, and each is kept


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be made; it can be pickled, and its paths are absolute: it may run elsewhere.

    template
        The name of a shipped file type, or a path.
    inputs
        What is read, each with the name of its source, or ''. Their digests are kept.
    recipe
        All that the output depends on besides files and template, as text: the same for the same.
    records
        The file of records of the output's directory.
    include
        Where includes are looked up.
    sources
        Data files made in memory.
    parameters
        What `param` gives.
    view
        What the FITS input is seen through.
    history
        The frame and the window, where HISTORY is to tell what the file was made from.
    verified
        Whether the file is verified once it is written.
    strict
        Whether warnings are taken for errors. The bytes of the file don't depend on it.
    follow_links
        Whether an output that is a symbolic link is the file that this stands for.

    """

    output: Path
    template: str
    inputs: tuple[tuple[str, Path], ...]
    recipe: str
    records: Path
    include: tuple[Path, ...] = ()
    sources: tuple[DataFile, ...] = ()
    parameters: tuple[tuple[str, object], ...] = ()
    view: Callable[[Source], Source] | None = None
    history: tuple[Frame, str | None] | None = None
    checksum: bool = False
    verified: bool = True
    strict: bool = False
    follow_links: bool = False

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.output.name

    @property
    def file_type(self) -> str:
        """The template without directory and suffix."""
        return Path(self.template).name.removesuffix(library.SUFFIX)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are read, and the directories that are looked up or written to."""
        template = (Path(self.template),) if os.path.isabs(self.template) else ()
        return (*(path for _, path in self.inputs), *template, *self.include, self.output.parent)

    def run(self) -> Ran:
        """Make the file; raises `FitsgenError`.

        Its name was recorded before: whatever has it now was made by a run that was cut off, or
        is to be replaced.
        """
        loaded = loaded_once(self.template, self.include)
        expected = _expected_once(self.template, self.include) if self.verified else None
        if self.strict:
            require_no_warnings((expected or loaded).problems)
        stamps = {self._relative(path): _stamp(path) for _, path in self.inputs}
        options = Options(
            *(self.output, self._exists()),
            checksum=self.checksum,
            view=self.view,
            strict=self.strict,
            follow_links=self.follow_links,
        )
        given = (*({name: path} for name, path in self.inputs), *self.sources)
        problems = self._convert(loaded, given, options).problems
        if expected:
            found = _verified(self.output, expected)
            problems += tuple(strictly(found)) if self.strict else found
        # What was found wrong is ours without a record, and is made anew the next time.
        if errors(problems):
            return Ran(problems)
        parts = (__version__, _digest(self.recipe), self._fingerprint(), stamps)
        warned = any(problem.severity is Severity.WARNING for problem in problems)
        return Ran(problems, Record(*parts, _stamp(self.output), warned))

    def _convert(self, loaded: Loaded, given: Sequence[object], options: Options) -> Conversion:
        if self.history is None:
            return convert(loaded.file_type, given, dict(self.parameters), options)
        from fitsgen.provenance.conversion import Request, convert_recorded

        asked = (self.template, loaded, self.include, given, dict(self.parameters))
        return convert_recorded(Request(*asked, *self.history, history=True), options)

    def due(self, known: Known, *, overwrite: bool) -> str:
        """Return why the file has to be made, '' where it has not.

        Parameters
        ----------
        known
            What the file of records has of it.
        overwrite
            Whether a file that is none of ours has to be made too.

        Raises
        ------
        CompileError
            The template has errors.
        OutputError
            There is such a file, and it is none of ours.

        """
        if not self._exists():
            return "missing"
        match known:
            case Record():
                return self._changed(known)
            case Begun():
                return "its making was cut off"
        if overwrite:
            return "not made by this command"
        message = "exists already and was not made by this command"
        place = Position(Text(str(self.output)))
        raise OutputError(Problem(message, place, "--overwrite replaces it"))

    def _exists(self) -> bool:
        """Whether something has the name of the file; a link that is followed has to lead to it."""
        exists = os.path.exists if self.follow_links else os.path.lexists
        return exists(self.output)

    def _changed(self, record: Record) -> str:
        if record.version != __version__:
            return f"made by fitsgen {record.version[:40]}"
        if record.recipe != _digest(self.recipe):
            return "something else is asked for"
        if record.template != self._fingerprint():
            return f"the template {self.file_type} has changed"
        for _, path in self.inputs:
            stamp = record.inputs.get(self._relative(path))
            if stamp is None or not stamp.holds(path):
                return f"{path.name} has changed"
        if not record.output.holds(self.output):
            return "the file itself has changed"
        return "it was made with warnings" if self.strict and record.warned else ""

    def _fingerprint(self) -> str:
        return fingerprint(self.template, self.include, self.verified)

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, _real(self.output.parent))


def include_directories(given: Sequence[Path]) -> tuple[Path, ...]:
    """Return where includes are looked up, wherever a task runs: FITSGEN_PATH is this process's."""
    found = (*given, *library.path_directories())
    return tuple(Path(os.path.abspath(one)) for one in found if one.is_dir())


@functools.lru_cache(MANY)
def located(template: str, include: tuple[Path, ...]) -> str:
    """Return a template as a task names it: the path, or the name of a shipped file type.

    Raises
    ------
    CompileError
        There is no such template.

    """
    path = library.find(template, include)
    is_shipped = path.parent == library.templates_directory()
    return template if is_shipped and path.name != template else os.path.abspath(path)


@functools.lru_cache(MANY)
def _real(directory: Path) -> Path:
    return directory.resolve()


@functools.lru_cache(MANY)
def loaded_once(template: str, include: tuple[Path, ...]) -> Loaded:
    """Load a file type, once in a process."""
    return load(template, include)


def _verified(path: Path, expected: Expectations) -> tuple[Problem, ...]:
    from fitsgen.verification import verify

    return tuple(verify(path, expected.file_type, expected.checks))


@functools.lru_cache(MANY)
def _expected_once(template: str, include: tuple[Path, ...]) -> Expectations:
    from fitsgen.verification.load import with_checks

    return with_checks(loaded_once(template, include), include=include)


@functools.lru_cache(MANY)
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
