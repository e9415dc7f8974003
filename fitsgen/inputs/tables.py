"""A table extension as an expression sees it.

In: a header and the bytes of its data. Out: `TableData`, a read-only view;
a column is decoded when it is asked for.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.columns import Format, ascii_column, binary_column, binary_formats, check_column
from fitsgen.inputs.content import Span
from fitsgen.inputs.headers import Header
from fitsgen.inputs.rows import Rows, all_rows
from fitsgen.inputs.structure import Kind, integer, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitsgen.lazy.nodes import Stored


class MissingColumn(KeyError):  # noqa: N818 - a lookup that finds nothing, as KeyError is
    """A column that a table does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class TableData:
    """The rows of a table: `table["FLUX"]` is a column, `table[2:5]` a table of these rows."""

    __slots__ = ("_columns", "_data", "_formats", "_header", "_kind", "_names", "_rows")

    def __init__(self, header: Header, kind: Kind, data: Span, rows: Rows | None = None) -> None:
        """Make a view of all rows, or of some; `data` has the rows of the table and the heap."""
        self._header = header
        self._kind = kind
        self._data = data
        self._rows = all_rows(header, data) if rows is None else rows
        self._names = _names(header)
        self._formats: tuple[Format, ...] = ()
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
            return TableData(self._header, self._kind, self._data, self._rows.part(key))
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

    def check(self) -> None:
        """Look at how the columns are kept, before the rows are copied (not for expressions).

        Raises
        ------
        InputError
            A column cannot be read. Values are not looked at.
        """
        heap, formats = self._heap(), self._binary_formats()
        for number in range(1, len(self._names) + 1):
            if self._kind is Kind.ASCII_TABLE:
                ascii_column(self._rows.part(slice(0, 0)), number)
            else:
                check_column(self._rows, formats, number, heap)

    def raw_rows(self) -> Stored:
        """Return the bytes of the rows, in order (not for expressions)."""
        return self._rows.stored

    def heap(self) -> Stored:
        """Return the bytes after the rows of the whole table (not for expressions).

        They include a gap that THEAP may leave: the heap that descriptors count
        from begins THEAP bytes after the first row.
        """
        from fitsgen.lazy.nodes import Stored

        heap = self._data.part(self._size(), self._data.size)
        return Stored(heap.file, heap.where("u1", (heap.size,)))

    def _binary_formats(self) -> tuple[Format, ...]:
        if not self._formats and self._kind is not Kind.ASCII_TABLE:
            self._formats = binary_formats(self._header)
        return self._formats

    def _heap(self) -> Span:
        start = integer(self._header, "THEAP", self._size(), default=self._size())
        return self._data.part(start, self._data.size)

    def _size(self) -> int:
        return integer(self._header, "NAXIS1", 0) * integer(self._header, "NAXIS2", 0)

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
        title = f"{self._header.title} of {self._header.place.file}"
        raise MissingColumn(f"the table of {title} has no column {key}{hint}")

    def _decode(self, name: str) -> NDArray[Any]:
        if self._header.get("ZTABLE") is True:
            raise self._header.error("a compressed table cannot be read: unpack it first", "ZTABLE")
        number = self._names.index(name) + 1
        try:
            if self._kind is Kind.ASCII_TABLE:
                return ascii_column(self._rows, number)
            return binary_column(self._rows, self._binary_formats(), number, self._heap())
        except (ValueError, OverflowError) as error:
            message = f"column {number} ({name}) cannot be decoded: {error}"
            raise self._header.error(message, f"TFORM{number}") from None


def _names(header: Header) -> tuple[str, ...]:
    numbers = range(1, integer(header, "TFIELDS", 0) + 1)
    return tuple(text(header, f"TTYPE{n}").strip() or f"col{n}" for n in numbers)
