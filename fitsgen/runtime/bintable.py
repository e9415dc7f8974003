"""Columns as a binary table: its cards, rows and heap (FITS Standard 4.0, section 7.3).

In: columns and what a template demands of them. Out: `Encoded`; rows are laid out in
pieces of about 1 MiB, and columns of variable length follow them in the heap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fitsgen.lazy.pieces import PIECE, Array
from fitsgen.runtime.cells import Cells, Numbers, Text, cells_of, demanded_code
from fitsgen.runtime.columns import (
    SHAPE_KEYWORDS,
    Column,
    check_numbers,
    column_cards,
    relabelled,
    with_null,
)
from fitsgen.runtime.encoded import (
    Buffer,
    CardValue,
    DataError,
    Demands,
    Encoded,
    Route,
    StructuralCard,
    check_demands,
    demanded_integer,
    demanded_number,
    leading_cards,
)
from fitsgen.runtime.storage import as_bytes

MAX_P = 2**31 - 1  # a descriptor of 32 bits reaches no further


@dataclass(frozen=True, slots=True)
class Field:
    """A column laid out; `number` counts from 1.

    lengths: elements in each row where the column is ragged.
    start: where its part of the heap begins, in bytes.
    long: whether descriptors take 64 bits.
    """

    number: int
    column: Column
    cells: Cells
    lengths: Array
    start: int = 0
    long: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row's value; two numbers, a length and an offset, where it is ragged."""
        return (2,) if self.column.ragged else self.column.values.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the value, or of its descriptor."""
        if self.column.ragged:
            return np.dtype(">i8" if self.long else ">i4")
        return self.cells.dtype

    @property
    def heap_size(self) -> int:
        """Bytes that the column takes in the heap."""
        return int(self.lengths.sum()) * self.cells.dtype.itemsize

    @property
    def form(self) -> str:
        """The value of TFORMn."""
        if self.column.ragged:
            longest = int(self.lengths.max(initial=0))
            return f"1{'Q' if self.long else 'P'}{self.cells.code}({longest})"
        width = self.cells.width if isinstance(self.cells, Text) else 1
        return f"{int(np.prod(self.shape, dtype=int)) * width}{self.cells.code}"

    @property
    def dimensions(self) -> str:
        """The value of TDIMn, or '' where the row's value is one number, text or vector."""
        width = (self.cells.width,) if isinstance(self.cells, Text) else ()
        axes = (*width, *reversed(self.shape))
        if self.column.ragged or len(axes) < 2:
            return ""
        return "(" + ",".join(map(str, axes)) + ")"

    def rows(self, start: int, stop: int) -> Array:
        """Return rows as they are on disk."""
        if not self.column.ragged:
            return self.cells.stored(self.column.values[start:stop])
        before = int(self.lengths[:start].sum())
        lengths = self.lengths[start:stop]
        elements = before + np.cumsum(lengths) - lengths
        offsets = self.start + elements * self.cells.dtype.itemsize
        return np.stack([lengths, offsets], axis=1)


def encode_rows(columns: list[Column], demands: Demands) -> Encoded:
    """Encode columns, of equal length, as a binary table.

    Raises:
        DataError: where a value does not survive; names the column and the row.
    """
    check_numbers(len(columns), demands)
    fields = _with_heap([_field(n, column, demands) for n, column in enumerate(columns, 1)])
    heap = sum(field.heap_size for field in fields)
    count = len(columns[0].values) if columns else 0
    row = np.dtype([(f"{f.number}", f.dtype, f.shape) for f in fields])
    cards = [
        *leading_cards("BINTABLE", 8, (count, row.itemsize), primary=False, heap=heap),
        StructuralCard("TFIELDS", len(fields), "number of columns"),
        *(card for field in fields for card in _field_cards(field, demands)),
    ]
    check_demands(cards, demands, (*SHAPE_KEYWORDS, "TDIMn", "THEAP"))
    blocks = partial(_table_blocks, fields, row, count)
    return Encoded(tuple(cards), count * row.itemsize + heap, b"\0", blocks, route=Route.ROWS)


def _with_heap(fields: list[Field]) -> list[Field]:
    """Return the fields, each with its place in the heap."""
    starts = np.cumsum([0, *(field.heap_size for field in fields)]).tolist()
    long = starts[-1] > MAX_P
    return [
        replace(field, start=start, long=long or field.long)
        for field, start in zip(fields, starts[:-1], strict=True)
    ]


def _field(number: int, column: Column, demands: Demands) -> Field:
    form = str(demands.get(f"TFORM{number}") or "")
    column = _suited(relabelled(column, number, demands), number, form)
    cells = cells_of(column, _sample(column), demands, number)
    column = _with_demanded_null(column, number, cells, demands)
    rows = column.values if column.ragged else ()
    lengths = np.fromiter((row.size for row in rows), np.int64, len(rows))
    made = Field(number, column, cells, lengths, long="Q" in form)
    _check_form(made, demands)
    _check_cells(made)
    return made


