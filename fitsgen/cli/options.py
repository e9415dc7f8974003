"""The options that several verbs have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

include_option = click.option(
    *("-I", "--include", "include"),
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Look for includes and file types in this directory first.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an existing file.")
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
