"""The command line: the only place that prints or exits.

What a verb needs is imported inside it, so that `fitsgen --help` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitsgen import __version__

if TYPE_CHECKING:
    from fitsgen.diagnostics import Problem
    from fitsgen.inputs.sources import Source
    from fitsgen.runtime.files import Progress

Verb = Callable[..., None]

_include = click.option(
    *("-I", "--include", "include"),
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Look for includes and file types in this directory first.",
)
_overwrite = click.option("--overwrite", is_flag=True, help="Replace an existing file.")
_format = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How problems are shown.",
)


class _Commands(click.Group):
    """Lists the verbs in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fitsgen")
def main() -> None:
    """Make FITS files from templates that look like the headers they make.

    \b
    fitsgen list                                          the file types there are
    fitsgen convert raw.fits -t nirspec_ifu_level1b       make a file
    fitsgen check my_type.gen.txt                         what is wrong with a template
    """


@main.command("convert")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    *("-t", "--template"),
    help="A file type, a template, or its module.  [default: what the kind of raw file asks for]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file, or a directory.")
@click.option(
    "--frame",
    type=click.Choice(["detector", "dms"]),
    default="detector",
    show_default=True,
    help="Leave pixels as the detector has them, or turn them to JWST's science frame.",
)
@click.option(
    "--subarray", metavar="NAME", help="Cut a named window from a full frame; implies --frame dms."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter.")
@_overwrite
@click.option("--checksum", is_flag=True, help="Add CHECKSUM and DATASUM.")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "mark"]),
    default="stop",
    show_default=True,
    help="Write no file where a value fails, or one with undefined values (status 1 either way).",
)
@_include
def convert_verb(
    inputs: Sequence[str],
    template: str | None,
    output: Path | None,
    frame: str,
    subarray: str | None,
    settings: Sequence[str],
    overwrite: bool,
    checksum: bool,
    on_error: str,
    include: Sequence[Path],
) -> None:
    """Make a FITS file from a raw one, data files and parameters.

    INPUT is one FITS file, and any number of data files (they begin with
    <<file NAME>>) and NAME=FILE for further FITS files.

    \b
    Example: fitsgen convert raw.fits obsid.dat -t nirspec_ifu_level1b -o out.fits
    """
    from fitsgen.compiler import load
    from fitsgen.diagnostics import errors
    from fitsgen.runtime.convert import Options, convert

    with _reported():
        loaded = load(template or _chosen(inputs), include)
        _show(loaded.problems)
        with _progress() as progress:
            view = _view(frame, subarray)
            options = Options(output, overwrite, on_error == "mark", checksum, progress, view)
            result = convert(loaded.file_type, inputs, _parameters(settings), options)
        _show(result.problems)
        click.echo(f"wrote {result.path}")
        if errors(result.problems):
            sys.exit(1)


def _chosen(inputs: Sequence[str]) -> str:
    """Return the file type for the kind of raw file that is given, and tell which and why."""
    from fitsgen.diagnostics import Problem, Severity
    from fitsgen.jwst.kinds import choose_for

    choice = choose_for(inputs)
    _show([Problem(f"file type {choice.name}: {choice.reason}", severity=Severity.NOTE)])
    return choice.name


def _view(frame: str, subarray: str | None) -> Callable[[Source], Source] | None:
    """Return what the raw file is to be seen through."""
    if subarray is None and frame == "detector":
        return None
    from functools import partial

    from fitsgen.jwst.frame import cut, to_dms

    return to_dms if subarray is None else partial(cut, name=subarray)


@main.command("compile")
@click.argument("template")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The module to write.")
@_overwrite
@_include
def compile_verb(
    template: str, output: Path | None, overwrite: bool, include: Sequence[Path]
) -> None:
    """Compile a template to a Python module that makes its files.

    The module is written where you are. A module that fitsgen compiled is
    replaced: it is made from the template alone.

    \b
    Example: fitsgen compile my_type.gen.txt -o my_type.py
    """
    from fitsgen import compiler, library

    with _reported():
        path = library.find(template, include)
        checked = compiler.checked(path, include)
        text = compiler.module_text(checked)
        _show(checked.problems)
        target = output or Path(path.name.removesuffix(library.SUFFIX)).with_suffix(".py")
        sources = [source for _, source in checked.files]
        _write_text(target, text, sources, overwrite or _is_module(target))
        click.echo(f"wrote {target}")


