"""The 18 detectors of JWST, and how each stands in the science frame.

In: a header. Out: `Detector`. The table follows `detectors.json`, the project's collection of
facts about the ground tests of 2011 to 2013; the turns there are those of the JWST archive's
science (DMS) frame.
"""

from __future__ import annotations

import difflib
import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitsgen.diagnostics import InputError, Position, Problem, Source
from fitsgen.inputs.headers import Header
from fitsgen.jwst.values import shown, whole_number, word

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Turn(enum.Enum):
    """How pixels go from the detector's frame to the science frame.

    Rows and columns change places (or not), and then columns and rows are reversed (or not).
    """

    NONE = (False, False, False)
    FLIP_COLUMNS = (False, True, False)
    FLIP_ROWS = (False, False, True)
    TRANSPOSE = (True, False, False)
    TRANSPOSE_AND_HALF_TURN = (True, True, True)
    QUARTER_TURN = (True, True, False)

    @property
    def swaps(self) -> bool:
        """Whether rows become columns."""
        return self.value[0]

    @property
    def reverses_columns(self) -> bool:
        """Whether the columns of the science frame run against those that they come from."""
        return self.value[1]

    @property
    def reverses_rows(self) -> bool:
        """Whether the rows of the science frame run against those that they come from."""
        return self.value[2]

    def pixels(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return frames, shape (..., rows, columns), in the science frame: a view, no copy."""
        turned = frames.swapaxes(-1, -2) if self.swaps else frames
        across = slice(None, None, -1 if self.reverses_columns else 1)
        up = slice(None, None, -1 if self.reverses_rows else 1)
        return turned[..., up, across]

    def undone(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return frames of the science frame in the detector's: a view, no copy."""
        across = slice(None, None, -1 if self.reverses_columns else 1)
        up = slice(None, None, -1 if self.reverses_rows else 1)
        turned = frames[..., up, across]
        return turned.swapaxes(-1, -2) if self.swaps else turned


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: its sensor chip assembly's number, its name, its instrument, its turn.

    A detector is read fastest along the columns of its own frame, slowest along the rows.
    """

    sca_id: int
    name: str
    instrument: str
    turn: Turn

    @property
    def fastaxis(self) -> int:
        """FASTAXIS in the science frame: the axis of the fast read, with its direction."""
        return _axis(2, self.turn.reverses_rows) if self.turn.swaps else self._axis_1

    @property
    def slowaxis(self) -> int:
        """SLOWAXIS in the science frame: the axis of the slow read, with its direction."""
        return self._axis_1 if self.turn.swaps else _axis(2, self.turn.reverses_rows)

    @property
    def columns(self) -> int:
        """The columns of a full frame, the same in both frames."""
        return 1032 if self.instrument == "MIRI" else 2048

    @property
    def rows(self) -> int:
        """The rows of a full frame that see light, the same in both frames."""
        return 1024 if self.instrument == "MIRI" else 2048

    @property
    def _axis_1(self) -> int:
        return _axis(1, self.turn.reverses_columns)


def _axis(number: int, reverse: bool) -> int:
    return -number if reverse else number


DETECTORS = (
    Detector(481, "NRCA1", "NIRCAM", Turn.FLIP_COLUMNS),
    Detector(482, "NRCA2", "NIRCAM", Turn.FLIP_ROWS),
    Detector(483, "NRCA3", "NIRCAM", Turn.FLIP_COLUMNS),
    Detector(484, "NRCA4", "NIRCAM", Turn.FLIP_ROWS),
    Detector(485, "NRCALONG", "NIRCAM", Turn.FLIP_COLUMNS),
    Detector(486, "NRCB1", "NIRCAM", Turn.FLIP_ROWS),
    Detector(487, "NRCB2", "NIRCAM", Turn.FLIP_COLUMNS),
    Detector(488, "NRCB3", "NIRCAM", Turn.FLIP_ROWS),
    Detector(489, "NRCB4", "NIRCAM", Turn.FLIP_COLUMNS),
    Detector(490, "NRCBLONG", "NIRCAM", Turn.FLIP_ROWS),
    Detector(491, "NRS1", "NIRSPEC", Turn.TRANSPOSE),
    Detector(492, "NRS2", "NIRSPEC", Turn.TRANSPOSE_AND_HALF_TURN),
    Detector(493, "MIRIMAGE", "MIRI", Turn.NONE),
    Detector(494, "MIRIFUSHORT", "MIRI", Turn.NONE),
    Detector(495, "MIRIFULONG", "MIRI", Turn.NONE),
    Detector(496, "NIS", "NIRISS", Turn.TRANSPOSE_AND_HALF_TURN),
    Detector(497, "GUIDER1", "FGS", Turn.TRANSPOSE_AND_HALF_TURN),
    Detector(498, "GUIDER2", "FGS", Turn.QUARTER_TURN),
)

# What was written in 2013. TFI became NIRISS, with the same detector.
OLD_DETECTORS = {"NIRISS": "NIS", "TFI": "NIS"}
OLD_INSTRUMENTS = {"TFI": "NIRISS", "GUIDER": "FGS"}

_BY_NUMBER = {detector.sca_id: detector for detector in DETECTORS}
_BY_NAME = {detector.name: detector for detector in DETECTORS}
_INSTRUMENTS = frozenset(detector.instrument for detector in DETECTORS)
_HEXADECIMAL = re.compile(r"(?:0X)?([0-9A-F]{1,4})")


def by_name(name: str) -> Detector | None:
    """Return the detector of a name, in any case, of today or of 2013."""
    name = name.strip().upper()
    return _BY_NAME.get(OLD_DETECTORS.get(name, name))


def by_number(value: object) -> Detector | None:
    """Return the detector of an SCA_ID given as a number or text, decimal or hexadecimal.

    No number of a detector can be taken for another's: all 18 have a letter in hexadecimal.
    """
    number = whole_number(value)
    if number is None and isinstance(value, str):
        digits = _HEXADECIMAL.fullmatch(value.strip().upper())
        number = int(digits[1], 16) if digits else None
    return None if number is None else _BY_NUMBER.get(number)


def identify(header: Header) -> Detector:
    """Return the detector that a header is of.

    By SCA_ID; where that is missing by DETECTOR (or MODULE and SCA, as NCont wrote it); where
    that is missing too by INSTRUME, if the instrument has but one.

    Raises
    ------
    InputError
        SCA_ID or DETECTOR is of no detector, they contradict each other or INSTRUME, or
        there is too little.

    """
    number, name = header.get("SCA_ID"), _name(header)
    found = by_name(name)
    if number is not None and not (isinstance(number, str) and not number.strip()):
        detector = by_number(number)
        if detector is None:
            raise _unknown(header, "SCA_ID", number, "481 to 498")
        if found and found is not detector:
            raise _contradiction(header, detector, "DETECTOR", name)
    elif name:
        if found is None:
            raise _unknown(header, "DETECTOR", name, _nearest(name))
        detector = found
    else:
        detector = _only_one(header)
    instrument = word(header, "INSTRUME")
    today = OLD_INSTRUMENTS.get(instrument, instrument)
    if today in _INSTRUMENTS and today != detector.instrument:
        raise _contradiction(header, detector, "INSTRUME", instrument)
    return detector


def instrument_of(header: Header, detector: Detector) -> str:
    """Return the instrument whose windows and file types hold: TFI while it was that."""
    stated = word(header, "INSTRUME") or word(header, "DETECTOR")
    return "TFI" if stated == "TFI" else detector.instrument


def _name(header: Header) -> str:
    name = word(header, "DETECTOR")
    if not name and "MODULE" in header and "SCA" in header:
        return f"NRC{header.get('MODULE')}{header.get('SCA')}".replace(" ", "").upper()
    return name


def _only_one(header: Header) -> Detector:
    instrument = word(header, "INSTRUME")
    today = OLD_INSTRUMENTS.get(instrument, instrument)
    candidates = [detector for detector in DETECTORS if detector.instrument == today]
    if len(candidates) == 1:
        return candidates[0]
    notes: list[tuple[str, Position | None]] = [
        ("looked for SCA_ID, DETECTOR, MODULE with SCA, and INSTRUME in HDU 0", None)
    ]
    if instrument:
        names = ", ".join(detector.name for detector in candidates) or "none that is known"
        notes.append((f"found INSTRUME = {shown(instrument)}, whose detectors are {names}", None))
    place = Position(Source(header.place.file))
    message = "HDU 0: nothing says which detector it is of"
    raise InputError(Problem(message, place, "the header needs SCA_ID", notes=tuple(notes)))


def _unknown(header: Header, key: str, value: object, expected: str) -> InputError:
    hint = "hexadecimal must be quoted as text" if isinstance(value, float) else ""
    message = f"{key} is {shown(value)}, which is no detector: expected {expected}"
    return header.place.error(message, hint)


def _contradiction(header: Header, detector: Detector, key: str, value: str) -> InputError:
    message = (
        f"{key} is {shown(value)}, but the detector is {detector.name} of "
        f"{detector.instrument} (SCA_ID {detector.sca_id})"
    )
    return header.place.error(message)


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, 3)
    return " or ".join(near) if near else ", ".join(_BY_NAME)
