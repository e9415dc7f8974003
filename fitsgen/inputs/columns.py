"""The bytes of table rows to columns: FITS Standard 4.0, sections 7.2 (ASCII) and 7.3 (binary).

In: a table's header, its rows and its heap. Out: read-only arrays in native byte order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.headers import Header
from fitsgen.inputs.opening import is_bomb
from fitsgen.inputs.pixels import physical
from fitsgen.inputs.structure import integer, real, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINARY = re.compile(r"([0-9]*)([LXBIJKAEDCMPQ])([^ ]*)")
_VARIABLE = re.compile(r"([LBIJKAEDCMX])(\([0-9]*\))?")
_ASCII = re.compile(r"([AIFED])([0-9]+)(?:\.([0-9]+))?")
_DIMENSIONS = re.compile(r"\( *([0-9]+ *(?:, *[0-9]+ *)*)\)")
# X, bits, is counted apart; P and Q are the descriptors of variable-length arrays.
_DTYPES = {
    "L": "u1",
    "X": "u1",
    "B": "u1",
    "I": ">i2",
    "J": ">i4",
    "K": ">i8",
    "A": "u1",
    "E": ">f4",
    "D": ">f8",
    "C": ">c8",
    "M": ">c16",
    "P": ">i4",
    "Q": ">i8",
}
_SIZES = {**dict.fromkeys("LXBA", 1), "I": 2, **dict.fromkeys("JE", 4)}
_SIZES |= {**dict.fromkeys("KDCP", 8), **dict.fromkeys("MQ", 16)}


@dataclass(frozen=True, slots=True)
class Format:
    """A column of a binary table: `repeat` elements of type `code`; `rest` follows the code."""

    repeat: int
    code: str
    rest: str

    @property
    def width(self) -> int:
        """Bytes of a row that the column takes."""
        return _bytes(self.code, self.repeat)


def binary_formats(header: Header) -> tuple[Format, ...]:
    """Return what TFORMn say; an InputError where they do not add up to NAXIS1."""
    formats = []
    for number in range(1, integer(header, "TFIELDS") + 1):
        form = text(header, f"TFORM{number}").strip()
        found = _BINARY.fullmatch(form)
        if found is None:
            raise header.place.error(f"TFORM{number} is {form!r}: no format of a binary table")
        formats.append(Format(int(found[1] or 1), found[2], found[3]))
    width, found_width = integer(header, "NAXIS1"), sum(form.width for form in formats)
    if width != found_width:
        raise header.place.error(f"the columns take {found_width} bytes a row, NAXIS1 is {width}")
    return tuple(formats)


def binary_column(header: Header, number: int, rows: memoryview, heap: memoryview) -> NDArray[Any]:
    """Return column `number` (from 1) of a binary table, one element a row.

    Vectors have further axes (TDIMn in NumPy order), strings lose trailing blanks,
    logicals and bits are bool, variable-length columns are arrays of arrays, and
    TSCALn and TZEROn are applied as `physical` does.
    """
    import numpy as np

    formats = binary_formats(header)
    form = formats[number - 1]
    offset = list(accumulate((form.width for form in formats), initial=0))[number - 1]
    count = integer(header, "NAXIS2")
    table = np.frombuffer(rows, "u1").reshape(count, integer(header, "NAXIS1"))
    field = np.ascontiguousarray(table[:, offset : offset + form.width])
    if form.code in "PQ":
        return _variable_column(header, number, form, field, heap)
    shape = _dimensions(header, number, form)
    values = _values(header, number, form.code, field, form.repeat)
    if form.code == "A":
        values = _strings(values[:, : prod(shape)].reshape(count, *shape))
    elif shape != (form.repeat,) or shape == (1,):
        values = values[:, : prod(shape)].reshape(count, *(shape if shape != (1,) else ()))
    values.flags.writeable = False
    return values


def ascii_column(header: Header, number: int, rows: memoryview) -> NDArray[Any]:
    """Return column `number` (from 1) of an ASCII table: strings, int64 or float64.

    A blank number is 0 (section 7.2.5); a number column that has TNULLn is float64
    with NaN for it.
    """
    import numpy as np

    form = text(header, f"TFORM{number}").strip()
    found = _ASCII.fullmatch(form)
    if found is None:
        raise header.place.error(f"TFORM{number} is {form!r}: no format of an ASCII table")
    code, width, decimals = found[1], int(found[2]), int(found[3] or 0)
    length = integer(header, "NAXIS1")
    start = integer(header, f"TBCOL{number}", 1, length - width + 1) - 1
    table = np.frombuffer(rows, "u1").reshape(integer(header, "NAXIS2"), length)
    field = _strings(table[:, start : start + width])
    if code == "A":
        values = field
    else:
        null = text(header, f"TNULL{number}").strip() if f"TNULL{number}" in header else None
        values = _ascii_numbers(field, code, decimals, null)
        zero, scale = real(header, f"TZERO{number}", 0), real(header, f"TSCAL{number}", 1)
        if (zero, scale) != (0, 1):
            values = values * float(scale) + zero
    values.flags.writeable = False
    return values


def _ascii_numbers(field: NDArray[Any], code: str, decimals: int, null: str | None) -> NDArray[Any]:
    import numpy as np

    digits = np.char.replace(np.char.upper(np.char.strip(field)), "D", "E")
    missing = np.isin(np.char.strip(field), [] if null is None else [null])
    digits = np.where((digits == "") | missing, "0", digits)
    if code == "I":
        values = digits.astype("i8")
        return np.where(missing, np.nan, values) if null is not None else values
    values = digits.astype("f8")
    # Without a point the last digits are decimals, as in Fortran (section 7.2.5).
    values = np.where(np.char.find(digits, ".") < 0, values / 10.0**decimals, values)
    return np.where(missing, np.nan, values)


def _bytes(code: str, count: int) -> int:
    return -(-count // 8) if code == "X" else count * _SIZES[code]


def axes_of(dimensions: str) -> tuple[int, ...]:
    """Return the axes that TDIMn names, the fastest first; none where it is wrong (7.3.2)."""
    found = _DIMENSIONS.fullmatch(dimensions)
    return tuple(map(int, found[1].split(","))) if found else ()


def _dimensions(header: Header, number: int, form: Format) -> tuple[int, ...]:
    """Return the axes of one element in NumPy order; of strings, the last is their length."""
    dimensions = text(header, f"TDIM{number}").strip()
    if not dimensions:
        return (form.repeat,)
    sizes = axes_of(dimensions)
    if not sizes:
        raise header.place.error(f"TDIM{number} is {dimensions!r}: expected such as '(3,2)'")
    shape = sizes[::-1]
    if prod(shape) > form.repeat:
        raise header.place.error(f"TDIM{number} is {dimensions}, of {form.repeat} elements")
    return shape


def _values(
    header: Header, number: int, code: str, field: NDArray[Any], repeat: int
) -> NDArray[Any]:
    """Return contiguous bytes (rows, width) as the elements they are: (rows, repeat)."""
    import numpy as np

    count = len(field)
    if code == "X":
        return np.unpackbits(field, axis=1)[:, :repeat].astype(bool)
    stored = np.frombuffer(field, _DTYPES[code]).reshape(count, repeat)
    if code == "L":
        return np.asarray(stored == ord("T"))
    if code == "A":
        return stored
    key = f"TNULL{number}"
    null = integer(header, key) if code in "BIJK" and key in header else None
    zero, scale = real(header, f"TZERO{number}", 0), real(header, f"TSCAL{number}", 1)
    values = physical(stored, zero, scale, null)
    return values.astype(values.dtype.newbyteorder("="))


def _strings(letters: NDArray[Any]) -> NDArray[Any]:
    """Return strings from their bytes, the last axis; NUL ends one (section 7.3.3.1)."""
    import numpy as np

    width = letters.shape[-1]
    if not width:
        return np.zeros(letters.shape[:-1], "U1")
    whole = letters * np.logical_and.accumulate(letters != 0, axis=-1)
    strings = np.ascontiguousarray(whole).view(f"S{width}")[..., 0]
    return np.char.rstrip(strings.astype(f"U{width}"))


def _variable_column(
    header: Header, number: int, form: Format, field: NDArray[Any], heap: memoryview
) -> NDArray[Any]:
    """Return an array of arrays, each from its place in the heap (section 7.3.5)."""
    import numpy as np

    found = _VARIABLE.fullmatch(form.rest)
    if found is None or form.repeat > 1:
        raise header.place.error(f"TFORM{number} is no format of a variable-length column")
    code = found[1]
    pairs = np.frombuffer(field, _DTYPES[form.code]).reshape(len(field), 2 * form.repeat)
    # Rows may share bytes of the heap, and so claim any number of times what there is.
    claimed = sum(_bytes(code, count) for count in pairs[:, :1].ravel().tolist())
    if is_bomb(len(heap), claimed):
        raise header.place.error(f"{len(heap)} bytes of heap claim to be {claimed}: refused")
    column = np.empty(len(field), object)
    for row, pair in enumerate(pairs.tolist()):
        count, start = pair if any(pair[:1]) else (0, 0)
        stop = start + _bytes(code, count)
        if count < 0 or start < 0 or stop > len(heap):
            raise header.place.error(
                f"row {row + 1} of column {number} has bytes {start} to {stop} of the heap,"
                f" which has {len(heap)}"
            )
        content = np.frombuffer(heap[start:stop], "u1").reshape(1, stop - start)
        values = _values(header, number, code, content, count)
        values = _strings(values) if code == "A" else values[0]
        values.flags.writeable = False
        column[row] = str(values[0]) if code == "A" else values
    column.flags.writeable = False
    return column
