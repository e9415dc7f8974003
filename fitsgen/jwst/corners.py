"""Where on the detector the pixels of a raw frame are, each instrument by its own keywords.

In: a header in the detector's frame and the shape of its frames. Out: a `Window` in the science
(DMS) frame. The rules are those of `corner_rules` in `detectors.json`, the project's collection
of facts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fitsgen.diagnostics import InputError
from fitsgen.inputs.headers import Header
from fitsgen.jwst.detectors import Detector, Turn
from fitsgen.jwst.subarrays import Window
from fitsgen.jwst.values import whole

KEYWORDS = ("COLSTART", "COLSTOP", "ROWSTART", "ROWSTOP")
OUTPUTS = 4  # of a MIRI detector: every fourth column goes through the same amplifier


@dataclass(frozen=True, slots=True)
class Corner:
    """Keywords with the first row or column, and what each counts from; the first that is there.

    `implied` is whether the window starts at 1 where no keyword is there.
    """

    keywords: tuple[tuple[str, int], ...]
    implied: bool = True

    def __str__(self) -> str:
        return " or ".join(f"{key} (counted from {base})" for key, base in self.keywords)

    def start(self, header: Header, count: int, full: int) -> int:
        """Return the first row or column, counted from 1, of `count` on a detector of `full`."""
        for key, base in self.keywords:
            value = whole(header, key)
            if value is not None:
                return value + 1 - base
        if not self.implied and count != full:
            message = f"{count} of {full} pixels were read, and {self} does not say which"
            raise header.place.error(message)
        return 1


_NIRCAM = (Corner((("COLCORNR", 1), ("COLSTART", 0))), Corner((("ROWCORNR", 1), ("ROWSTART", 0))))
_NRS1 = (Corner((("A1_COL_C", 0), ("A1WINHSA", 0))), Corner((("A1_ROW_C", 0), ("A1WINVSA", 0))))
_NRS2 = (Corner((("A2_COL_C", 0), ("A2WINHSA", 0))), Corner((("A2_ROW_C", 0), ("A2WINVSA", 0))))
_CORNR = (Corner((("COLCORNR", 1),), implied=False), Corner((("ROWCORNR", 1),), implied=False))
_GUIDER2 = (Corner((("ACCOLCOR", 1),), implied=False), Corner((("ACROWCOR", 1),), implied=False))


def _corners(detector: Detector) -> tuple[Corner, Corner]:
    """Return what says the first column and the first row, in the detector's frame."""
    match detector.instrument, detector.name:
        case "NIRCAM", _:
            return _NIRCAM
        case _, "NRS1":
            return _NRS1
        case _, "NRS2":
            return _NRS2
        case _, "GUIDER2":
            return _GUIDER2
        case _:
            return _CORNR


def full_frame(detector: Detector) -> Window:
    """Return the window of all pixels that see light."""
    return Window(1, detector.columns, 1, detector.rows)


def dms_window(header: Header, detector: Detector, rows: int, columns: int) -> Window:
    """Return which pixels raw frames have, in the science frame.

    Parameters
    ----------
    rows, columns
        NAXIS2 and NAXIS1 of the raw frame, a MIRI reference output included.

    Raises
    ------
    InputError
        A keyword has no whole number, does not fit the frame, or the window leaves the detector.

    """
    if detector.instrument == "MIRI":
        return _miri_window(header, detector, rows, columns)
    if detector.instrument == "NIRSPEC" and _is_always_full(header):
        return full_frame(detector)
    corners = _corners(detector)
    colstart = corners[0].start(header, columns, detector.columns)
    rowstart = corners[1].start(header, rows, detector.rows)
    window = Window(colstart, colstart + columns - 1, rowstart, rowstart + rows - 1)
    if not full_frame(detector).holds(window):
        hint = f"the first column is {corners[0]}, the first row {corners[1]}"
        raise _outside(header, detector, window, hint)
    return turned(window, detector.turn, detector.columns)


