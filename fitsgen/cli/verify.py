"""`fitsgen verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import format_option, include_option, strict_option
from fitsgen.cli.report import reported, show


@click.command("verify")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(*("-t", "--template"), required=True, help="A file type, a template, or its module.")
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    help="A verification template.  [default: the .val.txt beside the template, if there is one]",
)
@strict_option
@format_option
@include_option
@limited
def verify_verb(
    files: Sequence[str],
    template: str,
    rules: Path | None,
    strict: bool,
    format_: str,
    include: Sequence[Path],
) -> None:
    """Tell what is wrong with FITS files: against a template, its checks, and the standard.

    \b
    Example: fitsgen verify *_uncal.fits --template nirspec_ifu_level1b
    """
    from fitsgen.compiler import require_no_warnings
    from fitsgen.diagnostics import counted, errors, strictly
    from fitsgen.verification import verify
    from fitsgen.verification.load import expectations

    with reported():
        known = expectations(template, rules, include)
        if strict:
            require_no_warnings(known.problems)
        show(known.problems)
        results = {file: verify(file, known.file_type, known.checks) for file in files}
        if strict:
            results = {file: strictly(found) for file, found in results.items()}
    if format_ == "json":
        from fitsgen.verification.findings import render_json

        click.echo(render_json(results))
    else:
        for file, problems in results.items():
            show(problems)
            if not problems:
                click.echo(f"{file}: nothing wrong")
            else:
                click.echo(f"{file}: {counted(len(errors(problems)), 'error')}")
    sys.exit(1 if any(errors(problems) for problems in results.values()) else 0)
