"""`fitsgen convert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitsgen.cli.options import (
    checksum_option,
    frame_option,
    include_option,
    overwrite_option,
    settings_option,
    template_option,
)
from fitsgen.cli.report import progress_bar, reported, show
from fitsgen.jwst.view import Frame, view

if TYPE_CHECKING:
    from fitsgen.runtime.memory import Use
    from fitsgen.verification.load import Expectations


@click.command("convert")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@template_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file, or a directory.")
@frame_option
@click.option(
    "--subarray", metavar="NAME", help="Cut a named window from a full frame; implies --frame dms."
)
@settings_option
@overwrite_option
@click.option(
    "--verify/--no-verify",
    "verifies",
    default=True,
    show_default=True,
    help="Verify the file that was made, with the template's checks.",
)
@checksum_option
@click.option(
    "--on-error",
    type=click.Choice(["stop", "mark"]),
    default="stop",
    show_default=True,
    help="Write no file where a value fails, or one with undefined values (status 1 either way).",
)
@click.option(
    "--explain-memory",
    "explains",
    is_flag=True,
    help="Tell how the data of each HDU was written, and which expressions need whole arrays.",
)
@include_option
def convert_verb(
    inputs: Sequence[str],
    template: str | None,
    output: Path | None,
    frame: str,
    subarray: str | None,
    settings: Sequence[str],
    overwrite: bool,
    verifies: bool,
    checksum: bool,
    on_error: str,
    explains: bool,
    include: Sequence[Path],
) -> None:
    """Make a FITS file from a raw one, data files and parameters.

    INPUT is one FITS file, and any number of data files (they begin with
    <<file NAME>>) and NAME=FILE for further FITS files.

    \b
    Example: fitsgen convert raw.fits obsid.dat -t nirspec_ifu_level1b -o out.fits
    """
    from fitsgen.compiler import load
    from fitsgen.diagnostics import errors
    from fitsgen.runtime.convert import Options, convert
    from fitsgen.verification.load import with_checks

    with reported():
        loaded = load(_chosen(inputs) if template is None else template, include)
        show(loaded.problems)
        # Before anything is written: the checks may be wrong.
        known = with_checks(loaded, include=include) if verifies else None
        seen = view(Frame(frame), subarray)
        with progress_bar() as advance:
            options = Options(output, overwrite, on_error == "mark", checksum, advance, seen)
            result = convert(loaded.file_type, inputs, parameters(settings), options)
        show(result.problems)
        click.echo(f"wrote {result.path}")
        if explains:
            _explain(result.memory())
        if errors(result.problems) or (known and not _is_right(result.path, known)):
            sys.exit(1)


def _is_right(path: Path, known: Expectations) -> bool:
    """Verify a file that was made, tell what is wrong, and return whether nothing is."""
    from fitsgen.diagnostics import errors
    from fitsgen.verification import verify

    problems = verify(path, known.file_type, known.checks)
    show(problems)
    return not errors(problems)


def _explain(uses: Sequence[Use]) -> None:
    """Tell what the data took, an HDU after another."""
    from fitsgen.runtime.memory import amount

    for use in uses:
        size = amount(use.size) if use.size else ""
        where = f"  ({use.position})" if use.position and use.is_whole else ""
        what = f"in memory: {use.what}" if use.is_whole else use.what
        click.echo(f"{use.hdu:<16}{size:>10}  {what}{where}")


def _chosen(inputs: Sequence[str]) -> str:
    """Return the file type for the kind of raw file that is given, and tell which and why."""
    from fitsgen.jwst.kinds import choose_for

    choice = choose_for(inputs)
    show([choice.note])
    return choice.name


def parameters(settings: Sequence[str]) -> dict[str, object]:
    """Read `NAME=VALUE`: a Python literal, T or F, or else text as it is."""
    import ast

    parameters: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (equals and name.isidentifier()):
            raise click.UsageError(f"--set {setting}: expected NAME=VALUE")
        if text in ("T", "F"):
            parameters[name] = text == "T"
            continue
        try:
            parameters[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            parameters[name] = text
    return parameters
