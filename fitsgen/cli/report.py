"""What a verb tells the user: problems, status 1, progress bars."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fitsgen.diagnostics import Problem
    from fitsgen.runtime.writing import Progress


def show(problems: Sequence[Problem]) -> None:
    """Print problems to standard error, in colour on a terminal."""
    from fitsgen.diagnostics import render

    colours = {"error": "red", "warning": "yellow", "note": "cyan"}
    for problem in problems:
        text = render([problem])
        word = f"{problem.severity.value}:"
        styled = click.style(word, fg=colours[problem.severity.value], bold=True)
        click.echo(text.replace(word, styled, 1), err=True)


@contextmanager
def reported() -> Iterator[None]:
    """Show the problems that stopped the work, and end with status 1."""
    from fitsgen.diagnostics import FitsgenError, counted, errors

    try:
        yield
    except FitsgenError as error:
        show(error.problems)
        click.echo(counted(len(errors(error.problems)), "error"), err=True)
        sys.exit(1)


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """Give what shows a progress bar, on a terminal, once a second has gone by."""
    if not sys.stderr.isatty():
        yield None
        return
    import time

    start = time.monotonic()
    bar: Any = None
    task: Any = None

    def advance(done: int, total: int) -> None:
        nonlocal bar, task
        if bar is None and time.monotonic() - start > 1 and done < total:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

            columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
            bar = Progress(*columns, console=Console(stderr=True), transient=True)
            task = bar.add_task("", total=total)
            bar.start()
        if bar is not None:
            bar.update(task, completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()
