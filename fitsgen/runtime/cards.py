"""Values to card text: 80 printable characters a card, as the FITS Standard 4.0 wants them.

In: the result of an expression, a keyword, a comment. Out: text whose length is
a multiple of 80. Card images are those of `astropy.io.fits`, except that a
number keeps every digit and nothing of a long string or its comment is lost.
"""

from __future__ import annotations

import datetime
import functools
import math
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from fitsgen.blocks import CARD, padded

Value: TypeAlias = str | bool | int | float | complex | None

BLANK = " " * CARD
END = f"{'END':80}"

_TRUE = f"{'T':>20}"
_FALSE = f"{'F':>20}"
# What a card holds between the quotes beside the '&', and of a comment after `CONTINUE  '&' / `.
_STRING_PIECE = 67
_COMMENT_PIECE = 64
_TEXT_WIDTH = 72
# No integer of more bits has at most 70 digits, which is all that columns 11 to 80 hold.
_INTEGER_BITS = 233


class CardError(ValueError):
    """A value that cannot become a card; the message says why, in plain words."""


def plain(value: object) -> tuple[Value, str]:
    """Return the result of an expression as a plain Python value and its unit.

    Parameters
    ----------
    value
        A str, bool, number, None, date, datetime, NumPy scalar or array without
        axes, astropy Time or Quantity without axes.

    Returns
    -------
    tuple
        The value, and the unit of a Quantity as FITS writes it ('' for all else).

    Raises
    ------
    CardError
        For NaN, infinity, text that is not printable ASCII, and every other type.
    """
    kind = type(value)
    if kind is str or isinstance(value, str):
        return _printable(str.__str__(value)), ""
    if kind is bool or value is None:
        return value, ""  # type: ignore[return-value]
    if isinstance(value, int):
        return int(value), ""
    if isinstance(value, (float, complex)):
        return _finite(value), ""
    if isinstance(value, datetime.datetime):
        return _timestamp(value), ""
    if isinstance(value, datetime.date):
        return value.isoformat(), ""
    return _foreign(value)


# Keywords whose values have a type (FITS Standard 4.0, sections 4.4.2.6 and 4.4.2.5).
RESERVED: dict[str, tuple[type, str]] = {
    "EXTNAME": (str, "text"),
    "EXTVER": (int, "a whole number"),
    "EXTLEVEL": (int, "a whole number"),
    "INHERIT": (bool, "T or F"),
    "BUNIT": (str, "text"),
}


def check_reserved(keyword: str, value: Value) -> None:
    """Refuse a value that the standard does not allow for its keyword; raises `CardError`."""
    if keyword in RESERVED and value is not None:
        kind, name = RESERVED[keyword]
        if type(value) is not kind:
            raise CardError(f"{keyword} is {name}, not {value!r}")


def render_card(keyword: str, value: Value, comment: str = "") -> str:
    """Return a card, with the CONTINUE cards of a string that is too long for one.

    A comment that does not fit beside a value is cut at column 80 (`fits_comment`
    tells); the comment of a continued string goes on in CONTINUE cards. A string
    that ends in '&' is continued too, so that no reader takes its '&' for a mark.

    Parameters
    ----------
    keyword
        1 to 8 characters, or `HIERARCH` and a longer name.
    value
        As `plain` returns it.

    Raises
    ------
    CardError
        When keyword and value do not fit into 80 columns.

    Notes
    -----
    FITS Standard 4.0, sections 4.2 and 4.2.1.2; the HIERARCH convention of the FITS registry.
    """
    text = _value_text(value)
    card = f"{keyword:8}= {text} / {comment}" if comment else f"{keyword:8}= {text}"
    if (
        len(card) <= CARD
        and len(keyword) <= 8
        and "&" not in card
        and card.isascii()
        and card.isprintable()
    ):
        return card.ljust(CARD)
    return _unusual_card(keyword, value, comment)


def fits_comment(keyword: str, value: Value, comment: str) -> bool:
    """Return whether `render_card` writes the comment whole."""
    if not comment:
        return True
    head = _head(keyword, value)
    room = CARD - len(" / ") - len(comment.rstrip())
    return len(_dense(head)) <= room or _is_continued(head, value)


