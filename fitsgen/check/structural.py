"""The pass that checks the structural keywords a template names (FITS 4.0, section 4.4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fitsgen.diagnostics import Problem, warning
from fitsgen.model import HDU, Card, FileType

BITPIX = (8, 16, 32, 64, -32, -64)
EXTENSIONS = ("IMAGE", "BINTABLE", "TABLE")


def check(file_type: FileType) -> Iterator[Problem]:
    """Check what a template demands of the structure of its HDUs."""
    for number, hdu in enumerate(file_type.hdus):
        for card in hdu.cards():
            yield from _belongs(card, primary=number == 0)
            value = _constant(card)
            if value is not None:
                yield from _demand(card, value, hdu)


def _constant(card: Card) -> object:
    """Return the constant value of a card, or None where there is none."""
    if card.expression and card.expression.is_constant:
        return card.expression.constant
    return None


def _belongs(card: Card, *, primary: bool) -> Iterator[Problem]:
    if card.keyword == "XTENSION" and primary:
        yield Problem("XTENSION belongs in the header of an extension", card.position)
    elif card.keyword in ("SIMPLE", "EXTEND") and not primary:
        yield Problem(f"{card.keyword} belongs in the primary header", card.position)
    if card.optional and card.keyword in ("SIMPLE", "XTENSION", "BITPIX", "NAXIS"):
        yield Problem(f"{card.keyword} cannot be left out: write =", card.position)


def _demand(card: Card, value: object, hdu: HDU) -> Iterator[Problem]:
    at = card.expression.position if card.expression else card.position
    keyword = card.keyword
    match keyword, value:
        case "SIMPLE", _ if value is not True:
            yield Problem("SIMPLE is T in every FITS file", at)
        case "EXTEND", _ if value is not True:
            yield warning("EXTEND = T is written: extensions are always allowed", at)
        case "XTENSION", _ if value not in EXTENSIONS:
            hint = f"one of {', '.join(EXTENSIONS)}"
            yield Problem(f"{value!r} is no extension that fitsgen makes", at, hint)
        case "BITPIX", _ if value not in BITPIX or isinstance(value, bool):
            yield _illegal(card, value, "one of 8, 16, 32, 64, -32, -64", hdu)
        case "NAXIS", _ if not _is_count(value, 999):
            yield _illegal(card, value, "a whole number from 0 to 999", hdu)
        case "BSCALE", 0 | 0.0:
            yield Problem("BSCALE = 0 would lose every value", at)
        case _ if re.fullmatch(r"NAXIS[1-9]\d*|PCOUNT|GCOUNT|TFIELDS", keyword):
            if not _is_count(value):
                yield _illegal(card, value, "a whole number, 0 or more", hdu)
            elif keyword.startswith("NAXIS"):
                yield from _axis(card, hdu)


def _axis(card: Card, hdu: HDU) -> Iterator[Problem]:
    naxis = hdu.find("NAXIS")
    count = _constant(naxis) if naxis else None
    if hdu.data and isinstance(count, int) and int(card.keyword[5:]) > count:
        message = f"{card.keyword} with NAXIS = {count}"
        notes = (("NAXIS", naxis.position if naxis else None),)
        yield Problem(message, card.position, notes=notes)


def _is_count(value: object, most: int | None = None) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return whole and (most is None or (isinstance(value, int) and value <= most))


def _illegal(card: Card, value: object, legal: str, hdu: HDU) -> Problem:
    """A value that the standard forbids: the data decides, so without data it is only a warning."""
    at = card.expression.position if card.expression else card.position
    message = f"{card.keyword} = {value!r} is not allowed: it is {legal}"
    if hdu.data is None:
        return warning(message, at, "the legal value is written")
    return Problem(message, at)