@main.command("check")
@click.argument("templates", nargs=-1, required=True, metavar="TEMPLATE...")
@_format
@_include
def check_verb(templates: Sequence[str], format_: str, include: Sequence[Path]) -> None:
    """Show what is wrong with templates, and nothing else.

    \b
    Example: fitsgen check *.gen.txt
    """
    from fitsgen import compiler, library
    from fitsgen.diagnostics import CompileError, errors, render_json

    reader = compiler.reader(include)
    problems: list[Problem] = []
    for template in templates:
        try:
            problems += compiler.check(library.find(template, include), reader).problems
        except CompileError as error:
            problems += error.problems
    if format_ == "json":
        click.echo(render_json(problems))
    else:
        _show(problems)
    sys.exit(1 if errors(problems) else 0)


@main.command("list")
@_format
@_include
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


@main.command("show")
@click.argument("file")
@_include
def show_verb(file: str, include: Sequence[Path]) -> None:
    """Show a template with its includes in place, or a FITS file as a template.

    \b
    Example: fitsgen show nirspec_ifu_level1b
    Example: fitsgen show exposure.fits > exposure.gen.txt
    """
    from fitsgen import compiler, library, show

    with _reported():
        path = library.find(file, include)
        if _is_template(path):
            spliced, problems = compiler.reader(include).splice(path.resolve(), library.shown(path))
            _echo_lines(show.spliced_lines(spliced))
            _show(problems)
            sys.exit(1 if problems else 0)
        _echo_lines(show.fits_as_template(path))


@main.command("describe")
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
@_overwrite
@_include
def describe_verb(
    template: str, format_: str, output: Path | None, overwrite: bool, include: Sequence[Path]
) -> None:
    """Describe a file type: every HDU and keyword, and where its value comes from.

    \b
    Example: fitsgen describe nirspec_ifu_level1b --format html -o nirspec_ifu.html
    """
    from fitsgen import compiler, library
    from fitsgen.backends.describe import Format, describe, render

    with _reported():
        checked = compiler.checked(library.find(template, include), include)
        description = describe(checked.file_type, compiler.labels(checked))
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
    from fitsgen.runtime.files import Part, check_output, write_file

    check_output(path, overwrite, sources)
    write_file(path, [Part(text.encode())], overwrite=overwrite)


def _is_module(path: Path) -> bool:
    """Whether there is a module that fitsgen compiled, which may be compiled anew."""
    try:
        with path.open(encoding="utf-8") as file:
            return "\nCompiled by fitsgen from " in file.read(4096)
    except (OSError, ValueError):
        return False


def _parameters(settings: Sequence[str]) -> dict[str, object]:
    """Read `NAME=VALUE`: a Python literal, T or F, or else text as it is."""
    import ast

    parameters: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (equals and name.isidentifier()):
            raise click.UsageError(f"--set {setting}: expected NAME=VALUE")
        if text in ("T", "F"):
            parameters[name] = text == "T"
            continue
        try:
            parameters[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            parameters[name] = text
    return parameters


def _show(problems: Sequence[Problem]) -> None:
    """Print problems to standard error, in colour on a terminal."""
    from fitsgen.diagnostics import render

    colours = {"error": "red", "warning": "yellow", "note": "cyan"}
    for problem in problems:
        text = render([problem])
        word = f"{problem.severity.value}:"
        styled = click.style(word, fg=colours[problem.severity.value], bold=True)
        click.echo(text.replace(word, styled, 1), err=True)


@contextmanager
def _reported() -> Iterator[None]:
    """Show the problems that stopped the work, and end with status 1."""
    from fitsgen.diagnostics import FitsgenError, errors

    try:
        yield
    except FitsgenError as error:
        _show(error.problems)
        count = len(errors(error.problems))
        click.echo(f"{count} error{'s' if count != 1 else ''}", err=True)
        sys.exit(1)


@contextmanager
def _progress() -> Iterator[Progress | None]:
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
