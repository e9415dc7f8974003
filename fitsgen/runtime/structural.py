"""Which keywords describe the data of an HDU (FITS Standard 4.0, sections 4.4.1 and 7).

Their values come from the data that was made; a template gives their comments
and, with a value, demands it.
"""

from __future__ import annotations

import functools

_FIXED = frozenset(
    "SIMPLE XTENSION BITPIX NAXIS EXTEND PCOUNT GCOUNT TFIELDS THEAP BZERO BSCALE "
    "CHECKSUM DATASUM ZCMPTYPE ZQUANTIZ ZDITHER0 ZBLANK ZIMAGE ZSIMPLE ZEXTEND ZTENSION ZBITPIX "
    "ZNAXIS ZPCOUNT ZGCOUNT".split()
)
_LEADING = frozenset("SIMPLE XTENSION BITPIX NAXIS PCOUNT GCOUNT TFIELDS".split())
_NUMBERED = frozenset(
    "NAXIS ZNAXIS TFORM TTYPE TUNIT TNULL TDISP TDIM TSCAL TZERO TBCOL ZTILE ZNAME ZVAL".split()
)


@functools.lru_cache(4096)
def is_structural(keyword: str) -> bool:
    """Whether a keyword describes the data of its HDU."""
    return keyword in _FIXED or (
        keyword[-1:].isdigit() and keyword.rstrip("0123456789") in _NUMBERED
    )


@functools.lru_cache(4096)
def is_leading(keyword: str) -> bool:
    """Whether a keyword has its place at the start of a header (FITS 4.0, section 4.4.1)."""
    return keyword in _LEADING or (keyword.startswith("NAXIS") and keyword[5:].isdigit())


def is_checksum(keyword: str) -> bool:
    """Whether a keyword holds a checksum, which is computed when all else is known."""
    return keyword in ("CHECKSUM", "DATASUM")
