"""A manifest to entries: which files are to be made, of what and how, one JSON object a line.

In: a file of JSON Lines. Out: an `Entry` for each line, or the `InputError` that says what is
wrong with it and where; lines are read one by one, as they are needed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from fitsgen.diagnostics import InputError, Position, Problem, Source
from fitsgen.inputs import split_name
from fitsgen.jwst.view import Frame

SUFFIX = ".jsonl"
MAX_LINE = 2**20

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is wanted. What is not said is for the command to decide.

    inputs
        Each with the name of its source, or ''. Paths are absolute.
    shown
        The first input as the user wrote it.
    template
        The name of a file type, or a path.
    output
        A path, relative to where outputs go.
    position
        Where it was asked for.

    """

    inputs: tuple[tuple[str, Path], ...]
    shown: str
    template: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    output: Path | None = None
    frame: Frame | None = None
    subarray: str | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """An entry that cannot be read, and why."""

    shown: str
    problems: tuple[Problem, ...]
    position: Position | None = None


def read_manifest(path: Path) -> Iterator[Entry | Wrong]:
    """Read a manifest; paths in it are relative to its directory.

    Raises
    ------
    InputError
        The file cannot be read.

    """
    name, directory = str(path), Path(os.path.abspath(path)).parent
    for position, line in lines(name, lambda: path.open("rb")):
        try:
            if (text := _decoded(line, position)).strip():
                yield _Line(text, position).entry(directory)
        except InputError as error:
            yield Wrong(str(position), error.problems, position)


def read_list(name: str, opened: Callable[[], BinaryIO]) -> Iterator[Entry | Wrong]:
    """Read a list of raw files, one a line; raises `InputError` where it cannot be read."""
    for position, line in lines(name, opened):
        text = os.fsdecode(line.rstrip(b"\r\n"))
        if len(line) > MAX_LINE or "\0" in text:
            problem = Problem("this is no name of a file", position)
            yield Wrong(str(position), (problem,), position)
        elif text:
            yield Entry((("", Path(os.path.abspath(text))),), text, position=position)


def lines(name: str, opened: Callable[[], BinaryIO]) -> Iterator[tuple[Position, bytes]]:
    """Give the lines of a file; of one longer than `MAX_LINE` only as much, and one byte."""
    source, number = Source(name), 0
    try:
        with opened() as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                yield Position(source, number), line
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = file.readline(MAX_LINE)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise InputError(Problem(message, Position(source))) from None


def named(text: str, directory: Path) -> tuple[str, Path]:
    """Take `NAME=PATH` apart, as everywhere; the path becomes absolute."""
    name, path = split_name(text, directory)
    return name, _absolute(path, directory)


def _absolute(path: str, directory: Path) -> Path:
    return Path(os.path.abspath(directory / path))


