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
history_option = click.option(
    "--history", is_flag=True, help="Write what a file was made from to its HISTORY."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an existing file.")
follow_links_option = click.option(
    "--follow-links", is_flag=True, help="Write to the file that a symbolic link stands for."
)
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
strict_option = click.option("--strict", is_flag=True, help="Take warnings for errors.")
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How problems are shown.",
)


def _supported(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Refuse a limit that the system cannot keep."""
    if value is not None:
        from fitsgen.limits import ARE_SUPPORTED

        if not ARE_SUPPORTED:
            raise click.BadParameter("only Linux has such limits", context, option)
    return value


def _size(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Read a number of bytes."""
    if _supported(context, option, value) is None or value is None:
        return None
    from fitsgen.limits import LEAST_MEMORY, parsed_size, shown_size

    try:
        return parsed_size(value)
    except ValueError:
        least = shown_size(LEAST_MEMORY)
        message = f"{value!r} is no size such as 512M or 2G, of at least {least}"
        raise click.BadParameter(message, context, option) from None


def _seconds(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Read a time; it may not be infinite, or no number."""
    if value is not None and not 0 < _supported(context, option, value) <= 1e9:
        raise click.BadParameter(f"{value:g} is no time that may pass", context, option)
    return value


_LIMITS = (
    click.option(
        "--limit-memory",
        metavar="SIZE",
        callback=_size,
        help="End it where it needs more memory, such as 512M or 2G.",
    ),
    click.option(
        "--limit-time",
        metavar="SECONDS",
        type=float,
        callback=_seconds,
        help="End it where it takes longer.",
    ),
)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that limit what may be taken."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


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
    *_LIMITS,
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that tell how files are made."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command
