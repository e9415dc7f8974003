"""Columns of a table, whatever it was given as, and the cards that describe them.

In: a structured array, a dict of columns, an astropy Table or FITS_rec. Out: `Column`s,
renamed and relabelled as a template demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fitsgen.lazy.array import LazyArray
from fitsgen.lazy.pieces import Array
from fitsgen.runtime.encoded import CardValue, DataError, Demands, StructuralCard
from fitsgen.runtime.storage import Storage, check_values, own_type

SHAPE_KEYWORDS = ("BITPIX", "NAXIS", "NAXISn", "PCOUNT", "GCOUNT", "TFIELDS")

COMMENTS = {
    "TTYPE": "name of the column",
    "TFORM": "format of the column",
    "TUNIT": "unit of the column",
    "TDIM": "shape of a value",
    "TSCAL": "scale of the column",
    "TZERO": "offset of the column",
    "TBCOL": "where the column begins",
    "TNULL": "stands for an undefined value",
    "TDISP": "how to show the column",
}
COLUMN_KEYWORDS = tuple(COMMENTS)


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    values: rows on the leading axis; where `ragged`, an object array of one-dimensional
        arrays, all of type `kind`.
    """

    name: str
    values: Array
    unit: str = ""
    null: int | None = None
    display: str = ""
    ragged: bool = False
    kind: np.dtype[Any] | None = None

    def place(self, row: int, *inner: int) -> str:
        """Return words for a cell, its row counted as NumPy does."""
        within = f" {list(inner)}" if inner else ""
        return f"column {self.name!r}, row {row}{within}"


def columns_of(data: object) -> list[Column]:
    """Return the columns of any kind of table.

    Raises:
        DataError: where lengths differ, or FITS cannot hold a column's type.
    """
    if isinstance(data, np.ndarray):
        columns = [_field(data, name) for name in data.dtype.names or ()]
    elif isinstance(data, Mapping):
        columns = [make_column(name, values) for name, values in data.items()]
    else:
        columns = [_table_column(column) for column in _itercols(data)]
    for column in columns[1:]:
        if len(column.values) != len(columns[0].values):
            raise DataError(
                f"column {column.name!r} has {len(column.values)} rows,"
                f" column {columns[0].name!r} has {len(columns[0].values)}"
            )
    return columns


def _itercols(table: Any) -> Iterable[Any]:
    return table.itercols()  # type: ignore[no-any-return]


def _field(data: Any, name: str) -> Column:
    if np.ndim(data) != 1:
        raise DataError(
            f"a table has one axis of rows, but the structured array has {np.ndim(data)};"
            " use .reshape(-1)"
        )
    column = make_column(name, data[name])
    if not hasattr(data, "columns"):
        return column
    told = data.columns[name]  # a FITS_rec
    null = told.null if isinstance(told.null, int) else None
    return replace(column, unit=told.unit or "", null=null, display=told.disp or "")


def _table_column(column: Any) -> Column:
    name = column.info.name
    if not isinstance(column, np.ndarray):
        raise DataError(
            f"column {name!r} is a {type(column).__name__}; make text or numbers of it"
            " (a Time's .isot or .mjd)"
        )
    return make_column(name, column)


def make_column(name: object, given: object) -> Column:
    """Return a column from anything that has one value for each row."""
    if not isinstance(name, str) or not name or not all(" " <= c <= "~" for c in name):
        raise DataError(f"a column's name must be printable ASCII text, not {name!r}")
    values, null = _unmask(name, _as_array(name, given))
    if values.ndim == 0:
        raise DataError(f"column {name!r} is a single value; use a list or an array, one a row")
    plain = values.view(np.ndarray)
    column = Column(name, plain, _unit(name, given), null)
    if plain.dtype.kind == "O":
        return _object_column(column)
    _check_kind(name, plain.dtype)
    return column


def _as_array(name: str, given: object) -> Array:
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, LazyArray):
        return given.whole("a column of a table")
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise DataError(f"column {name!r} is {given!r}; use a list or an array, one value a row")
    try:
        return np.asarray(given)
    except ValueError:  # rows of different lengths
        return _objects(given)  # type: ignore[arg-type]


def _objects(rows: Iterable[object]) -> Array:
    """Return rows as an object array, which NumPy would else try to make two-dimensional."""
    listed = list(rows)
    out = np.empty(len(listed), object)
    for i, row in enumerate(listed):
        out[i] = row
    return out


def _unit(name: str, given: object) -> str:
    unit = getattr(given, "unit", None)
    if unit is None:
        return ""
    if isinstance(unit, str):
        return unit
    try:
        return str(unit.to_string("fits"))
    except ValueError as error:
        raise DataError(f"column {name!r} has the unit {unit}, which FITS cannot tell") from error


def _unmask(name: str, values: Array) -> tuple[Array, int | None]:
    """Return values with FITS's own signs for what is masked: NaN, '' or an integer for TNULLn."""
    if not isinstance(values, np.ma.MaskedArray):
        return values, None
    mask, plain = np.ma.getmaskarray(values), np.ma.getdata(values)
    if not mask.any():
        return plain, None
    match plain.dtype.kind:
        case "f" | "c":
            return np.where(mask, np.array(np.nan, plain.dtype), plain), None
        case "U" | "S":
            return np.where(mask, np.array("", plain.dtype), plain), None
        case "i" | "u":
            null = _unused(plain[~mask])
            return np.where(mask, np.array(null, plain.dtype), plain), null
        case _:
            raise DataError(f"column {name!r} has masked values; choose a value with .filled()")


