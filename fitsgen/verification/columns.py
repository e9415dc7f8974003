"""The keywords of table columns (FITS Standard 4.0, sections 7.2 and 7.3).

In: the cards of an HDU and what it holds. Out: `Fault`s, and the columns of a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from fitsgen.diagnostics import Severity
from fitsgen.inputs.columns import Format, axes_of
from fitsgen.inputs.structure import Kind, Structure
from fitsgen.verification.cardtext import Card, Cards, Fault
from fitsgen.verification.reserved import Type, is_stored

# What follows the type is free (section 7.3.1); for text it is mostly the length of a part.
# A count has no more digits than an integer of FITS: Python refuses to convert thousands.
_BINARY = re.compile(r"([0-9]{0,18})([LXBIJKAEDCM])([^a-z ]*)")
_VARIABLE = re.compile(r"([01]?)([PQ])([LXBIJKAEDCM](?:\([0-9]*\))?)")
_ASCII = re.compile(r"([AI])([0-9]{1,18})|([FED])([0-9]{1,18})\.[0-9]+")
_DISPLAY = re.compile(
    r"(?:([AL])|([IBOZ])(?=[0-9]+(?:\.[0-9]+)? *$)|([FEDG]|EN|ES)(?=[0-9]+\.))"
    r"[0-9]+(?:\.[0-9]+(?:E[0-9]+)?)? *"
)
_BITS = {"B": 8, "I": 16, "J": 32, "K": 64}
_TYPES = {
    **dict.fromkeys(("TTYPE", "TFORM", "TUNIT", "TDISP", "TDIM"), Type.TEXT),
    **dict.fromkeys(("TSCAL", "TZERO"), Type.NUMBER),
    **dict.fromkeys(("TNULL", "TBCOL"), Type.INTEGER),
}
_COORDINATES = frozenset("TCTYP TCUNI TCRPX TCRVL TCDLT TCROT".split())
_STEMS = frozenset(_TYPES) | _COORDINATES
_NO_LEADING_BLANK = ("TFORM", "TDISP", "TDIM")
_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: of a binary table `form.repeat` elements; of an ASCII table so many characters.

    `start` is the byte in a row, from 0. `rest` of a variable-length column has its
    type and, in parentheses, its greatest length.
    """

    number: int
    form: Format
    start: int
    width: int

    @property
    def code(self) -> str:
        """The letter of the elements' type, in the heap too."""
        return self.form.rest[0] if self.is_variable else self.form.code

    @property
    def is_variable(self) -> bool:
        """Whether the elements are in the heap (section 7.3.5)."""
        return self.form.code in ("P", "Q")


def faults(cards: Cards, structure: Structure) -> Iterator[Fault]:
    """Yield what is wrong with the keywords of columns, in tables and where there are none."""
    yield from _indices(cards, structure)
    match structure.kind:
        case Kind.TABLE | Kind.COMPRESSED:
            yield from _names(cards, "7.3.2")
            yield from _binary_table(cards, structure)
        case Kind.ASCII_TABLE:
            yield from _names(cards, "7.2.2")
            yield from _ascii_table(cards)


def columns_of(cards: Cards, kind: Kind) -> list[Column] | None:
    """Return the columns, or None where the header is too wrong to find them."""
    columns: list[Column] = []
    start = 0
    for number in range(1, (cards.integer("TFIELDS") or 0) + 1):
        form = _form(cards, number, kind)
        if kind is Kind.ASCII_TABLE:
            start = (cards.integer(f"TBCOL{number}") or 0) - 1
        if form is None or start < 0:
            return None
        width = form.repeat if kind is Kind.ASCII_TABLE else form.width
        columns.append(Column(number, form, start, width))
        start += width
    length = cards.integer("NAXIS1") or 0
    if kind is not Kind.ASCII_TABLE and start != length:
        return None
    return None if any(c.start + c.width > length for c in columns) else columns


def _form(cards: Cards, number: int, kind: Kind) -> Format | None:
    text = (cards.string(f"TFORM{number}") or "").strip()
    if kind is Kind.ASCII_TABLE:
        found = _ASCII.fullmatch(text)
        return found and Format(int(found[2] or found[4]), found[1] or found[3], "")
    found = _VARIABLE.fullmatch(text) or _BINARY.fullmatch(text)
    return found and Format(int(found[1] or 1), found[2], found[3])


