"""A tile-compressed image (FITS Standard 4.0, section 10).

In: an array and demands for ZCMPTYPE, ZTILEn, ZNAMEi, ZVALi and ZQUANTIZ. Out: `Encoded`,
a binary table. astropy compresses; unlike the rest of this package, this holds the image
in memory, compressed and not.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from fitsgen.lazy.array import LazyArray
from fitsgen.lazy.pieces import PIECE, Array
from fitsgen.runtime.encoded import (
    Buffer,
    DataError,
    Demands,
    Encoded,
    StructuralCard,
    check_demands,
    demanded_integer,
    extension_kind,
)
from fitsgen.runtime.pixels import encode_image
from fitsgen.runtime.storage import Storage, check_values, stored_type

if TYPE_CHECKING:
    import numpy as np

ALGORITHMS = ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1")
LOSSLESS_FOR_FLOATS = ("GZIP_1", "GZIP_2")
DITHERING = {"NO_DITHER": -1, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}
SEED_FROM_DATA = -1  # astropy's default is the clock, which would make no two files alike


def encode_compressed(pixels: LazyArray, demands: Demands, *, primary: bool) -> Encoded:
    """Encode an image as compressed tiles; the demands for BITPIX and axes mean the image.

    Raises:
        DataError: where the algorithm is unknown or does not suit the data.
    """
    if primary:
        raise DataError("the primary HDU cannot be compressed; put the image in an extension")
    if extension_kind(demands) == "IMAGE":
        demands = {k: v for k, v in demands.items() if k != "XTENSION"}
    encode_image(pixels.node, demands, primary=False)  # for its checks alone
    array = pixels.whole("compression")
    storage = stored_type(array.dtype, demands)
    if storage.scaled:
        raise DataError("a compressed image cannot have BSCALE or BZERO besides an unsigned type's")
    check_values(array, storage)
    options = _options(storage, array.shape, demands)
    cards, data = _compress(array.astype(storage.type.dtype), options)
    check_demands(cards, demands, ("ZCMPTYPE", "ZTILEn", "ZNAMEn", "ZVALn", "ZQUANTIZ"))
    return Encoded(cards, len(data), b"\0", partial(_blocks, data))


def _options(storage: Storage, shape: tuple[int, ...], demands: Demands) -> dict[str, Any]:
    algorithm = str(demands["ZCMPTYPE"]).rstrip()
    if algorithm not in ALGORITHMS:
        raise DataError(f"ZCMPTYPE = {algorithm!r} is none of {', '.join(ALGORITHMS)}")
    tiles = [demanded_integer(demands, f"ZTILE{n}") for n in range(len(shape), 0, -1)]
    options: dict[str, Any] = {"compression_type": algorithm}
    if any(tile is not None for tile in tiles):
        # Where the others are not given, a tile is a row: the Standard's default.
        rows = [1] * (len(shape) - 1) + [shape[-1]]
        options["tile_shape"] = tuple(t or r for t, r in zip(tiles, rows, strict=True))
    return options | _parameters(demands) | _quantization(storage, algorithm, demands)


def _parameters(demands: Demands) -> dict[str, Any]:
    """Return the demanded ZVALi that can be chosen; others are compared with what is made."""
    names = {str(v).rstrip(): k[5:] for k, v in demands.items() if k.startswith("ZNAME")}
    options = {}
    for name, option in (("SCALE", "hcomp_scale"), ("SMOOTH", "hcomp_smooth")):
        value = demanded_integer(demands, f"ZVAL{names.get(name, '')}")
        if value is not None:
            options[option] = value
    return options


def _quantization(storage: Storage, algorithm: str, demands: Demands) -> dict[str, Any]:
    if storage.type.bitpix > 0:
        return {}
    method = demands.get("ZQUANTIZ")
    if method is None and algorithm in LOSSLESS_FOR_FLOATS:
        return {"quantize_level": 0.0}
    if method not in DITHERING:
        raise DataError(
            f"{algorithm} changes floating-point pixels; use ZCMPTYPE = 'GZIP_2', or allow it"
            f" with ZQUANTIZ = {' or '.join(map(repr, DITHERING))}"
        )
    return {"quantize_method": DITHERING[str(method)], "dither_seed": SEED_FROM_DATA}


def _compress(
    array: Array, options: dict[str, Any]
) -> tuple[tuple[StructuralCard, ...], memoryview]:
    from astropy.io import fits

    made = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fits.CompImageHDU(array, **options).writeto(made)
    except Exception as error:  # astropy and its decoders raise many kinds
        raise DataError(f"the image cannot be compressed: {error}") from error
    raw = bytearray(made.getbuffer())
    with fits.open(io.BytesIO(raw), disable_image_compression=True) as file:
        info = file[1].fileinfo()
        header = file[1].header
        size = header["NAXIS1"] * header["NAXIS2"] + header["PCOUNT"]
        cards = tuple(
            StructuralCard(c.keyword, c.value, c.comment)
            for c in header.cards
            if c.keyword and not re.fullmatch("EXTNAME|EXTVER|CHECKSUM|DATASUM", c.keyword)
        )
        data = memoryview(raw)[info["datLoc"] : info["datLoc"] + size]
        _clear_times(data, header, file[1].columns.dtype)
    return cards, data


def _clear_times(data: memoryview, header: Any, row: np.dtype[Any]) -> None:
    """Take the time out of each tile that gzip packed: it would make no two files alike.

    It stands in bytes 4 to 7, and zero says that there is none (RFC 1952, section 2.3.1).
    """
    import numpy as np

    rows = np.frombuffer(data, row.newbyteorder(">"), header["NAXIS2"])
    heap = header.get("THEAP", header["NAXIS1"] * header["NAXIS2"])
    packed = {"GZIP_COMPRESSED_DATA"}
    if header["ZCMPTYPE"] in LOSSLESS_FOR_FLOATS:
        packed.add("COMPRESSED_DATA")
    for name in packed.intersection(rows.dtype.names or ()):
        for length, offset in rows[name].tolist():
            if length:
                data[heap + offset + 4 : heap + offset + 8] = bytes(4)


def _blocks(data: memoryview) -> Iterator[Buffer]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))
