"""The questions about a value that verification templates ask, as expressions call them."""

from __future__ import annotations

import re

from fitsgen.runtime.functions import fromfitstime

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d*)?)?", re.ASCII)
_MILLISECONDS_OF_A_DAY = 86_400_000


def is_empty(x: object) -> bool:
    """Whether there is no value: it is undefined, or a text of nothing but blanks."""
    return x is None or (isinstance(x, str) and not x.strip())


def is_integer(x: object) -> bool:
    """Whether a value is an integer; a logical is none."""
    return isinstance(x, int) and not isinstance(x, bool)


def is_float(x: object) -> bool:
    """Whether a value is a floating-point number: one with a decimal point or an exponent."""
    return isinstance(x, float)


def is_numeric(x: object) -> bool:
    """Whether a value is an integer or a floating-point number."""
    return is_integer(x) or is_float(x)


def is_string(x: object) -> bool:
    """Whether a value is a text."""
    return isinstance(x, str)


def is_bool(x: object) -> bool:
    """Whether a value is a logical."""
    return isinstance(x, bool)


def is_date(x: object) -> bool:
    """Whether a value is a date, or a date and time, that exists (FITS 4.0, section 4.4.2.1)."""
    if not isinstance(x, str) or not _DATE.fullmatch(x.rstrip()):
        return False
    try:
        fromfitstime(x)
    except (ValueError, OverflowError):
        return False
    return True


def is_cds(x: object) -> bool:
    """Whether a value is a CCSDS day-segmented time as `date_and_time_to_cds` gives it.

    It has 16 bits of days since 1970, 32 of milliseconds of the day, below
    86,400,000, and 16 of microseconds of the millisecond, below 1,000.
    Source: CCSDS 301.0-B-4, section 3.3.
    """
    if not isinstance(x, int) or isinstance(x, bool) or not 0 <= x < 1 << 64:
        return False
    milliseconds, microseconds = x >> 16 & 0xFFFF_FFFF, x & 0xFFFF
    return milliseconds < _MILLISECONDS_OF_A_DAY and microseconds < 1000


def in_range(x: object, min: float, max: float, inclusive: bool = True) -> bool:
    """Whether a number lies between two others, or without `inclusive` strictly between them."""
    if not isinstance(x, int | float) or isinstance(x, bool):
        return False
    return min <= x <= max if inclusive else min < x < max


def regex(x: object, pattern: str) -> bool:
    """Whether the whole of a text matches a regular expression."""
    return isinstance(x, str) and re.fullmatch(pattern, x) is not None
