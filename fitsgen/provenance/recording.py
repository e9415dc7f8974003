"""A conversion to the record of what it makes a file from.

In: what was asked for; and what is known once the inputs are open. Out: a `Record`, as cards for
the file's header, as JSON in a file of its own, or both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen import __version__, library
from fitsgen.compiler import Loaded
from fitsgen.diagnostics import InputError, OutputError, Position, Problem, Source
from fitsgen.inputs import split_name
from fitsgen.jwst.view import Frame
from fitsgen.literals import literal
from fitsgen.provenance.cards import texts
from fitsgen.provenance.conversion import Request
from fitsgen.provenance.record import Asked, File, Include, Record, require_readable, to_json
from fitsgen.runtime.convert import Options
from fitsgen.runtime.files import check_output, write_bytes
from fitsgen.runtime.functions import instant

if TYPE_CHECKING:
    from fitsgen.records import Stamp


class Recorder:
    """Makes the record of one conversion.

    Parameters
    ----------
    path
        Where to write it as JSON, if it is to be.

    Raises
    ------
    OutputError
        `path` cannot be written to, or is an input or the output.

    """

    def __init__(self, request: Request, options: Options, path: Path | None) -> None:
        if path:
            if options.output and os.path.abspath(path) == os.path.abspath(options.output):
                raise _refusal(path, "is the output too; the record must be another file")
            inputs = [Path(one) for one in _paths(request.given) if one]
            check_output(path, options.overwrite, inputs)
        self._request = request
        self._options = options
        self._path = path
        self._record: Record | None = None
        self._stamps: dict[Path, Stamp] = {}

    def begun(self, sources: Sequence[str], name: str) -> tuple[str, ...]:
        """Make the record once the inputs are open; return the texts of HISTORY cards.

        Parameters
        ----------
        sources
            The names of the inputs' sources, in the order of the inputs.
        name
            What the file will be called.

        Raises
        ------
        InputError
            A file cannot be read.
        OutputError
            The record could not be read again: it is too long, or a path has odd characters.

        """
        self._record = self._made(sources, name)
        with _told(Path(name)):
            require_readable(self._record)
            return texts(self._record) if self._request.history else ()

    def finish(self, output: Path) -> None:
        """Write the record as JSON, once the output is whole.

        Raises
        ------
        InputError
            A file that was read changed meanwhile; nothing is written.
        OutputError
            It cannot be written.

        """
        changed = [path for path, stamp in self._stamps.items() if not stamp.holds(path)]
        if changed:
            message = f"has changed while it was read: {output} cannot be made again"
            raise InputError([Problem(message, Position(Source(str(path)))) for path in changed])
        if self._path:
            self._write(self._path, output)

    def _write(self, path: Path, output: Path) -> None:
        if path.exists() and path.samefile(output):
            raise _refusal(path, "is the file that was made; the record must be another")
        assert self._record
        record = replace(self._record, output=self._file(output.name, output))
        with _told(output):
            require_readable(record)
        write_bytes(path, to_json(record).encode("ascii"), overwrite=self._options.overwrite)

    def _made(self, sources: Sequence[str], name: str) -> Record:
        request = self._request
        paths = list(_paths(request.given))
        known = [(source, path) for source, path in zip(sources, paths, strict=True) if path]
        template, *included = template_files(request.loaded)
        parameters, unknown = _literals(request.parameters)
        missing = [
            f"the source {source}, which was given in memory"
            for source, path in zip(sources, paths, strict=True)
            if path is None
        ]
        return Record(
            *tools(),
            clock=instant().isoformat(timespec="microseconds"),
            directories=tuple(_used(request.include, [path for _, path in included])),
            missing=(*missing, *unknown),
            template=self._template(template[1]),
            includes=tuple(Include(_text(one), self._stamp(at).sha256) for one, at in included),
            inputs=tuple(self._file(source, Path(path)) for source, path in known),
            parameters=parameters,
            asked=Asked(
                *(Frame(request.frame).value, request.subarray or "", self._options.checksum),
                *(self._options.mark, request.history, _text(name)),
            ),
        )

    def _template(self, read: Path) -> File:
        stamp, path = self._stamp(read), self._request.loaded.path
        if path.parent == library.templates_directory():
            return File(path.name.removesuffix(library.SUFFIX), "", stamp.size, stamp.sha256)
        name, found = _text(self._request.template), _text(os.fspath(path))
        return File(name, found, stamp.size, stamp.sha256)

    def _file(self, name: str, path: Path) -> File:
        stamp = self._stamp(path)
        return File(_text(name), _text(os.fspath(path)), stamp.size, stamp.sha256)

    def _stamp(self, path: Path) -> Stamp:
        from fitsgen.records import Stamp

        if path not in self._stamps:
            try:
                self._stamps[path] = Stamp.of(path)
            except OSError as error:
                message = f"cannot be read: {error.strerror or error}"
                raise InputError(Problem(message, Position(Source(str(path))))) from None
        return self._stamps[path]


def tools() -> tuple[str, str, str, str]:
    """Return the versions of fitsgen, Python and NumPy, and the system with its processor."""
    import sysconfig

    python = "{}.{}.{}".format(*sys.version_info)
    return __version__, python, _numpy(), sysconfig.get_platform()


def template_files(loaded: Loaded) -> list[tuple[str, Path]]:
    """Return the files that a template was read from, itself first, with their names."""
    files = loaded.file_type.origins.files if loaded.file_type.origins else {}
    # A compiled module does not know the files that it was made from.
    return list(files.items()) or [(loaded.path.name, loaded.path)]


def _paths(given: Sequence[object]) -> Iterator[str | None]:
    """Give the path of each input, None for what was given in memory."""
    for one in given:
        match one:
            case str() | os.PathLike():
                yield split_name(os.fspath(one))[1]
            case Mapping():
                yield from (os.fspath(path) for path in one.values())
            case _:
                yield None


def _used(include: Sequence[Path], files: Sequence[Path]) -> Iterator[str]:
    """Give the directories from which something was included."""
    for directory in dict.fromkeys((*include, *library.path_directories())):
        real = Path(os.path.realpath(directory))
        if any(real in file.parents for file in files):
            yield _text(os.fspath(directory))


def _literals(parameters: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """Return parameters as text, and in words those that cannot be."""
    known, unknown = {}, []
    for name, value in parameters.items():
        try:
            known[name] = literal(value)
        except ValueError as error:
            unknown.append(f"the parameter {name}: {error}")
    return known, unknown


def _numpy() -> str:
    """Return the version of NumPy; to import it would take longer than many a conversion."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("numpy")
    except PackageNotFoundError:
        return "unknown"


def _text(path: str) -> str:
    """Return a path as text that does not depend on the locale: UTF-8, and other bytes escaped."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


@contextmanager
def _told(output: Path) -> Iterator[None]:
    """Tell in plain words what is wrong with the record of a file."""
    try:
        yield
    except ValueError as error:
        raise _refusal(output, f"no record of it can be written: {error}") from None


def _refusal(path: Path, reason: str) -> OutputError:
    return OutputError(Problem(reason, Position(Source(str(path)))))
