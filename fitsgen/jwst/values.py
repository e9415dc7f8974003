"""Header values as ground-test software wrote them, numbers as text among them, to plain values.

In: a header and a keyword. Out: a word, a whole number, or an `InputError`.
"""

from __future__ import annotations

import re
import reprlib

from fitsgen.inputs.headers import Header

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(\.0*)?")


def shown(value: object) -> str:
    """Return a value for a message, a long one cut."""
    return reprlib.repr(value)


def word(header: Header, key: str) -> str:
    """Return the text of a keyword in upper case, '' where there is none.

    Raises
    ------
    InputError
        The value is no text.

    """
    value = header.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise header.place.error(f"{key} is {shown(value)}: expected text")
    return value.strip().upper()


def says(header: Header, key: str, *words: str) -> bool:
    """Whether a keyword has one of some texts; a value of another type has none of them."""
    value = header.get(key)
    return isinstance(value, str) and value.strip().upper() in words


def whole_number(value: object) -> int | None:
    """Return the whole number that a number or a text is, else None."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if _WHOLE.fullmatch(value.strip()):
            return int(value.strip().partition(".")[0])
        case _:
            return None


def whole(header: Header, key: str) -> int | None:
    """Return the whole number of a keyword, None where it is missing or blank.

    Raises
    ------
    InputError
        The value is something else.

    """
    value = header.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = whole_number(value)
    if number is None:
        raise header.place.error(f"{key} is {shown(value)}: expected a whole number")
    return number
