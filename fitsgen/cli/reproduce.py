"""`fitsgen reproduce`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import include_option
from fitsgen.cli.report import reported, show


@click.command("reproduce")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep what is made.")
@click.option(
    "--find",
    multiple=True,
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Look for files in this directory too, by their names.",
)
@click.option(
    *("-t", "--template"),
    help="The template, where it is elsewhere now, or its module, which is run.",
)
@include_option
@limited
def reproduce_verb(
    file: Path,
    output: Path | None,
    find: Sequence[Path],
    template: str | None,
    include: Sequence[Path],
) -> None:
    """Make a file again, and tell whether it is the same, byte for byte.

    FILE is a FITS file that `convert --history` made, or the record that
    `convert --provenance` wrote. All that the file was made from must be there,
    unchanged.

    \b
    Example: fitsgen reproduce out.fits
    Example: fitsgen reproduce out.json --find raw_files -o again.fits
    """
    from fitsgen.provenance.again import Search, make_again, versions
    from fitsgen.provenance.source import read_record
    from fitsgen.runtime.files import check_output

    with reported():
        recorded = read_record(file)
        if output:
            check_output(output, False, [file])
        show(list(versions(recorded)))
        outcome = make_again(recorded, Search(find, include, template), output)
    show(outcome.problems)
    if output:
        click.echo(f"wrote {output}")
    if outcome.problems:
        click.echo(f"made again, it is not the same: SHA-256 {outcome.sha256}", err=True)
        sys.exit(1)
    click.echo(f"{outcome.name}: the same, byte for byte: SHA-256 {outcome.sha256}")
