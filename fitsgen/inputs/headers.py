"""The header of an HDU, as expressions see it.

In: the bytes of a header. Out: `Header`, a read-only view. Nothing is parsed
before it is read, so a card that nobody reads may be as wrong as it likes.
What is read although it departs from the standard is a warning.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from fitsgen.blocks import BLOCK, CARD
from fitsgen.diagnostics import InputError, Position, Problem, Severity, Source, warning
from fitsgen.inputs.cards import (
    COMMENTARY,
    CardText,
    Value,
    continues,
    is_plain,
    keyword_of,
    oddities,
    parse,
    shown,
    shown_value,
)

Doubts = dict[Problem, None]
"""Warnings in the order in which they came up, each once."""

# 200,000 cards: far beyond any real header, and found in well under a second.
MAX_HEADER = 16 * 2**20

# So many further values of one keyword are told of.
_MAX_REPEATED = 3
# So many keywords are compared with one that is missing.
_MAX_COMPARED = 5000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a header stands: the file as the user named it, the HDU's number, and its first byte.

    Of a compressed file, bytes count in what it unpacks to.
    """

    file: str
    hdu: int
    start: int = 0

    def __str__(self) -> str:
        return f"HDU {self.hdu} of {self.file}"

    def error(self, message: str, hint: str = "") -> InputError:
        """Return an error that says where it was found."""
        position = Position(Source(self.file))
        return InputError(Problem(f"HDU {self.hdu}: {message}", position, hint))


