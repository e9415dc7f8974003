"""The cards that say how large the data of an HDU are, checked before anything believes them.

In: a header. Out: `Structure`.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from fitsgen.inputs.cards import shown_value
from fitsgen.inputs.headers import Header

BITPIXES = (8, 16, 32, 64, -32, -64)
MAX_AXES = 999
MAX_FIELDS = 999
# More than any system gives a file; Python would not even print what a header can claim.
MAX_SIZE = 2**63 - 1


class Kind(enum.Enum):
    """What an HDU holds."""

    PRIMARY = "primary"
    IMAGE = "image"
    TABLE = "binary table"
    ASCII_TABLE = "ASCII table"
    COMPRESSED = "tile-compressed image"
    OTHER = "unknown extension"

    @property
    def is_table(self) -> bool:
        """Whether the data are rows on disk."""
        return self in (Kind.TABLE, Kind.ASCII_TABLE, Kind.COMPRESSED)


@dataclass(frozen=True, slots=True)
class Structure:
    """What an HDU holds: `axes` has NAXIS1 first, `size` is in bytes, without padding."""

    kind: Kind
    bitpix: int
    axes: tuple[int, ...]
    groups: bool
    size: int


def read_structure(header: Header) -> Structure:
    """Read the structural cards of a header.

    Raises
    ------
    InputError
        For a value that the FITS Standard 4.0 does not allow (sections 4.4.1, 7.2.1, 7.3.1).
    """
    kind = _kind(header)
    bitpix = integer(header, "BITPIX")
    if bitpix not in BITPIXES:
        raise header.error(f"BITPIX is {bitpix}: expected one of 8 16 32 64 -32 -64", "BITPIX")
    count = integer(header, "NAXIS", 0, MAX_AXES)
    axes = tuple(integer(header, f"NAXIS{n}", 0) for n in range(1, count + 1))
    groups = kind is Kind.PRIMARY and axes[:1] == (0,) and header.get("GROUPS") is True
    pcount, gcount = 0, 1
    if groups or kind is not Kind.PRIMARY:
        pcount = integer(header, "PCOUNT", 0, default=0)
        gcount = integer(header, "GCOUNT", 1, default=1)
    if kind.is_table:
        _require_table(header, bitpix, axes, gcount)
    elements = math.prod(axes[1:] if groups else axes) if axes else 0
    size = abs(bitpix) // 8 * gcount * (pcount + elements)
    if size > MAX_SIZE:
        raise header.error("NAXISn, PCOUNT and GCOUNT claim more than 2**63 bytes of data", "NAXIS")
    return Structure(kind, bitpix, axes, groups, size)


def integer(
    header: Header,
    key: str,
    least: int | None = None,
    most: int | None = None,
    default: int | None = None,
) -> int:
    """Return the integer that a keyword must have, or the default where it is missing."""
    there, value = header.lookup(key)
    if not there:
        if default is None:
            raise header.error(f"{key} is missing")
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise header.error(f"{key} is {shown_value(value)}: expected an integer", key)
    if least is not None and value < least:
        raise header.error(f"{key} is {value}: expected {least} or more", key)
    if most is not None and value > most:
        raise header.error(f"{key} is {value}: expected {most} or less", key)
    return value


def real(header: Header, key: str, default: float) -> int | float:
    """Return the number that a keyword must have, or the default where it is missing."""
    _, value = header.lookup(key)
    if value is None:
        return default
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise header.error(f"{key} is {shown_value(value)}: expected a number", key)
    return value


def text(header: Header, key: str) -> str:
    """Return the string that a keyword must have where it stands, else ''."""
    _, value = header.lookup(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise header.error(f"{key} is {shown_value(value)}: expected a string", key)
    return value


def _kind(header: Header) -> Kind:
    if header.place.hdu == 0:
        if header["SIMPLE"] is not True:
            raise header.error("SIMPLE is not T: the file says that it departs from FITS", "SIMPLE")
        return Kind.PRIMARY
    match header["XTENSION"]:
        case "IMAGE" | "IUEIMAGE":
            return Kind.IMAGE
        case "TABLE":
            return Kind.ASCII_TABLE
        case "BINTABLE" | "A3DTABLE":
            return Kind.COMPRESSED if header.get("ZIMAGE") is True else Kind.TABLE
        case _:
            return Kind.OTHER


def _require_table(header: Header, bitpix: int, axes: tuple[int, ...], gcount: int) -> None:
    found = (bitpix, len(axes), gcount)
    if found != (8, 2, 1):
        raise header.error(
            "BITPIX, NAXIS and GCOUNT are {} {} {}: a table has 8 2 1".format(*found)
        )
    # Such rows take no room in the file, so their number could be anything.
    if axes[0] == 0 < axes[1]:
        raise header.error(f"the table has {axes[1]} rows of no bytes", "NAXIS2")
    integer(header, "TFIELDS", 0, MAX_FIELDS)