def _unused(values: Array) -> int:
    """Return an integer of the same type that is not among the values, from the limits inwards."""
    limits = np.iinfo(values.dtype)
    candidate = int(limits.min if limits.min else limits.max)
    step = 1 if limits.min else -1
    taken = set(np.unique(values).tolist())
    while candidate in taken:
        candidate += step
    if not limits.min <= candidate <= limits.max:
        raise DataError("every value of the type is taken, so none is left to stand for masked")
    return candidate


_REMEDIES = {
    "float16": ".astype('float32')",
    "longdouble": ".astype('float64')",
    "clongdouble": ".astype('complex128')",
}


def _check_kind(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind in "mM":
        raise DataError(
            f"column {name!r} holds {dtype.name}; give text, np.datetime_as_string(...),"
            " or a number of days or seconds"
        )
    if dtype.kind == "V":
        raise DataError(f"column {name!r} holds {dtype}; give its fields as columns of their own")
    known = dtype.kind in "biuSU" or dtype.name in ("float32", "float64", "complex64", "complex128")
    if not known:
        wide = {"f": "longdouble", "c": "clongdouble"}.get(dtype.kind, "")
        remedy = _REMEDIES["float16" if dtype.name == "float16" else wide]
        raise DataError(f"column {name!r} holds {dtype.name}, which FITS cannot hold; use {remedy}")


# Readers, astropy among them, pass over TZEROn in columns of variable length.
_SIGNED: dict[str, np.dtype[Any]] = {
    "int8": np.dtype("int16"),
    "uint16": np.dtype("int32"),
    "uint32": np.dtype("int64"),
}


def _object_column(column: Column) -> Column:
    """Return a column of Python objects as text where all are, else as variable-length arrays."""
    given = list(column.values)
    if given and all(isinstance(row, str | bytes) for row in given):
        return replace(column, values=np.array(given))
    made = _objects(_ragged_row(column, number, row) for number, row in enumerate(given))
    filled = [row.dtype for row in made if row.size] or [np.dtype("f8")]
    try:
        common = np.result_type(*filled)
    except TypeError as error:
        raise DataError(f"column {column.name!r} mixes numbers with text") from error
    _check_kind(column.name, common)
    if common.name == "uint64":
        raise DataError(
            f"column {column.name!r} has lists of uint64; use .astype('int64') in each row"
        )
    if common.kind in "SU":
        raise DataError(f"column {column.name!r} has lists of text of different lengths")
    common = _SIGNED.get(common.name, common)
    for number, row in enumerate(made):
        if row.dtype.kind in "iuf" and common.kind in "iuf":
            check_values(row, Storage(own_type(common)), partial(column.place, number))
    rows = _objects(row.astype(common) for row in made)
    return replace(column, values=rows, ragged=True, kind=common)


def _ragged_row(column: Column, number: int, row: object) -> Array:
    array = np.asarray(row)
    if array.ndim != 1 or array.dtype.kind == "O":
        raise DataError(
            f"{column.place(number)} is {row!r}; a column of variable length needs"
            " a list or a one-dimensional array in each row"
        )
    return array


def check_numbers(count: int, demands: Demands) -> None:
    """Raise DataError for a demand of a column that the data does not have."""
    for keyword in demands:
        stem = keyword.rstrip("0123456789")
        number = keyword[len(stem) :]
        if stem in COLUMN_KEYWORDS and number and int(number) > count:
            raise DataError(f"{keyword} names column {number}, but the table has {count}")


def relabelled(column: Column, number: int, demands: Demands) -> Column:
    """Return a column with the name, unit and display format that are demanded."""
    texts = {k: demands.get(f"{k}{number}") for k in ("TTYPE", "TUNIT", "TDISP")}
    for keyword, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise DataError(f"{keyword}{number} = {text!r} is not text")
    name, unit, display = (texts[k] for k in ("TTYPE", "TUNIT", "TDISP"))
    return replace(
        column,
        name=column.name if name is None else str(name),
        unit=column.unit if unit is None else str(unit),
        display=column.display if display is None else str(display),
    )


def with_null(column: Column, null: int | None) -> Column:
    """Return a column whose masked values are an integer that none of the rest may be."""
    if null is None or null == column.null:
        return column
    if column.null is None:
        return replace(column, null=null)
    values = column.values
    limits = np.iinfo(values.dtype)
    if not limits.min <= null <= limits.max or bool((values == null).any()):
        raise DataError(f"column {column.name!r} cannot have {null} stand for masked values")
    told = np.where(values == column.null, np.array(null, values.dtype), values)
    return replace(column, values=told, null=null)


def column_cards(
    number: int, column: Column, form: str, more: Mapping[str, CardValue]
) -> Iterator[StructuralCard]:
    """Give a column's cards, without those that have no value.

    Parameters:
        more: values for TDIM, TSCAL, TZERO, TBCOL or TNULL, where the column has them.
    """
    told: dict[str, CardValue] = {
        "TTYPE": column.name,
        "TFORM": form,
        "TUNIT": column.unit,
        "TDISP": column.display,
        **more,
    }
    for stem in COLUMN_KEYWORDS:
        value = told.get(stem)
        if value is not None and value != "":
            yield StructuralCard(f"{stem}{number}", value, COMMENTS[stem])
