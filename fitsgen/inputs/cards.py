"""Card text to keyword, value and comment (FITS Standard 4.0, sections 4.1 and 4.2).

In: the text of a card and of the CONTINUE cards that follow it. Out: `CardText`, and what in it
departs from the standard though it can be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from fitsgen.blocks import CARD

Value = str | bool | int | float | complex | None

_MAX_SHOWN = 80

COMMENTARY = frozenset({"COMMENT", "HISTORY", ""})

_KEYWORD = re.compile(r"[A-Za-z0-9_-]{0,8}")
_STRING = re.compile(r"'([^']*(?:''[^']*)*)' *(?:/(.*))?", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[EDed][+-]?[0-9]+)?"
_FLOAT = re.compile(_NUMBER)
_COMPLEX = re.compile(rf"\( *({_NUMBER}) *, *({_NUMBER}) *\)")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


class CardText(NamedTuple):
    """A card as it stands in a header, its CONTINUE cards merged into it.

    `raw` is its text, a multiple of 80 characters. A commentary card has its
    text for a value.
    """

    keyword: str
    value: Value
    comment: str
    raw: str


def continues(card: str, following: str) -> bool:
    """Whether a card goes on in the one after it (FITS Standard 4.0, section 4.2.1.2)."""
    if not following.startswith("CONTINUE  "):
        return False
    string = _STRING.match(_field(card))
    return string is not None and string[1].rstrip().endswith("&")


def _field(text: str) -> str:
    """Return what follows the value indicator on the first card of `text`."""
    start = text.find("=") + 1 if text.startswith("HIERARCH ") else 10
    return text[start:CARD].strip()


def keyword_of(card: str) -> str:
    """Return what a card is found under: its keyword in upper case, right or wrong."""
    name = card[:8]
    if name == "HIERARCH" and card[8:9] == " " and "=" in card:
        return "HIERARCH " + " ".join(card[9:].partition("=")[0].upper().split())
    if "=" in name:
        name = name.partition("=")[0]
    return name.rstrip().upper()


def is_plain(card: CardText) -> bool:
    """Whether there is nothing odd in a card; this is quick."""
    text = card.raw
    return text.isascii() and text.isprintable() and text.startswith(card.keyword)


def oddities(card: CardText) -> Iterator[tuple[int, str]]:
    """Yield what departs from the standard in a card that can be read, and the column from 0."""
    text = card.raw
    if not (text.isascii() and text.isprintable()):
        column, char = next((i, c) for i, c in enumerate(text) if not " " <= c <= "~")
        where = f"byte 0x{ord(char):02X} in column {column % CARD + 1}"
        yield column, f"{where} is no printable ASCII character"
    if not text.startswith((card.keyword, "HIERARCH ")):
        yield 0, f"the keyword is not in upper case: {text[:8].rstrip()!r}"


def shown(text: str) -> str:
    """Return a text as a terminal can show it, cut where it is long."""
    if len(text) > _MAX_SHOWN:
        text = text[: _MAX_SHOWN - 3] + "..."
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]


def shown_value(value: object) -> str:
    """Return a value of a header as Python writes it, cut where it is long."""
    return shown(repr(value))


def parse(text: str) -> tuple[Value, str]:
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
            raise ValueError(
                f"`{shown(part)}` has no closing quote, or text between it and the '/'"
            )
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
    raise ValueError(f"`{shown(token)}` is no string, logical or number")


def _real(token: str) -> float:
    value = float(token.upper().replace("D", "E"))
    if math.isinf(value):
        raise ValueError(f"the value {token} is beyond what a double holds")
    return value
