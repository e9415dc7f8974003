"""A record as HISTORY cards, and back.

In: a `Record`, or the texts of all HISTORY cards of a header. Out: texts of at most 72 printable
ASCII characters, the width of a card; or the record among them. They are lines `key: value`, in
sections:

    fitsgen provenance begins
    format: 1
    clock: 2026-05-04T03:02:01.000000
    [input]
    name: input
    path: raw.fits
    size: 11520
    sha256: 7a3f...
    [parameters]
    seed: 7
    fitsgen provenance ends

A text stands as it is, or as a JSON string where it would be taken for something else or is more
than ASCII. A line that goes on in the next one ends in `&`, and no other line does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fitsgen.provenance.record import Record, plain, record_of, require_size

BEGIN = "fitsgen provenance begins"
END = "fitsgen provenance ends"
WIDTH = 72
"""The columns of a card from the ninth to the last (FITS Standard 4.0, section 4.4.2.4)."""

_ON = "&"
_NUMBERS = ("format", "size")
_FLAGS = ("checksum", "mark", "history")
_PARAMETERS = "parameters"
# What may be there more than once: a section for each, or a line.
_SECTIONS = {"includes": "include", "inputs": "input"}
_LINES = {"directories": "directory", "missing": "missing"}
_MANY = {one: many for many, one in (*_SECTIONS.items(), *_LINES.items())}

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SECTION = re.compile(r"\[([a-z]+)\]")
_MAX_SHOWN = 40


def texts(record: Record) -> tuple[str, ...]:
    """Return the texts of the cards; raises `ValueError` where they are too many to be read."""
    found = (BEGIN, *(piece for line in _lines(plain(record)) for piece in _pieces(line)), END)
    require_size(sum(map(len, found)))
    return found


def record_among(history: Sequence[str]) -> Record | None:
    """Return the record that stands among the texts of HISTORY cards, the last one, if any.

    Raises
    ------
    ValueError
        What is wrong with it, and where.

    """
    begins = [number for number, text in enumerate(history) if text == BEGIN]
    if not begins:
        return None
    rest = history[begins[-1] + 1 :]
    if END not in rest:
        raise ValueError(f"there is no line `{END}` after `{BEGIN}`")
    body = rest[: rest.index(END)]
    require_size(sum(map(len, body)))
    return record_of(_values(_whole(body)))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """Write what is plain, and then the sections."""
    sections: list[tuple[str, dict[str, Any]]] = []
    for key, value in facts.items():
        if key in _LINES:
            yield from (_line(_LINES[key], one) for one in value)
        elif key in _SECTIONS:
            sections += ((_SECTIONS[key], one) for one in value)
        elif isinstance(value, dict):
            sections.append((key, value))
        else:
            yield _line(key, value)
    for name, members in sections:
        yield f"[{name}]"
        yield from (_line(key, value) for key, value in members.items())


def _line(key: str, value: str | int | bool) -> str:
    name = key if _NAME.fullmatch(key) else _quoted(key)
    match value:
        case bool():
            return f"{name}: {'T' if value else 'F'}"
        case int():
            return f"{name}: {value}"
    is_bare = value.isascii() and value.isprintable() and value == value.strip()
    is_bare = is_bare and value != "" and value[0] != '"' and value[-1] != _ON
    return f"{name}: {value if is_bare else _quoted(value)}"


def _quoted(text: str) -> str:
    """Return a text as JSON, in printable ASCII."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _pieces(line: str) -> Iterator[str]:
    while len(line) > WIDTH:
        yield line[: WIDTH - 1] + _ON
        line = line[WIDTH - 1 :]
    yield line


def _whole(pieces: Sequence[str]) -> Iterator[str]:
    """Put lines together that go on."""
    begun: list[str] = []
    for piece in pieces:
        begun.append(piece.removesuffix(_ON))
        if not piece.endswith(_ON):
            yield "".join(begun)
            begun = []
    if begun:
        raise ValueError(f"its last line, `{_shown(begun[0])}`, does not end")


def _values(lines: Iterator[str]) -> dict[str, Any]:
    """Return what the lines say, as `plain` gives it."""
    facts: dict[str, Any] = {many: [] for many in _MANY.values()}
    section, members = "", facts
    for line in lines:
        value: Any
        if begin := _SECTION.fullmatch(line):
            key = section = begin[1]
            into, value = facts, {}
            members = value
        else:
            key, text = _split(line)
            into, value = members, text if section == _PARAMETERS else _value(key, text)
        if into is facts and key in _MANY:
            facts[_MANY[key]].append(value)
        elif key in into:
            raise ValueError(f"{_shown(key)} stands there twice")
        else:
            into[key] = value
    return facts


def _split(line: str) -> tuple[str, str]:
    """Return the key of a line, and its value as text."""
    try:
        key, rest = _unquoted(line) if line.startswith('"') else line.split(":", 1)
        if not rest.startswith((" ", ": ")):
            raise ValueError
        text = rest.removeprefix(":")[1:]
        if text.startswith('"'):
            text, rest = _unquoted(text)
            if rest:
                raise ValueError
    except ValueError:
        raise ValueError(f"`{_shown(line)}` is no line of a record") from None
    return key, text


def _unquoted(text: str) -> tuple[str, str]:
    """Return the text that a JSON string begins with, and what follows it."""
    value, end = json.JSONDecoder().raw_decode(text)
    return value, text[end:]


def _value(key: str, text: str) -> str | int | bool:
    if key in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    if key in _FLAGS and text in ("T", "F"):
        return text == "T"
    return text


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