class MissingKeyword(KeyError):  # noqa: N818 - it says what is the case, as KeyError's kin do
    """A keyword that a header does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class _Line(NamedTuple):
    """Where a card and its CONTINUE cards stand."""

    keyword: str
    number: int
    cards: int


class Header:
    """The cards of one HDU.

    Keywords are upper case; a HIERARCH card answers to its name with or without
    `HIERARCH`. A keyword that stands more than once gives its first value, and
    COMMENT, HISTORY and the blank keyword a list of all their texts.
    """

    __slots__ = ("_cards", "_doubts", "_last", "_lines", "_place", "_places", "_read", "_text")

    def __init__(self, text: bytes, place: Place, doubts: Doubts | None = None) -> None:
        """View the cards of a header; what is doubtful of those that are read goes to `doubts`."""
        self._text = text
        self._place = place
        self._doubts: Doubts = {} if doubts is None else doubts
        self._cards: dict[int, CardText] = {}
        self._read: dict[int, CardText] = {}
        self._lines: tuple[_Line, ...] | None = None
        self._places: dict[str, _Line] = {}
        self._last: dict[str, _Line] = {}

    def __repr__(self) -> str:
        return f"<header of HDU {self._place.hdu}>"

    def __len__(self) -> int:
        return len(self._index())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __getitem__(self, key: str) -> Value | list[str]:
        """Return the value of a keyword.

        Raises
        ------
        MissingKeyword
            When the header has no such keyword.
        InputError
            When its card cannot be read as the FITS Standard 4.0, section 4.2, has it.
        """
        return self._value(key, self._line(key))

    def lookup(self, key: str) -> tuple[bool, Value | list[str]]:
        """Return whether there is a keyword, and its value (not for expressions)."""
        line = self._find(key)
        if line is None:
            return False, None
        return True, self._value(key, line)

    def get(self, key: str, default: object = None) -> object:
        """Return the value of a keyword, or the default where there is none."""
        return self[key] if key in self else default  # noqa: SIM401 - this is what get is

    def keys(self) -> tuple[str, ...]:
        """Return the keyword of every card, in order."""
        return tuple(line.keyword for line in self._index())

    def values(self) -> tuple[Value, ...]:
        """Return the value of every card, in order."""
        return tuple(card.value for card in self.cards())

    def items(self) -> tuple[tuple[str, Value], ...]:
        """Return keyword and value of every card, in order."""
        return tuple((card.keyword, card.value) for card in self.cards())

    def count(self, key: str) -> int:
        """Return how many cards have this keyword."""
        found = self._find(key)
        return self.keys().count(found.keyword) if found else 0

    def comment(self, key: str) -> str:
        """Return the comment of a keyword."""
        line = self._line(key)
        self._doubt_repeated(line)
        return self._card(line).comment

    def cards(self) -> Iterator[CardText]:
        """Yield every card in order (not for expressions)."""
        return map(self._card, self._index())

    def attempts(self) -> Iterator[tuple[int, CardText, str]]:
        """Yield every card, its number from 1 first and what is wrong with it last.

        A card that cannot be read has no value (not for expressions).
        """
        for line in self._index():
            try:
                card = self._parsed(line)
                wrong = "; ".join(said for _, said in oddities(card))
            except ValueError as error:
                wrong = str(error)
            if wrong:
                card = CardText(line.keyword, None, "", self._raw(line).decode("latin-1"))
            yield line.number + 1, card, wrong

    @property
    def duplicates(self) -> tuple[str, ...]:
        """The keywords that stand more than once and should not (not for expressions)."""
        counts = Counter(key for key in self.keys() if key not in COMMENTARY)
        return tuple(key for key, count in counts.items() if count > 1)

    @property
    def place(self) -> Place:
        """Where the header stands (not for expressions)."""
        return self._place

    @property
    def raw(self) -> bytes:
        """The cards as they stand in the file, without END (not for expressions)."""
        return self._text

    @property
    def title(self) -> str:
        """What the HDU is called in messages: its number, and EXTNAME where that can be read."""
        line = self._find("EXTNAME")
        with suppress(ValueError):
            if line and isinstance(name := self._parsed(line).value, str) and name.strip():
                return f"HDU {self._place.hdu} ({shown(name.strip())})"
        return f"HDU {self._place.hdu}"

    def rewritten(self, text: bytes) -> Header:
        """Return other cards in the place of these (not for expressions)."""
        return Header(text, self._place, self._doubts)

    def error(self, message: str, key: str = "", *, at: str = "") -> InputError:
        """Return an error about the card of a keyword; about a place, or all, where it has none."""
        line = self._find(key)
        where = self._where(line) if line else ", ".join(filter(None, (self.title, at)))
        return InputError(Problem(f"{where}: {message}", self._position()))

    def doubt(self, message: str, key: str = "") -> None:
        """Add a warning about the card of a keyword, or about the HDU where it has none."""
        line = self._find(key)
        where = self._where(line) if line else self.title
        self._doubts[warning(f"{where}: {message}", self._position())] = None

    def tolerant(self, key: str, *types: type) -> object:
        """Return a value of one of some types; with another, or an unreadable card, warn of it."""
        try:
            _, value = self.lookup(key)
        except InputError as error:
            for problem in error.problems:
                self._doubts[replace(problem, severity=Severity.WARNING)] = None
            return None
        if value is None or type(value) in types:
            return value
        self.doubt(f"{key} is {shown_value(value)}, which it cannot be: it is passed over", key)
        return None

    def _position(self) -> Position:
        return Position(Source(self._place.file))

    def _where(self, line: _Line, column: int = 0) -> str:
        keyword = f" ({line.keyword})" if line.keyword else ""
        byte = self._place.start + line.number * CARD + column
        return f"{self.title}, card {line.number + 1}{keyword}, byte {byte}"

    def _value(self, key: str, line: _Line) -> Value | list[str]:
        if key in COMMENTARY:
            return [str(self._card(found).value) for found in self._index() if found.keyword == key]
        if self._last[line.keyword] is not line:
            self._doubt_repeated(line)
        return self._card(line).value

    def _index(self) -> tuple[_Line, ...]:
        if self._lines is None:
            self._lines = tuple(_lines(self._text))
        return self._lines

    def _find(self, key: str) -> _Line | None:
        if not self._places:
            index = self._index()
            self._places = {line.keyword: line for line in reversed(index)}
            same = len(self._places) == len(index)
            self._last = self._places if same else {line.keyword: line for line in index}
        return self._places.get(key) or self._places.get(f"HIERARCH {key}")

    def _line(self, key: str) -> _Line:
        line = self._find(key)
        if line is None:
            near = difflib.get_close_matches(str(key).upper(), self.keys()[:_MAX_COMPARED], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            file = self._place.file
            raise MissingKeyword(f"{self.title} of {file} has no keyword {key}{hint}")
        return line

    def _card(self, line: _Line) -> CardText:
        """Read a card for a user."""
        card = self._read.get(line.number)
        if card is None:
            try:
                card = self._parsed(line)
            except ValueError as error:
                message = f"{self._where(line)}: {error}"
                raise InputError(Problem(message, self._position())) from None
            self._read[line.number] = card
            if not is_plain(card):
                for column, said in oddities(card):
                    doubt = warning(f"{self._where(line, column)}: {said}", self._position())
                    self._doubts[doubt] = None
        return card

    def _parsed(self, line: _Line) -> CardText:
        card = self._cards.get(line.number)
        if card is None:
            text = self._raw(line).decode("latin-1")
            value, comment = parse(text) if line.keyword != "CONTINUE" else (text[8:].strip(), "")
            card = self._cards[line.number] = CardText(line.keyword, value, comment, text)
        return card

    def _doubt_repeated(self, line: _Line) -> None:
        """Warn of a keyword that stands more than once, and of what is not used."""
        again = [one for one in self._index() if one.keyword == line.keyword and one != line]
        if not again or line.keyword in COMMENTARY:
            return
        used = self._card(line).value
        for one in again[:_MAX_REPEATED]:
            other = shown(self._raw(one)[8:CARD].decode("latin-1").strip("= "))
            with suppress(ValueError):
                other = shown_value(self._parsed(one).value)
            which = f"{shown_value(used)} is used, not {other}"
            said = f"the keyword stands again in card {one.number + 1}: {which}"
            self._doubts[warning(f"{self._where(line)}: {said}", self._position())] = None

    def _raw(self, line: _Line) -> bytes:
        return self._text[line.number * CARD : (line.number + line.cards) * CARD]


class Bytes(Protocol):
    """What a header is read from: bytes, or what gives them when it is sliced."""

    def __len__(self) -> int:
        """Count the bytes of the file."""
        ...

    def __getitem__(self, key: slice, /) -> bytes | memoryview:
        """Return some of them."""
        ...


def read_header(
    data: Bytes, start: int, place: Place, doubts: Doubts | None = None
) -> tuple[Header, int]:
    """Read the header that begins at byte `start`.

    Parameters
    ----------
    data
        The bytes of the file.
    place
        What to call it in messages.
    doubts
        Takes warnings about cards that are read later.

    Returns
    -------
    tuple
        The header, and the byte after its END card; the data begin at the next
        multiple of 2880 (FITS Standard 4.0, section 3.3.1).

    Raises
    ------
    InputError
        When there is no END card.
    """
    stop = min(len(data), start + MAX_HEADER)
    for block in range(start, stop, BLOCK):
        text = bytes(data[block : min(block + BLOCK, stop)])
        found = text.find(b"END     ")
        while found % CARD and found >= 0:
            # From where the next card begins: END is found but once a card.
            found = text.find(b"END     ", found - found % CARD + CARD)
        if found >= 0:
            end = block + found
            return Header(bytes(data[start:end]), place, doubts), end + CARD
    where = "the file ends" if stop == len(data) else f"{MAX_HEADER >> 20} MiB were read"
    raise place.error(f"the header that begins at byte {start} has no END card before {where}")


def _lines(header: bytes) -> Iterator[_Line]:
    """Yield the cards of a header, each with the CONTINUE cards that follow it."""
    text = header.decode("latin-1")
    starts = range(0, len(text), CARD)
    if "CONTINUE" not in text:  # Most have none, and are many.
        for number, at in enumerate(starts):
            yield _Line(keyword_of(text[at : at + CARD]), number, 1)
        return
    cards = [text[at : at + CARD] for at in starts]
    number = 0
    while number < len(cards):
        keyword, end = keyword_of(cards[number]), number + 1
        if keyword not in COMMENTARY:
            while end < len(cards) and continues(cards[end - 1], cards[end]):
                end += 1
        yield _Line(keyword, number, end - number)
        number = end
