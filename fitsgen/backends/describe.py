"""The model to a description of the file type: Markdown, reStructuredText, HTML or JSON.

In: a checked `FileType`. Out: text. What is known of a keyword is gathered once,
in `Description`; the formats only lay it out.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from fitsgen.backends.allowed import Allowed, allowed
from fitsgen.diagnostics import Position
from fitsgen.model import HDU, Blank, Card, Expression, FileType, Heading
from fitsgen.runtime.structural import is_structural
from fitsgen.valuetypes import value_type

Checks = Mapping[str, Allowed]


class Format(enum.Enum):
    """What a description can be written as."""

    MARKDOWN = "md"
    RESTRUCTURED_TEXT = "rst"
    HTML = "html"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword: what it says, of which type, from where, and the template line."""

    keyword: str
    comment: str
    type: str
    value: str
    allowed: str
    reads: tuple[str, ...]
    optional: bool
    defined: str


@dataclass(frozen=True, slots=True)
class Section:
    """The keywords under one heading; the first section of an HDU may have none."""

    heading: str
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """An HDU: its number, its name in the template and as EXTNAME, its data and its keywords."""

    number: int
    name: str
    extname: str
    data: str
    defined: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """All that a template tells of its file type."""

    name: str
    summary: str
    sources: tuple[str, ...]
    hdus: tuple[Extension, ...]


def describe(
    file_type: FileType, labels: Mapping[str, str], checks: FileType | None = None
) -> Description:
    """Gather what a model tells, and the checks of its verification template.

    `labels` has what each template file is called.
    """
    reads = dict.fromkeys(name for one in file_type.expressions() for name in one.reads)
    hdus = tuple(
        _extension(number, hdu, labels, _checks(checks, hdu.name))
        for number, hdu in enumerate(file_type.hdus)
    )
    return Description(file_type.name, file_type.summary, tuple(reads), hdus)


def render(description: Description, form: Format) -> str:
    """Return a description as text."""
    match form:
        case Format.MARKDOWN:
            return "\n".join(_markdown(description)) + "\n"
        case Format.RESTRUCTURED_TEXT:
            return "\n".join(_restructured(description)) + "\n"
        case Format.HTML:
            return _page().render(file=description)
        case Format.JSON:
            return json.dumps(dataclasses.asdict(description), indent=2) + "\n"


def _checks(checks: FileType | None, hdu: str) -> Checks:
    """Return the check of each keyword of an HDU."""
    found = [one for one in checks.hdus if one.name == hdu] if checks else []
    return {card.keyword: allowed(card.expression) for one in found for card in one.cards()}


def _extension(number: int, hdu: HDU, labels: Mapping[str, str], checks: Checks) -> Extension:
    extname = hdu.find("EXTNAME")
    value = extname.expression if extname else None
    known = value.constant if value and value.is_constant else ""
    data = hdu.data.text.text if hdu.data else ""
    defined = _place(hdu.position, labels)
    return Extension(
        number, hdu.name, str(known), data, defined, tuple(_sections(hdu, labels, checks))
    )


def _sections(hdu: HDU, labels: Mapping[str, str], checks: Checks) -> Iterator[Section]:
    heading = ""
    keywords: list[Keyword] = []
    for item in hdu.items:
        match item:
            case Heading(text=text):
                if keywords or heading:
                    yield Section(heading, tuple(keywords))
                heading, keywords = text, []
            case Card():
                keywords.append(_keyword(item, labels, checks.get(item.keyword, Allowed())))
            case Blank():
                pass
    yield Section(heading, tuple(keywords))


def _keyword(card: Card, labels: Mapping[str, str], check: Allowed) -> Keyword:
    expression = card.expression
    if expression is None:
        value = _FILLED_IN if is_structural(card.keyword) else _OF_NO_VALUE.get(card.keyword, "")
    else:
        value = expression.text.text
    return Keyword(
        card.keyword,
        card.comment,
        _type(expression) or check.type,
        value,
        check.values,
        expression.reads if expression else (),
        card.optional,
        _place(card.position, labels),
    )


def _place(position: Position, labels: Mapping[str, str]) -> str:
    return f"{labels[position.source.name]}:{position.line}"


# What means something in the text of reStructuredText: an underscore at the end of a word does.
_MARKUP = re.compile(r"[\\*`|]|_(?!\w)")
_FILLED_IN = "from the data"
_OF_NO_VALUE = {"FILENAME": "the name of the file"}


def _type(expression: Expression | None) -> str:
    """Return the type of a value in a word, as far as its expression tells."""
    known = value_type(expression.tree) if expression else None
    return known.value if known else ""


def _title(hdu: Extension) -> str:
    return f"HDU {hdu.number}: {hdu.name}" + (f" ({hdu.extname})" if hdu.extname else "")


def _shown(keyword: Keyword) -> str:
    return keyword.keyword + (" (optional)" if keyword.optional else "")


def _markdown(file: Description) -> Iterator[str]:
    yield from (f"# {file.name}", "", file.summary, "")
    yield from (f"It reads: {', '.join(file.sources) or 'nothing'}.", "")
    for hdu in file.hdus:
        yield from (f"## {_title(hdu)}", "")
        if hdu.data:
            yield from ("```python", hdu.data, "```", "")
        for section in hdu.sections:
            if section.heading:
                yield from (f"### {section.heading}", "")
            yield from (
                "| keyword | comment | type | value | allowed | defined in |",
                "|---|---|---|---|---|---|",
            )
            for one in section.keywords:
                value = f"`{one.value}`" if one.value else ""
                cells = (_shown(one), one.comment, one.type, value, one.allowed, one.defined)
                yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
            yield ""


def _restructured(file: Description) -> Iterator[str]:
    yield from _underlined(file.name, "=")
    yield from (file.summary, "", f"It reads: {', '.join(file.sources) or 'nothing'}.", "")
    for hdu in file.hdus:
        yield from _underlined(_title(hdu), "-")
        if hdu.data:
            yield from (".. code-block:: python", "")
            yield from (f"   {line}" for line in hdu.data.split("\n"))
            yield ""
        for section in hdu.sections:
            if section.heading:
                yield from _underlined(section.heading, "~")
            yield from _list_table(
                [("keyword", "comment", "type", "value", "allowed", "defined in")], True
            )
            rows = [
                (
                    *(_shown(one), one.comment, one.type),
                    *(_literal(one.value), _literal(one.allowed), one.defined),
                )
                for one in section.keywords
            ]
            yield from _list_table(rows, False)
            yield ""


def _literal(text: str) -> str:
    return f"``{text}``" if text else ""


def _underlined(text: str, line: str) -> Iterator[str]:
    yield from (text, line * len(text), "")


def _list_table(rows: Sequence[tuple[str, ...]], head: bool) -> Iterator[str]:
    if head:
        yield from (".. list-table::", "   :header-rows: 1", "")
    for row in rows:
        for number, cell in enumerate(row):
            text = cell if cell.startswith("``") else _MARKUP.sub(r"\\\g<0>", cell)
            yield f"   {'*' if number == 0 else ' '} - {text}".rstrip()


@functools.cache
def _page() -> Template:
    text = Path(__file__).with_name("page.html.jinja").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
