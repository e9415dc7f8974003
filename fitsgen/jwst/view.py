"""What a raw file is seen through: the frame and the window that a user asks for.

In: a frame, and the name of a window. Out: a change of the source that the raw file is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from fitsgen.inputs.sources import Source


class Frame(enum.Enum):
    """How pixels lie: as the detector gives them, or in JWST's science (DMS) frame."""

    DETECTOR = "detector"
    DMS = "dms"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        expected = " or ".join(repr(frame.value) for frame in cls)
        raise ValueError(f"frame is {value!r}: expected {expected}")


def view(frame: Frame, subarray: str | None = None) -> Callable[[Source], Source] | None:
    """Return what a raw file is to be seen through, None where it is taken as it is.

    Parameters
    ----------
    subarray
        The name of a window to cut from a full frame; implies `Frame.DMS`.

    """
    if subarray is None and frame is Frame.DETECTOR:
        return None
    from functools import partial

    from fitsgen.jwst.frame import cut, to_dms

    return to_dms if subarray is None else partial(cut, name=subarray)