def corner_keywords(detector: Detector, window: Window) -> dict[str, int]:
    """Return the keywords by which a raw header says where a window is.

    Parameters
    ----------
    window
        In the detector's frame, which for MIRI is the science frame.

    """
    columns, rows = (window.colstart, window.colstop), (window.rowstart, window.rowstop)
    if detector.instrument == "MIRI":
        # Raw headers count the columns of one amplifier.
        columns = ((columns[0] - 1) // OUTPUTS + 1, columns[1] // OUTPUTS)
        return dict(zip(KEYWORDS, (*columns, *rows), strict=True))
    corners = _corners(detector)
    named = (corner.keywords[0] for corner in corners)
    starts = zip(named, (columns[0], rows[0]), strict=True)
    return {key: start - 1 + base for (key, base), start in starts}


def stated_window(header: Header, detector: Detector, rows: int, columns: int) -> Window:
    """Return the window that a header in the science frame states; without one, the full frame.

    Raises
    ------
    InputError
        As `dms_window` does.

    """
    return _fitting(header, detector, _stated(header) or full_frame(detector), rows, columns)


def turned(window: Window, turn: Turn, size: int) -> Window:
    """Return a window of the detector's frame in the science frame of a square detector."""
    columns, rows = (window.colstart, window.colstop), (window.rowstart, window.rowstop)
    if turn.swaps:
        columns, rows = rows, columns
    if turn.reverses_columns:
        columns = (size + 1 - columns[1], size + 1 - columns[0])
    if turn.reverses_rows:
        rows = (size + 1 - rows[1], size + 1 - rows[0])
    return Window(*columns, *rows)


def unturned(window: Window, turn: Turn, size: int) -> Window:
    """Return a window of the science frame of a square detector in the detector's own frame."""
    columns, rows = (window.colstart, window.colstop), (window.rowstart, window.rowstop)
    if turn.reverses_columns:
        columns = (size + 1 - columns[1], size + 1 - columns[0])
    if turn.reverses_rows:
        rows = (size + 1 - rows[1], size + 1 - rows[0])
    if turn.swaps:
        columns, rows = rows, columns
    return Window(*columns, *rows)


def has_reference(window: Window, rows: int) -> bool:
    """Whether frames of so many rows hold, above those of the window, MIRI's reference output."""
    return rows * OUTPUTS == window.rows * (OUTPUTS + 1)


def is_ips(header: Header) -> bool:
    """Whether the NIRSpec instrument simulator made it: IPSDET is there and not blank."""
    value = header.get("IPSDET")
    return value is not None and str(value).strip() != ""


def _is_always_full(header: Header) -> bool:
    # IRS2 frames have more pixels than the detector: reference pixels are read in between.
    return is_ips(header) or "IRS2" in str(header.get("READOUT", "")).upper()


def _miri_window(header: Header, detector: Detector, rows: int, columns: int) -> Window:
    window = _stated(header)
    if window is None:
        window = full_frame(detector)
    else:
        # Raw headers count the columns of one amplifier.
        colstart = OUTPUTS * (window.colstart - 1) + 1
        window = replace(window, colstart=colstart, colstop=OUTPUTS * window.colstop)
    return _fitting(header, detector, window, rows, columns)


def _stated(header: Header) -> Window | None:
    """Return what COLSTART to ROWSTOP say, None where none of them is there."""
    found = {key: whole(header, key) for key in KEYWORDS}
    numbers = [number for number in found.values() if number is not None]
    if not numbers:
        return None
    if missing := [key for key, number in found.items() if number is None]:
        there = ", ".join(key for key in KEYWORDS if key not in missing)
        raise header.place.error(f"{', '.join(missing)} missing; there is {there}")
    return Window(*numbers)


def _fitting(header: Header, detector: Detector, window: Window, rows: int, columns: int) -> Window:
    """Return the window if it is on the detector and the frame has its size."""
    is_miri = detector.instrument == "MIRI"
    hint = f"raw MIRI files count columns per output, of {OUTPUTS}" if is_miri else ""
    if not full_frame(detector).holds(window):
        raise _outside(header, detector, window, hint)
    reference = is_miri and has_reference(window, rows)
    if columns != window.columns or not (reference or rows == window.rows):
        frame = f"the frames have {columns} columns and {rows} rows"
        raise header.place.error(f"{frame}, which do not fit their window, {window}", hint)
    return window


def _outside(header: Header, detector: Detector, window: Window, hint: str) -> InputError:
    size = f"{detector.columns} columns and {detector.rows} rows"
    message = f"the window is {window}; {detector.name} has {size}"
    return header.place.error(message, hint)
