"""The model to the text of a Python module that makes the files.

Template text reaches the module only through `repr` and `ast.unparse`; the
layout is in `module.py.jinja`. The same model gives the same text.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from fitsgen.backends.layout import STEP, Part, bracketed, expression
from fitsgen.diagnostics import Position
from fitsgen.model import HDU, Blank, Card, Expression, FileType, Heading, Item
from fitsgen.namespace import BUILTINS, CHECKS, FUNCTIONS, LOGICALS, NUMPY
from fitsgen.runtime.declare import FORMAT


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the module with the comments above it."""

    comments: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class _Section:
    """The module's code for one HDU."""

    variable: str
    name: str
    entries: tuple[_Entry, ...]


def emit(file_type: FileType, labels: Mapping[str, str]) -> str:
    """Return the text of the module for a file type.

    `labels` has what the module calls each template file: names that do not
    depend on where the templates were when they were compiled.
    """
    variables = _variables(hdu.name for hdu in file_type.hdus)
    sections = [
        _Section(variable, repr(hdu.name), tuple(_entries(hdu, labels)))
        for variable, hdu in zip(variables, file_type.hdus, strict=True)
    ]
    names = {name for one in _lambdas(file_type) for name in one.names}
    return _template().render(
        title=f"{file_type.name}: {', '.join(hdu.name for hdu in file_type.hdus)}.",
        summary=_docstring(file_type.summary),
        source=_docstring(labels[file_type.position.source.name]),
        runtime=[*_classes(file_type), *([NUMPY] if NUMPY in names else [])],
        functions=[name for name in (*LOGICALS, *FUNCTIONS) if name in names],
        checks=[name for name in CHECKS if name in names],
        sections=sections,
        file=bracketed(
            "FILE = FileType(",
            [
                Part.fixed(repr(file_type.name)),
                *map(Part.fixed, variables),
                Part.fixed(f"format={FORMAT}"),
            ],
            ")",
            "",
        ),
    )


def _lambdas(file_type: FileType) -> Iterator[Expression]:
    return (one for one in file_type.expressions() if not one.is_constant)


def _classes(file_type: FileType) -> list[str]:
    kinds = {type(item).__name__ for hdu in file_type.hdus for item in hdu.items}
    return sorted(kinds | {"FileType", "HDU"}, key=lambda name: (name != "HDU", name))


def _variables(names: Iterable[str]) -> list[str]:
    """Give each HDU a variable: its name in capitals, made unlike all others."""
    taken = {"HDU", "FILE", *LOGICALS, *FUNCTIONS, *CHECKS, *BUILTINS}
    variables: list[str] = []
    for name in names:
        variable = name.upper()
        while variable in taken:
            variable += "_"
        taken.add(variable)
        variables.append(variable)
    return variables


def _entries(hdu: HDU, labels: Mapping[str, str]) -> Iterator[_Entry]:
    chain: tuple[Position, ...] = ()
    for item in hdu.items:
        comments, chain = _origin(item.position, chain, labels)
        yield _Entry(comments, _item(item))
    if hdu.data:
        comments, _ = _origin(hdu.data.position, chain, labels)
        yield _Entry(comments, f"data={_value(hdu.data, STEP, len('data=,'))}")


def _origin(
    position: Position, before: tuple[Position, ...], labels: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[Position, ...]]:
    """Say where a line comes from, and how it was reached where that is not as before."""

    def place(position: Position) -> str:
        return _one_line(f"{labels[position.source.name]}:{position.line}")

    comments = [place(position)]
    if position.chain and position.chain != before:
        comments.insert(0, f"included from {', '.join(map(place, position.chain))}")
    return tuple(comments), position.chain


def _item(item: Item) -> str:
    match item:
        case Blank():
            return "Blank()"
        case Heading(text=text):
            return f"Heading({text!r})"
        case Card():
            return _card(item)


def _card(card: Card) -> str:
    parts = [Part.fixed(repr(card.keyword))]
    match card.expression:
        case None:
            parts.append(Part.fixed("None"))
        case value:
            parts.append(Part(_flat(value), lambda indent: _value(value, indent, 1)))
    if card.comment:
        parts.append(Part.fixed(repr(card.comment)))
    if card.optional:
        parts.append(Part.fixed("optional=True"))
    return bracketed("Card(", parts, ")", STEP, room=1)


def _value(value: Expression, indent: str, room: int) -> str:
    if value.is_constant:
        return repr(value.constant)
    return _start(value) + expression(value.tree, indent, room + len(_start(value)))


def _flat(value: Expression) -> str:
    return repr(value.constant) if value.is_constant else _start(value) + ast.unparse(value.tree)


def _start(value: Expression) -> str:
    return f"lambda {', '.join(value.reads)}: " if value.reads else "lambda: "


def _one_line(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _docstring(text: str) -> str:
    return _one_line(text).replace('"', "'")


@functools.cache
def _template() -> Template:
    text = Path(__file__).with_name("module.py.jinja").read_text(encoding="ascii")
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(text)