@functools.lru_cache(maxsize=1024)
def render_commentary(keyword: str, text: str) -> str:
    """Return COMMENT, HISTORY or blank-keyword cards: text in columns 9 to 80.

    Long text goes on in further cards; it breaks at a blank, which is dropped,
    or within a word that is longer than a card.
    FITS Standard 4.0, section 4.4.2.4.
    """
    return "".join(f"{keyword:8}{line:72}" for line in _wrapped(_printable(text)))


def commentary_texts(value: object) -> tuple[str, ...]:
    """Return the texts of COMMENT or HISTORY cards: a list gives one each, nothing gives none.

    Raises
    ------
    CardError
        For what is neither text nor a list of texts, and for unprintable text.
    """
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(text for one in value for text in commentary_texts(one))
    if not isinstance(value, str):
        raise CardError(f"a commentary card holds text, not {_named(value)}")
    return tuple(_printable(line) for line in value.split("\n"))


def blank_card() -> str:
    """Return a card of blanks."""
    return BLANK


def pad(cards: Iterable[str]) -> bytes:
    """Return the bytes of a header: the cards, END, and blanks up to whole blocks of 2880."""
    text = "".join(cards) + END
    return text.ljust(padded(len(text))).encode("ascii")


def _unusual_card(keyword: str, value: Value, comment: str) -> str:
    head = _head(keyword, value)
    _printable(comment)
    if _is_continued(head, value):
        return _continued(keyword, str(value), comment)
    if len(head) > CARD:
        raise _too_long(keyword, head)
    if not comment:
        return head.ljust(CARD)
    if len(head) + len(" / ") + len(comment) > CARD:
        head = _dense(head)
    return f"{head} / {comment}"[:CARD].ljust(CARD)


def _dense(head: str) -> str:
    """Return keyword and text without the blanks that only line them up with numbers."""
    is_text = head[8:11] == "= '"
    return head.rstrip() if is_text else head


def _head(keyword: str, value: Value) -> str:
    """Return keyword and value, however long."""
    text = _value_text(value)
    if len(keyword) <= 8:
        return f"{keyword:8}= {text}"
    head = f"{keyword} = {text.strip()}"
    # The blank before '=' is a nicety that a value comes before.
    return head if len(head) <= CARD else f"{keyword}= {text.strip()}"


def _value_text(value: Value) -> str:
    kind = type(value)
    if kind is str:
        quoted = f"'{_escape(value).ljust(8)}'"  # type: ignore[arg-type]
        return quoted.ljust(20) if value else "''"
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is int:
        if value.bit_length() > _INTEGER_BITS:  # type: ignore[union-attr]
            raise CardError("an integer of more than 70 digits does not fit on a card")
        return str(value).rjust(20)
    if kind is float:
        return _float_text(value).rjust(20)  # type: ignore[arg-type]
    if isinstance(value, complex):
        return f"({_float_text(value.real)}, {_float_text(value.imag)})".rjust(20)
    return ""


def _float_text(value: float) -> str:
    """Return the shortest decimal that reads back as the same double, always with a point."""
    text = repr(value)
    if "n" in text:
        raise _not_finite(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}E{exponent}" if "." in mantissa else f"{mantissa}.0E{exponent}"


def _escape(text: str) -> str:
    return text.replace("'", "''")


def _is_continued(head: str, value: Value) -> bool:
    return isinstance(value, str) and (len(head) > CARD or value.rstrip().endswith("&"))


def _continued(keyword: str, value: str, comment: str) -> str:
    """Return a string in a card and CONTINUE cards; a '&' says that another follows."""
    head = f"{keyword:8}= " if len(keyword) <= 8 else f"{keyword} = "
    if len(head) + len("'&'") > CARD:
        raise _too_long(keyword, head + "'...'")
    value = value.rstrip()
    strings = list(_pieces(_escape(value), CARD - len(head) - len("'&'"), _STRING_PIECE)) or [""]
    remarks = list(_pieces(comment, _COMMENT_PIECE, _COMMENT_PIECE))
    if value.endswith("&") and not remarks:
        strings.append("")
    fields = [f"'{piece}&'" for piece in strings] + [f"'&' / {piece}" for piece in remarks]
    fields[-1] = f"'' / {remarks[-1]}" if remarks else f"'{strings[-1]}'"
    cards = [head + fields[0], *(f"CONTINUE  {field}" for field in fields[1:])]
    return "".join(f"{card:80}" for card in cards)


