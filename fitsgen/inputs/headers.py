"""Card text to keyword, value and comment: the header of an HDU, as expressions see it.

In: the bytes of a header. Out: `Header`, a read-only view. Nothing is parsed
before it is read, so a card that nobody reads may be as wrong as it likes.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fitsgen.diagnostics import InputError, Position, Problem, Source

Value = str | bool | int | float | complex | None

CARD = 80
BLOCK = 2880
# 800,000 cards: far beyond any real header, and read in well under a second.
MAX_HEADER = 64 * 2**20

COMMENTARY = frozenset({"COMMENT", "HISTORY", ""})

_KEYWORD = re.compile(r"[A-Z0-9_-]{0,8}")
_STRING = re.compile(r"'([^']*(?:''[^']*)*)' *(?:/(.*))?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[EDed][+-]?[0-9]+)?"
_FLOAT = re.compile(_NUMBER)
_COMPLEX = re.compile(rf"\( *({_NUMBER}) *, *({_NUMBER}) *\)")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a header or its data stand: the file as the user named it, and the HDU's number."""

    file: str
    hdu: int

    def __str__(self) -> str:
        return f"HDU {self.hdu} of {self.file}"

    def error(self, message: str, hint: str = "") -> InputError:
        """Return an error that says where it was found."""
        position = Position(Source(self.file))
        return InputError(Problem(f"HDU {self.hdu}: {message}", position, hint))


@dataclass(frozen=True, slots=True)
class CardText:
    """A card as it stands in a header, its CONTINUE cards merged into it.

    `raw` is its text, a multiple of 80 characters. A commentary card has its
    text for a value.
    """

    keyword: str
    value: Value
    comment: str
    raw: str


class MissingKeyword(KeyError):  # noqa: N818 - it says what is the case, as KeyError's kin do
    """A keyword that a header does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a card and its CONTINUE cards stand."""

    keyword: str
    number: int
    count: int


