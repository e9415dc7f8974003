"""An entry of a batch to the file that is to be made: its name, and as what type.

In: an `Entry`, and what the command was asked for. Out: a `Task`. The raw file is opened for its
header, where the name or the type depends on it; nothing is converted or written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fitsgen.diagnostics import FitsgenError, GenerateError, Problem
from fitsgen.inputs import INPUT, Inputs, open_inputs
from fitsgen.inputs.sources import Source
from fitsgen.jwst.kinds import choose_among
from fitsgen.jwst.view import Frame, view
from fitsgen.limits import Exceeded, Limits, apart, may_fork
from fitsgen.manifest import Entry
from fitsgen.runtime.convert import default_name, file_name
from fitsgen.runtime.declare import Card, FileType
from fitsgen.tasks import Task, loaded_once, located

RECORDS = "fitsgen.made"
"""The file of records of a directory."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the files of all entries are to be made, where an entry does not say it.

    directory
        Where outputs go; absolute.
    inputs
        Further inputs of every file, with the names of their sources.
    limits
        What the making of a name may take; None: whatever it takes.

    """

    directory: Path
    template: str | None = None
    frame: Frame = Frame.DETECTOR
    subarray: str | None = None
    parameters: Mapping[str, object] | None = None
    inputs: tuple[tuple[str, Path], ...] = ()
    include: tuple[Path, ...] = ()
    checksum: bool = False
    history: bool = False
    verified: bool = True
    strict: bool = False
    limits: Limits | None = None
    follow_links: bool = False


def task_of(entry: Entry, wish: Wish) -> Task:
    """Find out what is to be made of an entry.

    Raises
    ------
    FitsgenError
        An input cannot be read, is of no known kind, or there is no such template.

    """
    inputs = (*entry.inputs, *wish.inputs)
    parameters = {**(wish.parameters or {}), **entry.parameters}
    subarray = entry.subarray or wish.subarray
    frame = entry.frame or wish.frame
    seen = view(frame, subarray)
    template, name = _template_and_name(entry, wish, inputs, parameters, seen)
    output = Path(os.path.abspath(wish.directory / name))
    asked = [
        os.path.basename(template),
        sorted(parameters.items()),
        frame.value,
        subarray,
        wish.checksum,
        *(("history",) if wish.history else ()),
    ]
    sources = [(name, os.path.relpath(path, output.parent)) for name, path in inputs]
    return Task(
        output=output,
        template=template,
        inputs=inputs,
        recipe=json.dumps([*asked, sources], default=repr),
        records=output.with_name(RECORDS),
        include=wish.include,
        parameters=tuple(parameters.items()),
        view=seen,
        history=(frame, subarray) if wish.history else None,
        checksum=wish.checksum,
        verified=wish.verified,
        strict=wish.strict,
        follow_links=wish.follow_links,
    )


def _template_and_name(
    entry: Entry,
    wish: Wish,
    inputs: Sequence[tuple[str, Path]],
    parameters: Mapping[str, object],
    seen: Callable[[Source], Source] | None,
) -> tuple[str, Path]:
    template = entry.template or wish.template
    template = template and located(template, wish.include)
    if template and entry.output:
        return template, entry.output
    with open_inputs([{name: path} for name, path in inputs]) as opened:
        template = template or choose_among(opened).name
        if entry.output:
            return template, entry.output
        file_type = loaded_once(template, wish.include).file_type
        if seen and INPUT in opened.sources:
            opened.sources[INPUT] = seen(opened.sources[INPUT])
        name = partial(_file_name, file_type, opened, parameters)
        if wish.limits and _has_own_name(file_type) and may_fork():
            return template, Path(_apart(name, wish.limits))
        return template, Path(name())


def _apart(name: Callable[[], str], limits: Limits) -> str:
    """Make a name in a process of its own: the template may compute whatever it likes."""

    def made() -> str | FitsgenError:
        try:
            return name()
        except FitsgenError as error:
            return error

    try:
        found = apart(made, limits)
    except Exceeded as why:
        raise GenerateError(Problem(f"the making of its name: {why}")) from None
    if isinstance(found, FitsgenError):
        raise found
    return found


def _file_name(file_type: FileType, inputs: Inputs, parameters: Mapping[str, object]) -> str:
    """Return the name that `convert` gives a file, whose template may make one of its own."""
    default = default_name(file_type, inputs)
    if not _has_own_name(file_type):
        return default
    from fitsgen.runtime.build import build

    try:
        built = build(file_type, inputs.sources, parameters, name=default)
    except FitsgenError:  # Its making will tell.
        return default
    return file_name(built, default, hint="name the output in a manifest")


def _has_own_name(file_type: FileType) -> bool:
    """Whether a template makes the name of its file."""
    primary = file_type.hdus[0].items if file_type.hdus else ()
    own = (card for card in primary if isinstance(card, Card) and card.keyword == "FILENAME")
    return any(card.value is not None for card in own)
