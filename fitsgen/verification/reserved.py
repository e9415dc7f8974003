"""Reserved keywords: types, values and places (FITS Standard 4.0, sections 4.4.2, 8 and 9).

In: the cards of an HDU and what it holds. Out: `Fault`s.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

from fitsgen.diagnostics import Severity
from fitsgen.inputs.cards import COMMENTARY
from fitsgen.inputs.structure import Kind, Structure
from fitsgen.runtime.checks import is_bool, is_integer, is_numeric, is_string
from fitsgen.runtime.functions import fromfitstime
from fitsgen.verification.cardtext import Card, Cards, Fault, Indexed


class Type(enum.Enum):
    """What the value of a keyword must be."""

    TEXT = "a string"
    INTEGER = "an integer"
    NUMBER = "a number"
    LOGICAL = "T or F"

    def admits(self, value: object) -> bool:
        """Whether a value is of the type."""
        match self:
            case Type.TEXT:
                return is_string(value)
            case Type.LOGICAL:
                return is_bool(value)
            case Type.INTEGER:
                return is_integer(value)
            case Type.NUMBER:
                return is_numeric(value)


def _types(**names: str) -> dict[str, Type]:
    return {name: Type[kind] for kind, listed in names.items() for name in listed.split()}


_GENERAL = _types(
    LOGICAL="EXTEND BLOCKED INHERIT GROUPS",
    TEXT="ORIGIN TELESCOP INSTRUME OBSERVER OBJECT AUTHOR REFERENC BUNIT EXTNAME CHECKSUM DATASUM",
    INTEGER="EXTVER EXTLEVEL BLANK TFIELDS THEAP",
    NUMBER="EPOCH BSCALE BZERO DATAMAX DATAMIN",
)
_COORDINATES = _types(
    INTEGER="WCSAXES",
    TEXT="WCSNAME RADESYS SPECSYS SSYSOBS SSYSSRC",
    NUMBER="EQUINOX LONPOLE LATPOLE RESTFRQ RESTWAV VELOSYS ZSOURCE VELANGL",
)
_TIMES = _types(
    TEXT="TIMESYS TREFPOS TREFDIR PLEPHEM TIMEUNIT OBSORBIT RADECSYS",
    NUMBER="""MJD-OBS MJD-AVG MJD-BEG MJD-END MJDREF MJDREFI MJDREFF JDREF JDREFI JDREFF
        TSTART TSTOP JEPOCH BEPOCH XPOSURE TELAPSE TIMEOFFS TIMEDEL TIMEPIXR TIMSYER TIMRDER
        OBSGEO-X OBSGEO-Y OBSGEO-Z OBSGEO-B OBSGEO-L OBSGEO-H RESTFREQ""",
)
_AXES = _types(TEXT="CTYPE CUNIT CNAME", NUMBER="CRPIX CRVAL CDELT CROTA CRDER CSYER CZPHS CPERI")
_MATRICES = _types(TEXT="PS", NUMBER="PC CD PV")
_DEPRECATED = {"BLOCKED": "", "EPOCH": "EQUINOX", "RADECSYS": "RADESYS"}
_OF_ARRAYS = ("BSCALE", "BZERO", "BUNIT", "BLANK", "DATAMAX", "DATAMIN")
# Signed years have five digits (section 9.1.1).
_DATE = re.compile(r"([0-9]{4}|[+-][0-9]{5})-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d*)?)?", re.ASCII)
_OLD_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{2})")


def faults(cards: Cards, structure: Structure) -> Iterator[Fault]:
    """Yield what is wrong with reserved keywords that are not about columns."""
    for card in cards:
        yield from _typed(card) if card.is_value else _indicator(card)
        if card.has_value and card.keyword.startswith("DATE") and isinstance(card.value, str):
            yield from _date(card, card.value.strip())
        if card.keyword in _DEPRECATED and card.is_value:
            instead = _DEPRECATED[card.keyword]
            message = f"{card.keyword} is deprecated" + (f": use {instead}" if instead else "")
            yield Fault(message, "4.4.2", card, Severity.WARNING)
    yield from _scaling(cards)
    if structure.kind in (Kind.PRIMARY, Kind.IMAGE):
        yield from _blank(cards, structure.bitpix)
        yield from _coordinates(cards, len(structure.axes))
    elif structure.kind in (Kind.TABLE, Kind.ASCII_TABLE):
        for card in cards.some(_OF_ARRAYS):
            yield Fault(f"{card.keyword} is for arrays, not for tables", "4.4.2.5", card)
    if structure.kind is Kind.PRIMARY:
        for card in cards.some(["INHERIT"]):
            message = "INHERIT is for extensions only"
            yield Fault(message, "4.4.2.6", card, Severity.WARNING)


def type_of(keyword: str) -> tuple[Type, str] | None:
    """Return what the value of a reserved keyword must be, and the section that says so."""
    for names, section in ((_GENERAL, "4.4.2"), (_COORDINATES, "8.2"), (_TIMES, "9")):
        if keyword in names:
            return names[keyword], section
    if keyword.startswith("DATE"):
        return Type.TEXT, "4.4.2.1"
    # An alternate description of coordinates has a letter at the end: CRVAL1A, EQUINOXB.
    plain = keyword[:-1] if keyword[-1:].isupper() else keyword
    if plain in _COORDINATES:
        return _COORDINATES[plain], "8.2"
    stem, _, digits = plain.partition("_")
    name = stem.rstrip("0123456789")
    names = _MATRICES if digits.isdigit() else {} if digits else _AXES
    return (names[name], "8.2") if name in names and name != stem else None


def _typed(card: Card) -> Iterator[Fault]:
    expected = None if card.wrong else type_of(card.keyword)
    if expected is None:
        return
    kind, section = expected
    if card.value is not None and not kind.admits(card.value):
        message = f"{card.keyword} is {_shown(card)}: expected {kind.value}"
        yield Fault(message, section, card)
    elif card.is_continued:
        message = f"{card.keyword} goes on in CONTINUE cards, as no reserved keyword may"
        yield Fault(message, "4.2.1.2", card)


def _indicator(card: Card) -> Iterator[Fault]:
    keyword = card.keyword
    if keyword in (*COMMENTARY, "CONTINUE") or (card.wrong and not card.lacks_blank):
        return
    if keyword.startswith("HIERARCH"):
        return
    expected = type_of(keyword)
    message = f"{keyword} has no '= ' in columns 9 and 10, so it has no value but a comment"
    severity = Severity.ERROR if expected else Severity.WARNING
    yield Fault(message, "4.1.2.2", card, severity)


def _shown(card: Card) -> str:
    """Return the value as the card has it: 1.0 and '1' are not 1."""
    return repr(card.value) if isinstance(card.value, str) else card.raw[10:].split("/")[0].strip()


def _date(card: Card, value: str) -> Iterator[Fault]:
    name = card.keyword
    if old := _OLD_DATE.fullmatch(value):
        iso = "19{2}-{1}-{0}".format(*old.groups())
        message = f"{name} has the form DD/MM/YY, which ended with the year 1999: use {iso}"
        yield Fault(message, "4.4.2.1", card, Severity.WARNING)
        value = iso
    elif not _DATE.fullmatch(value):
        message = f"{name} is {value!r}: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ss"
        yield Fault(message, "4.4.2.1", card)
        return
    # Python's calendar has the years 1 to 9999; FITS has others too.
    if value[0].isdigit() and not value.startswith("0000"):
        try:
            fromfitstime(value)
        except ValueError as error:
            yield Fault(f"{name}: {error}", "4.4.2.1", card)


def _scaling(cards: Cards) -> Iterator[Fault]:
    card = cards.get("BSCALE")
    if card and Type.NUMBER.admits(card.value) and card.value == 0:
        message = "BSCALE is 0, so every pixel is BZERO"
        yield Fault(message, "4.4.2.5", card, Severity.WARNING)


def _blank(cards: Cards, bitpix: int) -> Iterator[Fault]:
    card, value = cards.get("BLANK"), cards.integer("BLANK")
    if card is None:
        return
    if bitpix < 0:
        yield Fault(f"BLANK is for integers, but BITPIX is {bitpix}", "4.4.2.5", card)
    elif value is not None and not is_stored(value, bitpix):
        message = f"BLANK is {value}, which no pixel of {bitpix} bits can be"
        yield Fault(message, "4.4.2.5", card, Severity.WARNING)


def is_stored(value: int, bits: int) -> bool:
    """Whether an integer of so many bits (unsigned where they are 8) can have a value."""
    return 0 <= value < 256 if bits == 8 else -(1 << bits - 1) <= value < 1 << bits - 1


def _coordinates(cards: Cards, axes: int) -> Iterator[Fault]:
    found = [key for key in cards.indexed if _is_coordinate(key)]
    for alternate in dict.fromkeys(key.alternate for key in found):
        keys = [key for key in found if key.alternate == alternate]
        yield from _description(keys, cards.get(f"WCSAXES{alternate}"), axes)
        yield from _exclusive(keys)
    for key in found:
        if key.stem == "CDELT" and Type.NUMBER.admits(key.card.value) and key.card.value == 0:
            yield Fault(f"{key.card.keyword} is 0", "8.2", key.card)


def _description(keys: list[Indexed], declared: Card | None, axes: int) -> Iterator[Fault]:
    """Yield what is wrong with the axes of one description of coordinates."""
    first, limit, severity = keys[0].card, axes, Severity.WARNING
    if declared is not None:
        if first.number < declared.number:
            message = f"{declared.keyword} stands after {first.keyword}: expected before it"
            yield Fault(message, "8.2", declared)
        if not isinstance(declared.value, int):
            return
        limit, severity = declared.value, Severity.ERROR
    for key in keys:
        if max(key.index, _second_axis(key)) > limit:
            said = declared.keyword if declared else "NAXIS"
            message = f"{key.card.keyword} is there, but {said} is {limit}"
            yield Fault(message, "8.2", key.card, severity)


def _is_coordinate(key: Indexed) -> bool:
    return key.stem in (_AXES if key.second is None else _MATRICES)


def _second_axis(key: Indexed) -> int:
    return (key.second or 0) if key.stem in ("PC", "CD") else 0


def _exclusive(keys: list[Indexed]) -> Iterator[Fault]:
    first = {key.stem: key.card for key in reversed(keys)}
    for one, other in (("PC", "CD"), ("CROTA", "PC")):
        if one in first and other in first:
            message = f"{first[one].keyword} and {first[other].keyword} exclude each other"
            yield Fault(message, "8.2", first[one])
