"""The kinds of raw file there are, and the file type that each is converted to.

In: the HDUs of a raw file. Out: the name of a file type, and why it is that one. Signs and
choices are those of `raw_inputs.json`, the project's collection of facts. A new kind is a `Kind`
in `KINDS`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fitsgen.blocks import CARD
from fitsgen.diagnostics import InputError, Position, Problem, Severity, Source, input_error
from fitsgen.inputs import INPUT, Inputs, open_inputs
from fitsgen.inputs.fits import InputHDU
from fitsgen.inputs.headers import Header
from fitsgen.jwst.corners import is_ips
from fitsgen.jwst.detectors import identify
from fitsgen.jwst.values import says, shown, word

HINT = "name the file type with --template; fitsgen list shows those there are"


@dataclass(frozen=True, slots=True)
class Choice:
    """A file type, and what decided for it."""

    name: str
    reason: str

    @property
    def note(self) -> Problem:
        """What a user who named no file type is told."""
        return Problem(f"file type {self.name}: {self.reason}", severity=Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of raw file: what tells it (in words, and as a test), and how its type is chosen."""

    name: str
    sign: str
    test: Callable[[Sequence[InputHDU]], bool]
    choose: Callable[[Header], Choice]


def _history(text: str, hdus: Sequence[InputHDU]) -> bool:
    """Whether a HISTORY card holds a text; cards that could not be read do not matter."""
    wanted = text.encode("ascii")
    for hdu in hdus:
        raw = hdu.header.raw
        for start in range(0, len(raw), CARD):
            card = raw[start : start + CARD]
            if card.startswith(b"HISTORY") and wanted in card:
                return True
    return False


def _fitswriter(header: Header) -> Choice:
    match word(header, "INSTRUME"):
        case "MIRI":
            return _miri(header)
        case "NIRISS":
            return _niriss(header)
        case "TFI":
            return Choice("tfi", "INSTRUME is TFI")
        case "NIRCAM" if (date := _date(header)) and date >= datetime.date(2012, 7, 1):
            return Choice(
                "nircam_fm1", f"INSTRUME is NIRCAM, DATE-OBS {date} is 2012-07-01 or later"
            )
        case "NIRSPEC" if (date := _date(header)) and (date.year, date.month <= 6) == (2011, True):
            return Choice(
                "nirspec_fm1", f"INSTRUME is NIRSPEC, DATE-OBS {date} is in 2011-01 to -06"
            )
        case _:
            return _by_detector(header)


def _miri(header: Header) -> Choice:
    if says(header, "EXP_TYPE", "MIR_MRS"):
        return Choice("miri_ifu", "INSTRUME is MIRI, EXP_TYPE is MIR_MRS")
    if says(header, "FWA_POS", "P750L"):
        return Choice("miri_lrs", "INSTRUME is MIRI, FWA_POS is P750L")
    return Choice(
        "miri_imaging", "INSTRUME is MIRI, EXP_TYPE is not MIR_MRS and FWA_POS is not P750L"
    )


def _niriss(header: Header) -> Choice:
    if says(header, "PWCCRPUP", "GR700XD"):
        return Choice("niriss_spec_vert", "INSTRUME is NIRISS, PWCCRPUP is GR700XD")
    if says(header, "FWCCRFIL", "GR150R"):
        return Choice("niriss_spec_vert", "INSTRUME is NIRISS, FWCCRFIL is GR150R")
    if says(header, "FWCCRFIL", "GR150C"):
        return Choice("niriss_spec_horiz", "INSTRUME is NIRISS, FWCCRFIL is GR150C")
    return Choice("niriss", "INSTRUME is NIRISS, no grism in PWCCRPUP and FWCCRFIL")


def _by_detector(header: Header) -> Choice:
    detector = identify(header)
    name = "guider" if detector.instrument == "FGS" else detector.instrument.lower()
    return Choice(name, f"the detector is {detector.name} (SCA_ID {detector.sca_id})")


