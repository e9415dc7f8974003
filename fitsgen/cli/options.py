"""The options that several verbs have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fitsgen.jwst.view import Frame

include_option = click.option(
    *("-I", "--include", "include"),
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Look for includes and file types in this directory first.",
)
template_option = click.option(
    *("-t", "--template"),
    help="A file type, a template, or its module.  [default: what the kind of raw file asks for]",
)
frame_option = click.option(
    "--frame",
    type=click.Choice([frame.value for frame in Frame]),
    default=Frame.DETECTOR.value,
    show_default=True,
    help="Leave pixels as the detector has them, or turn them to JWST's science frame.",
)
settings_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter."
)
checksum_option = click.option("--checksum", is_flag=True, help="Add CHECKSUM and DATASUM.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an existing file.")
replace_option = click.option(
    "--overwrite", is_flag=True, help="Replace files that this command did not make."
)
verify_each_option = click.option(
    "--verify/--no-verify",
    "verified",
    default=True,
    show_default=True,
    help="Verify each file that was made, with the template's checks.",
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How problems are shown.",
)
_RUNNING = (
    click.option(
        *("-j", "--jobs"),
        type=click.IntRange(1, 1024),
        help="How many files are made at a time.  [default: as many as there are processors]",
    ),
    click.option(
        "--scheduler", metavar="ADDRESS", help="Have it done by the workers of a dask scheduler."
    ),
    click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing."),
    click.option(
        "--report",
        metavar="FILE.jsonl",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write what became of each file, a JSON object a line.",
    ),
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that tell how files are made."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command