def _pieces(text: str, room: int, width: int) -> Iterator[str]:
    """Split text after a blank where there is one, and never between two quotes of a pair."""
    start = 0
    while start < len(text) and len(text) - start >= room:
        cut = text.rfind(" ", start, start + room) + 1 or start + room
        piece = text[start:cut]
        cut -= (len(piece) - len(piece.rstrip("'"))) % 2
        yield text[start:cut]
        start, room = cut, width
    if start < len(text):
        yield text[start:]


def _wrapped(text: str) -> Iterator[str]:
    text, start = text.rstrip(), 0
    while len(text) - start > _TEXT_WIDTH:
        cut = _last_break(text[start : start + _TEXT_WIDTH + 1])
        yield text[start : start + (cut or _TEXT_WIDTH)]
        start += cut + 1 if cut else _TEXT_WIDTH
    yield text[start:]


def _last_break(text: str) -> int:
    """Return where the last blank after a word stands in the first 73 characters, or 0."""
    for place in range(_TEXT_WIDTH, 0, -1):
        if text[place] == " " != text[place - 1]:
            return place
    return 0


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    place, char = next((i, c) for i, c in enumerate(text, 1) if not " " <= c <= "~")
    shown = f"{char!r} (U+{ord(char):04X})"
    raise CardError(f"character {place} of the text is {shown}: a header holds printable ASCII")


def _finite(value: float | complex) -> float | complex:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _not_finite(value)
        return float(value)
    for part in (value.real, value.imag):
        _finite(float(part))
    return complex(value)


def _not_finite(value: float) -> CardError:
    name = "NaN" if math.isnan(value) else "infinity"
    return CardError(f"{name} has no form in a FITS header")


def _too_long(keyword: str, text: str) -> CardError:
    return CardError(f"{keyword} and its value take {len(text)} columns: a card has 80")


def _timestamp(value: datetime.datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds")


def _foreign(value: object) -> tuple[Value, str]:
    """Convert what belongs to a library; a library that was never imported made nothing."""
    units, time, numpy = map(sys.modules.get, ("astropy.units", "astropy.time", "numpy"))
    if units is not None and isinstance(value, units.Quantity):
        return _of_quantity(value)
    if time is not None and isinstance(value, time.Time) and value.isscalar:
        return (None if value.masked else str(value.isot)), ""
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
        return _of_numpy(value), ""
    raise _no_header_value(value)


def _of_quantity(quantity: Any) -> tuple[Value, str]:
    if quantity.shape != ():
        raise _no_header_value(quantity)
    with warnings.catch_warnings():
        # Units that the standard discourages (erg, Angstrom) are still units it has.
        warnings.simplefilter("ignore")
        try:
            unit = quantity.unit.to_string("fits")
        except ValueError as error:
            raise CardError(f"the unit {quantity.unit} has no form in FITS: {error}") from None
    return plain(quantity.value)[0], unit


def _of_numpy(value: Any) -> Value:
    """Return a NumPy scalar, or array without axes, as the Python value it equals."""
    if value.shape != ():
        raise _no_header_value(value)
    if getattr(value, "mask", False):
        return None
    match value.dtype.kind:
        case "b" | "i" | "u" | "U":
            return plain(value.item())[0]
        case "f":
            return plain(float(value))[0]
        case "c":
            return plain(complex(value))[0]
        case "M":
            return plain(value.astype("datetime64[ms]").item())[0]
        case _:
            raise _no_header_value(value)


def _no_header_value(value: object) -> CardError:
    return CardError(
        f"{_named(value)} cannot be a header value; a string, logical, number, date or None can"
    )


_PLAIN_NAMES = {"bytes": "bytes object", "ndarray": "array", "LazyArray": "array"}


def _named(value: object) -> str:
    name = type(value).__name__
    name = _PLAIN_NAMES.get(name, name)
    shape: tuple[int, ...] = getattr(value, "shape", ())
    if shape:
        name = f"{name} of shape {shape}"
    return f"an {name}" if name.startswith(tuple("aeiouAEIOU")) else f"a {name}"
