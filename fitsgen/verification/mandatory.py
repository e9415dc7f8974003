"""The mandatory keywords: there, once, in order and in fixed format (FITS Standard 4.0, 4.4.1).

In: the cards of an HDU and what it holds. Out: `Fault`s.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from fitsgen.diagnostics import Severity
from fitsgen.inputs.structure import Kind, Structure
from fitsgen.verification.cardtext import Card, Cards, Fault

_FIXED_INTEGER = re.compile(r" *[+-]?[0-9]+")
_ONCE = frozenset("SIMPLE XTENSION BITPIX NAXIS PCOUNT GCOUNT TFIELDS".split())
_ONCE_INDEXED = {
    Kind.TABLE: {"TFORM"},
    Kind.COMPRESSED: {"TFORM"},
    Kind.ASCII_TABLE: {"TFORM", "TBCOL"},
}
# Names that the FITS Standard 4.0, section 7 and appendix F, has.
_REGISTERED = frozenset("IMAGE TABLE BINTABLE IUEIMAGE A3DTABLE FOREIGN DUMP".split())


def faults(cards: Cards, structure: Structure) -> Iterator[Fault]:
    """Yield what is wrong with the mandatory keywords."""
    yield from _order(cards, structure)
    yield from _repeated(cards, structure.kind)
    yield from _fixed_format(cards, structure.kind)
    yield from _axes(cards, structure)
    yield from _counts(cards, structure)
    if structure.kind is Kind.PRIMARY:
        yield from _primary(cards, structure)
    else:
        yield from _extension(cards)


def _order(cards: Cards, structure: Structure) -> Iterator[Fault]:
    expected = _leading(structure)
    section = "4.4.1.1" if structure.kind is Kind.PRIMARY else "4.4.1.2"
    moved = False
    for number, keyword in enumerate(expected, 1):
        card = cards.get(keyword)
        if card is None:
            yield Fault(f"{keyword} is missing: expected in card {number}", section)
            moved = True
        elif card.number != number and not moved:
            yield Fault(f"{keyword} is not in its place: expected in card {number}", section, card)
            moved = True


def _leading(structure: Structure) -> list[str]:
    primary = structure.kind is Kind.PRIMARY
    keywords = ["SIMPLE" if primary else "XTENSION", "BITPIX", "NAXIS"]
    keywords += [f"NAXIS{n}" for n in range(1, len(structure.axes) + 1)]
    if not primary:
        keywords += ["PCOUNT", "GCOUNT"]
    return [*keywords, "TFIELDS"] if structure.kind.is_table else keywords


def _repeated(cards: Cards, kind: Kind) -> Iterator[Fault]:
    same: dict[str, list[Card]] = defaultdict(list)
    for card in cards:
        if card.is_value:
            same[card.keyword].append(card)
    for keyword, found in same.items():
        if len(found) > 1:
            severity = Severity.ERROR if _is_mandatory(keyword, kind) else Severity.WARNING
            yield Fault(f"{keyword} is there {len(found)} times", "4.1.2.3", found[1], severity)


def _is_mandatory(keyword: str, kind: Kind) -> bool:
    stem = keyword.rstrip("0123456789")
    indexed = stem != keyword and stem in {"NAXIS"} | _ONCE_INDEXED.get(kind, set())
    return keyword in _ONCE or indexed


def _fixed_format(cards: Cards, kind: Kind) -> Iterator[Fault]:
    for card in cards:
        if card.has_value and _is_mandatory(card.keyword, kind) and not _is_fixed(card):
            place = {
                bool: "T or F in column 30",
                int: "its digits to end in column 30",
            }.get(type(card.value), "its first quote in column 11, its last in 20 or after")
            message = f"{card.keyword} is not in fixed format: expected {place}"
            yield Fault(message, "4.2", card)


def _is_fixed(card: Card) -> bool:
    field = card.raw[10:30]
    match card.value:
        case bool():
            return field.strip() == field[19]
        case int():
            return _FIXED_INTEGER.fullmatch(field) is not None
        case str() if card.keyword == "XTENSION":
            return field.startswith("'") and "'" not in field[1:9]
        case str():
            return field.startswith("'")
        case _:
            return True


def _axes(cards: Cards, structure: Structure) -> Iterator[Fault]:
    count = len(structure.axes)
    for key in cards.indexed:
        if key.stem == "NAXIS" and not 1 <= key.index <= count:
            message = f"{key.card.keyword} is there, but NAXIS is {count}"
            yield Fault(message, "4.4.1.1", key.card)


def _counts(cards: Cards, structure: Structure) -> Iterator[Fault]:
    """Yield PCOUNT and GCOUNT where the kind of HDU has them otherwise."""
    match structure.kind:
        case Kind.IMAGE:
            expected, section = {"PCOUNT": 0, "GCOUNT": 1}, "7.1.1"
        case Kind.ASCII_TABLE:
            expected, section = {"PCOUNT": 0}, "7.2.1"
        case _:
            return
    for keyword, value in expected.items():
        card, found = cards.get(keyword), cards.integer(keyword)
        if card and found != value:
            yield Fault(f"{keyword} is {found}: expected {value}", section, card)


def _primary(cards: Cards, structure: Structure) -> Iterator[Fault]:
    for card in cards.some(["XTENSION"]):
        yield Fault("XTENSION is for extensions only", "4.4.1.2", card)
    if structure.groups:
        message = "random groups are deprecated: a binary table holds the same"
        yield Fault(message, "6", cards.get("GROUPS"), Severity.WARNING)
        for keyword in ("PCOUNT", "GCOUNT"):
            if cards.get(keyword) is None:
                yield Fault(f"{keyword} is missing", "6.1.1")
    else:
        for card in cards.some(["PCOUNT", "GCOUNT"]):
            message = f"{card.keyword} is for extensions and random groups only"
            yield Fault(message, "4.4.1.2", card)


def _extension(cards: Cards) -> Iterator[Fault]:
    for card in cards.some(["SIMPLE", "EXTEND", "BLOCKED"]):
        section = "4.4.1.1" if card.keyword == "SIMPLE" else "4.4.2.1"
        yield Fault(f"{card.keyword} is for the primary header only", section, card)
    kind = cards.string("XTENSION")
    if kind is not None and kind not in _REGISTERED:
        message = f"{kind!r} is no registered kind of extension"
        yield Fault(message, "4.4.1.2", cards.get("XTENSION"))
