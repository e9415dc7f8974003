"""The verbs about templates: `compile`, `check`, `list`, `show` and `describe`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import format_option, include_option, overwrite_option, strict_option
from fitsgen.cli.report import reported, show

if TYPE_CHECKING:
    from fitsgen.diagnostics import Problem


@click.command("compile")
@click.argument("template")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The module to write.")
@overwrite_option
@strict_option
@include_option
@limited
def compile_verb(
    template: str, output: Path | None, overwrite: bool, strict: bool, include: Sequence[Path]
) -> None:
    """Compile a template to a Python module that makes its files.

    The module is written where you are. A module that fitsgen compiled is
    replaced: it is made from the template alone.

    \b
    Example: fitsgen compile my_type.gen.txt -o my_type.py
    """
    from fitsgen import compiler, library

    with reported():
        path = library.find(template, include)
        checked = compiler.checked(path, include)
        if strict:
            compiler.require_no_warnings(checked.problems)
        text = compiler.module_text(checked)
        show(checked.problems)
        target = output or Path(path.name.removesuffix(library.SUFFIX)).with_suffix(".py")
        sources = [source for _, source in checked.files]
        _write_text(target, text, sources, overwrite or _is_module(target))
        click.echo(f"wrote {target}")


@click.command("check")
@click.argument("templates", nargs=-1, required=True, metavar="TEMPLATE...")
@strict_option
@format_option
@include_option
@limited
def check_verb(
    templates: Sequence[str], strict: bool, format_: str, include: Sequence[Path]
) -> None:
    """Show what is wrong with templates, and nothing else.

    \b
    Example: fitsgen check *.gen.txt
    """
    from fitsgen import compiler, library
    from fitsgen.diagnostics import CompileError, errors, render_json, strictly

    reader = compiler.reader(include)
    problems: list[Problem] = []
    for template in templates:
        try:
            problems += compiler.check(library.find(template, include), reader).problems
        except CompileError as error:
            problems += error.problems
    if strict:
        problems = strictly(problems)
    if format_ == "json":
        click.echo(render_json(problems))
    else:
        show(problems)
    sys.exit(1 if errors(problems) else 0)


@click.command("list")
@format_option
@include_option
def list_verb(format_: str, include: Sequence[Path]) -> None:
    """List the file types there are, and where they come from.

    \b
    Example: fitsgen list
    """
    from fitsgen import library

    entries = list(library.entries(include))
    if format_ == "json":
        import json

        records = [
            {"name": e.name, "summary": e.summary, "path": str(e.path), "origin": e.origin}
            for e in entries
        ]
        click.echo(json.dumps(records, indent=2))
        return
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        click.echo(f"{entry.name:{width}}  {entry.summary} ({entry.origin})")


@click.command("show")
@click.argument("file")
@include_option
@limited
def show_verb(file: str, include: Sequence[Path]) -> None:
    """Show a template with its includes in place, or a FITS file as a template.

    \b
    Example: fitsgen show nirspec_ifu_level1b
    Example: fitsgen show exposure.fits > exposure.gen.txt
    """
    from fitsgen import compiler, library
    from fitsgen.show import fits_as_template, spliced_lines

    with reported():
        path = library.find(file, include)
        if _is_template(path):
            real = Path(os.path.realpath(path))
            spliced, problems = compiler.reader(include).splice(real, library.shown(path))
            _echo_lines(spliced_lines(spliced))
            show(problems)
            sys.exit(1 if problems else 0)
        _echo_lines(fits_as_template(path))


@click.command("describe")
@click.argument("template")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["md", "rst", "html", "json"]),
    default="md",
    show_default=True,
    help="What to write it as.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write.")
@overwrite_option
@include_option
@limited
def describe_verb(
    template: str, format_: str, output: Path | None, overwrite: bool, include: Sequence[Path]
) -> None:
    """Describe a file type: every HDU and keyword, and where its value comes from.

    \b
    Example: fitsgen describe nirspec_ifu_level1b --format html -o nirspec_ifu.html
    """
    from fitsgen import compiler, library
    from fitsgen.backends.describe import Format, describe, render

    with reported():
        path = library.find(template, include)
        checked = compiler.checked(path, include)
        rules = library.rules_beside(path)
        checks = compiler.checked(rules, include).file_type if rules else None
        description = describe(checked.file_type, compiler.labels(checked), checks)
        text = render(description, Format(format_))
        if output is None:
            click.echo(text, nl=False)
            return
        _write_text(output, text, [source for _, source in checked.files], overwrite)
        click.echo(f"wrote {output}")


def _is_template(path: Path) -> bool:
    return path.name.endswith((".txt", ".inc", ".dat"))


def _echo_lines(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _write_text(path: Path, text: str, sources: Sequence[Path], overwrite: bool) -> None:
    """Write a text whole, or not at all, and never over what it was made from."""
    from fitsgen.runtime.files import check_output, write_bytes

    check_output(path, overwrite, sources)
    write_bytes(path, text.encode(), overwrite=overwrite)


def _is_module(path: Path) -> bool:
    """Whether there is a module that fitsgen compiled, which may be compiled anew."""
    try:
        with path.open(encoding="utf-8") as file:
            return "\nCompiled by fitsgen from " in file.read(4096)
    except (OSError, ValueError):
        return False
