"""The pass that checks keywords (FITS Standard 4.0, sections 4.1.2.1 and 4.4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fitsgen.diagnostics import Problem, warning
from fitsgen.model import COMMENTARY, Card, FileType

_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
# The convention leaves open what a long keyword may hold; blanks divide, and = ends it.
_HIERARCH = re.compile(r"HIERARCH( [A-Z0-9_.:+$-]+)+")


def check(file_type: FileType) -> Iterator[Problem]:
    """Check the keyword of every card."""
    for hdu in file_type.hdus:
        for card in hdu.cards():
            yield from _keyword(card)
            if card.keyword in COMMENTARY and card.comment:
                message = f"a {card.keyword} card has no comment of its own: this one is left out"
                yield warning(message, card.position)


def _keyword(card: Card) -> Iterator[Problem]:
    keyword, at = card.keyword, card.position
    if keyword in ("END", "CONTINUE"):
        hint = "long texts go on by themselves" if keyword == "CONTINUE" else ""
        yield Problem(f"{keyword} cards are made by fitsgen", at, hint)
    elif keyword.startswith("HIERARCH "):
        if not _HIERARCH.fullmatch(keyword):
            message = f"{keyword!r} is no HIERARCH keyword"
            hint = "HIERARCH and words of A-Z, 0-9 and _ - . : + $"
            yield Problem(message, at, _upper_case(keyword, _HIERARCH) or hint)
    elif not _KEYWORD.fullmatch(keyword):
        hint = _upper_case(keyword, _KEYWORD)
        if len(keyword) > 8:
            message = f"keyword {keyword!r} has {len(keyword)} characters; FITS allows 8"
            yield Problem(message, at, hint or f"write HIERARCH {keyword.upper()} = ...")
        elif hint:
            yield Problem(f"keyword {keyword!r} is in lower case", at, hint)
        else:
            message = f"{keyword!r} is no FITS keyword"
            yield Problem(message, at, "1 to 8 of A-Z, 0-9, _ and -")


def _upper_case(keyword: str, pattern: re.Pattern[str]) -> str:
    """Suggest the upper-case form, where that is what is wrong."""
    upper = keyword.upper()
    return f"write {upper}" if upper != keyword and pattern.fullmatch(upper) else ""
