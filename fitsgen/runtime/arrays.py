"""What a data expression gave, as structural cards and bytes.

In: None, an array or a table, and the values that a template demands of structural
keywords. Out: `Encoded`, or a `DataError` that says what to do. NumPy is loaded only
where there is data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitsgen.runtime.encoded import (
    Buffer,
    DataError,
    Demands,
    Encoded,
    StructuralCard,
    encode_nothing,
    extension_kind,
)

if TYPE_CHECKING:
    from fitsgen.lazy.array import LazyArray

__all__ = ["Buffer", "DataError", "Demands", "Encoded", "StructuralCard", "encode"]


def encode(data: object, demands: Demands, *, primary: bool) -> Encoded:
    """Encode what a data section gave.

    Parameters:
        data: None; an array of integers or floats (any shape, byte order and layout); or a
            table: a structured array, a dict of columns, an astropy Table, an input's table.
        demands: values that the template gives to structural keywords.
        primary: whether this is the first HDU of the file.

    Raises:
        DataError: where FITS cannot hold the data, or not as demanded.
    """
    if data is None:
        return encode_nothing(demands, primary=primary)
    from fitsgen.runtime import tables

    if tables.is_table(data):
        if primary:
            raise DataError(
                "a table cannot be the primary HDU; begin the template with a header"
                " that has no data, and put the table in the next one"
            )
        return tables.encode_table(data, demands)
    kind = extension_kind(demands)
    if kind not in ("", "IMAGE"):
        raise DataError(
            f"XTENSION = {kind!r} is demanded, but the data is no table;"
            " a table is a dict of columns, a structured array or an astropy Table"
        )
    pixels = _pixels(data)
    if demands.get("ZCMPTYPE") is not None:
        from fitsgen.runtime.compressed import encode_compressed

        return encode_compressed(pixels, demands, primary=primary)
    from fitsgen.runtime.pixels import encode_image

    return encode_image(pixels.node, demands, primary=primary)


def _pixels(data: object) -> LazyArray:
    """Return data that FITS can hold as an image, or say what to do."""
    import numpy as np

    from fitsgen.lazy.array import LazyArray
    from fitsgen.lazy.nodes import Memory

    if not isinstance(data, np.ndarray | LazyArray):
        name = type(data).__name__
        raise DataError(f"the data is of type {name}, not an array{_remedy(data)}")
    if isinstance(data, np.ma.MaskedArray):
        raise DataError("FITS images have no masks; choose a value with .filled(0)")
    if hasattr(data, "unit"):
        raise DataError("the data has a unit; take its .value, and give the unit as BUNIT")
    if not data.ndim:
        raise DataError("the data is a single number; an image has axes: np.array([...])")
    advice = {
        "b": "FITS images cannot hold bool; use .astype('uint8')",
        "c": "FITS images cannot hold complex numbers; give .real and .imag as two images",
        "O": "FITS images cannot hold Python objects; use .astype('float32') or another type",
        "U": "FITS images cannot hold text; put it in a table: {'NAME': ...}",
        "S": "FITS images cannot hold text; put it in a table: {'NAME': ...}",
        "M": "FITS images cannot hold dates; give days: (t - t[0]) / np.timedelta64(1, 'D')",
        "m": "FITS images cannot hold time spans; give seconds: t / np.timedelta64(1, 's')",
        "V": "FITS images cannot hold raw bytes; use .view('uint8')",
    }
    kind, width = data.dtype.kind, data.dtype.itemsize
    if kind in advice:
        raise DataError(advice[kind])
    if kind == "f" and width not in (4, 8):
        wider = "float32" if width == 2 else "float64"
        raise DataError(f"FITS images cannot hold {data.dtype.name}; use .astype('{wider}')")
    return data if isinstance(data, LazyArray) else LazyArray(Memory(data.view(np.ndarray)))


def _remedy(data: object) -> str:
    if isinstance(data, list | tuple | range):
        return "; use np.array(...)"
    if isinstance(data, bool | int | float | complex) or hasattr(data, "item"):
        return "; one number is no image: use np.array([...])"
    if isinstance(data, str | bytes):
        return "; text goes into a card or into a table's column"
    if hasattr(data, "compute"):
        return "; call its .compute()"
    return "; an image is a NumPy array, a table a dict of columns"
