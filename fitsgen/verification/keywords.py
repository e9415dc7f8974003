"""The cards of an HDU against those that its template makes: presence, type, value, order."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fitsgen.diagnostics import Severity
from fitsgen.inputs.cards import COMMENTARY
from fitsgen.runtime.structural import is_structural
from fitsgen.valuetypes import type_of
from fitsgen.verification.expected import ExpectedCard, ExpectedHDU, Text, is_placed
from fitsgen.verification.findings import Finding, finding, shown
from fitsgen.verification.found import UNREADABLE, FoundCard, FoundHDU

MAX_HINTS = 100
"""To look for near keywords takes most of the time where a header is of another kind."""

# What any file may have besides what its template makes.
_ANYWHERE = COMMENTARY | {"CONTINUE", "LONGSTRN"}


def compare(expected: ExpectedHDU, found: FoundHDU) -> Iterator[Finding]:
    """Yield what is wrong with the cards of an HDU."""
    there: dict[str, FoundCard] = {}
    for card in found.cards:
        there.setdefault(card.keyword, card)
    yield from _presence(expected, found, there)
    yield from _repeated(expected, found, there)
    for wanted in expected.cards():
        match there.get(wanted.keyword):
            case FoundCard() as card if card.value is not UNREADABLE:
                yield from _value(expected, wanted, found, card)
    yield from _order(expected, found)


def _presence(
    expected: ExpectedHDU, found: FoundHDU, there: dict[str, FoundCard]
) -> Iterator[Finding]:
    """Tell of missing keywords and of strangers; a stranger may be a missing one, misspelt."""
    known = {card.keyword for card in expected.cards()}
    strangers = {
        keyword: card
        for keyword, card in there.items()
        if keyword not in known and keyword not in _ANYWHERE and not is_structural(keyword)
    }
    for wanted in expected.cards():
        if wanted.keyword in there or not _is_required(wanted, there):
            continue
        position = expected.position(wanted.index)
        near = difflib.get_close_matches(wanted.keyword, strangers, 1)
        if near:
            card = strangers.pop(near[0])
            message = f"{near[0]} should be {wanted.keyword}"
            yield finding(message, found.place(card), position, "is it misspelt?")
        else:
            place = found.place(keyword=wanted.keyword)
            yield finding(f"{wanted.keyword} is missing", place, position)
    for number, card in enumerate(strangers.values()):
        near = difflib.get_close_matches(card.keyword, known, 1) if number < MAX_HINTS else []
        hint = f"did you mean {near[0]}?" if near else ""
        message = f"{card.keyword} is no keyword of {expected.name}"
        yield finding(message, found.place(card), hint=hint, severity=Severity.WARNING)


def _repeated(
    expected: ExpectedHDU, found: FoundHDU, there: Mapping[str, FoundCard]
) -> Iterator[Finding]:
    known = {card.keyword: card for card in expected.cards()}
    for card in found.cards:
        wanted = known.get(card.keyword)
        if wanted and card is not there[card.keyword]:
            message = f"{card.keyword} stands a second time"
            yield finding(message, found.place(card), expected.position(wanted.index))


def _is_required(wanted: ExpectedCard, there: Mapping[str, FoundCard]) -> bool:
    """Whether a keyword must be there: one of a column, only where there are columns."""
    of_column = is_structural(wanted.keyword) and wanted.keyword[-1:].isdigit()
    return wanted.required and (not of_column or "TFIELDS" in there)


def _value(
    expected: ExpectedHDU, wanted: ExpectedCard, found: FoundHDU, card: FoundCard
) -> Iterator[Finding]:
    message = ""
    if wanted.fixed:
        if not _same(wanted.value, card.value, strict=not is_structural(card.keyword)):
            message = f"{card.keyword} is {shown(card.value)}: expected {shown(wanted.value)}"
    elif wanted.type and type_of(card.value) is not wanted.type:
        message = f"{card.keyword} is {shown(card.value)}: expected type {wanted.type.value}"
    if message:
        yield finding(message, found.place(card), expected.position(wanted.index))


def _same(wanted: object, value: object, *, strict: bool) -> bool:
    """Whether a value is the one wanted; blanks at the end of a text do not count.

    Where it is not strict, a whole number stands for a float too (FITS 4.0, section 4.2.4).
    """
    if isinstance(wanted, str) and isinstance(value, str):
        return wanted.rstrip() == value.rstrip()
    if isinstance(wanted, bool) or isinstance(value, bool) or strict:
        return type(wanted) is type(value) and wanted == value
    return wanted == value


def _order(expected: ExpectedHDU, found: FoundHDU) -> Iterator[Finding]:
    """Tell of cards and headings that stand elsewhere, and of headings that are not there."""
    wanted = dict(_keyed_items(expected))
    there = list(_keyed_cards(found))
    rank = {key: number for number, key in enumerate(wanted)}
    keys = {key for key, _ in there}
    lost = [item for key, item in wanted.items() if isinstance(item, Text) and key not in keys]
    for item in lost:
        if item.text:
            message = f"the heading {item.text!r} is missing"
            yield finding(message, found.place(), expected.position(item.index))
    if blank := [item for item in lost if not item.text]:
        message = f"{len(blank)} blank card{'s' * (len(blank) > 1)} missing"
        yield finding(message, found.place(), expected.position(blank[0].index))
    known = [(key, card) for key, card in there if key in rank]
    keep = _longest_rise([rank[key] for key, _ in known])
    names = list(wanted)
    for number, (key, card) in enumerate(known):
        if number not in keep:
            after = f"after {_name(names[rank[key] - 1])}" if rank[key] else "before all others"
            message = f"{_name(key)} stands elsewhere: expected {after}"
            position = expected.position(wanted[key].index)
            yield finding(message, found.place(card), position)


Key = tuple[str, str, int]
"""A keyword, or '' and the text of a heading with how often it stood there before."""


def _keyed_items(expected: ExpectedHDU) -> Iterator[tuple[Key, ExpectedCard | Text]]:
    seen: Counter[str] = Counter()
    for item in expected.items:
        if isinstance(item, Text):
            yield ("", item.text, seen[item.text]), item
            seen[item.text] += 1
        elif is_placed(item.keyword) and item.index < expected.end:
            yield (item.keyword, "", 0), item


def _keyed_cards(found: FoundHDU) -> Iterator[tuple[Key, FoundCard]]:
    seen: Counter[str] = Counter()
    for card in found.cards:
        text = str(card.value).strip() if card.keyword == "" else card.keyword
        key = ("", text, seen[text]) if card.keyword == "" else (card.keyword, "", seen[text])
        seen[text] += 1
        if card.keyword == "" or not key[2]:
            yield key, card


def _name(key: Key) -> str:
    keyword, text, _ = key
    return keyword or (f"the heading {text!r}" if text else "a blank card")


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the places of a longest rising run: what is left over is out of order."""
    ends: list[int] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        at = bisect_left(ends, number)
        before.append(places[at - 1] if at else None)
        ends[at : at + 1] = [number]
        places[at : at + 1] = [place]
    kept: set[int] = set()
    place_or_none = places[-1] if places else None
    while place_or_none is not None:
        kept.add(place_or_none)
        place_or_none = before[place_or_none]
    return kept
