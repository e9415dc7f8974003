"""The options that several verbs have."""

from __future__ import annotations

from pathlib import Path

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
