"""Columns as an ASCII table (FITS Standard 4.0, section 7.2).

In: columns of numbers or text. Out: `Encoded`, its rows plain text: one blank between
columns, numbers at the right, floats with all the digits that they need to be read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fitsgen.lazy.pieces import PIECE, Array
from fitsgen.runtime.cells import Text
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
    DataError,
    Demands,
    Encoded,
    Route,
    StructuralCard,
    check_demands,
    leading_cards,
)
from fitsgen.runtime.storage import as_bytes, first_misfit


@dataclass(frozen=True, slots=True)
class Format:
    """A TFORMn of an ASCII table: A, I, F, E or D, a width and decimals."""

    code: str
    width: int
    decimals: int = 0

    def __str__(self) -> str:
        tail = f".{self.decimals}" if self.code in "FED" else ""
        return f"{self.code}{self.width}{tail}"

    def text(self, values: Array) -> Array:
        """Return each value as bytes; longer than `width` where it does not fit."""
        match self.code:
            case "A":
                return np.char.ljust(values.astype(bytes), self.width)
            case "I":
                plain = values.astype(np.int64) if values.dtype.kind == "f" else values
                return np.char.rjust(plain.astype(bytes), self.width)
            case _:
                style = "f" if self.code == "F" else "E"
                made = np.char.mod(f"%{self.width}.{self.decimals}{style}", values)
                return np.asarray(made).astype(bytes)


def encode_ascii_table(columns: list[Column], demands: Demands) -> Encoded:
    """Encode columns of one text or number a row.

    Raises:
        DataError: where a column has vectors, logicals, complex numbers, NaN or infinity,
            or a value does not fit the demanded TFORMn.
    """
    check_numbers(len(columns), demands)
    told = [_labelled(column, n, demands) for n, column in enumerate(columns, 1)]
    formats = [_format(column, n, demands) for n, column in enumerate(told, 1)]
    starts = np.cumsum([0, *(f.width + 1 for f in formats)]).tolist()
    row, count = max(0, starts[-1] - 1), len(columns[0].values) if columns else 0
    cards = [
        *leading_cards("TABLE", 8, (count, row), primary=False),
        StructuralCard("TFIELDS", len(columns), "number of columns"),
    ]
    for n, (column, form, start) in enumerate(zip(told, formats, starts, strict=False), 1):
        null = None if column.null is None else str(column.null)
        cards += column_cards(n, column, str(form), {"TBCOL": start + 1, "TNULL": null})
    check_demands(cards, demands, (*SHAPE_KEYWORDS, "TBCOLn", "TDIMn", "TSCALn", "TZEROn"))
    blocks = partial(_rows, told, formats, row, count)
    return Encoded(tuple(cards), count * row, b" ", blocks, route=Route.ROWS)


def _labelled(column: Column, number: int, demands: Demands) -> Column:
    """Return a column with its labels; TNULLn is text in an ASCII table."""
    column = relabelled(column, number, demands)
    null = demands.get(f"TNULL{number}")
    if null is None:
        return column
    if column.values.dtype.kind not in "iu" or not re.fullmatch(r" *-?\d+ *", str(null)):
        raise DataError(f"TNULL{number} = {null!r} does not suit column {column.name!r}")
    return with_null(column, int(str(null)))


def _format(column: Column, number: int, demands: Demands) -> Format:
    kind = column.values.dtype.kind
    if column.ragged or column.values.ndim != 1 or kind in "bc":
        raise DataError(
            f"column {column.name!r} cannot be in an ASCII table, which holds one number or text"
            " a row; leave out XTENSION = 'TABLE' for a binary table"
        )
    if kind in "US":
        width = column.values.dtype.itemsize // (4 if kind == "U" else 1)
        form = _demanded(number, demands) or Format("A", max(1, width))
        Text(form.width).check(column.values, column.place)
    else:
        form = _demanded(number, demands) or _natural(column.values)
    if (kind in "US") != (form.code == "A"):
        raise DataError(f"TFORM{number} = {form} does not suit column {column.name!r}")
    if form.code != "A":
        _check(column, form)
    return form


def _natural(values: Array) -> Format:
    """Return the narrowest format that reads back every integer, or any float of the type."""
    match values.dtype.name:
        case "float32":
            return Format("E", 15, 8)
        case "float64":
            return Format("D", 24, 16)
        case _:
            ends = (values.min(), values.max()) if values.size else (0,)
            return Format("I", max(len(str(end)) for end in ends))


def _demanded(number: int, demands: Demands) -> Format | None:
    form = demands.get(f"TFORM{number}")
    if form is None:
        return None
    found = re.fullmatch(r"([AI])(\d+)\s*|([FED])(\d+)\.(\d+)\s*", str(form))
    if not found:
        raise DataError(f"TFORM{number} = {form!r} is no format of an ASCII table's column")
    if found[1]:
        return Format(found[1], int(found[2]))
    return Format(found[3], int(found[4]), int(found[5]))


def _check(column: Column, form: Format) -> None:
    where = first_misfit(column.values, lambda block: _read_back(block, form))
    if where is not None:
        value = column.values[where].item()
        raise DataError(f"{column.place(*where)} is {value}, which {form} cannot hold exactly")


def _read_back(values: Array, form: Format) -> Array:
    """Return which values are finite, fit the width, and are read back as they were."""
    finite = np.isfinite(values)
    if form.code == "I" and values.dtype.kind == "f":
        finite = finite & (np.abs(values) < 2.0**63)
    text = form.text(np.where(finite, values, np.zeros((), values.dtype)))
    whole = form.code == "I" and values.dtype.kind in "iu"
    back = text.astype(values.dtype if whole else np.float64)
    same = back.astype(values.dtype) == values if values.dtype.kind == "f" else back == values
    return np.asarray(finite & (np.char.str_len(text) <= form.width) & same)


def _rows(columns: list[Column], formats: list[Format], width: int, count: int) -> Iterator[Buffer]:
    layout: list[tuple[str, Any]] = []
    for n, form in enumerate(formats):
        layout += [(f"{n}", f"S{form.width}"), (f"gap{n}", "S1")]
    row = np.dtype(layout[:-1])
    step = max(1, PIECE // max(1, width))
    for start in range(0, count if width else 0, step):
        stop = min(start + step, count)
        out = np.full((stop - start) * width, ord(" "), np.uint8).view(row)
        for n, (column, form) in enumerate(zip(columns, formats, strict=True)):
            out[f"{n}"] = form.text(column.values[start:stop])
        yield as_bytes(out)
