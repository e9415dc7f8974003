"""What a file was made from, as a value.

In: the JSON that was written beside a file, or the same facts from elsewhere. Out: a `Record`, or
in plain words what is wrong. Where it comes from is not trusted: of what it says, nothing is done
here.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar

FORMAT: Final = 1
MAX_SIZE = 2**20
"""The most characters of a record; those of real files have some thousands."""
MAX_SHOWN = 40

Kind = TypeVar("Kind")

_MAY_BE_LEFT_OUT = ("path", "subarray")
# What could act on a terminal, and what no path has: half a character.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udc7f\udd00-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = {str: "a text", int: "a number", bool: "true or false", dict: "an object", list: "a list"}


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read or made.

    name
        Of an input, that of its source; of a template, as it was given.
    path
        Where it was; '' for a template that comes with fitsgen.
    size
        In bytes.
    sha256
        The SHA-256 of its bytes, in hexadecimal digits.

    """

    name: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Include:
    """A file that a template includes: what it is called in messages, and its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for besides files and parameters, as far as bytes depend on it.

    mark
        Whether a value that fails leaves an undefined one.
    history
        Whether the record stands in the file itself.
    name
        What fills in a FILENAME that has no expression.

    """

    frame: str
    subarray: str
    checksum: bool
    mark: bool
    history: bool
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a file was made from.

    fitsgen, python, numpy, platform
        The versions, and the system with its kind of processor.
    clock
        The instant of `now()`: ISO, UTC.
    directories
        Those of -I and FITSGEN_PATH from which something was included.
    missing
        What is not recorded, and why, in words: without it the file cannot be made again.
    parameters
        By name, as Python literals.
    output
        None where the record stands in the output itself.

    """

    fitsgen: str
    python: str
    numpy: str
    platform: str
    clock: str
    directories: tuple[str, ...]
    missing: tuple[str, ...]
    template: File
    includes: tuple[Include, ...]
    inputs: tuple[File, ...]
    parameters: Mapping[str, str]
    asked: Asked
    output: File | None = None
    format: int = field(default=FORMAT, kw_only=True)

    @property
    def instant(self) -> datetime.datetime:
        """The clock as a time."""
        return datetime.datetime.fromisoformat(self.clock)


def plain(record: Record) -> dict[str, Any]:
    """Return a record as what JSON holds; what says nothing is left out."""
    facts = {"format": record.format, **asdict(record)}
    said = {key: _said(value) for key, value in facts.items() if value is not None}
    # A parameter may have any name, also that of a member that may be left out.
    return {**said, "parameters": dict(record.parameters)}


def _said(value: Any) -> Any:
    match value:
        case dict():
            return {k: one for k, one in value.items() if one or k not in _MAY_BE_LEFT_OUT}
        case tuple():
            return [_said(one) for one in value]
    return value


def to_json(record: Record) -> str:
    """Return a record as JSON; raises `ValueError` where it is too long to be read again."""
    text = json.dumps(plain(record), indent=2) + "\n"
    require_size(len(text))
    return text


def from_json(text: str) -> Record:
    """Return the record that JSON holds; raises `ValueError`."""
    require_size(len(text))
    try:
        return record_of(json.loads(text))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def require_readable(record: Record) -> None:
    """Refuse what could not be read again, in either form; raises `ValueError`."""
    from_json(to_json(record))


def require_size(size: int) -> None:
    """Refuse a record that is too long; raises `ValueError`."""
    if size > MAX_SIZE:
        raise ValueError(f"the record has {size:,} characters; {MAX_SIZE:,} are the most")


def record_of(value: object) -> Record:
    """Return the record that plain values hold; raises `ValueError` with what is wrong, and where.

    Parameters
    ----------
    value
        As `plain` gives it.

    """
    top = _Object(value, "the record")
    number = top.get("format", int)
    if number != FORMAT:
        raise ValueError(f"it has format {number}; this fitsgen knows {FORMAT}")
    record = Record(
        fitsgen=top.text("fitsgen"),
        python=top.text("python"),
        numpy=top.text("numpy"),
        platform=top.text("platform"),
        clock=top.text("clock"),
        directories=top.texts("directories"),
        missing=top.texts("missing"),
        template=_file(top.object("template")),
        includes=tuple(_include(one) for one in top.objects("includes")),
        inputs=tuple(_file(one) for one in top.objects("inputs")),
        parameters=top.object("parameters").rest(),
        asked=_asked(top.object("asked")),
        output=_file(top.object("output")) if "output" in top else None,
    )
    top.close()
    if not _is_instant(record.clock):
        raise ValueError(f"clock: expected a date and time, found {_shown(record.clock)}")
    return record


def _is_instant(text: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def _file(one: _Object) -> File:
    file = File(one.text("name"), one.text("path", ""), one.get("size", int), one.digest())
    one.close()
    return file


def _include(one: _Object) -> Include:
    include = Include(one.text("name"), one.digest())
    one.close()
    return include


def _asked(one: _Object) -> Asked:
    asked = Asked(
        frame=one.text("frame"),
        subarray=one.text("subarray", ""),
        checksum=one.get("checksum", bool),
        mark=one.get("mark", bool),
        history=one.get("history", bool),
        name=one.text("name"),
    )
    one.close()
    return asked


class _Object:
    """An object of a record while it is taken apart: each member once, and none is left."""

    def __init__(self, value: object, where: str) -> None:
        self._where = where
        self._rest = dict(_of_kind(value, dict, where))

    def __contains__(self, key: str) -> bool:
        return key in self._rest

    def get(self, key: str, kind: type[Kind]) -> Kind:
        if key not in self._rest:
            raise ValueError(f"{self._where} has no {key}")
        return _of_kind(self._rest.pop(key), kind, self._at(key))

    def text(self, key: str, default: str | None = None) -> str:
        if default is not None and key not in self._rest:
            return default
        return _text(self.get(key, str), self._at(key))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_text(one, self._at(key)) for one in self.get(key, list))

    def digest(self) -> str:
        text = self.text("sha256")
        if not _SHA256.fullmatch(text):
            at = self._at("sha256")
            raise ValueError(f"{at}: expected 64 hexadecimal digits, found {_shown(text)}")
        return text

    def object(self, key: str) -> _Object:
        return _Object(self.get(key, dict), self._at(key))

    def objects(self, key: str) -> list[_Object]:
        found = self.get(key, list)
        return [_Object(one, f"{self._at(key)} {number}") for number, one in enumerate(found, 1)]

    def rest(self) -> dict[str, str]:
        """Take all that is left, which are texts."""
        return {key: self.text(key) for key in list(self._rest)}

    def close(self) -> None:
        if self._rest:
            key = _shown(next(iter(self._rest)))
            raise ValueError(f"{self._where} has {key}, which is not known")

    def _at(self, key: str) -> str:
        return key if self._where == "the record" else f"{self._where}: {key}"


def _of_kind(value: object, kind: type[Kind], where: str) -> Kind:
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise ValueError(f"{where}: expected {_KINDS[kind]}, found {_shown(value)}")
    return value


def _text(value: object, where: str) -> str:
    text = _of_kind(value, str, where)
    if unsafe := _UNSAFE.search(text):
        raise ValueError(f"{where}: a text has {unsafe[0]!a} in it")
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
