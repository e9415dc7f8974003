"""Ways to damage a FITS file, card by card and HDU by HDU: bytes in, bytes out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from fitsgen.inputs.fits import FitsFile
from fitsgen.runtime.structural import is_structural
from fitsgen.valuetypes import ValueType, type_of
from fitsgen.verification.expected import ExpectedCard, ExpectedHDU, Text

CARD = 80
BLOCK = 2880
STRUCTURAL = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXTEND")


@dataclass(frozen=True)
class Unit:
    """An HDU: its cards without END, and its data with padding."""

    cards: tuple[str, ...]
    data: bytes

    def render(self) -> bytes:
        text = "".join([*self.cards, "END".ljust(CARD)]).encode("ascii")
        return text.ljust(-(-len(text) // BLOCK) * BLOCK) + self.data


def units(file: FitsFile) -> tuple[Unit, ...]:
    found = []
    for hdu in file:
        text = hdu.header.raw.decode("ascii")
        cards = tuple(text[i : i + CARD] for i in range(0, len(text), CARD))
        data = bytes(hdu.raw_data())
        found.append(Unit(cards, data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")))
    return tuple(found)


def keyword(card: str) -> str:
    return card[:8].rstrip()


def value(card: str) -> str:
    """Return the value field of a card: without its comment."""
    field = card[10:]
    if field.lstrip().startswith("'"):
        start = field.index("'")
        end = field.find("'", start + 1)
        return field[start : end + 1 or None]
    return field.split("/")[0].strip()


def with_value(card: str, text: str) -> str:
    return f"{card[:8]}= {text:>20}"[:CARD].ljust(CARD)


@dataclass(frozen=True)
class Target:
    """A file with what its template says of it, and where the dice fall."""

    units: tuple[Unit, ...]
    expected: tuple[ExpectedHDU, ...]
    dice: random.Random

    def where(self, wanted: Callable[[int, str], bool]) -> tuple[int, int] | None:
        """Choose a card: an HDU and a place in its header."""
        places = [
            (number, place)
            for number, unit in enumerate(self.units)
            for place, card in enumerate(unit.cards)
            if wanted(number, card)
        ]
        return self.dice.choice(places) if places else None

    def known(self, number: int, card: str) -> ExpectedCard | None:
        found = [c for c in self.expected[number].cards() if c.keyword == keyword(card)]
        return found[-1] if found else None

    def required(self, number: int, card: str) -> bool:
        known = self.known(number, card)
        return bool(known and known.required) or keyword(card).startswith(STRUCTURAL[:-1])

    def changed(self, number: int, cards: list[str]) -> tuple[Unit, ...]:
        unit = replace(self.units[number], cards=tuple(cards))
        return (*self.units[:number], unit, *self.units[number + 1 :])


Damage = Callable[[Target], tuple[Unit, ...] | None]


def dropped(wanted: Callable[[Target, int, str], bool]) -> Damage:
    def damage(target: Target) -> tuple[Unit, ...] | None:
        where = target.where(lambda number, card: wanted(target, number, card))
        if where is None:
            return None
        cards = list(target.units[where[0]].cards)
        del cards[where[1]]
        return target.changed(where[0], cards)

    return damage


def edited(
    wanted: Callable[[Target, int, str], bool], edit: Callable[[str, random.Random], str]
) -> Damage:
    def damage(target: Target) -> tuple[Unit, ...] | None:
        where = target.where(lambda number, card: wanted(target, number, card))
        if where is None:
            return None
        cards = list(target.units[where[0]].cards)
        card = edit(cards[where[1]], target.dice)
        before = cards[where[1]]
        if (keyword(card), value(card)) == (keyword(before), value(before)):
            return None
        cards[where[1]] = card
        return target.changed(where[0], cards)

    return damage


def moved(
    wanted: Callable[[Target, int, str], bool], to: Callable[[int, int, random.Random], int]
) -> Damage:
    """Take a card out and put it back elsewhere among those that a template places."""

    def damage(target: Target) -> tuple[Unit, ...] | None:
        where = target.where(lambda number, card: wanted(target, number, card))
        if where is None:
            return None
        number, place = where
        cards = list(target.units[number].cards)
        card = cards.pop(place)
        first = sum(keyword(one).startswith(STRUCTURAL) for one in cards)
        at = min(max(to(place, len(cards), target.dice), first), len(cards))
        cards.insert(at, card)
        return None if same_order(target, number, cards) else target.changed(number, cards)

    return damage


def same_order(target: Target, number: int, after: list[str]) -> bool:
    """Whether what the template places still stands in the same order."""

    def placed(cards: Sequence[str]) -> list[str]:
        found = [c for c in cards if plain(target, number, c) or heading(target, number, c)]
        return [keyword(card) or card.strip() for card in found]

    return placed(target.units[number].cards) == placed(after)


def plain(target: Target, number: int, card: str) -> bool:
    """Whether a card is one that the template decides, and not its structure."""
    return bool(target.known(number, card)) and not keyword(card).startswith(STRUCTURAL)


def needed(target: Target, number: int, card: str) -> bool:
    return plain(target, number, card) and target.required(number, card)


def structural(target: Target, number: int, card: str) -> bool:
    return keyword(card).startswith(STRUCTURAL)


def heading(target: Target, number: int, card: str) -> bool:
    texts = [i.text for i in target.expected[number].items if isinstance(i, Text)]
    return not keyword(card) and card.strip() in texts


def of_type(kind: str, required: bool = True) -> Callable[[Target, int, str], bool]:
    def wanted(target: Target, number: int, card: str) -> bool:
        if not plain(target, number, card) or (required and not needed(target, number, card)):
            return False
        return type_name(value(card)) == kind

    return wanted


def type_name(text: str) -> str:
    if text.startswith("'"):
        return "text"
    if text in ("T", "F"):
        return "logical"
    if not text:
        return "undefined"
    return "float" if set(text) & set(".E") else "integer"


def fixed(kind: str = "") -> Callable[[Target, int, str], bool]:
    def wanted(target: Target, number: int, card: str) -> bool:
        known = target.known(number, card)
        right = not kind or type_name(value(card)) == kind
        return bool(known and known.fixed) and right and plain(target, number, card)

    return wanted


def surely(kind: ValueType) -> Callable[[Target, int, str], bool]:
    """Whether a card has a type by its template: what is copied may be any number."""

    def wanted(target: Target, number: int, card: str) -> bool:
        known = target.known(number, card)
        if known is None or is_structural(known.keyword):
            return False
        sure = known.type is kind or (known.fixed and type_of(known.value) is kind)
        return sure and of_type(kind.value)(target, number, card)

    return wanted


def primary(target: Target, number: int, card: str) -> bool:
    return number == 0 and needed(target, number, card)


def extension(target: Target, number: int, card: str) -> bool:
    return number > 0 and needed(target, number, card)


def renamed(card: str, name: str) -> str:
    return f"{name[:8]:8}{card[8:]}"


def _swapped(card: str, dice: random.Random) -> str:
    name = keyword(card)
    at = dice.randrange(max(len(name) - 1, 1))
    return renamed(card, name[:at] + name[at : at + 2][::-1] + name[at + 2 :])


def _to(text: str) -> Callable[[str, random.Random], str]:
    return lambda card, dice: with_value(card, text)


def hdus_without(number: int) -> Damage:
    def damage(target: Target) -> tuple[Unit, ...] | None:
        if not 0 < number < len(target.units):
            return None
        return (*target.units[:number], *target.units[number + 1 :])

    return damage


def hdus_swapped(one: int, other: int) -> Damage:
    def damage(target: Target) -> tuple[Unit, ...] | None:
        if other >= len(target.units):
            return None
        found = list(target.units)
        found[one], found[other] = found[other], found[one]
        return tuple(found)

    return damage


def hdu_twice(number: int) -> Damage:
    def damage(target: Target) -> tuple[Unit, ...] | None:
        return (*target.units, target.units[number]) if 0 < number < len(target.units) else None

    return damage


def doubled(target: Target) -> tuple[Unit, ...] | None:
    where = target.where(lambda number, card: needed(target, number, card))
    if where is None:
        return None
    cards = list(target.units[where[0]].cards)
    return target.changed(where[0], [*cards, cards[where[1]]])


def ways() -> Iterator[tuple[str, Damage]]:
    """Name every way to damage a file."""
    for name, wanted in (
        *(("any keyword", needed), ("structure", structural), ("a heading", heading)),
        *(("primary", primary), ("extension", extension), ("fixed", fixed())),
        *((f"{kind} keyword", of_type(kind)) for kind in ("text", "integer", "float", "logical")),
    ):
        yield f"drop {name}", dropped(wanted)
    for name, edit in (
        ("two letters swapped", _swapped),
        ("a letter more", lambda card, dice: renamed(card, keyword(card)[:7] + "Q")),
        ("a letter less", lambda card, dice: renamed(card, keyword(card)[:-1])),
        ("first letter", lambda card, dice: renamed(card, "Q" + keyword(card)[1:])),
        ("another word", lambda card, dice: renamed(card, "STRANGER")),
        ("lower case", lambda card, dice: renamed(card, keyword(card).lower())),
        ("a blank", lambda card, dice: renamed(card, " " + keyword(card)[:7])),
    ):
        yield f"rename {name}", edited(needed, edit)
    yield "rename structure", edited(structural, _swapped)
    yield "rename in extension", edited(extension, _swapped)
    yield "rename heading", edited(heading, lambda card, dice: f"{card.rstrip()} Q".ljust(CARD))
    others = {"text": "'text'", "integer": "3", "float": "3.5", "logical": "T"}
    for kind in others:
        for other, text in others.items():
            if kind != other:
                numbers = {kind, other} == {"float", "integer"}
                wanted = surely(ValueType(kind)) if numbers else of_type(kind)
                yield f"retype {kind} to {other}", edited(wanted, _to(text))
    yield (
        "retype integer as float",
        edited(surely(ValueType.INTEGER), lambda c, d: with_value(c, value(c) + ".0")),
    )
    yield (
        "retype number as text",
        edited(of_type("integer"), lambda c, d: with_value(c, f"'{value(c)}'")),
    )
    yield "retype broken text", edited(of_type("text"), lambda c, d: with_value(c, "'open"))
    yield "retype no value", edited(of_type("integer"), lambda c, d: with_value(c, "1 2"))
    for kind, text in (("text", "'QQ'"), ("integer", "77"), ("float", "77.5"), ("", "'QQ'")):
        yield f"change fixed {kind or 'value'}", edited(fixed(kind), _to(text))
    yield (
        "change fixed logical",
        edited(fixed("logical"), lambda c, d: with_value(c, "F" if value(c) == "T" else "T")),
    )
    yield "change fixed to undefined", edited(fixed(), _to(""))
    yield (
        "change fixed by a letter",
        edited(fixed("text"), lambda c, d: with_value(c, value(c)[:-1].rstrip() + "Q'")),
    )
    yield (
        "change fixed case",
        edited(fixed("text"), lambda c, d: with_value(c, value(c).swapcase())),
    )
    yield "change bitpix", edited(lambda t, n, c: keyword(c) == "BITPIX", _to("17"))
    yield "change naxis", edited(lambda t, n, c: keyword(c) == "NAXIS", _to("9"))
    for name, to in (
        ("to the start", lambda place, count, dice: 0),
        ("to the end", lambda place, count, dice: count),
        ("one on", lambda place, count, dice: place + 1),
        ("one back", lambda place, count, dice: place - 1),
        ("anywhere", lambda place, count, dice: dice.randrange(count)),
    ):
        yield f"reorder {name}", moved(plain, to)
    yield "reorder heading", moved(heading, lambda place, count, dice: dice.randrange(count))
    yield "reorder in extension", moved(extension, lambda place, count, dice: dice.randrange(count))
    for number in (1, 2, 3):
        yield f"drop HDU {number}", hdus_without(number)
    for one, other in ((1, 2), (2, 3), (1, 3), (0, 1)):
        yield f"swap HDUs {one} {other}", hdus_swapped(one, other)
    yield "HDU twice", hdu_twice(1)
    yield "keyword twice", doubled
    yield "no primary", lambda target: target.units[1:] or None


WAYS = dict(ways())
