"""The command line: the only place that prints or exits.

What a verb needs is imported inside it, so that `fitsgen --help` is instant.
"""

from __future__ import annotations

import os
from typing import Any

import click

from fitsgen import __version__
from fitsgen.cli.batch import batch_verb
from fitsgen.cli.convert import convert_verb
from fitsgen.cli.ending import plain_ending
from fitsgen.cli.preview import preview_verb
from fitsgen.cli.proposal import proposal_verb
from fitsgen.cli.reproduce import reproduce_verb
from fitsgen.cli.simulate import simulate_verb
from fitsgen.cli.templates import check_verb, compile_verb, describe_verb, list_verb, show_verb
from fitsgen.cli.verify import verify_verb

VERBS = (
    convert_verb,
    batch_verb,
    proposal_verb,
    verify_verb,
    reproduce_verb,
    compile_verb,
    check_verb,
    list_verb,
    show_verb,
    describe_verb,
    simulate_verb,
    preview_verb,
)


class _Commands(click.Group):
    """Lists the verbs in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        with plain_ending():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb; that there is too little memory is no fault of fitsgen."""
        try:
            return super().invoke(ctx)
        except MemoryError:
            click.echo("error: there is not enough memory", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fitsgen")
def main() -> None:
    """Make FITS files from templates that look like the headers they make.

    \b
    fitsgen list                                          the file types there are
    fitsgen convert raw.fits -t nirspec_ifu_level1b       make a file
    fitsgen check my_type.gen.txt                         what is wrong with a template
    """
    from fitsgen.limits import ONE_THREAD

    # How many threads add up a product of matrices decides its last digits, and so the file's.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))


for _verb in VERBS:
    main.add_command(_verb)
