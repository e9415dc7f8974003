"""A table extension as an expression sees it.

In: a header and the bytes of its data. Out: `TableData`, a read-only view;
a column is decoded when it is asked for.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.columns import ascii_column, binary_column
from fitsgen.inputs.headers import Header
from fitsgen.inputs.structure import Kind, integer, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitsgen.inputs.opening import OpenFile
    from fitsgen.lazy.nodes import Stored


class MissingColumn(KeyError):  # noqa: N818 - a lookup that finds nothing, as KeyError is
    """A column that a table does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class TableData:
    """The rows of a table: `table["FLUX"]` is a column, `table[2:5]` a table of these rows."""

    __slots__ = ("_columns", "_file", "_header", "_kind", "_names", "_raw", "_rows")

    def __init__(self, header: Header, kind: Kind, file: OpenFile, raw: memoryview) -> None:
        """Make a view of all rows; `raw` has the rows and the heap, in the map of the file."""
        self._header = header
        self._kind = kind
        self._file = file
        self._raw = raw
        self._rows = range(integer(header, "NAXIS2", 0))
        self._names = _names(header)
        self._columns: dict[str, NDArray[Any]] = {}

    def __repr__(self) -> str:
        return f"<table of HDU {self._header.place.hdu}>"

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: str | slice) -> NDArray[Any] | TableData:
        """Return a column, read-only and in native byte order, or a table of some rows.

        Raises
        ------
        MissingColumn
            When no column has that name, in any case.
        InputError
            When the column cannot be decoded.
        """
        if isinstance(key, slice):
            return self._slice(key)
        if not isinstance(key, str):
            raise TypeError("a table takes the name of a column or a slice of rows in brackets")
        name = self._find(key)
        if name not in self._columns:
            self._columns[name] = self._decode(name)
        return self._columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns (TTYPEn; `colN` for one without)."""
        return self._names

    @property
    def shape(self) -> tuple[int]:
        """The number of rows."""
        return (len(self),)

    @property
    def header(self) -> Header:
        """The header of the table (not for expressions)."""
        return self._header

    @property
    def kind(self) -> Kind:
        """Whether it is a binary or an ASCII table (not for expressions)."""
        return self._kind

    def raw_rows(self) -> Stored:
        """Return the bytes of the rows, in order (not for expressions)."""
        rows, width = integer(self._header, "NAXIS2", 0), integer(self._header, "NAXIS1", 0)
        whole = self._stored(self._raw[: self._size()])
        first, last, step = self._rows.start, self._rows.stop, self._rows.step
        part = slice(first, None if last < 0 else last, step)
        return whole.view(lambda raw: raw.reshape(rows, width)[part])

    def heap(self) -> Stored:
        """Return the bytes after the rows of the whole table (not for expressions).

        They include a gap that THEAP may leave: the heap that descriptors count
        from begins THEAP bytes after the first row.
        """
        return self._stored(self._raw[self._size() :])

    def _stored(self, raw: memoryview) -> Stored:
        import numpy as np

        from fitsgen.lazy.nodes import Stored

        return Stored(self._file, np.frombuffer(raw, np.uint8))

    def _size(self) -> int:
        return integer(self._header, "NAXIS1", 0) * integer(self._header, "NAXIS2", 0)

    def _slice(self, part: slice) -> TableData:
        table = TableData(self._header, self._kind, self._file, self._raw)
        table._rows = self._rows[part]
        return table

    def _find(self, key: str) -> str:
        """Return a name as the table has it; case does not count (FITS 4.0, section 7.3.2)."""
        for name in self._names:
            if name == key:
                return name
        for name in self._names:
            if name.upper() == key.upper():
                return name
        near = difflib.get_close_matches(key.upper(), [name.upper() for name in self._names], 1)
        hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(self._names)}"
        raise MissingColumn(f"the table of {self._header.place} has no column {key}{hint}")

    def _decode(self, name: str) -> NDArray[Any]:
        import numpy as np

        number = self._names.index(name) + 1
        try:
            column = self._whole_column(number)
        except (ValueError, OverflowError) as error:
            message = f"column {number} ({name}) cannot be decoded: {error}"
            raise self._header.place.error(message) from None
        if len(self) == len(column) and self._rows.step == 1:
            return column
        column = column.take(np.array(self._rows, int), axis=0)
        column.flags.writeable = False
        return column

    def _whole_column(self, number: int) -> NDArray[Any]:
        if self._header.get("ZTABLE") is True:
            raise self._header.place.error("a compressed table cannot be read: unpack it first")
        rows = self._raw[: self._size()]
        if self._kind is Kind.ASCII_TABLE:
            return ascii_column(self._header, number, rows)
        start = integer(self._header, "THEAP", self._size(), default=self._size())
        return binary_column(self._header, number, rows, self._raw[start:])


def _names(header: Header) -> tuple[str, ...]:
    numbers = range(1, integer(header, "TFIELDS", 0) + 1)
    return tuple(text(header, f"TTYPE{n}").strip() or f"col{n}" for n in numbers)