def _date(header: Header) -> datetime.date | None:
    """Return the day of DATE-OBS, None where it is missing or blank."""
    text = word(header, "DATE-OBS")
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text.partition("T")[0])
    except ValueError:
        message = f"DATE-OBS is {shown(text)}: expected a date as 2012-07-01"
        raise header.place.error(message, HINT) from None


def _always(name: str, header: Header) -> Choice:
    return Choice(name, "")


# The first whose test holds. FITSWriter comes last: what was made from its files, or tells that
# it was not made by it, may name it too.
KINDS = (
    Kind(
        "NIRSpec IPS",
        "IPSDET is in HDU 0 and not blank",
        lambda hdus: is_ips(hdus[0].header),
        partial(_always, "nirspec_ips"),
    ),
    Kind(
        "NIRCam NCont",
        "'NCont Post processor' is in a HISTORY card",
        partial(_history, "NCont Post processor"),
        partial(_always, "nircam_ncont"),
    ),
    Kind(
        "NIRCam swts",
        "'swts2fits' is in a HISTORY card",
        partial(_history, "swts2fits"),
        # The facts name no file type of its own: its keywords are those of FITSWriter.
        partial(_always, "nircam"),
    ),
    Kind(
        "FITSWriter",
        "'FITSWriter' is in a HISTORY card of HDU 0",
        lambda hdus: _history("FITSWriter", hdus[:1]),
        _fitswriter,
    ),
)

_SUFFIX = "_level1b"
_TOLD = ("INSTRUME", "DETECTOR", "SCA_ID", "TELESCOP", "ORIGIN")


def choose_file_type(file: Iterable[InputHDU]) -> Choice:
    """Return the file type for a raw file.

    Parameters
    ----------
    file
        An opened `FitsFile`, or its HDUs.

    Raises
    ------
    InputError
        The file is of no known kind, or the kind's choice needs what is not there; it lists what
        was looked for, and what was found.

    """
    hdus = list(file)
    for kind in KINDS:
        if kind.test(hdus):
            choice = _chosen(kind, hdus[0].header)
            reasons = "; ".join(filter(None, (f"{kind.sign} ({kind.name})", choice.reason)))
            return Choice(choice.name + _SUFFIX, reasons)
    header = hdus[0].header
    notes: list[tuple[str, Position | None]]
    notes = [(f"looked for a {kind.name} file: {kind.sign}", None) for kind in KINDS]
    notes += [(f"found {found}", None) for found in _found(header)]
    place = Position(Source(header.place.file))
    message = "it is of no kind of raw file that fitsgen knows a file type for"
    raise InputError(Problem(message, place, HINT, notes=tuple(notes)))


def choose_for(given: Sequence[object]) -> Choice:
    """Return the file type for the FITS file without a name among inputs.

    Raises
    ------
    InputError
        As `choose_file_type` and `open_inputs` do, and where there is no such file.

    """
    with open_inputs(given) as inputs:
        return choose_among(inputs)


def choose_among(inputs: Inputs) -> Choice:
    """Return the file type for the FITS file without a name among open inputs, as `choose_for`."""
    source = inputs.sources.get(INPUT)
    if source is None:
        raise input_error("input", "no FITS file without a name, so no file type is chosen", HINT)
    return choose_file_type(source.hdu(number) for number in range(len(source)))


def _chosen(kind: Kind, header: Header) -> Choice:
    try:
        return kind.choose(header)
    except InputError as error:
        problems = [
            replace(
                problem,
                message=f"{problem.message}; so no file type is chosen for this {kind.name} file",
                hint=problem.hint or HINT,
            )
            for problem in error.problems
        ]
        raise InputError(problems) from None


def _found(header: Header) -> list[str]:
    cards = [f"{key} = {shown(header.get(key))}" for key in _TOLD if key in header]
    histories = header.count("HISTORY")
    return [", ".join(cards) or f"none of {', '.join(_TOLD)}", f"{histories} HISTORY cards"]