class Header:
    """The cards of one HDU.

    Keywords are upper case; a HIERARCH card answers to its name with or without
    `HIERARCH`. A keyword that stands more than once gives its first value, and
    COMMENT, HISTORY and the blank keyword a list of all their texts.
    """

    __slots__ = ("_cards", "_lines", "_place", "_places", "_text")

    def __init__(self, text: bytes, place: Place) -> None:
        self._text = text
        self._place = place
        self._cards: dict[int, CardText] = {}
        self._lines: tuple[_Line, ...] | None = None
        self._places: dict[str, _Line] | None = None

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
        line = self._line(key)
        if key in COMMENTARY:
            return [str(self._card(found).value) for found in self._index() if found.keyword == key]
        return self._card(line).value

    def lookup(self, key: str) -> tuple[bool, Value | list[str]]:
        """Return whether there is a keyword, and its value (not for expressions)."""
        line = self._find(key)
        if line is None:
            return False, None
        return True, self[key] if key in COMMENTARY else self._card(line).value

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
        return self._card(self._line(key)).comment

    def cards(self) -> Iterator[CardText]:
        """Yield every card in order (not for expressions)."""
        return map(self._card, self._index())

    def attempts(self) -> Iterator[tuple[int, CardText, str]]:
        """Yield every card, its number from 1 first and what is wrong with it last.

        A card that cannot be read has no value (not for expressions).
        """
        for line in self._index():
            try:
                card, wrong = self._read(line), ""
            except ValueError as error:
                card = CardText(line.keyword, None, "", self._raw(line).decode("latin-1"))
                wrong = str(error)
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

    def _index(self) -> tuple[_Line, ...]:
        if self._lines is None:
            self._lines = tuple(_lines(self._text))
        return self._lines

    def _find(self, key: str) -> _Line | None:
        if self._places is None:
            self._places = {line.keyword: line for line in reversed(self._index())}
        return self._places.get(key) or self._places.get(f"HIERARCH {key}")

    def _line(self, key: str) -> _Line:
        line = self._find(key)
        if line is None:
            near = difflib.get_close_matches(str(key).upper(), self.keys(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise MissingKeyword(f"{self._place} has no keyword {key}{hint}")
        return line

    def _card(self, line: _Line) -> CardText:
        try:
            return self._read(line)
        except ValueError as error:
            name = f" ({line.keyword})" if line.keyword else ""
            raise self._place.error(f"card {line.number + 1}{name}: {error}") from None

    def _read(self, line: _Line) -> CardText:
        card = self._cards.get(line.number)
        if card is None:
            text = _decode(self._raw(line))
            if line.keyword == "CONTINUE":
                card = CardText(line.keyword, text[8:].strip(), "", text)
            else:
                card = CardText(line.keyword, *_parse(text), text)
            self._cards[line.number] = card
        return card

    def _raw(self, line: _Line) -> bytes:
        return self._text[line.number * CARD : (line.number + line.count) * CARD]


def read_header(data: bytes | memoryview, start: int, place: Place) -> tuple[Header, int]:
    """Read the header that begins at byte `start`.

    Parameters
    ----------
    data
        The bytes of the file.
    place
        What to call it in messages.

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
            found = text.find(b"END     ", found + 1)
        if found >= 0:
            end = block + found
            return Header(bytes(data[start:end]), place), end + CARD
    where = "the file ends" if stop == len(data) else f"{MAX_HEADER >> 20} MiB were read"
    raise place.error(f"the header that begins at byte {start} has no END card before {where}")


def _lines(text: bytes) -> Iterator[_Line]:
    """Yield the cards of a header, each with the CONTINUE cards that follow it."""
    cards = [text[start : start + CARD] for start in range(0, len(text), CARD)]
    number = 0
    while number < len(cards):
        keyword, count = _keyword(cards[number]), 1
        if keyword not in COMMENTARY:
            while number + count < len(cards) and _continues(
                *cards[number + count - 1 : number + count + 1]
            ):
                count += 1
        yield _Line(keyword, number, count)
        number += count


def _continues(card: bytes, following: bytes) -> bool:
    """Whether a card goes on in the one after it (FITS Standard 4.0, section 4.2.1.2)."""
    if not following.startswith(b"CONTINUE  "):
        return False
    string = _STRING.match(_field(card.decode("latin-1")))
    return string is not None and string[1].rstrip().endswith("&")


def _field(text: str) -> str:
    """Return what follows the value indicator on the first card of `text`."""
    start = text.find("=") + 1 if text.startswith("HIERARCH ") else 10
    return text[start:CARD].strip()


def _keyword(card: bytes) -> str:
    """Return what a card is found under: its keyword in upper case, right or wrong."""
    if card.startswith(b"HIERARCH ") and b"=" in card:
        name = card[9:].split(b"=")[0]
        return "HIERARCH " + " ".join(name.decode("latin-1").upper().split())
    return card[:8].split(b"=")[0].rstrip().decode("latin-1").upper()


def _decode(raw: bytes) -> str:
    text = raw.decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    column, char = next((i, c) for i, c in enumerate(text) if not " " <= c <= "~")
    raise ValueError(
        f"byte 0x{ord(char):02X} in column {column % CARD + 1} is no printable ASCII character"
    )


def _parse(text: str) -> tuple[Value, str]:
    """Return value and comment of a card (FITS Standard 4.0, sections 4.1.2 and 4.2)."""
    keyword = text[:8].rstrip()
    if keyword in COMMENTARY:
        return text[8:].rstrip(), ""
    if not text.startswith("HIERARCH ") or "=" not in text:
        if not _KEYWORD.fullmatch(keyword):
            raise ValueError(f"the keyword {keyword!r} is not 1 to 8 of A-Z 0-9 _ -")
        if text[8] != "=":
            return text[8:].rstrip(), ""
        if text[9] != " ":
            raise ValueError(f"column 10 has {text[9]!r} where a blank must follow the '='")
    field = _field(text)
    if field.startswith("'"):
        return _parse_string(field, text)
    token, _, comment = field.partition("/")
    return _parse_token(token.rstrip()), comment.strip()


def _parse_string(field: str, text: str) -> tuple[str, str]:
    fields = [field, *(text[at + 10 : at + CARD].strip() for at in range(CARD, len(text), CARD))]
    pieces, comments = [], []
    for number, part in enumerate(fields, 1):
        string = _STRING.fullmatch(part)
        if string is None:
            raise ValueError(f"`{part}` has no closing quote, or text between it and the '/'")
        piece = string[1].rstrip()
        pieces.append(piece if number == len(fields) else piece.removesuffix("&"))
        comments.append((string[2] or "").strip())
    value = "".join(pieces).replace("''", "'").rstrip()
    return value, " ".join(filter(None, comments))


def _parse_token(token: str) -> Value:
    """Return the value that a field without quotes has; an empty one is undefined."""
    if not token:
        return None
    if token in ("T", "F"):
        return token == "T"
    if _INTEGER.fullmatch(token):
        return int(token)
    if _FLOAT.fullmatch(token):
        return _real(token)
    if pair := _COMPLEX.fullmatch(token):
        return complex(_real(pair[1]), _real(pair[2]))
    if _NOT_FINITE.fullmatch(token):
        raise ValueError(f"the value is {token}, which has no form in a FITS header")
    raise ValueError(f"`{token}` is no string, logical or number")


def _real(token: str) -> float:
    value = float(token.upper().replace("D", "E"))
    if math.isinf(value):
        raise ValueError(f"the value {token} is beyond what a double holds")
    return value
