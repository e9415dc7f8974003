"""Inputs to a finished file: the one way a conversion goes.

In: a `FileType`, what the user gave, and where the file should go. Out: the
path of a file that is whole, with what was doubtful; or a `FitsgenError`, and
no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os.path import isdir
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen.diagnostics import (
    GenerateError,
    OutputError,
    Problem,
    Severity,
    errors,
    input_error,
    strictly,
)
from fitsgen.inputs import INPUT, Inputs, open_inputs, sources
from fitsgen.runtime.build import Built, build
from fitsgen.runtime.declare import FileType
from fitsgen.runtime.files import check_output, followed, safe_name, write_file
from fitsgen.runtime.functions import frozen_clock
from fitsgen.runtime.memory import Use, uses
from fitsgen.runtime.writing import Progress

if TYPE_CHECKING:
    from astropy.io.fits import HDUList


@dataclass(frozen=True, slots=True)
class Options:
    """How a conversion is done.

    output
        The file to write, or an existing directory to write into; None: the
        template's FILENAME, or a name made from the input's and the file type's.
    mark
        Whether a file with failures is written all the same, undefined values
        in the place of what failed.
    view
        What the FITS input without a name is seen through: its pixels in another frame, say.
    strict
        Whether warnings are taken for errors.
    follow_links
        Whether an output that is a symbolic link is the file that this stands for.
    name
        What fills in a FILENAME that has no expression; '': the name of the output.
    record
        Is told the names of the sources, and the name, once the inputs are open and the clock is
        held; gives the texts of HISTORY cards for the end of the primary header.

    """

    output: Path | None = None
    overwrite: bool = False
    mark: bool = False
    checksum: bool = False
    progress: Progress | None = None
    view: Callable[[sources.Source], sources.Source] | None = None
    strict: bool = False
    follow_links: bool = False
    name: str = ""
    record: Callable[[Sequence[str], str], Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file that was written, and the problems that did not prevent it.

    memory
        Finds out what the data took; that takes longer than many a conversion.

    """

    path: Path
    problems: tuple[Problem, ...]
    memory: Callable[[], tuple[Use, ...]]


def convert(
    file_type: FileType,
    given: Sequence[object],
    parameters: Mapping[str, object],
    options: Options,
) -> Conversion:
    """Make a file and write it.

    Raises
    ------
    InputError, GenerateError, OutputError
        What the problem is with; nothing was written.

    """
    with open_inputs(given) as inputs, frozen_clock():
        _require_input(file_type, inputs)
        if options.view and INPUT in inputs.sources:
            inputs.sources[INPUT] = options.view(inputs.sources[INPUT])
        if options.output and options.follow_links:
            options = replace(options, output=followed(options.output))
        name = _default_name(file_type, inputs, options)
        if options.output and not isdir(options.output):
            check_output(options.output, options.overwrite, inputs.paths)
        built = build(
            file_type,
            inputs.sources,
            parameters,
            name=name,
            checksum=options.checksum,
            # Warnings that stop the writing have to be known before it.
            thorough=options.mark or options.strict,
            history=options.record(tuple(inputs.sources), name) if options.record else (),
        )
        inputs.verify()
        if not options.mark:
            _require_whole(file_type, inputs, parameters, built, strict=options.strict)
        path = _path(built, options, name)
        if path != options.output:
            check_output(path, options.overwrite, inputs.paths)
        write = partial(write_file, path, overwrite=options.overwrite, progress=options.progress)
        if not built.write(write):
            _require_whole(file_type, inputs, parameters, built, strict=options.strict)
    problems = _problems(inputs, built, strict=options.strict)
    problems += _left_over(file_type, inputs, parameters, built)
    return Conversion(path, problems, partial(uses, built.values))


def generate(
    file_type: FileType, given: Sequence[object], parameters: Mapping[str, object]
) -> HDUList:
    """Make a file in an unnamed temporary file, and return it opened."""
    import tempfile

    from astropy.io import fits

    with open_inputs(given) as inputs:
        _require_input(file_type, inputs)
        built = build(file_type, inputs.sources, parameters)
        _require_whole(file_type, inputs, parameters, built)
        with tempfile.TemporaryDirectory(prefix="fitsgen-") as directory:
            path = Path(directory) / "generated.fits"
            if not built.write(partial(write_file, path)):
                _require_whole(file_type, inputs, parameters, built)
            # The file stays readable after its name is gone.
            hdulist = fits.open(path, mode="denywrite", lazy_load_hdus=False)
    return hdulist


def _require_whole(
    file_type: FileType,
    inputs: Inputs,
    parameters: Mapping[str, object],
    built: Built,
    *,
    strict: bool = False,
) -> None:
    """Raise where something failed, with all that fails."""
    if errors(_problems(inputs, built, strict=strict)):
        built.prove()
        left = _left_over(file_type, inputs, parameters, built)
        raise GenerateError((*_problems(inputs, built, strict=strict), *left))


def _problems(inputs: Inputs, built: Built, *, strict: bool) -> tuple[Problem, ...]:
    found = (*inputs.problems, *built.problems)
    return tuple(strictly(found)) if strict else found


def _default_name(file_type: FileType, inputs: Inputs, options: Options) -> str:
    if options.name:
        return options.name
    if options.output and not isdir(options.output):
        return options.output.name
    return default_name(file_type, inputs)


def default_name(file_type: FileType, inputs: Inputs) -> str:
    """Return what a file is called whose template does not name it."""
    return f"{inputs.stem}_{file_type.name}.fits" if inputs.stem else f"{file_type.name}.fits"


def _path(built: Built, options: Options, default: str) -> Path:
    if options.output and not isdir(options.output):
        return options.output
    directory = options.output or Path()
    path = directory / file_name(built, default, hint="name the output with -o")
    return followed(path) if options.follow_links else path


def file_name(built: Built, default: str, *, hint: str) -> str:
    """Return what a file is called, whose template may make a name.

    Raises
    ------
    OutputError
        That is no name for a file.

    """
    if built.filename in (None, "", default):
        return default
    try:
        return safe_name(built.filename)
    except ValueError as error:
        raise OutputError(Problem(f"FILENAME: {error}", built.filename_at(), hint)) from None


def _require_input(file_type: FileType, inputs: Inputs) -> None:
    if INPUT in file_type.reads and INPUT not in inputs.sources:
        raise input_error("input", f"{file_type.name} reads a FITS file, and none was given")


def _left_over(
    file_type: FileType, inputs: Inputs, parameters: Mapping[str, object], built: Built
) -> tuple[Problem, ...]:
    """Say what was asked for and not given, and what was given and never read."""
    reads = file_type.reads
    known = {*inputs.sources, "output", "param"}
    messages = [
        f"{name} was asked for and not given: its lookups found nothing"
        for name in reads
        if name not in known
    ]
    messages += [
        f"{name} was given and never read"
        for name in inputs.sources
        if name not in reads and name != INPUT
    ]
    messages += [
        f"parameter {name} was given and never read"
        for name in parameters
        if name not in built.parameters_read
    ]
    return tuple(Problem(message, severity=Severity.NOTE) for message in messages)
