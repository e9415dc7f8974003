"""The bytes of table rows to columns: FITS Standard 4.0, sections 7.2 (ASCII) and 7.3 (binary).

In: rows of a table, and its heap. Out: read-only arrays in native byte order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from fitsgen.diagnostics import InputError
from fitsgen.inputs.cards import shown_value
from fitsgen.inputs.content import Span, Window
from fitsgen.inputs.headers import Header
from fitsgen.inputs.opening import is_bomb
from fitsgen.inputs.pixels import physical
from fitsgen.inputs.rows import Rows
from fitsgen.inputs.structure import integer, real, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINARY = re.compile(r"([0-9]{0,18})([LXBIJKAEDCMPQ])([^ ]*)")
_VARIABLE = re.compile(r"([LBIJKAEDCMX])(\([0-9]*\))?")
_ASCII = re.compile(r"([AIFED])([0-9]{1,18})(?:\.([0-9]{1,3}))?")
_DIMENSIONS = re.compile(r"\( *([0-9]{1,18} *(?:, *[0-9]{1,18} *)*)\)")
# Bytes that an element has in an array, where they are more than in the file: logicals of bits,
# letters of four bytes.
_GROWTH = {"X": 8, "A": 4}
# So many descriptors are looked at at a time.
_AT_ONCE = 1 << 16
# So many times may the rows claim the heap.
_SHARED = 8
# NumPy counts the bytes of a text, four a letter, in 31 bits.
_LONGEST_TEXT = 2**29 - 1
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
            message = f"TFORM{number} is {shown_value(form)}: no format of a binary table"
            raise header.error(message, f"TFORM{number}")
        formats.append(Format(int(found[1] or 1), found[2], found[3]))
    width, found_width = integer(header, "NAXIS1"), sum(form.width for form in formats)
    if width != found_width:
        message = f"the columns take {found_width} bytes a row, NAXIS1 is {width}"
        raise header.error(message, "NAXIS1")
    return tuple(formats)


def binary_column(rows: Rows, formats: Sequence[Format], number: int, heap: Span) -> NDArray[Any]:
    """Return column `number` (from 1) of a binary table, one element a row.

    Vectors have further axes (TDIMn in NumPy order), strings lose trailing blanks,
    logicals and bits are bool, variable-length columns are arrays of arrays, and
    TSCALn and TZEROn are applied as `physical` does.
    """
    header, count = rows.header, len(rows)
    form = formats[number - 1]
    column = _Column(rows, number, sum(one.width for one in formats[: number - 1]))
    field = rows.field(column.offset, form.width)
    if form.code in "PQ":
        return _variable_column(column, form, field, heap)
    shape = _dimensions(header, number, form)
    values = _values(header, number, form.code, field, form.repeat)
    if form.code == "A":
        values = column.strings(values[:, : prod(shape)].reshape(count, *shape))
    elif shape != (form.repeat,) or shape == (1,):
        values = values[:, : prod(shape)].reshape(count, *(shape if shape != (1,) else ()))
    values.flags.writeable = False
    return values


def check_column(rows: Rows, formats: Sequence[Format], number: int, heap: Span) -> None:
    """Look at how column `number` of a binary table is kept, and not at its values.

    Raises
    ------
    InputError
        The header is wrong about it, or a row of it is not in the heap.

    """
    form = formats[number - 1]
    none = rows.part(slice(0, 0))
    binary_column(none, formats, number, heap)
    if form.code not in "PQ":
        return
    offset = sum(one.width for one in formats[: number - 1])
    code = _variable_code(rows.header, number, form)
    _values(rows.header, number, code, none.field(0, 0), 0)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows.part(slice(start, start + _AT_ONCE))
        field = some.field(offset, form.width)
        _places(_Column(some, number, offset), form, code, field, heap)


def ascii_column(rows: Rows, number: int) -> NDArray[Any]:
    """Return column `number` (from 1) of an ASCII table: strings, int64 or float64.

    A blank number is 0 (section 7.2.5); a number column that has TNULLn is float64
    with NaN for it.
    """
    import numpy as np

    header, key = rows.header, f"TFORM{number}"
    form = text(header, key).strip()
    found = _ASCII.fullmatch(form)
    if found is None:
        raise header.error(f"{key} is {shown_value(form)}: no format of an ASCII table", key)
    code, width, decimals = found[1], int(found[2]), int(found[3] or 0)
    length = integer(header, "NAXIS1")
    if width > length or decimals > width:
        raise header.error(f"{key} is {form!r}, in rows of {length} bytes", key)
    start = integer(header, f"TBCOL{number}", 1, length - width + 1) - 1
    column = _Column(rows, number, start)
    values = column.strings(rows.field(start, width))
    if code != "A":
        null = text(header, f"TNULL{number}").strip() if f"TNULL{number}" in header else None
        values = _ascii_numbers(column, values, _Number(code, decimals, null))
        zero, scale = real(header, f"TZERO{number}", 0), real(header, f"TSCAL{number}", 1)
        if (zero, scale) != (0, 1):
            with np.errstate(all="ignore"):
                values = values * float(scale) + float(zero)
    values.flags.writeable = False
    return values


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of rows: its number from 1, and the byte of a row where it begins."""

    rows: Rows
    number: int
    offset: int

    def error(self, row: int, message: str, at: int = 0) -> InputError:
        """Return an error about a row, counted from 0, and a byte of the field."""
        return self.rows.error(row, self.number, self.offset + at, message)

    def strings(self, letters: NDArray[Any], row: int | None = None) -> NDArray[Any]:
        """Return strings from their bytes, the last axis; NUL ends one (section 7.3.3.1).

        Where they are all of one row, that is given: their bytes are in the heap.
        """
        import numpy as np

        width = letters.shape[-1]
        if width > _LONGEST_TEXT:
            raise ValueError(f"a text of {width} bytes is too long")
        if not width:
            return np.zeros(letters.shape[:-1], "U1")
        whole = letters * np.logical_and.accumulate(letters != 0, axis=-1)
        bad = whole > 0x7F
        if bad.any():
            found, at = divmod(int(bad.argmax()), prod(bad.shape[1:]))
            said = f"a text with the byte 0x{whole[bad][0]:02X}, which is no ASCII character"
            raise self.error(found, said, at) if row is None else self.error(row, said)
        strings = np.ascontiguousarray(whole).view(f"S{width}")[..., 0]
        return np.char.rstrip(strings.astype(f"U{width}"))


