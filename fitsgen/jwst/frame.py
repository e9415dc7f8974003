"""A raw exposure as the science (DMS) frame has it, and a named window cut from one.

In: the source that a FITS file is. Out: a source that answers the same questions with pixels
turned or cut, and keywords to match. A turned frame is a view: nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fitsgen.blocks import CARD
from fitsgen.inputs.fits import Kind
from fitsgen.inputs.headers import Header
from fitsgen.inputs.sources import FitsSource, HDUKey, Source
from fitsgen.jwst import subarrays
from fitsgen.jwst.corners import KEYWORDS, OUTPUTS, dms_window, has_reference, stated_window
from fitsgen.jwst.detectors import Detector, identify, instrument_of
from fitsgen.jwst.subarrays import Window
from fitsgen.jwst.values import says

if TYPE_CHECKING:
    from numpy.typing import NDArray

Change = Callable[["NDArray[Any]"], "NDArray[Any]"]

_IMAGES = frozenset({Kind.PRIMARY, Kind.IMAGE, Kind.COMPRESSED})


class SeenHDU:
    """An HDU of an input with another header, and its pixels as a change makes them."""

    __slots__ = ("_change", "_data", "_hdu", "header", "shape")

    def __init__(self, hdu: Any, header: Header, change: Change, frame: tuple[int, ...]) -> None:
        """Look at an HDU; `frame` is the rows and columns after the change, () for no pixels."""
        self._hdu = hdu
        self._change = change
        self._data: NDArray[Any] | None = None
        self.header = header
        self.shape: tuple[int, ...] = (*hdu.shape[: len(hdu.shape) - len(frame)], *frame)

    def __repr__(self) -> str:
        return repr(self._hdu)

    @property
    def name(self) -> str:
        """EXTNAME, as the HDU itself has it."""
        return str(self._hdu.name)

    @property
    def kind(self) -> Kind:
        """What the HDU holds (not for expressions)."""
        kind: Kind = self._hdu.kind
        return kind

    @property
    def data(self) -> Any:
        """The pixels, shape (..., rows, columns), read-only."""
        if self._data is None:
            pixels = self._hdu.data
            self._data = pixels if pixels is None else self._change(pixels)
        return self._data


class _SeenFile:
    """HDUs in the place of those of a source, found under the same numbers and names."""

    def __init__(self, source: Source, hdus: tuple[Any, ...]) -> None:
        self._source = source
        self._hdus = hdus

    def __getitem__(self, key: HDUKey) -> Any:
        return self._hdus[self._source.hdu(key).header.place.hdu]

    def __len__(self) -> int:
        return len(self._hdus)


def stating(source: Source, keywords: Mapping[str, int | str]) -> Source:
    """Return a file whose HDU 0 has other values for some keywords.

    Parameters
    ----------
    keywords
        Texts of at most 68 characters of printable ASCII without a quote.

    """
    first, *others = (source.hdu(number) for number in range(len(source)))
    header = _rewritten(first.header, keywords, complete=True)
    return FitsSource(_SeenFile(source, (SeenHDU(first, header, _unchanged, ()), *others)))


def is_dms(source: Source) -> bool:
    """Whether a file says that it is in the science frame already: DMSCOORD = 'JWST'."""
    return says(source.hdu(0).header, "DMSCOORD", "JWST")


def to_dms(source: Source) -> Source:
    """Return a raw exposure in the science frame; one that is there already as it is.

    Detector and window are those that the header of HDU 0 says; the frames are the images that
    have the rows and columns of the first one. MIRI's stay as they are, the reference output
    above the science rows.

    Raises
    ------
    InputError
        The detector or the window cannot be told, or there is no image.

    """
    if is_dms(source):
        return source
    header = source.hdu(0).header
    detector = identify(header)
    rows, columns = frame = _frame(source)
    window = dms_window(header, detector, rows, columns)
    keywords = {
        **_window_keywords(header, detector, window),
        "FASTAXIS": detector.fastaxis,
        "SLOWAXIS": detector.slowaxis,
        "DMSCOORD": "JWST",
    }
    seen = frame[::-1] if detector.turn.swaps else frame
    return _seen(source, keywords, detector.turn.pixels, seen)


def cut(source: Source, name: str) -> Source:
    """Return a named window of a full frame, in the science frame.

    Of MIRI, the window's own part of the reference output stays above the science rows.

    Raises
    ------
    InputError
        As `to_dms` does; and where the instrument has no window of that name, or the frame
        does not hold it.

    """
    source = to_dms(source)
    header = source.hdu(0).header
    detector = identify(header)
    window = subarrays.find(instrument_of(header, detector), name, header.place)
    rows, columns = _frame(source)
    whole = stated_window(header, detector, rows, columns)
    if not whole.holds(window):
        message = f"{name.strip().upper()} is {window}; the input has only {whole}"
        raise header.place.error(message)
    keywords = {**_window_keywords(header, detector, window), "SUBARRAY": name.strip().upper()}
    if detector.instrument != "MIRI" or not has_reference(whole, rows):
        change = partial(_part, whole=whole, window=window)
        return _seen(source, keywords, change, (window.rows, window.columns))
    if (window.colstart - whole.colstart) % OUTPUTS or whole.columns % OUTPUTS:
        raise header.place.error(f"{window} does not begin with the same amplifier as {whole}")
    change = partial(_miri_part, whole=whole, window=window)
    return _seen(source, keywords, change, (window.rows + window.rows // OUTPUTS, window.columns))


def _frame(source: Source) -> tuple[int, int]:
    """Return the rows and columns of the first image."""
    for number in range(len(source)):
        hdu = source.hdu(number)
        if hdu.kind in _IMAGES and len(hdu.shape) > 1:
            if 0 in hdu.shape:
                raise hdu.header.place.error(f"the image of shape {hdu.shape} has no pixels")
            return hdu.shape[-2], hdu.shape[-1]
    raise source.hdu(0).header.place.error("there are no images of rows and columns in the file")


def _window_keywords(header: Header, detector: Detector, window: Window) -> dict[str, int | str]:
    corners = (window.colstart, window.colstop, window.rowstart, window.rowstop)
    instrument = instrument_of(header, detector)
    name = subarrays.name_of(instrument, window, header.get("SUBARRAY"))
    return {**dict(zip(KEYWORDS, corners, strict=True)), "SUBARRAY": name}


def _seen(
    source: Source, keywords: Mapping[str, int | str], change: Change, frame: tuple[int, int]
) -> Source:
    """Return a source whose frames a change turns into frames of other rows and columns."""
    before = _frame(source)
    hdus = []
    for number in range(len(source)):
        hdu = source.hdu(number)
        has_frames = hdu.kind in _IMAGES and hdu.shape[-2:] == before
        values = dict(keywords) if has_frames or number == 0 else {}
        if has_frames:
            prefix = "ZNAXIS" if hdu.kind is Kind.COMPRESSED else "NAXIS"
            values |= {f"{prefix}1": frame[1], f"{prefix}2": frame[0]}
        if values:
            header = _rewritten(hdu.header, values, complete=number == 0)
            change_here = change if has_frames else _unchanged
            hdu = SeenHDU(hdu, header, change_here, frame if has_frames else ())
        hdus.append(hdu)
    return FitsSource(_SeenFile(source, tuple(hdus)))


def _rewritten(header: Header, values: Mapping[str, int | str], *, complete: bool) -> Header:
    """Return a header with other values; `complete`: with those too that it does not have.

    Cards are replaced where they stand and added at the end, so card numbers in messages hold.
    """
    raw = header.raw
    found = set()
    cards = []
    for start in range(0, len(raw), CARD):
        card = raw[start : start + CARD]
        key = card[:8].decode("latin-1").rstrip().upper()
        if key in values:
            found.add(key)
            card = _card(key, values[key])
        cards.append(card)
    if complete:
        cards += [_card(key, value) for key, value in values.items() if key not in found]
    return header.rewritten(b"".join(cards))


def _card(key: str, value: int | str) -> bytes:
    """Return a card in fixed format (FITS Standard 4.0, section 4.2)."""
    field = f"{value:>20}" if isinstance(value, int) else f"'{value:<8}'"
    return f"{key:<8}= {field}".ljust(CARD).encode("ascii")


def _unchanged(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels


def _part(pixels: NDArray[Any], whole: Window, window: Window) -> NDArray[Any]:
    """Return the pixels (..., rows, columns) of a window, of frames that show another: a view."""
    row, column = window.rowstart - whole.rowstart, window.colstart - whole.colstart
    return pixels[..., row : row + window.rows, column : column + window.columns]


def _miri_part(pixels: NDArray[Any], whole: Window, window: Window) -> NDArray[Any]:
    """Return the pixels of a window, and above them the reference pixels read with them.

    There is one reference pixel for the four science pixels that are read at the same time:
    as an image they have the science rows and a quarter of the columns.
    """
    import numpy as np

    outer = pixels.shape[:-2]
    above = pixels[..., whole.rows :, :]
    reference = above.reshape(*outer, whole.rows, whole.columns // OUTPUTS)
    row, column = window.rowstart - whole.rowstart, window.colstart - whole.colstart
    column, columns = column // OUTPUTS, window.columns // OUTPUTS
    reference = reference[..., row : row + window.rows, column : column + columns]
    reference = reference.reshape(*outer, window.rows // OUTPUTS, window.columns)
    both = np.concatenate((_part(pixels, whole, window), reference), axis=-2)
    both.flags.writeable = False
    return both
