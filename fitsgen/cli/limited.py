"""A verb in a process of its own, where the user limits what it may take.

In: a verb. Out: the verb with the options for it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from fitsgen.cli.ending import plain_ending
from fitsgen.cli.options import limit_options
from fitsgen.cli.report import show


def limited(verb: Callable[..., None]) -> Callable[..., None]:
    """Add --limit-memory and --limit-time to a verb.

    With neither, it runs as ever. Else its work is done in a child, which is forked here, before
    anything large was imported or a thread was started.
    """

    @functools.wraps(verb)
    def run(limit_memory: int | None, limit_time: float | None, **arguments: Any) -> None:
        if limit_memory is None and limit_time is None:
            verb(**arguments)
            return
        from fitsgen.diagnostics import Problem
        from fitsgen.limits import Limits, contained

        context = click.get_current_context()
        # A program in the program: so its errors and its end are those of any verb.
        program = click.Command(None, callback=partial(context.invoke, verb, **arguments))
        main = partial(program.main, [], prog_name=context.find_root().info_name)
        ended = contained(plain_ending()(main), Limits(limit_memory, limit_time))
        if ended.why:
            show([Problem(ended.why)])
        sys.exit(ended.status)

    return limit_options(run)
