"""The rows of a table as bytes that are yet to be read.

In: a header, and where the data of the table lie. Out: `Rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitsgen.diagnostics import InputError
from fitsgen.inputs.content import Span
from fitsgen.inputs.headers import Header
from fitsgen.inputs.structure import integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitsgen.lazy.nodes import Stored


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table.

    header
        Of the table.
    stored
        Their bytes: NAXIS1 in each.
    start
        The byte of the file where the first row of the table is.

    """

    header: Header
    stored: Stored
    start: int

    def __len__(self) -> int:
        return self.stored.shape[0]

    def part(self, rows: slice) -> Rows:
        """Return some of the rows."""
        return Rows(self.header, self.stored.view(lambda where: where[rows]), self.start)

    def field(self, offset: int, width: int) -> NDArray[Any]:
        """Read some bytes of all rows: shape (rows, width).

        Raises
        ------
        InputError
            They cannot be read.

        """
        import numpy as np

        from fitsgen.lazy.nodes import part, slabs

        wanted = self.stored.view(lambda where: where[:, offset : offset + width])
        made = np.empty(wanted.shape, np.uint8)
        # In pieces: what lies between the fields is read with them, and not kept.
        for index in slabs(wanted):
            made[index] = part(wanted, index).read()
        return made

    def error(self, row: int, column: int, offset: int, message: str) -> InputError:
        """Return an error about a row, from 0, and a column, from 1, at a byte of the row."""
        from fitsgen.lazy.pieces import begin

        at = begin(self.stored.where[row])
        number = (at - self.start) // self.stored.shape[1] + 1
        return self.header.error(message, at=f"row {number}, column {column}, byte {at + offset}")


def all_rows(header: Header, data: Span) -> Rows:
    """Return the rows of a table whose rows and heap are `data`.

    Raises
    ------
    InputError
        The rows are longer than NumPy can count.

    """
    from fitsgen.lazy.nodes import Stored

    width, count = integer(header, "NAXIS1", 0), integer(header, "NAXIS2", 0)
    try:
        where = data.where("u1", (count, width))
    except ValueError as error:
        raise header.error(f"{count} rows of {width} bytes: {error}", "NAXIS1") from None
    return Rows(header, Stored(data.file, where), data.start)
