"""fitsgen compiles templates that look like FITS headers into modules that make FITS files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fitsgen.compiler import Loaded
    from fitsgen.diagnostics import Problem
    from fitsgen.jwst.view import Frame
    from fitsgen.runtime.declare import FileType
    from fitsgen.verification.load import Expectations

__version__ = "0.1.0"
__all__ = ["__version__", "compile_template", "convert", "verify"]


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
    return _loaded(template, include).file_type


def convert(
    *inputs: object,
    template: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = None,
    frame: Frame | str = "detector",
    subarray: str | None = None,
    overwrite: bool = False,
    checksum: bool = False,
    verified: bool = True,
    strict: bool = False,
    history: bool = False,
    provenance: str | PathLike[str] | None = None,
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
        As in `compile_template`; None: what the kind of raw file asks for.
    output
        The file to write, or an existing directory; None: the template's FILENAME,
        or a name made from the input's and the file type's.
    frame, subarray
        As in `fitsgen.jwst.view.view`; the frame may be its text, "detector" or "dms".
    overwrite, checksum
        Whether an existing file may be replaced, and CHECKSUM and DATASUM are added.
    verified, strict
        Whether what was made is verified, as `verify` does it, and warnings are errors.
    history, provenance
        Whether its HISTORY tells what it is made from; a JSON file that is to tell it.
    parameters
        What `param` gives in the template.

    Raises
    ------
    fitsgen.diagnostics.FitsgenError, ValueError
        With all `problems`, or for no such frame; no file was written, but before
        a `VerifyError` one that is not what its template or its checks say.

    """
    from fitsgen.provenance.conversion import Request, convert_recorded
    from fitsgen.runtime.convert import Options

    chosen = _chosen(inputs) if template is None else template
    loaded = _loaded(chosen, include, strict=strict)
    known = _known(loaded, include, strict=strict) if verified else None
    given = (os.fspath(chosen), loaded, _directories(include), inputs, parameters or {})
    request = Request(*given, frame, subarray, history)
    options = Options(_path(output), overwrite, checksum=checksum, strict=strict)
    conversion = convert_recorded(request, options, _path(provenance))
    _warn(conversion.problems)
    _require_right(conversion.path, known, strict=strict)
    return conversion.path


def _known(
    loaded: Loaded,
    include: Sequence[str | PathLike[str]],
    *,
    strict: bool,
) -> Expectations:
    """Load the checks before anything is written: they may be wrong."""
    from fitsgen.compiler import require_no_warnings
    from fitsgen.verification.load import with_checks

    known = with_checks(loaded, include=_directories(include))
    if strict:
        require_no_warnings(known.problems)
    return known


def _require_right(path: Path, known: Expectations | None, *, strict: bool) -> None:
    """Verify a file that was made, if it is to be; raises `VerifyError`."""
    if known is None:
        return
    from fitsgen.diagnostics import VerifyError, errors, strictly
    from fitsgen.verification import verify

    found = verify(path, known.file_type, known.checks)
    found = strictly(found) if strict else found
    if errors(found):
        raise VerifyError(found)


def _loaded(
    template: str | PathLike[str],
    include: Sequence[str | PathLike[str]],
    *,
    strict: bool = False,
) -> Loaded:
    from fitsgen.compiler import load, require_no_warnings

    loaded = load(os.fspath(template), _directories(include))
    if strict:
        require_no_warnings(loaded.problems)
    _warn(loaded.problems, level=4)
    return loaded


def _path(given: str | PathLike[str] | None) -> Path | None:
    from pathlib import Path

    return Path(given) if given else None


def _directories(include: Sequence[str | PathLike[str]]) -> list[Path]:
    from pathlib import Path

    return [Path(directory) for directory in include]


def _chosen(inputs: Sequence[object]) -> str:
    """Return the file type for the kind of raw file that is given, and tell which and why."""
    from fitsgen.jwst.kinds import choose_for

    choice = choose_for(inputs)
    _warn([choice.note], level=4)
    return choice.name


def _warn(problems: Sequence[Problem], level: int = 3) -> None:
    """Issue problems as `UserWarning`, at the line that called this package."""
    import warnings

    from fitsgen.diagnostics import render

    for problem in problems:
        warnings.warn(render([problem]), stacklevel=level)


def verify(
    path: str | PathLike[str],
    *,
    template: str | PathLike[str],
    rules: str | PathLike[str] | None = None,
    include: Sequence[str | PathLike[str]] = (),
) -> list[Problem]:
    """Return all that is wrong with a FITS file.

    Parameters
    ----------
    path
        The file, plain or gzip-compressed.
    template
        As in `compile_template`: what the file should be.
    rules
        The path of a verification template; None: the `.val.txt` beside the
        template, if there is one.
    include
        As in `compile_template`.

    Returns
    -------
    list of fitsgen.diagnostics.Problem
        Errors and warnings in the order of the file; each has the rule's
        `position` in a template, and the `place` in the file.

    Raises
    ------
    fitsgen.diagnostics.CompileError
        The template or its checks cannot be compiled.

    """
    from pathlib import Path

    from fitsgen.verification import verify as run
    from fitsgen.verification.load import expectations

    checks = Path(rules) if rules else None
    known = expectations(os.fspath(template), checks, _directories(include))
    return run(path, known.file_type, known.checks)
