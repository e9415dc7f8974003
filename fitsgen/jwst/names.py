"""The standard name of an uncalibrated exposure, from what identifies it.

In: an exposure identifier, or header values. Out: `jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>_` with
the detector and `_uncal.fits`. Widths are those of `raw_inputs.json`, the project's collection
of facts.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from typing import Any, Protocol, Self

from fitsgen.diagnostics import InputError, Position, Problem, Source
from fitsgen.inputs.headers import Header
from fitsgen.jwst.detectors import by_name
from fitsgen.jwst.values import shown


class Values(Protocol):
    """Header values: a `Header`, an astropy header, or a dict."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the value of a keyword, or the default."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Part of an exposure identifier: its field, the level-1b keyword, the characters it has."""

    field: str
    keyword: str
    width: int
    characters: str = "0-9"


PARTS = (
    Part("program", "PROGRAM", 5),
    Part("observation", "OBSERVTN", 3),
    Part("visit", "VISIT", 3),
    Part("group", "VISITGRP", 2),
    Part("sequence", "SEQ_ID", 1),
    # Base 36 in flight products, decimal in the ground tests: kept as it is written.
    Part("activity", "ACT_ID", 2, "0-9A-Z"),
    Part("exposure", "EXPOSURE", 5),
)

_IDENTIFIER = re.compile("".join(f"([{part.characters}]{{{part.width}}})" for part in PARTS))


@dataclass(frozen=True, slots=True)
class ExposureId:
    """What identifies an exposure, each part as text of its full width."""

    program: str
    observation: str
    visit: str
    group: str
    sequence: str
    activity: str
    exposure: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an exposure identifier of 21 characters apart.

        Raises
        ------
        InputError
            It does not have the form.

        """
        found = _IDENTIFIER.fullmatch(text)
        if found is None:
            form = ", ".join(f"{part.field} ({part.width})" for part in PARTS)
            message = f"the exposure identifier {shown(text)} is not 21 characters: {form}"
            raise InputError(Problem(message))
        return cls(*found.groups())

    def __str__(self) -> str:
        return "".join(astuple(self))

    def file_name(self, detector: str) -> str:
        """Return the standard name; raises `InputError` where there is no such detector."""
        known = by_name(detector)
        if known is None:
            raise InputError(Problem(f"{shown(detector)} is no detector of JWST"))
        return (
            f"jw{self.program}{self.observation}{self.visit}"
            f"_{self.group}{self.sequence}{self.activity.lower()}"
            f"_{self.exposure}_{known.name.lower()}_uncal.fits"
        )


def standard_name(values: Values) -> str:
    """Return the standard name of an exposure, from the values of a level-1b header.

    It reads PROGRAM, OBSERVTN, VISIT, VISITGRP, SEQ_ID, ACT_ID, EXPOSURE and DETECTOR; numbers
    are filled with zeros.

    Raises
    ------
    InputError
        With every part that is missing or wrong, and its keyword.

    """
    parts = [_part(part, values) for part in PARTS]
    detector = _detector(values)
    faults = [one.message for one in (*parts, detector) if isinstance(one, _Fault)]
    if faults:
        position = Position(Source(values.place.file)) if isinstance(values, Header) else None
        message = "the standard name cannot be made: "
        raise InputError([Problem(message + fault, position) for fault in faults])
    return ExposureId(*map(str, parts)).file_name(str(detector))


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a part of a name cannot be made."""

    message: str


def _part(part: Part, values: Values) -> str | _Fault:
    value = values.get(part.keyword)
    match value:
        case None:
            text = ""
        case str():
            text = value.strip().upper()
        case int() if not isinstance(value, bool) and value >= 0:
            text = str(value)
        case _:
            text = shown(value)
    if not text:
        return _Fault(f"{part.keyword} (the {part.field}) is missing")
    if not re.fullmatch(f"[{part.characters}]{{1,{part.width}}}", text):
        kind = "digits" if part.characters == "0-9" else "digits or letters"
        return _Fault(
            f"{part.keyword} (the {part.field}) is {shown(value)}: "
            f"expected at most {part.width} {kind}"
        )
    return text.zfill(part.width)


def _detector(values: Values) -> str | _Fault:
    value = values.get("DETECTOR")
    if value is None or (isinstance(value, str) and not value.strip()):
        return _Fault("DETECTOR is missing")
    detector = by_name(value) if isinstance(value, str) else None
    return detector.name if detector else _Fault(f"DETECTOR is {shown(value)}, which is none")
