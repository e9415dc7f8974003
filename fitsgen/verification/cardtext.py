"""The text of a header's cards to what breaks the FITS Standard 4.0, sections 4.1 and 4.2.

In: the header of an HDU. Out: `Cards`, which the other rules look keywords up in,
and `Fault`s: of characters, keywords, value indicators, values and CONTINUE cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from fitsgen.blocks import CARD
from fitsgen.diagnostics import Severity
from fitsgen.inputs.cards import COMMENTARY, CardText, Value
from fitsgen.inputs.headers import Header

_INDEXED = re.compile(r"([A-Z]+)([0-9]+)(?:_([0-9]+))?([A-Z]?)")
_SMALL_EXPONENT = re.compile(r"[0-9.][ed][+-]?[0-9]")


@dataclass(frozen=True, slots=True)
class Card:
    """A card with the CONTINUE cards that belong to it: `number` counts from 1.

    `wrong` says why it cannot be read; then it has no value. `is_value` tells whether
    there is a value indicator (section 4.1.2.2).
    """

    number: int
    keyword: str
    value: Value
    raw: str
    wrong: str
    is_value: bool

    @property
    def has_value(self) -> bool:
        """Whether there is a value indicator, and a value that can be read (it may be empty)."""
        return self.is_value and not self.wrong

    @property
    def lacks_blank(self) -> bool:
        """Whether column 9 has a '=' that is no value indicator, for no blank follows it."""
        return self.raw[8] == "=" and self.raw[9] != " "

    @property
    def is_continued(self) -> bool:
        """Whether its string goes on in CONTINUE cards."""
        return len(self.raw) > CARD


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a header that the standard forbids (or, as a warning, advises against)."""

    message: str
    section: str
    card: Card | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Indexed:
    """A keyword with an index: CRVAL2A has `index` 2 and `alternate` 'A', PC2_1 has `second` 1."""

    stem: str
    index: int
    second: int | None
    alternate: str
    card: Card


class Cards:
    """The cards of a header, to be looked up by keyword."""

    def __init__(self, header: Header) -> None:
        self.all = tuple(
            Card(number, card.keyword, card.value, card.raw, wrong, _is_value(card))
            for number, card, wrong in header.attempts()
        )
        self._first = {card.keyword: card for card in reversed(self.all)}

    def __iter__(self) -> Iterator[Card]:
        return iter(self.all)

    def get(self, keyword: str) -> Card | None:
        """Return the first card of a keyword."""
        return self._first.get(keyword)

    def some(self, keywords: Iterable[str]) -> Iterator[Card]:
        """Yield the first card of each of these keywords that the header has."""
        for keyword in keywords:
            if card := self._first.get(keyword):
                yield card

    def value(self, keyword: str) -> Value:
        """Return the value of a keyword, or None where it is missing, undefined or wrong."""
        card = self._first.get(keyword)
        return card.value if card and card.has_value else None

    def integer(self, keyword: str) -> int | None:
        """Return the value of a keyword where it is an integer."""
        value = self.value(keyword)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def string(self, keyword: str) -> str | None:
        """Return the value of a keyword where it is a string."""
        value = self.value(keyword)
        return value if isinstance(value, str) else None

    @cached_property
    def indexed(self) -> tuple[Indexed, ...]:
        """Every card whose keyword has an index."""
        found = ((_INDEXED.fullmatch(card.keyword), card) for card in self.all if card.is_value)
        return tuple(
            Indexed(match[1], int(match[2]), int(match[3]) if match[3] else None, match[4], card)
            for match, card in found
            if match
        )


def _is_value(card: CardText) -> bool:
    if card.raw[8:10] == "= ":
        return card.keyword not in COMMENTARY
    return card.keyword.startswith("HIERARCH ")


def faults(cards: Cards) -> Iterator[Fault]:
    """Yield what is wrong with the text of cards, whatever their keyword is."""
    for card in cards:
        yield from _text(card)


def _text(card: Card) -> Iterator[Fault]:
    if card.keyword.startswith("HIERARCH"):
        # The standard takes these for comments; the convention, and readers, for values.
        if card.wrong:
            message = f"{card.keyword}: {card.wrong}"
            yield Fault(message, "4.1.2.3", card, Severity.WARNING)
    elif card.wrong and not card.lacks_blank:
        is_text = card.raw.isascii() and card.raw.isprintable()
        section = "4.1.2, 4.2" if is_text else "4.1.1"
        yield Fault(f"{card.raw[:8].strip()}: {card.wrong}", section, card)
    elif card.keyword == "CONTINUE":
        message = "this CONTINUE continues nothing: no string that ends in & is before it"
        yield Fault(message, "4.2.1.2", card, Severity.WARNING)
    elif card.is_value and isinstance(card.value, float | complex):
        token = card.raw[10:].partition("/")[0].strip()
        if _SMALL_EXPONENT.search(token):
            message = f"{card.keyword}: `{token}` has its exponent in lower case: expected E or D"
            yield Fault(message, "4.2.4", card)