def _indices(cards: Cards, structure: Structure) -> Iterator[Fault]:
    fields = cards.integer("TFIELDS")
    if not structure.kind.is_table and structure.kind is not Kind.OTHER:
        for card in cards.some(["TFIELDS", "THEAP"]):
            yield Fault(f"{card.keyword} is for tables only", "7.3", card)
    for key in cards.indexed:
        name = key.card.keyword
        if key.stem not in _STEMS or key.second is not None:
            if key.stem == "NAXIS" and name[5] == "0":
                yield Fault(f"{name}: an index has no leading zero", "4.1.2.1", key.card)
        elif structure.kind in (Kind.PRIMARY, Kind.IMAGE):
            yield Fault(f"{name} is for tables only", "7.3", key.card)
        elif name[len(key.stem)] == "0":
            message = f"{name}: an index counts from 1 and has no leading zero"
            yield Fault(message, "4.1.2.1", key.card)
        elif fields is not None and key.index > fields:
            yield Fault(f"{name} is there, but TFIELDS is {fields}", "7.3.1", key.card)
        elif key.stem in _TYPES and structure.kind is not Kind.OTHER:
            yield from _typed(key.stem, key.card, structure.kind)


def _typed(stem: str, card: Card, kind: Kind) -> Iterator[Fault]:
    is_ascii = kind is Kind.ASCII_TABLE
    section = "7.2" if is_ascii else "7.3"
    expected = Type.TEXT if is_ascii and stem == "TNULL" else _TYPES[stem]
    if card.wrong or card.value is None:
        return
    if not expected.admits(card.value):
        found = repr(card.value)
        yield Fault(f"{card.keyword} is {found}: expected {expected.value}", section, card)
    elif stem in _NO_LEADING_BLANK and str(card.value).startswith(" "):
        yield Fault(f"{card.keyword} is {card.value!r}: it begins with a blank", section, card)
    if stem == "TSCAL" and expected.admits(card.value) and card.value == 0:
        message = f"{card.keyword} is 0, so every value is TZERO"
        yield Fault(message, section, card, Severity.WARNING)


def _names(cards: Cards, section: str) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number in range(1, (cards.integer("TFIELDS") or 0) + 1):
        card, name = cards.get(f"TTYPE{number}"), cards.string(f"TTYPE{number}")
        if card is None:
            yield Fault(f"column {number} has no TTYPE{number}", section, None, Severity.WARNING)
        if not name:
            continue
        if not _NAME.fullmatch(name):
            message = f"TTYPE{number} is {name!r}: letters, digits and _ are recommended"
            yield Fault(message, section, card, Severity.WARNING)
        other = seen.setdefault(name.upper(), number)
        if other != number:
            message = f"columns {other} and {number} have the same name, {name.upper()}"
            yield Fault(message, section, card, Severity.WARNING)


def _binary_table(cards: Cards, structure: Structure) -> Iterator[Fault]:
    fields, width = cards.integer("TFIELDS") or 0, 0
    whole = True
    for number in range(1, fields + 1):
        form = _form(cards, number, structure.kind)
        if form is None:
            yield from _no_form(cards, number, "a binary table", "7.3.1")
            whole = False
            continue
        width += form.width
        yield from _binary_column(cards, Column(number, form, 0, form.width))
    length = cards.integer("NAXIS1")
    if whole and width != length:
        message = f"NAXIS1 is {length}, but the columns take {width} bytes a row"
        yield Fault(message, "7.3.1", cards.get("NAXIS1"))
    yield from _heap(cards, structure)


def _no_form(cards: Cards, number: int, kind: str, section: str) -> Iterator[Fault]:
    card = cards.get(f"TFORM{number}")
    if card is None:
        yield Fault(f"TFORM{number} is missing", section)
    elif card.value is None and not card.wrong:
        yield Fault(f"TFORM{number} has no value", section, card)
    elif isinstance(card.value, str):
        yield Fault(f"TFORM{number} is {card.value!r}: no format of {kind}", section, card)


