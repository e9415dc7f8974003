"""fitsgen compiles templates that look like FITS headers into modules that make FITS files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fitsgen.runtime.declare import FileType

__version__ = "0.1.0"
__all__ = ["__version__", "compile_template", "convert"]


def compile_template(
    template: str | PathLike[str], *, include: Sequence[str | PathLike[str]] = ()
) -> FileType:
    """Compile a template.

    Parameters
    ----------
    template
        The name of a file type, the path of a template, or of a compiled module.
    include
        Directories in which includes and file types are looked up first.

    Raises
    ------
    fitsgen.diagnostics.CompileError
        With every problem of the template; warnings are issued as `UserWarning`.

    """
    import os
    import warnings
    from pathlib import Path

    from fitsgen.compiler import load
    from fitsgen.diagnostics import render

    loaded = load(os.fspath(template), [Path(directory) for directory in include])
    for problem in loaded.problems:
        warnings.warn(render([problem]), stacklevel=2)
    return loaded.file_type


def convert(
    *inputs: object,
    template: str | PathLike[str],
    output: str | PathLike[str] | None = None,
    overwrite: bool = False,
    checksum: bool = False,
    parameters: Mapping[str, object] | None = None,
    include: Sequence[str | PathLike[str]] = (),
) -> Path:
    """Convert inputs to a FITS file and return its path.

    Parameters
    ----------
    *inputs
        One FITS file (path or astropy `HDUList`), data files, and `NAME=PATH`
        texts or mappings of names to paths for further FITS files.
    template
        As in `compile_template`.
    output
        The file to write, or an existing directory; without it the template's
        FILENAME, or a name made from the input's and the file type's.
    overwrite
        Whether an existing file may be replaced.
    checksum
        Whether CHECKSUM and DATASUM are added.
    parameters
        What `param` gives in the template.

    Raises
    ------
    fitsgen.diagnostics.FitsgenError
        `CompileError`, `InputError`, `GenerateError` or `OutputError`, each
        with all `problems`; no file was written.

    """
    import warnings
    from pathlib import Path

    from fitsgen.diagnostics import render
    from fitsgen.runtime.convert import Options
    from fitsgen.runtime.convert import convert as run

    file_type = compile_template(template, include=include)
    options = Options(Path(output) if output else None, overwrite, checksum=checksum)
    conversion = run(file_type, inputs, parameters or {}, options)
    for problem in conversion.problems:
        warnings.warn(render([problem]), stacklevel=2)
    return conversion.path
