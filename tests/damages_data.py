"""Damaged data of FITS files: tables, compressed images, checksums."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from damages import CONVERT, Damage, Make, changed, refused, warned
from damages_fits import (
    BLOCK,
    EVENTS,
    IN,
    PACKED,
    SCI,
    WARNING,
    adding,
    at,
    card,
    cut,
    headers,
    raw_card,
    setting,
)


def data_of(number: int, change: Callable[[bytes], bytes]) -> Make:
    """Change the data of an HDU, their padding among them."""

    def edit(content: bytes) -> bytes:
        starts = [*headers(content), len(content)]
        start, end = starts[number] + BLOCK, starts[number + 1]
        return content[:start] + change(content[start:end]) + content[end:]

    return changed("in.fits", edit)


def overwriting(number: int, offset: int, new: bytes) -> Make:
    return data_of(number, lambda data: data[:offset] + new + data[offset + len(new) :])


def summed(change: Make) -> Make:
    """Damage the file that has checksums."""

    def make(directory: Path) -> None:
        os.replace(directory / "sums.fits", directory / "in.fits")
        change(directory)

    return make


def _pointer(count: int, offset: int) -> bytes:
    return struct.pack(">ii", count, offset)


# Where the descriptor of the first HITS stands in the first row, and of the second one.
HITS, ROW = 16, 24

TABLE = "HDU 2 (EVENTS)"


def refused_table(make: Make, *says: str) -> Damage:
    return refused(make, *says, command=CONVERT.replace("t.gen.txt", "events.gen.txt"))


TABLES: dict[str, Damage] = {
    "TFIELDS of 2^31": refused_table(
        setting(EVENTS, TFIELDS="2147483648"), at(EVENTS), "TFIELDS is 2"
    ),
    "TFIELDS 999": refused_table(setting(EVENTS, TFIELDS="999"), TABLE, "TFORM4"),
    "no TFIELDS": refused_table(setting(EVENTS, TFIELDS=None), at(EVENTS), "TFIELDS"),
    "10^12 rows of nothing": refused_table(
        setting(EVENTS, NAXIS1="0", NAXIS2="1000000000000"), at(EVENTS), "rows of no bytes"
    ),
    "unknown TFORM": refused_table(setting(EVENTS, TFORM1="'7Z'"), TABLE, "TFORM1", "7Z"),
    "TFORM of 10^18": refused_table(
        setting(EVENTS, TFORM1="'1000000000000000000D'"), TABLE, "TFORM1"
    ),
    "columns wider than the row": refused_table(setting(EVENTS, TFORM1="'2D'"), TABLE, "32", "24"),
    "TDIM is no list": refused_table(adding(EVENTS, card("TDIM2", "'(x)'")), TABLE, "TDIM2"),
    "TZERO NaN": refused_table(adding(EVENTS, card("TZERO1", "NaN")), TABLE, "TZERO1"),
    "TNULL 'x'": refused_table(adding(EVENTS, card("TNULL3", "'x'")), TABLE, "TNULL3"),
    "THEAP before the end of the table": refused_table(
        adding(EVENTS, card("THEAP", "8")), TABLE, "THEAP"
    ),
    "THEAP beyond the heap": refused_table(
        adding(EVENTS, card("THEAP", "90000")), TABLE, "0 bytes"
    ),
    "no heap": refused_table(setting(EVENTS, PCOUNT="0"), TABLE, "column 3"),
    "a descriptor beyond the heap": refused_table(
        overwriting(EVENTS, HITS, _pointer(3, 10**9)), TABLE, "column 3", "of the heap"
    ),
    "a descriptor of a negative length": refused_table(
        overwriting(EVENTS, HITS, _pointer(-3, 0)), TABLE, "column 3"
    ),
    "a descriptor of 2^31 values": refused_table(
        overwriting(EVENTS, HITS, _pointer(2**31 - 1, 0)), TABLE, "column 3"
    ),
    "a text that is no ASCII": refused(
        overwriting(EVENTS, 8, b"\xff\xfe"),
        "in.fits: error: HDU 2 (EVENTS): row 1, column 2",
        command="verify in.fits -t all.gen.txt",
    ),
}

PACK = "packed.gen.txt:8:1: error: PACKED data: in.fits: HDU 3"


def refused_image(make: Make, *says: str) -> Damage:
    return refused(make, *says, command=CONVERT.replace("t.gen.txt", "packed.gen.txt"))


COMPRESSED: dict[str, Damage] = {
    "unknown compression": refused_image(setting(PACKED, ZCMPTYPE="'LZMA_9'"), PACK, "LZMA_9"),
    "ZBITPIX 7": refused_image(setting(PACKED, ZBITPIX="7"), PACK),
    "no ZNAXIS1": refused_image(setting(PACKED, ZNAXIS1=None), PACK, "ZNAXIS1"),
    "an image of 10^12 pixels": refused_image(
        setting(PACKED, ZNAXIS1="1000000", ZNAXIS2="1000000"), PACK
    ),
    "ZTILE1 0": refused_image(setting(PACKED, ZTILE1="0"), PACK),
    "more tiles than rows": refused_image(setting(PACKED, ZTILE2="1"), PACK),
    "BLOCKSIZE 0": refused_image(setting(PACKED, ZVAL1="0"), PACK),
    "BYTEPIX 'x'": refused_image(setting(PACKED, ZVAL2="'x'"), PACK),
    "a column of another name": refused_image(setting(PACKED, TTYPE1="'OTHER'"), PACK),
    "a tile beyond the heap": refused_image(overwriting(PACKED, 0, _pointer(400, 10**9)), PACK),
    "a tile cut short": refused_image(overwriting(PACKED, 0, _pointer(20, 0)), PACK),
}

SUMS: dict[str, Damage] = {
    "wrong DATASUM": warned(
        summed(setting(SCI, DATASUM="'12345'")), WARNING, "HDU 1", "DATASUM", "CHECKSUM"
    ),
    "wrong CHECKSUM": warned(
        summed(setting(SCI, CHECKSUM="'0123456789abcdef'")), WARNING, "HDU 1", "CHECKSUM"
    ),
    "wrong CHECKSUM of the primary HDU": warned(
        summed(setting(0, CHECKSUM="'0123456789abcdef'")), WARNING, "HDU 0", "CHECKSUM"
    ),
    "a card added after the CHECKSUM": warned(
        summed(setting(SCI, EXTVER="1")), WARNING, "HDU 1", "CHECKSUM"
    ),
    "DATASUM is no number": warned(
        summed(setting(SCI, DATASUM="'x'")), WARNING, "HDU 1", "DATASUM"
    ),
    "CHECKSUM is a number": warned(
        summed(setting(SCI, CHECKSUM="5")), WARNING, "HDU 1", "CHECKSUM"
    ),
}

SHOW, VERIFY = "show ./in.fits", "verify in.fits -t all.gen.txt"

VERBS: dict[str, Damage] = {
    "show: cut short": refused(cut(7000), at(SCI), "cut short", command=SHOW),
    "show: no END": refused(raw_card(PACKED, "END", b""), at(PACKED), "no END", command=SHOW),
    "show: no closing quote": refused(
        raw_card(0, "TARGET", b"TARGET  = 'Vega"), at(0), "card 5 (TARGET)", command=SHOW
    ),
    "verify: cut short": refused(cut(7000), at(SCI), "cut short", command=VERIFY),
    "verify: BITPIX 7": refused(setting(SCI, BITPIX="7"), at(SCI), "BITPIX is 7", command=VERIFY),
    "verify: non-ASCII": refused(adding(0, b"OTHER   = '\xe9'"), at(0), "0xE9", command=VERIFY),
    "verify: a wrong CHECKSUM": refused(
        summed(setting(SCI, CHECKSUM="'0123456789abcdef'")), at(SCI), "CHECKSUM", command=VERIFY
    ),
    "verify: a descriptor beyond the heap": refused(
        overwriting(EVENTS, HITS, _pointer(3, 10**9)), at(EVENTS), "row 1", command=VERIFY
    ),
    "verify: missing padding": refused(cut(14400 + BLOCK + 2355), IN, command=VERIFY),
    "verify: garbage at the end": refused(
        changed("in.fits", lambda c: c + b"garbage"), IN, command=VERIFY
    ),
}

DATA: dict[str, Damage] = {**TABLES, **COMPRESSED, **SUMS, **VERBS}