@dataclass(frozen=True, slots=True)
class _Number:
    """How numbers stand in an ASCII table: format, digits after an implied point, TNULLn."""

    code: str
    decimals: int
    null: str | None

    def of(self, field: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of texts; raises ValueError or OverflowError."""
        import numpy as np

        digits = np.char.replace(np.char.upper(np.char.strip(field)), "D", "E")
        missing = np.isin(np.char.strip(field), [] if self.null is None else [self.null])
        digits = np.where((digits == "") | missing, "0", digits)
        if self.code == "I":
            values = digits.astype("i8")
            return np.where(missing, np.nan, values) if self.null is not None else values
        values = digits.astype("f8")
        # Without a point the last digits are decimals, as in Fortran (section 7.2.5).
        implied = values / float(f"1e{min(self.decimals, 300)}")
        values = np.where(np.char.find(digits, ".") < 0, implied, values)
        return np.where(missing, np.nan, values)


def _ascii_numbers(column: _Column, field: NDArray[Any], number: _Number) -> NDArray[Any]:
    if not field.size:  # NumPy cannot replace letters in no text at all.
        return field.astype("i8" if number.code == "I" else "f8")
    try:
        return number.of(field)
    except (ValueError, OverflowError) as error:
        for row in range(len(field)):
            try:
                number.of(field[row : row + 1])
            except (ValueError, OverflowError):
                said = f"{shown_value(str(field[row]))} is no number of format {number.code}"
                raise column.error(row, said) from None
        raise error


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
    key, said = f"TDIM{number}", shown_value(dimensions)
    if not sizes:
        raise header.error(f"{key} is {said}: expected such as '(3,2)'", key)
    shape = sizes[::-1]
    if prod(shape) > form.repeat:
        raise header.error(f"{key} is {said}, of {form.repeat} elements", key)
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


def _variable_column(
    column: _Column, form: Format, field: NDArray[Any], heap: Span
) -> NDArray[Any]:
    """Return an array of arrays, each from its place in the heap (section 7.3.5)."""
    import numpy as np

    header, number = column.rows.header, column.number
    code, content = _variable_code(header, number, form), Window(heap)
    made = np.empty(len(field), object)
    for row, (count, start) in enumerate(_places(column, form, code, field, heap)):
        stop = start + _bytes(code, count)
        raw = np.frombuffer(content[start:stop], "u1").reshape(1, stop - start)
        values = _values(header, number, code, raw, count)
        values = column.strings(values, row) if code == "A" else values[0]
        values.flags.writeable = False
        made[row] = str(values[0]) if code == "A" else values
    made.flags.writeable = False
    return made


def _variable_code(header: Header, number: int, form: Format) -> str:
    found = _VARIABLE.fullmatch(form.rest)
    if found is None or form.repeat > 1:
        message = f"TFORM{number} is no format of a variable-length column"
        raise header.error(message, f"TFORM{number}")
    return found[1]


def _places(
    column: _Column, form: Format, code: str, field: NDArray[Any], heap: Span
) -> list[tuple[int, int]]:
    """Return how many elements each row has, and where they begin in the heap.

    All are checked before the first one is read.
    """
    import numpy as np

    pairs = np.frombuffer(field, _DTYPES[form.code]).astype(np.int64)
    pairs = pairs.reshape(len(field), 2) if form.repeat else np.zeros((len(field), 2), np.int64)
    pairs[pairs[:, 0] == 0] = 0
    count, start = pairs[:, 0], pairs[:, 1]
    bits = 1 if code == "X" else 8 * _SIZES[code]
    # Compared before they are added up, so that nothing overflows.
    bad = (count < 0) | (count > 8 * heap.size // bits) | (start < 0) | (start > heap.size)
    sizes = -(-np.where(bad, 0, count) * bits // 8)
    bad |= np.where(bad, 0, start) + sizes > heap.size
    if bad.any():
        row = int(bad.argmax())
        wanted = f"{count[row]} elements from byte {start[row]} of the heap"
        raise column.error(row, f"{wanted}, which has {heap.size} bytes")
    # Rows may share bytes of the heap, and so claim any number of times what there is.
    claimed = int(sizes.sum(dtype=np.float64)) * _GROWTH.get(code, 1)
    if is_bomb(heap.size, claimed, _SHARED):
        message = f"{heap.size} bytes of heap claim to be {claimed}: refused"
        raise column.rows.header.error(message, f"TFORM{column.number}")
    return [(one, other) for one, other in pairs.tolist()]
