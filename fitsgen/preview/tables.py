"""The first rows of a table to lines of text.

In: a table of an input. Out: lines, of which only those cells were read that are shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fitsgen.diagnostics import counted
from fitsgen.inputs.cards import shown
from fitsgen.inputs.columns import binary_formats
from fitsgen.inputs.structure import Kind, integer
from fitsgen.inputs.tables import TableData

# Rows that are shown, letters of a line, and of a cell.
MAX_ROWS = 8
MAX_LINE = 165
MAX_CELL = 40
# Elements of a cell that are shown from each end.
_ENDS = 3
# Bytes of a cell, or of a heap, that are read in order to show some of it.
_MAX_READ = 1 << 20
_MAX_HEAP = 64 << 20
_GAP = "  "


def table_lines(table: TableData) -> tuple[str, ...]:
    """Return names, units and the first rows; of more columns than fit, how many there are."""
    rows = table[:MAX_ROWS]
    assert isinstance(rows, TableData)
    lines, shown_columns = [""] * (2 + len(rows)), 0
    for number, name in enumerate(table.names, 1):
        unit = table.header.tolerant(f"TUNIT{number}", str) or ""
        cells = [_short(name), _short(str(unit)), *_cells(rows, number)]
        width = max(map(len, cells))
        is_text = str(table.header.tolerant(f"TFORM{number}", str)).strip().lstrip("0123456789")
        justified = str.ljust if is_text[:1] == "A" else str.rjust
        if shown_columns and len(lines[0]) + width > MAX_LINE:
            break
        pairs = zip(lines, cells, strict=True)
        lines = [line + justified(cell, width) + _GAP for line, cell in pairs]
        shown_columns = number
    if not lines[1].strip():
        del lines[1]
    lines = [line.rstrip() for line in lines]
    lines += _more(len(table) - len(rows), "row") + _more(
        len(table.names) - shown_columns, "column"
    )
    return tuple(lines)


def _more(count: int, what: str) -> list[str]:
    return [f"... and {counted(count, f'more {what}')}"] if count else []


def _cells(rows: TableData, number: int) -> list[str]:
    """Return the cells of a column, counted from 1."""
    if not len(rows):
        return []
    if why := _too_large(rows, number):
        return [why] * len(rows)
    # By its number: several columns may have one name.
    name = rows.names[number - 1]
    if rows.names.index(name) != number - 1:
        return ["(name twice)"] * len(rows)
    column = rows[name]
    assert isinstance(column, np.ndarray)
    return [_cell(value) for value in column]


def _too_large(rows: TableData, number: int) -> str:
    """Return what is said of cells in the place of reading them."""
    row = integer(rows.header, "NAXIS1", 0)
    if rows.kind is Kind.ASCII_TABLE:
        return "(large)" if row > _MAX_READ else ""
    form = binary_formats(rows.header)[number - 1]
    if form.code in "PQ":
        return "(variable)" if rows.heap().where.size > _MAX_HEAP else ""
    return f"({form.repeat} elements)" if form.width > _MAX_READ else ""


def _cell(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return _short(_one(value))
    flat = value.reshape(-1)
    if len(flat) <= 2 * _ENDS:
        return _short("[" + " ".join(map(_one, flat)) + "]")
    ends = [*map(_one, flat[: _ENDS - 1]), "..", _one(flat[-1])]
    return _short(f"[{' '.join(ends)}] of {len(flat)}")


def _one(value: Any) -> str:
    match value:
        case bool() | np.bool_():
            return "T" if value else "F"
        case complex() | np.complexfloating():
            return f"{complex(value):.6g}"
    return str(value)


def _short(text: str) -> str:
    text = shown(text)
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 2] + ".."
