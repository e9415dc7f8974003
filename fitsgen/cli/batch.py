"""`fitsgen batch`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from fitsgen.cli.convert import parameters
from fitsgen.cli.options import (
    checksum_option,
    follow_links_option,
    format_option,
    frame_option,
    history_option,
    include_option,
    replace_option,
    running_options,
    settings_option,
    strict_option,
    template_option,
    verify_each_option,
)
from fitsgen.jwst.view import Frame


@click.command("batch")
@click.argument("what", nargs=-1, metavar="WHAT...")
@click.option(
    "--list",
    "lists",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the names of raw files from a file, one a line.",
)
@template_option
@click.option(
    *("-o", "--output"),
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Where the files go; it is made if it is missing.  [default: where you are]",
)
@click.option(
    "--with",
    "further",
    multiple=True,
    metavar="INPUT",
    help="A data file or NAME=FILE that is an input of every file.",
)
@frame_option
@click.option(
    "--subarray", metavar="NAME", help="Cut a named window from full frames; implies --frame dms."
)
@settings_option
@replace_option
@follow_links_option
@verify_each_option
@checksum_option
@history_option
@strict_option
@running_options
@format_option
@include_option
def batch_verb(
    what: Sequence[str],
    lists: Sequence[Path],
    template: str | None,
    output: Path,
    further: Sequence[str],
    frame: str,
    subarray: str | None,
    settings: Sequence[str],
    overwrite: bool,
    follow_links: bool,
    verified: bool,
    checksum: bool,
    history: bool,
    strict: bool,
    include: Sequence[Path],
    **how: Any,
) -> None:
    """Make many FITS files.

    WHAT is a raw file, a directory of them, a quoted glob, a manifest
    (MANY.jsonl), or -, which reads their names. Run again, it makes what is
    missing, failed, or made from something that has changed since.

    \b
    Example: fitsgen batch night_12 -o made --dry-run
    Example: fitsgen batch 'night_*/*.fits' -t nirspec_ifu_level1b -o made -j 4
    Example: fitsgen batch many.jsonl --scheduler tcp://cluster:8786 --report made.jsonl
    """
    if not what and not lists:
        raise click.UsageError("name raw files, a directory, a glob, a manifest, or --list FILE")
    from fitsgen.cli.entries import begin
    from fitsgen.cli.running import How, conduct
    from fitsgen.manifest import named
    from fitsgen.targets import Wish
    from fitsgen.tasks import include_directories
    from fitsgen.workers import fair

    how_made = How(**how)
    wish = Wish(
        directory=Path(os.path.abspath(output)),
        template=template,
        frame=Frame(frame),
        subarray=subarray,
        parameters=parameters(settings),
        inputs=tuple(named(text, Path.cwd()) for text in further),
        include=include_directories(include),
        checksum=checksum,
        history=history,
        verified=verified,
        strict=strict,
        limits=None if how_made.scheduler else fair(how_made.limits, 1),
        follow_links=follow_links,
    )
    conduct(
        partial(begin, what, lists, wish, output, overwrite=overwrite),
        how_made,
    )
