"""The functions of the language, as expressions call them."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar

from fitsgen import __version__
from fitsgen.diagnostics import GenerateError, Problem

Result = TypeVar("Result")

T = True
F = False

MAX_KEYS = 12  # of a table, as an error lists them
_EPOCH = datetime.datetime(1970, 1, 1)
_MJD_EPOCH = datetime.date(1858, 11, 17).toordinal()
_ISO = re.compile(r"(\d{4,5})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d*)?)?)?Z?", re.ASCII)

_instant: ContextVar[datetime.datetime] = ContextVar("_instant")


@contextlib.contextmanager
def frozen_clock(at: datetime.datetime | None = None) -> Iterator[None]:
    """Hold `now()` at one instant, so that all dates of a file agree.

    Parameters
    ----------
    at
        The instant, in UTC without a time zone; None: that at which it is held already, and where
        it is not, that of SOURCE_DATE_EPOCH or the clock.

    Raises
    ------
    GenerateError
        SOURCE_DATE_EPOCH is no number of seconds.

    """
    token = _instant.set(at or instant())
    try:
        yield
    finally:
        _instant.reset(token)


def _clock() -> datetime.datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    try:
        return _EPOCH + datetime.timedelta(seconds=int(epoch.encode("ascii")))
    except (ValueError, OverflowError):
        message = f"SOURCE_DATE_EPOCH is no number of seconds since 1970: {epoch!r}"
        raise GenerateError(Problem(message)) from None


def instant() -> datetime.datetime:
    """Return the instant at which the clock is held, in UTC; else that of now."""
    return _instant.get(None) or _clock()


def now(date_only: bool = False) -> str:
    """Return the time in UTC, with milliseconds, or the date alone.

    One instant holds for a whole file; the environment variable
    SOURCE_DATE_EPOCH (seconds since 1970-01-01) sets it.
    """
    at = instant()
    return at.date().isoformat() if date_only else at.isoformat(timespec="milliseconds")


def version() -> str:
    """Return the version of fitsgen."""
    return __version__


def toMJD(iso: str) -> float:  # noqa: N802 - the language's name
    """Return the Modified Julian Date, in days, of an ISO date or date and time.

    Like the time keywords of JWST it counts days of 86,400 s: the second of a
    leap second falls together with the one after it.
    """
    days, seconds = _parts(iso)
    return days - _MJD_EPOCH + seconds / 86400


def fromfitstime(text: str) -> datetime.datetime:
    """Return an ISO date and time (UTC) as a datetime, to the microsecond."""
    days, seconds = _parts(text)
    midnight = datetime.datetime.fromordinal(days)
    return midnight + datetime.timedelta(microseconds=round(seconds * 1_000_000))


def tofitstime(time: datetime.datetime) -> str:
    """Return a datetime as FITS writes it, with milliseconds (FITS 4.0, section 4.4.2.1)."""
    if not isinstance(time, datetime.datetime):
        raise TypeError(f"{time!r} is no time: fromfitstime makes one")
    if time.tzinfo is not None:
        time = time.astimezone(datetime.UTC).replace(tzinfo=None)
    return time.isoformat(timespec="milliseconds")


def date_and_time_to_cds(date: str, time: str) -> int:
    """Return a CCSDS day-segmented time as one integer.

    It has 16 bits of days since 1970, 32 of milliseconds of the day, and 16 of
    microseconds of the millisecond.
    Source: CCSDS 301.0-B-4, section 3.3, with the epoch of the JWST ground system.
    """
    days, seconds = _parts(f"{date}T{time}")
    since = days - _EPOCH.toordinal()
    if not 0 <= since < 1 << 16:
        raise ValueError(f"{date} is not within 65,536 days after 1970-01-01")
    milliseconds, microseconds = divmod(round(seconds * 1_000_000), 1000)
    return since << 48 | milliseconds << 16 | microseconds


def map(value: object, table: Mapping[object, Result]) -> Result:
    """Return what a table has for a value."""
    try:
        return table[value]
    except KeyError:
        keys = ", ".join(repr(key) for key in islice(table, MAX_KEYS))
        keys += f" and {len(table) - MAX_KEYS} more" if len(table) > MAX_KEYS else ""
        raise LookupError(f"{value!r} is not in the table: it has {keys}") from None


def substr(value: object, start: int, end: int | None = None) -> str:
    """Return the characters of a value from `start` up to `end`, counted from 0."""
    return str(value)[start:end]


def _parts(iso: str) -> tuple[int, float]:
    """Return the proleptic ordinal of the day, and the seconds of the day."""
    match = _ISO.fullmatch(iso.strip()) if isinstance(iso, str) else None
    if not match:
        raise ValueError(f"{iso!r} is no ISO date: expected YYYY-MM-DDTHH:MM:SS.sss")
    year, month, day, hour, minute = (int(part or 0) for part in match.groups()[:5])
    try:
        ordinal = datetime.date(year, month, day).toordinal()
    except ValueError as error:
        raise ValueError(f"{iso!r} is no date: {error}") from None
    seconds = float((match[6] or "0") + (match[7] or ""))
    if hour > 23 or minute > 59 or seconds >= 61:
        raise ValueError(f"{iso!r} is no time of day")
    return ordinal, hour * 3600 + minute * 60 + seconds
