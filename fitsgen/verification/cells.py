"""The cells of tables (FITS Standard 4.0, sections 7.2.5 and 7.3.3): the first wrong one a column.

In: the columns of a table and its bytes. Out: `Fault`s. Rows are looked at in pieces,
and only the columns whose bytes can be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fitsgen.diagnostics import Severity
from fitsgen.inputs.columns import Format
from fitsgen.inputs.content import Window
from fitsgen.inputs.rows import Rows
from fitsgen.verification.cardtext import Cards, Fault
from fitsgen.verification.columns import Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE = 4 * 2**20
_CHECKED = "LAX"
_MAXIMUM = re.compile(r"\(([0-9]{1,18})\)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?(?:[0-9]+(\.)?[0-9]*|(\.)[0-9]+)(?:[ED]?[+-][0-9]+|[ED][0-9]+)?")


def binary_faults(columns: list[Column], rows: Rows, heap: int) -> Iterator[Fault]:
    """Yield what is wrong with the cells of a binary table.

    Parameters
    ----------
    heap
        How many bytes the heap has.
    """
    checked = (
        []
        if heap < 0
        else [c for c in columns if c.width and (c.is_variable or c.form.code in _CHECKED)]
    )
    for column in checked:
        step = max(1, _PIECE // column.width)
        for start in range(0, len(rows), step):
            piece = rows.part(slice(start, start + step)).field(column.start, column.width)
            wrong, said, section = _wrong(column, piece, heap)
            if wrong.any():
                row = start + int(wrong.argmax()) + 1
                yield Fault(f"row {row}, column {column.number}: {said}", section)
                break


def _wrong(column: Column, cells: NDArray[Any], heap: int) -> tuple[NDArray[Any], str, str]:
    """Return which rows are wrong, what is wrong with them, and the section that says so."""
    import numpy as np

    section = "7.3.3.1"
    match column.form.code:
        case "L":
            bad = ~np.isin(cells, np.frombuffer(b"TF\0", np.uint8))
            said = "a logical is not T, F or 0"
        case "A":
            # What follows a NUL is not looked at by anyone.
            text = np.logical_and.accumulate(cells != 0, axis=1)
            bad = text & ((cells < 0x20) | (cells > 0x7E))
            said = "the text is not printable ASCII"
        case "X":
            bad = (cells[:, -1:] & ((1 << -column.form.repeat % 8) - 1)) != 0
            said = "bits beyond the last are not 0"
        case _:
            bad, section = _outside(column, cells, heap), "7.3.5"
            name = f"TFORM{column.number}"
            said = f"more elements than {name} says, or outside the heap of {heap} bytes"
    return np.asarray(bad.any(axis=1)), said, section


def _outside(column: Column, cells: NDArray[Any], heap: int) -> NDArray[Any]:
    """Return which descriptors point out of the heap, or have more elements than TFORMn says."""
    import numpy as np

    pairs = cells.view(">i4" if column.form.code == "P" else ">i8").astype(np.int64)
    count, offset = pairs[:, :1], pairs[:, 1:]
    # Bits of 1024 elements, to know what one takes without rounding up.
    bits = Format(1024, column.code, "").width * 8 // 1024
    longest = _MAXIMUM.search(column.form.rest)
    most = min(heap * 8 // bits, int(longest[1]) if longest else heap * 8)
    # Compared before they are added up, so that nothing overflows.
    bad = (count < 0) | (count > most) | (offset < 0) | (offset > heap)
    size = -(-np.where(bad, 0, count) * bits // 8)
    outside = bad | (np.where(bad, 0, offset) + size > heap)
    return np.asarray(outside & (count != 0))


def ascii_faults(columns: list[Column], cards: Cards, data: Window, length: int) -> Iterator[Fault]:
    """Yield what is wrong with the cells of an ASCII table whose rows have `length` bytes."""
    if not length:
        return
    for start in range(0, len(data), length):
        if (
            not bytes(data[start : start + length]).decode("latin-1").isprintable()
            or max(data[start : start + length]) > 0x7E
        ):
            row = start // length + 1
            yield Fault(f"row {row} has bytes that are not printable ASCII", "7.2.3")
            return
    for column in columns:
        if column.form.code != "A":
            yield from _numbers(column, cards, data, length)


def _numbers(column: Column, cards: Cards, data: Window, length: int) -> Iterator[Fault]:
    null = (cards.string(f"TNULL{column.number}") or "").strip()
    pattern = _INTEGER if column.form.code == "I" else _REAL
    for start in range(column.start, len(data), length):
        text = bytes(data[start : start + column.width]).decode("ascii").strip()
        if text in ("", null):
            continue
        found = pattern.fullmatch(text)
        where = f"row {start // length + 1}, column {column.number}: {text!r}"
        if found is None:
            yield Fault(f"{where} is no number of format {column.form.code}", "7.2.5")
            return
        if pattern is _REAL and not any(found.groups()):
            message = f"{where} has no decimal point, so its last digits are decimals"
            yield Fault(message, "7.2.5", None, Severity.WARNING)
            return
