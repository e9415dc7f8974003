"""`fitsgen convert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import (
    checksum_option,
    follow_links_option,
    frame_option,
    history_option,
    include_option,
    overwrite_option,
    settings_option,
    strict_option,
    template_option,
)
from fitsgen.cli.report import progress_bar, reported, show

if TYPE_CHECKING:
    from fitsgen.compiler import Loaded
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
@follow_links_option
@click.option(
    "--verify/--no-verify",
    "verifies",
    default=True,
    show_default=True,
    help="Verify the file that was made, with the template's checks.",
)
@checksum_option
@strict_option
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
@history_option
@click.option(
    "--provenance",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Write what the file was made from to a file of its own.",
)
@include_option
@limited
def convert_verb(
    inputs: Sequence[str],
    template: str | None,
    output: Path | None,
    frame: str,
    subarray: str | None,
    settings: Sequence[str],
    overwrite: bool,
    follow_links: bool,
    verifies: bool,
    checksum: bool,
    strict: bool,
    on_error: str,
    explains: bool,
    history: bool,
    provenance: Path | None,
    include: Sequence[Path],
) -> None:
    """Make a FITS file from a raw one, data files and parameters.

    INPUT is one FITS file, and any number of data files (they begin with
    <<file NAME>>) and NAME=FILE for further FITS files.

    \b
    Example: fitsgen convert raw.fits obsid.dat -t nirspec_ifu_level1b -o out.fits
    """
    from fitsgen.diagnostics import errors
    from fitsgen.provenance.conversion import Request, convert_recorded
    from fitsgen.runtime.convert import Options

    given, mark = parameters(settings), on_error == "mark"
    with reported():
        chosen = _chosen(inputs) if template is None else template
        loaded, known = _compiled(chosen, include, strict=strict, verifies=verifies)
        request = Request(chosen, loaded, include, inputs, given, frame, subarray, history)
        with progress_bar() as advance:
            options = Options(
                *(output, overwrite, mark, checksum, advance, None, strict, follow_links)
            )
            result = convert_recorded(request, options, provenance)
        show(result.problems)
        click.echo(f"wrote {result.path}")
        if explains:
            _explain(result.memory())
        if errors(result.problems) or (known and not _is_right(result.path, known, strict)):
            sys.exit(1)


def _compiled(
    template: str, include: Sequence[Path], *, strict: bool, verifies: bool
) -> tuple[Loaded, Expectations | None]:
    """Load a template and its checks, before anything is written, and tell what is doubtful."""
    from fitsgen.compiler import load, require_no_warnings

    loaded, known = load(template, include), None
    if verifies:
        from fitsgen.verification.load import with_checks

        known = with_checks(loaded, include=include)
    problems = (known or loaded).problems
    if strict:
        require_no_warnings(problems)
    show(problems)
    return loaded, known


def _is_right(path: Path, known: Expectations, strict: bool) -> bool:
    """Verify a file that was made, tell what is wrong, and return whether nothing is."""
    from fitsgen.diagnostics import errors, strictly
    from fitsgen.verification import verify

    problems = verify(path, known.file_type, known.checks)
    problems = strictly(problems) if strict else problems
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
    from fitsgen.literals import Unordered, value_of

    parameters: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (equals and name.isidentifier()):
            raise click.UsageError(f"--set {setting}: expected NAME=VALUE")
        if text in ("T", "F"):
            parameters[name] = text == "T"
            continue
        try:
            parameters[name] = value_of(text)
        except Unordered as error:
            raise click.UsageError(f"--set {setting}: {error}") from None
        except ValueError:
            parameters[name] = text
    return parameters
