"""A compiled file type to what a file of it must have, without making one.

In: a `FileType`. Out: for each HDU its name, its cards in order with the types
and values that are fixed, and where in the templates they come from.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from fitsgen.diagnostics import Position
from fitsgen.runtime.cards import CardError, plain
from fitsgen.runtime.declare import HDU, Blank, Card, FileType, Heading
from fitsgen.runtime.evaluate import COMMENTARY
from fitsgen.runtime.structural import is_checksum, is_leading, is_structural
from fitsgen.valuetypes import ValueType, image_type, value_type

# What fitsgen itself decides, whatever a template has for it.
_DECIDED = frozenset({"SIMPLE", "EXTEND"})


@dataclass(frozen=True)
class Places:
    """Where the items of a file type come from: looked up only where something is wrong."""

    file_type: FileType

    @cached_property
    def _positions(self) -> list[list[Position]]:
        origins = self.file_type.origins
        return origins.positions() if origins else []

    def of(self, hdu: int, item: int = 0) -> Position | None:
        """Return the position of an item of an HDU; the data come after the last."""
        places = self._positions[hdu] if hdu < len(self._positions) else []
        return places[min(item, len(places) - 1)] if places else None


@dataclass(frozen=True, slots=True)
class ExpectedCard:
    """What is known of a card; `value` counts only where it is `fixed`."""

    keyword: str
    index: int
    required: bool
    type: ValueType | None = None
    fixed: bool = False
    value: object = None


@dataclass(frozen=True, slots=True)
class Text:
    """A heading, with how often its text stood in the header before; '' is a blank card."""

    text: str
    index: int


@dataclass(frozen=True, slots=True)
class ExpectedHDU:
    """What an HDU must have; the indices of its items go up to `end`, that of the data."""

    number: int
    name: str
    extname: str | None
    items: tuple[ExpectedCard | Text, ...]
    end: int
    places: Places

    def position(self, index: int = 0) -> Position | None:
        """Return where in the templates an item comes from."""
        return self.places.of(self.number, index)

    def cards(self) -> Iterator[ExpectedCard]:
        """Iterate over the cards with a keyword."""
        return (item for item in self.items if isinstance(item, ExpectedCard))

    @property
    def label(self) -> str:
        """The name in the file, or else in the template."""
        return self.extname or self.name


@lru_cache(maxsize=32)
def expectation(file_type: FileType) -> tuple[ExpectedHDU, ...]:
    """Return what each HDU of a file must have."""
    places = Places(file_type)
    trees = file_type.origins.values() if file_type.origins else []
    return tuple(
        _hdu(number, hdu, trees[number] if trees else [], places, len(file_type.hdus))
        for number, hdu in enumerate(file_type.hdus)
    )


def _hdu(
    number: int, hdu: HDU, trees: list[ast.expr | None], places: Places, count: int
) -> ExpectedHDU:
    items: list[ExpectedCard | Text] = []
    for index, item in enumerate(hdu.items):
        match item:
            case Card():
                tree = trees[index] if trees else None
                if item.keyword not in COMMENTARY:
                    items.append(_card(item, index, tree, has_data=hdu.data is not None))
            case Heading(text=text):
                items.append(Text(text, index))
            case Blank():
                items.append(Text("", index))
    fixed = {item.keyword for item in items if isinstance(item, ExpectedCard) and item.fixed}
    items += (card for card in _implied(number, hdu, trees, count) if card.keyword not in fixed)
    return ExpectedHDU(number, hdu.name, _extname(hdu), tuple(items), len(hdu.items), places)


def _extname(hdu: HDU) -> str | None:
    """Return EXTNAME: '' where there is none, None where only making the file tells."""
    index = hdu.index.get("EXTNAME")
    if index is None:
        return ""
    card = hdu.items[index]
    assert isinstance(card, Card)
    return card.value if isinstance(card.value, str) and not card.optional else None


def _card(card: Card, index: int, tree: ast.expr | None, *, has_data: bool) -> ExpectedCard:
    keyword, required = card.keyword, not card.optional
    if is_checksum(keyword):
        return ExpectedCard(keyword, index, required)
    if is_structural(keyword):
        return _structural(card, index, has_data=has_data)
    if card.reads is not None:
        return ExpectedCard(keyword, index, required, value_type(tree) if tree else None)
    if card.value is None:
        return ExpectedCard(keyword, index, required)
    try:
        value, _ = plain(card.value)
    except CardError:
        return ExpectedCard(keyword, index, required)
    if card.optional and value in (None, ""):
        return ExpectedCard(keyword, index, required=False)
    return ExpectedCard(keyword, index, required, fixed=True, value=value)


def _structural(card: Card, index: int, *, has_data: bool) -> ExpectedCard:
    """A demand on the data: one without data, or without a value, is none."""
    demanded = card.reads is None and card.value not in (None, "") and has_data
    if not demanded or card.keyword in _DECIDED:
        return ExpectedCard(card.keyword, index, required=False)
    return ExpectedCard(card.keyword, index, not card.optional, fixed=True, value=card.value)


def _implied(
    number: int, hdu: HDU, trees: list[ast.expr | None], count: int
) -> Iterator[ExpectedCard]:
    """What fitsgen writes although no line of the template has it."""
    end = len(hdu.items)
    if number == 0 and count > 1:
        yield ExpectedCard("EXTEND", end, required=True, fixed=True, value=True)
    if hdu.data is None:
        yield ExpectedCard("NAXIS", end, required=True, fixed=True, value=0)
        return
    tree = trees[end] if len(trees) > end else None
    image = image_type(tree) if tree else None
    if image and not any(_demands(hdu, keyword) for keyword in ("BITPIX", "BZERO", "BSCALE")):
        bitpix, zero = image
        yield ExpectedCard("BITPIX", end, required=True, fixed=True, value=bitpix)
        if zero:
            yield ExpectedCard("BZERO", end, required=True, fixed=True, value=zero)


def _demands(hdu: HDU, keyword: str) -> bool:
    """Whether a template has a value for a keyword."""
    index = hdu.index.get(keyword)
    item = hdu.items[index] if index is not None else None
    return isinstance(item, Card) and item.value is not None


def is_placed(keyword: str) -> bool:
    """Whether a template decides where a keyword stands."""
    return not is_leading(keyword)
