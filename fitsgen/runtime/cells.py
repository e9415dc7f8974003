"""How the cells of a binary table's column are stored (FITS Standard 4.0, section 7.3).

In: a column's values and the TFORMn, TZEROn, TSCALn demanded. Out: `Cells`, which check
values and give them as they are on disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fitsgen.lazy.pieces import Array
from fitsgen.runtime.columns import Column
from fitsgen.runtime.encoded import DataError, Demands
from fitsgen.runtime.storage import (
    Storage,
    check_values,
    first_misfit,
    own_type,
    stored_type,
    stored_values,
)

Place = Callable[..., str]


class Cells(Protocol):
    """How the numbers or text of a column are stored: a letter of TFORMn and its bytes."""

    @property
    def code(self) -> str:
        """The letter of TFORMn."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type on disk, in FITS's byte order."""

    def check(self, values: Array, place: Place) -> None:
        """Raise DataError for the first value that would not be read back."""

    def stored(self, values: Array) -> Array:
        """Return checked values as they are on disk."""


BITPIX_OF = {"B": 8, "I": 16, "J": 32, "K": 64, "E": -32, "D": -64}
CODE_OF = {bitpix: code for code, bitpix in BITPIX_OF.items()}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Integers and floats, unsigned ones by TZEROn."""

    storage: Storage

    @property
    def code(self) -> str:  # noqa: D102
        return CODE_OF[self.storage.type.bitpix]

    @property
    def dtype(self) -> np.dtype[Any]:  # noqa: D102
        return self.storage.type.dtype.newbyteorder(">")

    def check(self, values: Array, place: Place) -> None:  # noqa: D102
        check_values(values, self.storage, place)

    def stored(self, values: Array) -> Array:  # noqa: D102
        return stored_values(values, self.storage)


@dataclass(frozen=True, slots=True)
class Logicals:
    """True and false as the letters T and F."""

    code: str = "L"

    @property
    def dtype(self) -> np.dtype[Any]:  # noqa: D102
        return np.dtype("u1")

    def check(self, values: Array, place: Place) -> None:  # noqa: D102
        where = first_misfit(values, lambda block: (block == 0) | (block == 1))
        if where is not None:
            value = values[where].item()
            raise DataError(f"{place(*where)} is {value}, which is neither true nor false")

    def stored(self, values: Array) -> Array:  # noqa: D102
        return np.where(values, np.uint8(ord("T")), np.uint8(ord("F")))


@dataclass(frozen=True, slots=True)
class Complexes:
    """Complex numbers of two 32-bit (C) or 64-bit (M) floats."""

    code: str

    @property
    def dtype(self) -> np.dtype[Any]:  # noqa: D102
        return np.dtype(">c8" if self.code == "C" else ">c16")

    def check(self, values: Array, place: Place) -> None:  # noqa: D102
        part = Storage(own_type(np.dtype("f4" if self.code == "C" else "f8")))
        for half in (values.real, values.imag):
            check_values(half, part, place)

    def stored(self, values: Array) -> Array:  # noqa: D102
        return values.astype(self.dtype)


@dataclass(frozen=True, slots=True)
class Text:
    """Printable ASCII, padded with NUL to `width`."""

    width: int
    code: str = "A"

    @property
    def dtype(self) -> np.dtype[Any]:  # noqa: D102
        return np.dtype(f"S{self.width}")

    def check(self, values: Array, place: Place) -> None:  # noqa: D102
        where = first_misfit(values, _printable)
        if where is not None:
            text = values[where]
            raise DataError(f"{place(*where)} is {text!r}, which is not printable ASCII")
        where = first_misfit(values, lambda block: np.char.str_len(block) <= self.width)
        if where is not None:
            text, length = values[where], len(values[where])
            raise DataError(f"{place(*where)} is {text!r}, {length} long, not at most {self.width}")

    def stored(self, values: Array) -> Array:  # noqa: D102
        return values.astype(self.dtype)


def _printable(texts: Array) -> Array:
    """Return which strings hold characters 32 to 126 only, before the NULs that pad them."""
    unit = np.dtype("u1" if texts.dtype.kind == "S" else "u4").newbyteorder(texts.dtype.byteorder)
    flat = np.ascontiguousarray(texts).reshape(-1)
    letters = flat.view(unit).reshape(flat.size, -1)
    more = np.logical_or.accumulate((letters != 0)[:, ::-1], axis=1)[:, ::-1]
    good = ((letters >= 32) & (letters <= 126)) | ~more
    return np.asarray(good.all(axis=1).reshape(texts.shape))


def cells_of(column: Column, values: Array, demands: Demands, number: int) -> Cells:
    """Return how a column's values are stored, under the demands for TFORMn, TZEROn and TSCALn."""
    code, width = demanded_code(demands, number)
    kind = values.dtype.kind
    match kind, code:
        case "U" | "S", "" | "A":
            own = values.dtype.itemsize // (4 if kind == "U" else 1)
            return Text(width if width and values.ndim == 1 else max(1, own))
        case "b", "" | "L":
            return Logicals()
        case (("i" | "u"), "L"):
            return Logicals()
        case "c", "" | "C" | "M":
            return Complexes(code or ("C" if values.dtype.itemsize == 8 else "M"))
        case (("i" | "u" | "f"), _) if not code or code in BITPIX_OF:
            return Numbers(stored_type(values.dtype, _pixel_demands(values, demands, number)))
        case _:
            raise DataError(
                f"column {column.name!r} holds {values.dtype.name},"
                f" which TFORM{number} = {demands.get(f'TFORM{number}')!r} cannot hold"
            )


def demanded_code(demands: Demands, number: int) -> tuple[str, int | None]:
    """Return the letter of a demanded TFORMn and its repeat count, or ('', None)."""
    form = demands.get(f"TFORM{number}")
    if form is None:
        return "", None
    found = re.fullmatch(r"(\d*)([PQ]?)([LBIJKAEDCM])(\(\d*\))?\s*", str(form))
    if not found:
        raise DataError(f"TFORM{number} = {form!r} is no column format that fitsgen can write")
    return found[3], (int(found[1]) if found[1] else 1)


def _pixel_demands(values: Array, demands: Demands, number: int) -> dict[str, object]:
    """Return a column's demands in the words of images; a type it has already is no demand."""
    code, _ = demanded_code(demands, number)
    zero, scale = demands.get(f"TZERO{number}"), demands.get(f"TSCAL{number}")
    bitpix = BITPIX_OF[code] if code else None
    if bitpix == own_type(values.dtype).bitpix and zero is None:
        bitpix = None
    return {"BITPIX": bitpix, "BZERO": zero, "BSCALE": scale}
