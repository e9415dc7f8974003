"""`fitsgen proposal`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from fitsgen.cli.options import (
    format_option,
    include_option,
    replace_option,
    running_options,
    strict_option,
    verify_each_option,
)


@click.command("proposal")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@running_options
@replace_option
@verify_each_option
@strict_option
@format_option
@include_option
def proposal_verb(
    directory: Path,
    overwrite: bool,
    verified: bool,
    strict: bool,
    include: Sequence[Path],
    **how: Any,
) -> None:
    """Make the files of all exposures that JWST proposals plan.

    Finds each proposal (ddddd.prop) in DIRECTORY and below, and makes of every
    exposure jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>_<detector>_uncal.fits beside
    it. Run again, it makes what is missing, or made from something that has
    changed since.

    \b
    Example: fitsgen proposal night_12 --dry-run
    Example: fitsgen proposal night_12 --jobs 4
    """
    from fitsgen.cli.exposures import Wish, begin
    from fitsgen.cli.running import How, conduct
    from fitsgen.tasks import include_directories

    wish = Wish(include_directories(include), overwrite, verified, strict)
    conduct(partial(begin, directory, wish), How(**how))