def _binary_column(cards: Cards, column: Column) -> Iterator[Fault]:
    number, form, code = column.number, column.form, column.code
    if code in "ALX":
        for card in cards.some([f"TSCAL{number}", f"TZERO{number}"]):
            yield Fault(f"{card.keyword} is for numbers: column {number} has none", "7.3.2", card)
    null, value = cards.get(f"TNULL{number}"), cards.integer(f"TNULL{number}")
    if null and code not in _BITS:
        message = f"{null.keyword} is for integers (B, I, J, K): column {number} has {code}"
        yield Fault(message, "7.3.2", null)
    elif null and value is not None and not is_stored(value, _BITS[code]):
        message = f"{null.keyword} is {value}, which no {code} can be"
        yield Fault(message, "7.3.2", null, Severity.WARNING)
    for card in cards.some([f"TBCOL{number}"]):
        yield Fault(f"{card.keyword} is for ASCII tables only", "7.2.1", card)
    width = int(form.rest) if form.rest.isdigit() and len(form.rest) < 19 else 1
    if code == "A" and form.repeat % (width or 1):
        message = f"TFORM{number} has {form.repeat} characters, no multiple of {form.rest}"
        yield Fault(message, "7.3.1", cards.get(f"TFORM{number}"), Severity.WARNING)
    yield from _display(cards, number, code)
    yield from _dimensions(cards, column)


def _display(cards: Cards, number: int, code: str) -> Iterator[Fault]:
    text = cards.string(f"TDISP{number}")
    if text is None or text.startswith(" "):
        return
    card = cards.get(f"TDISP{number}")
    found = _DISPLAY.fullmatch(text)
    if found is None:
        yield Fault(f"TDISP{number} is {text!r}: no display format", "7.3.4", card)
        return
    text_or_logical, integer, _ = found.groups()
    suits = text_or_logical == code if code in "AL" else not text_or_logical
    if (integer and code in "EDCMF") or not suits:
        yield Fault(f"TDISP{number} is {text}, but the column has {code}", "7.3.4", card)


def _dimensions(cards: Cards, column: Column) -> Iterator[Fault]:
    keyword = f"TDIM{column.number}"
    text = (cards.string(keyword) or "").strip()
    if not text:
        return
    axes = axes_of(text)
    if not axes:
        yield Fault(f"{keyword} is {text!r}: expected such as '(3,2)'", "7.3.2", cards.get(keyword))
    elif not column.is_variable and prod(axes) > column.form.repeat:
        message = f"{keyword} is {text}: {prod(axes)} elements, but TFORM has {column.form.repeat}"
        yield Fault(message, "7.3.2", cards.get(keyword))


def _heap(cards: Cards, structure: Structure) -> Iterator[Fault]:
    card, at = cards.get("THEAP"), cards.integer("THEAP")
    if card is None or at is None:
        return
    rows = prod(structure.axes)
    if structure.size == rows:
        yield Fault("THEAP is there, but PCOUNT is 0: there is no heap", "7.3.2", card)
    elif not rows <= at <= structure.size:
        message = f"THEAP is {at}: the rows end at {rows}, the data at {structure.size}"
        yield Fault(message, "7.3.2", card)


def _ascii_table(cards: Cards) -> Iterator[Fault]:
    for number in range(1, (cards.integer("TFIELDS") or 0) + 1):
        form = _form(cards, number, Kind.ASCII_TABLE)
        if form is None:
            yield from _no_form(cards, number, "an ASCII table", "7.2.1")
        yield from _extent(cards, number, form.repeat if form else 1)
        for card in cards.some([f"TDIM{number}"]):
            yield Fault(f"{card.keyword} is for binary tables only", "7.3.2", card)
        if form and form.code == "A":
            for card in cards.some([f"TSCAL{number}", f"TZERO{number}"]):
                message = f"{card.keyword} is for numbers: column {number} has text"
                yield Fault(message, "7.2.2", card)
        if form:
            yield from _display(cards, number, form.code)
    for card in cards.some(["THEAP"]):
        yield Fault("THEAP is for binary tables only", "7.3.2", card)


def _extent(cards: Cards, number: int, width: int) -> Iterator[Fault]:
    """Yield where a column of an ASCII table does not lie within the row."""
    keyword, length = f"TBCOL{number}", cards.integer("NAXIS1") or 0
    card, start = cards.get(keyword), cards.integer(keyword)
    if card is None:
        yield Fault(f"{keyword} is missing", "7.2.1")
    elif start is not None and not 1 <= start <= length - width + 1:
        message = f"{keyword} is {start}: a row has bytes 1 to {length}, the column takes {width}"
        yield Fault(message, "7.2.1", card)