def _decoded(line: bytes, position: Position) -> str:
    if len(line) > MAX_LINE:
        raise InputError(Problem(f"the line is longer than {MAX_LINE:,} bytes", position))
    try:
        text = line.decode("utf-8-sig" if position.line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        column = len(line[: error.start].decode("utf-8")) + 1
        place = Position(position.source, position.line, column)
        raise InputError(Problem("this is no UTF-8", place)) from None
    return text.rstrip("\r\n")


class _Line:
    """The reading of one line; knows at which column each value begins."""

    def __init__(self, text: str, position: Position) -> None:
        self._text = text
        self._position = position
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_without_repeats, parse_constant=_refuse_constant
        )

    def entry(self, directory: Path) -> Entry:
        """Return the entry that the line holds."""
        found = {key: (value, at) for key, value, at in self._pairs()}
        if "inputs" not in found:
            self._wrong(_SPACE.match(self._text).end(), "the entry has no inputs")  # type: ignore[union-attr]
        fields = {key: _FIELDS[key](self, *value) for key, value in found.items()}
        inputs = tuple(named(text, directory) for text in fields.pop("inputs"))
        template = fields.pop("template", None)
        if template and (os.sep in template or os.path.exists(directory / template)):
            template = str(_absolute(template, directory))
        shown = found["inputs"][0][0]
        return Entry(inputs, shown, template, position=self._position, **fields)

    def _pairs(self) -> Iterator[tuple[str, Any, int]]:
        """Give the keys and values of the object, and the index at which each value begins."""
        at = self._past("{", self._space(0), "expected an object: {")
        seen: set[str] = set()
        while seen or self._text[at : at + 1] != "}":
            begin = at
            if self._text[at : at + 1] != '"':
                self._wrong(at, "expected a key in double quotes")
            key, at = self._value(at)
            self._know(key, seen, begin)
            at = self._past(":", self._space(at), "expected :")
            value, end = self._value(at)
            yield key, value, at
            at = self._space(end)
            if self._text[at : at + 1] == "}":
                break
            at = self._past(",", at, "expected , or }")
        if self._text[at + 1 :].strip():
            self._wrong(self._space(at + 1), "expected one object a line, and nothing after it")

    def _know(self, key: str, seen: set[str], at: int) -> None:
        if key not in _FIELDS:
            near = get_close_matches(key, _FIELDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FIELDS)}"
            self._wrong(at, f"unknown key {key[:80]!r}", hint)
        if key in seen:
            self._wrong(at, f"{key} is there a second time")
        seen.add(key)

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._wrong(error.pos, f"this is no JSON: {error.msg}")
        except (ValueError, RecursionError) as error:
            message = "too deep" if isinstance(error, RecursionError) else str(error)
            self._wrong(at, f"this value cannot be used: {message}")

    def _past(self, sign: str, at: int, message: str) -> int:
        if self._text[at : at + 1] != sign:
            self._wrong(at, message)
        return self._space(at + 1)

    def _space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _wrong(self, at: int, message: str, hint: str = "") -> NoReturn:
        place = Position(self._position.source, self._position.line, at + 1)
        raise InputError(Problem(message, place, hint))

    def text(self, value: object, at: int) -> str:
        """Return a text that is not empty, and can be part of a path."""
        if not isinstance(value, str) or not value or re.search("[\0\ud800-\udfff]", value):
            self._wrong(at, f"expected a text, found {_shown(value)}")
        return value

    def texts(self, value: object, at: int) -> list[str]:
        """Return a list of texts, at least one."""
        if not isinstance(value, list) or not value:
            self._wrong(at, f"expected a list of paths, found {_shown(value)}")
        return [self.text(one, at) for one in value]

    def output(self, value: object, at: int) -> Path:
        """Return the path of an output."""
        from fitsgen.inputs.xml import climbs

        path = Path(self.text(value, at))
        if path.name in ("", ".."):
            self._wrong(at, f"expected the name of a file, found {_shown(value)}")
        if climbs(str(path)):
            self._wrong(at, f"expected a path below the directory of -o, found {_shown(value)}")
        return path

    def parameters(self, value: object, at: int) -> dict[str, object]:
        """Return parameters by their names."""
        if not isinstance(value, dict):
            self._wrong(at, f"expected an object, found {_shown(value)}")
        for name in value:
            if not name.isidentifier():
                self._wrong(at, f"expected names of parameters, found {_shown(name)}")
        return value

    def frame(self, value: object, at: int) -> Frame:
        """Return a frame by its name."""
        known: dict[object, Frame] = {frame.value: frame for frame in Frame}
        if not isinstance(value, str) or value not in known:
            expected = " or ".join(frame.value for frame in Frame)
            self._wrong(at, f"expected {expected}, found {_shown(value)}")
        return known[value]


_FIELDS: dict[str, Callable[[_Line, object, int], Any]] = {
    "inputs": _Line.texts,
    "template": _Line.text,
    "parameters": _Line.parameters,
    "output": _Line.output,
    "frame": _Line.frame,
    "subarray": _Line.text,
}


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:80] + "..."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
