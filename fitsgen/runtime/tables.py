"""A table as a FITS extension, whatever it was given as.

In: any table that `is_table` knows, and what a template demands of its columns. Out:
`Encoded`. A table of an input file is copied byte for byte; others are laid out by
`bintable` or `asciitable`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fitsgen.lazy.nodes import Node
from fitsgen.lazy.pieces import Array
from fitsgen.runtime.asciitable import encode_ascii_table
from fitsgen.runtime.bintable import encode_rows
from fitsgen.runtime.columns import (
    COLUMN_KEYWORDS,
    COMMENTS,
    SHAPE_KEYWORDS,
    Column,
    check_numbers,
    columns_of,
    make_column,
)
from fitsgen.runtime.encoded import (
    TABLE_KINDS,
    Block,
    DataError,
    Demands,
    Encoded,
    Route,
    StructuralCard,
    check_demands,
    extension_kind,
    leading_cards,
)
from fitsgen.runtime.pixels import image_blocks
from fitsgen.runtime.storage import Storage, own_type


@runtime_checkable
class RawTable(Protocol):
    """A table of an input file, whose bytes can be copied as they are."""

    @property
    def header(self) -> Any:
        """The extension's header, of the whole table: `get(keyword, default)`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    def __len__(self) -> int:
        """Return how many rows there are: of a part of a table, fewer than NAXIS2."""

    def __getitem__(self, name: str) -> Array:
        """Return a column's values."""

    def check(self) -> None:
        """Raise `InputError` where a column cannot be read."""

    def raw_rows(self) -> Node:
        """Return the rows as they are in the file."""

    def heap(self) -> Node:
        """Return what follows the last row of the whole table, the gap before the heap included."""


def is_table(data: object) -> bool:
    """Return whether data is a table of a kind that `encode_table` knows."""
    if isinstance(data, Mapping | RawTable):
        return True
    if isinstance(data, np.ndarray):
        return data.dtype.names is not None
    return hasattr(data, "itercols") and hasattr(data, "colnames")


def encode_table(data: object, demands: Demands) -> Encoded:
    """Encode a table as a binary table, or as an ASCII one where XTENSION demands it.

    Raises:
        DataError: where a demand and the data differ, or a value does not survive; names
            the column and the row.
    """
    kind = extension_kind(demands)
    if kind == "IMAGE":
        raise DataError("XTENSION = 'IMAGE' is demanded, but the data is a table")
    if demands.get("ZCMPTYPE") is not None:
        raise DataError("ZCMPTYPE compresses images, but the data is a table")
    raw = isinstance(data, RawTable)
    if isinstance(data, RawTable):
        if _is_copy(data, demands):
            return _copy_table(data, demands)
        columns = _decoded(data)
    else:
        columns = columns_of(data)
    kind = kind or (_kind(data) if raw else "")
    return (
        encode_ascii_table(columns, demands) if kind == "TABLE" else encode_rows(columns, demands)
    )


def _kind(table: Any) -> str:
    kind = str(table.header.get("XTENSION", "BINTABLE")).rstrip()
    return kind if kind in TABLE_KINDS else "BINTABLE"


CONVERTING = ("TFORM", "TSCAL", "TZERO")
RELABELLING = ("TTYPE", "TUNIT", "TNULL", "TDISP")


def _is_copy(table: RawTable, demands: Demands) -> bool:
    """Return whether the bytes are as demanded, so that at most the labels differ."""
    if extension_kind(demands) not in ("", _kind(table)):
        return False
    for keyword, value in demands.items():
        if keyword.rstrip("0123456789") in CONVERTING and value is not None:
            told = table.header.get(keyword)
            same = isinstance(told, str) and isinstance(value, str)
            if told != value and not (same and told.rstrip() == str(value).rstrip()):
                return False
    return True


def _decoded(table: RawTable) -> list[Column]:
    """Return the columns of an input's table, with their labels."""
    columns = []
    for number, name in enumerate(table.names, 1):
        label = {k: str(table.header.get(f"{k}{number}") or "") for k in ("TUNIT", "TDISP")}
        column = replace(make_column(name, table[name]), unit=label["TUNIT"])
        columns.append(replace(column, display=label["TDISP"]))
    return columns


def _copy_table(table: RawTable, demands: Demands) -> Encoded:
    """Copy a table of an input byte for byte; names, units and the like may be new."""
    header, kind = table.header, _kind(table)
    if header.get("ZTABLE") is True:
        raise DataError("the input's table is compressed; unpack it first")
    table.check()
    rows, width, count = len(table), int(header.get("NAXIS1")), int(header.get("TFIELDS"))
    heap = math.prod(table.heap().shape)  # of bytes
    check_numbers(count, demands)
    cards = [
        *leading_cards(kind, 8, (rows, width), primary=False, heap=heap),
        StructuralCard("TFIELDS", count, "number of columns"),
        *_copied_cards(header, count, demands),
    ]
    start = header.get("THEAP")
    if start is not None:
        # It counts from the first row, of which a part of a table has fewer after it.
        moved = int(start) - width * (int(header.get("NAXIS2")) - rows)
        cards.append(StructuralCard("THEAP", moved, "where the heap begins"))
    kept = [f"{stem}n" for stem in COLUMN_KEYWORDS if stem not in RELABELLING]
    check_demands(cards, demands, (*SHAPE_KEYWORDS, *kept, "THEAP"))
    fill = b" " if kind == "TABLE" else b"\0"
    blocks = partial(_copied_blocks, table)
    return Encoded(tuple(cards), rows * width + heap, fill, blocks, route=Route.COPIED)


def _copied_cards(header: Any, count: int, demands: Demands) -> Iterator[StructuralCard]:
    for number in range(1, count + 1):
        for stem in COLUMN_KEYWORDS:
            keyword = f"{stem}{number}"
            asked = demands.get(keyword) if stem in RELABELLING else None
            value: Any = header.get(keyword) if asked is None else asked
            if value is not None and value != "":
                yield StructuralCard(keyword, value, COMMENTS[stem])


def _copied_blocks(table: RawTable) -> Iterator[Block]:
    plain = Storage(own_type(np.dtype(np.uint8)))
    yield from image_blocks(table.raw_rows(), plain)
    yield from image_blocks(table.heap(), plain)
