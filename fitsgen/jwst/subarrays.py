"""The named windows of the ground tests: names to corners, and corners to names.

In: an instrument with a name or a window. Out: a `Window`, or a name. The table follows
`subarrays.json`, the project's collection of facts; corners are in the science (DMS) frame.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from fitsgen.inputs.headers import Place

GENERIC = "GENERIC"


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a detector: first and last column and row, counted from 1, the last included."""

    colstart: int
    colstop: int
    rowstart: int
    rowstop: int

    def __str__(self) -> str:
        return f"columns {self.colstart} to {self.colstop}, rows {self.rowstart} to {self.rowstop}"

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.colstop - self.colstart + 1

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.rowstop - self.rowstart + 1

    def holds(self, other: Window) -> bool:
        """Whether another window is no part empty, and nowhere outside of this one."""
        return (
            self.colstart <= other.colstart <= other.colstop <= self.colstop
            and self.rowstart <= other.rowstart <= other.rowstop <= self.rowstop
        )


_FULL = {"FULL": Window(1, 2048, 1, 2048)}

SUBARRAYS: Mapping[str, Mapping[str, Window]] = {
    "MIRI": {
        "FULL": Window(1, 1032, 1, 1024),
        "MASK1065": Window(1, 256, 1, 256),
        "MASK1140": Window(1, 256, 229, 484),
        "MASK1550": Window(1, 256, 452, 707),
        "MASKLYOT": Window(1, 320, 705, 1024),
        "BRIGHTSKY": Window(1, 864, 1, 512),
        "SUB256": Window(1, 608, 1, 256),
        "SUB128": Window(1, 132, 897, 1024),
        "SUB64": Window(1, 68, 897, 960),
        "SLITLESSPRISM": Window(1, 68, 321, 1024),
    },
    "NIRCAM": _FULL,
    "NIRSPEC": {
        **_FULL,
        "ALLSLITS": Window(1, 2048, 890, 1145),
        "SUBS200A1": Window(1, 2048, 911, 974),
        "SUBS200A2": Window(1, 2048, 951, 1014),
        "SUBS200B1": Window(1, 2048, 1061, 1124),
        "SUBS400A1": Window(1, 2048, 993, 1056),
        "SUB2048": Window(1, 2048, 1044, 1075),
    },
    "NIRISS": {
        **_FULL,
        "SUB256": Window(1793, 2048, 1793, 2048),
        "SUB128": Window(1921, 2048, 1921, 2048),
        "SUB64": Window(1985, 2048, 1985, 2048),
        "AMITA": Window(1953, 2016, 1985, 2048),
        "SOSSTA": Window(1202, 1265, 392, 455),
        # One output or four: the same pixels.
        "SOSSFT1": Window(1793, 2048, 1, 2048),
        "SOSSFT4": Window(1793, 2048, 1, 2048),
        "SOSSBT1": Window(1969, 2048, 1, 2048),
        "SOSSBT4": Window(1969, 2048, 1, 2048),
    },
    "TFI": {
        **_FULL,
        "SUB512": Window(1, 512, 769, 1280),
        "SUB256": Window(1, 256, 897, 1152),
        "SUB128": Window(1, 128, 961, 1088),
        "SUB64": Window(1, 64, 993, 1056),
    },
    "FGS": _FULL,
}


def name_of(instrument: str, window: Window, stated: object = "") -> str:
    """Return the name of a window, GENERIC where it has none.

    Parameters
    ----------
    stated
        What the header calls it: decides between names of the same window, else the first counts.

    """
    names = [name for name, named in SUBARRAYS[instrument].items() if named == window]
    return str(stated) if stated in names else (*names, GENERIC)[0]


def find(instrument: str, name: str, place: Place) -> Window:
    """Return the window of a name, in any case.

    Raises
    ------
    InputError
        The instrument has no such window; the message lists those it has.

    """
    windows = SUBARRAYS[instrument]
    window = windows.get(name.strip().upper())
    if window is None:
        near = difflib.get_close_matches(name.strip().upper(), windows, 1)
        hint = f"did you mean {near[0]}?" if near else ""
        known = ", ".join(windows)
        raise place.error(f"{instrument} has no window {name!r}; it has {known}", hint)
    return window