def _suited(column: Column, number: int, form: str) -> Column:
    """Return a column as one of variable length where TFORMn demands that and it can be."""
    pointer = form.lstrip("0123456789")[:1] in ("P", "Q") and bool(form)
    if pointer and not column.ragged and column.values.ndim == 2:
        rows = np.empty(len(column.values), object)
        for i, row in enumerate(column.values):
            rows[i] = row
        column = replace(column, values=rows, ragged=True, kind=column.values.dtype)
    if form and pointer != column.ragged:
        has = "rows of different lengths" if column.ragged else "no list of numbers in each row"
        raise DataError(
            f"TFORM{number} = {form!r} is demanded, but column {column.name!r} has {has}"
        )
    return column


def _sample(column: Column) -> Array:
    """Return values of the type that the column's have."""
    return np.zeros(0, column.kind) if column.ragged else column.values


def _with_demanded_null(column: Column, number: int, cells: Cells, demands: Demands) -> Column:
    """Return a column with TNULLn, which tells a stored value: one before TZEROn is added."""
    null = demanded_integer(demands, f"TNULL{number}")
    if not isinstance(cells, Numbers) or cells.storage.type.bitpix < 0:
        if null is not None:
            raise DataError(
                f"TNULL{number} is demanded, but column {column.name!r} has no integers"
            )
        return column
    if null is None:
        return column
    told, kind = null + cells.storage.type.bzero, cells.storage.type
    limits = np.iinfo(kind.dtype)
    if not limits.min <= told <= limits.max:
        raise DataError(f"TNULL{number} = {null} does not fit column {column.name!r}, {kind}")
    return with_null(column, told)


def _check_cells(field: Field) -> None:
    column = field.column
    if not column.ragged:
        field.cells.check(column.values, column.place)
        return
    for number, row in enumerate(column.values):
        field.cells.check(row, partial(column.place, number))


def _check_form(field: Field, demands: Demands) -> None:
    """Raise DataError where the demanded repeat count or longest row is not the data's."""
    form = demands.get(f"TFORM{field.number}")
    if form is None:
        return
    made = field.form
    if field.column.ragged:
        longest = str(form).rstrip().partition("(")[2].rstrip(")")
        agrees = not longest or int(longest) >= int(field.lengths.max(initial=0))
    else:
        agrees = demanded_code(demands, field.number)[1] == int(made[:-1])
    if not agrees:
        name = field.column.name
        raise DataError(
            f"TFORM{field.number} = {form!r} is demanded, but column {name!r} is {made!r}"
        )


def _field_cards(field: Field, demands: Demands) -> Iterator[StructuralCard]:
    form = str(demands.get(f"TFORM{field.number}") or field.form).rstrip()
    if field.column.ragged and ("(" not in form or form.endswith("()")):
        form = field.form
    more = {"TDIM": field.dimensions, **_scaling(field, demands)}
    if field.column.null is not None and isinstance(field.cells, Numbers):
        more["TNULL"] = field.column.null - field.cells.storage.type.bzero
    yield from column_cards(field.number, field.column, form, more)


def _scaling(field: Field, demands: Demands) -> dict[str, CardValue]:
    made: dict[str, CardValue] = {}
    if isinstance(field.cells, Numbers) and field.cells.storage.type.bzero:
        made = {"TSCAL": 1, "TZERO": field.cells.storage.type.bzero}
    for stem in ("TSCAL", "TZERO"):
        keyword = f"{stem}{field.number}"
        asked = demanded_number(demands, keyword)
        if asked is not None and not isinstance(field.cells, Numbers):
            name = field.column.name
            raise DataError(f"{keyword} is demanded, but column {name!r} has no numbers")
        made |= {} if asked is None else {stem: asked}
    return made


def _table_blocks(fields: list[Field], row: np.dtype[Any], count: int) -> Iterator[Buffer]:
    step = max(1, PIECE // max(1, row.itemsize))
    for start in range(0, count if row.itemsize else 0, step):
        stop = min(start + step, count)
        out = np.zeros(stop - start, row)
        for field in fields:
            if out[f"{field.number}"].size:
                out[f"{field.number}"][...] = field.rows(start, stop)
        yield as_bytes(out)
    for field in fields:
        if field.column.ragged:
            yield from _heap(field)


def _heap(field: Field) -> Iterator[Buffer]:
    """Give the rows of a column of variable length, gathered to pieces worth writing."""
    pending = bytearray()
    for row in field.column.values:
        pending += as_bytes(field.cells.stored(row))
        if len(pending) >= PIECE:
            yield bytes(pending)
            pending.clear()
    yield bytes(pending)
