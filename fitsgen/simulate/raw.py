"""Raw exposures of the ground tests: a ramp cube in the primary HDU, and the keywords of its kind.

In: a kind, a seed and sizes. Out: an astropy `HDUList`. What the keywords are
is told in the raw-file kinds of the ground tests (2013); the pixels are ramps
with shot and read noise, not a model of any detector.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

BIAS = 10_000.0  # DN
RATE = 50.0  # DN per group, the mean over the pixels
READ_NOISE = 8.0  # DN

FITSWRITER = "Written in the layout of FITSWriter"

Cards = dict[str, object]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is to be made: sizes in integrations, groups, rows and columns."""

    integrations: int = 1
    groups: int = 4
    rows: int = 64
    columns: int = 64
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: its instrument, how the ground system numbers it, and how it is read."""

    instrument: str
    name: str
    sca_id: int
    fast_axis: int
    slow_axis: int

    @property
    def has_reference_output(self) -> bool:
        """Whether a frame has rows of the reference output above those of the pixels."""
        return self.instrument == "MIRI"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of raw exposure: its detector, and the cards that set it apart.

    `wheels` come before the lamp; `renamed` are keywords that have another name;
    `changed` replaces a card, or drops it where the value is None; `history`
    names the program that wrote the file.
    """

    name: str
    detector: Detector
    exp_type: str
    readout: str
    wheels: Cards = field(default_factory=dict)
    day: str = "2013-02-01"
    changed: Cards = field(default_factory=dict)
    history: str = FITSWRITER
    renamed: dict[str, str] = field(default_factory=dict)
    numbers_are_text: bool = False


NRCA1 = Detector("NIRCAM", "NRCA1", 481, -1, 2)
NRCBLONG = Detector("NIRCAM", "NRCBLONG", 490, 1, -2)
NRS1 = Detector("NIRSPEC", "NRS1", 491, 2, 1)
NRS2 = Detector("NIRSPEC", "NRS2", 492, -2, -1)
MIRIMAGE = Detector("MIRI", "MIRIMAGE", 493, 1, 2)
MIRIFUSHORT = Detector("MIRI", "MIRIFUSHORT", 494, 1, 2)
NIS = Detector("NIRISS", "NIS", 496, -2, -1)
TFI = Detector("TFI", "TFI", 496, -2, -1)
GUIDER1 = Detector("GUIDER", "GUIDER1", 497, -2, -1)
GUIDER2 = Detector("GUIDER", "GUIDER2", 498, 2, -1)

CORNER: Cards = {"COLCORNR": 1, "ROWCORNR": 1}
GUIDER2_CORNER: Cards = {"ACCOLCOR": 1, "ACROWCOR": 1}
NO_WINDOW: Cards = dict.fromkeys(["COLSTART", "COLSTOP", "ROWSTART", "ROWSTOP"])
NIRCAM_WHEELS: Cards = {"MODULE": "A", "PUPIL": "CLEAR", "FILTER": "F200W", "PIL_MODE": False}
NIRSPEC_TILTS: Cards = {"GWA_XTIL": 0.3583, "GWA_YTIL": -0.0254, "GWA_TTIL": 39.9}
NCONT_NAMES = {"NINT": "NINTS", "TIME-OBS": "STARTEXP", "TIME-END": "END_EXP", "SCA_ID": "SCA"}
NCONT: Cards = {
    "DATE": "2012-03-01",
    "STARTEXP": "23:58:00.000",  # it ends on the next day
    "END_EXP": "00:01:00.000",
    "SCA": 1,
    **dict.fromkeys(["DATE-OBS", "DATE-END", "DETECTOR", "NSAMPLE", "SUBARRAY"]),
    **NO_WINDOW,
}


def _nirspec(name: str, detector: Detector, exp_type: str, filters: tuple[str, str]) -> Kind:
    wheels = {"FWA_POS": filters[0], "GWA_POS": filters[1], **NIRSPEC_TILTS}
    return Kind(name, detector, exp_type, "NRSRAPID", wheels)


def _miri(name: str, detector: Detector, exp_type: str, wheels: Cards) -> Kind:
    return Kind(name, detector, exp_type, "FAST", {**wheels, "CCC_POS": "OPEN"})


def _nircam(
    name: str, exp_type: str, changed: Cards | None = None, history: str = FITSWRITER
) -> Kind:
    return Kind(name, NRCA1, exp_type, "RAPID", NIRCAM_WHEELS, "2012-03-01", changed or {}, history)


def _niriss(name: str, detector: Detector, exp_type: str, filters: tuple[str, str]) -> Kind:
    wheels = {"FWCCRFIL": filters[0], "PWCCRPUP": filters[1], **CORNER}
    return Kind(name, detector, exp_type, "NIS", wheels)


# One for each file type, of the same name; `nircam_swts` is a further kind for `nircam`.
KINDS = (
    Kind("fgs", GUIDER1, "FGS_IMAGE", "FGS", CORNER, changed={"INSTRUME": "FGS"}),
    Kind("guider", GUIDER2, "FGS_IMAGE", "FGS", GUIDER2_CORNER, changed=NO_WINDOW),
    _miri("miri", MIRIMAGE, "MIR_IMAGE", {"FWA_POS": "F770W"}),
    _miri("miri_coron", MIRIMAGE, "MIR_4QPM", {"FWA_POS": "F1065C", "CORONMSK": "4QPM_1065"}),
    _miri("miri_fm1", MIRIMAGE, "MIR_IMAGE", {"FWA_POS": "F1000W"}),
    _miri("miri_ifu", MIRIFUSHORT, "MIR_MRS", {"DGAA_POS": "A"}),
    _miri("miri_imaging", MIRIMAGE, "MIR_IMAGE", {"FWA_POS": "F560W"}),
    _miri("miri_lrs", MIRIMAGE, "MIR_LRS-FIXEDSLIT", {"FWA_POS": "P750L"}),
    _nircam("nircam", "NRC_IMAGE"),
    Kind(
        name="nircam_fm1",
        detector=NRCBLONG,
        exp_type="NRC_IMAGE",
        readout="BRIGHT2",
        wheels={"PUPIL_P": "CLEAR", "FILTER_P": "F444W"},
        day="2012-09-01",
        changed={"COLSTART": "0.0", "ROWSTART": "0.0"},
    ),
    replace(
        _nircam("nircam_ncont", "NRC_DARK", NCONT, "NCont Post processor"), renamed=NCONT_NAMES
    ),
    _nircam("nircam_swts", "NRC_IMAGE", {}, "Made by swts2fits"),
    _nircam("nircam_wfs", "NRC_WFSC", {"FASTEP1": 12, "FAUNIT1": 0.0}),
    _niriss("niriss", NIS, "NIS_IMAGE", ("F277W", "CLEARP")),
    _niriss("niriss_spec_horiz", NIS, "NIS_WFSS", ("GR150C", "F200W")),
    _niriss("niriss_spec_vert", NIS, "NIS_WFSS", ("GR150R", "F200W")),
    _nirspec("nirspec", NRS2, "NRS_LAMP", ("OPAQUE", "G140H")),
    replace(_nirspec("nirspec_fm1", NRS1, "NRS_LAMP", ("F170LP", "G235M")), day="2011-03-01"),
    _nirspec("nirspec_fss", NRS1, "NRS_FIXEDSLIT", ("CLEAR", "PRISM")),
    _nirspec("nirspec_ifu", NRS1, "NRS_IFU", ("F290LP", "G395H")),
    replace(
        _nirspec("nirspec_ips", NRS1, "NRS_MSASPEC", ("F100LP", "G140M")),
        changed={"IPSDET": "NRS1"},
        history="Made by the NIRSpec instrument performance simulator",
        numbers_are_text=True,
    ),
    _nirspec("nirspec_msa", NRS1, "NRS_MSASPEC", ("F100LP", "G140M")),
    _nirspec("nirspec_wfs", NRS1, "NRS_WATA", ("F110W", "MIRROR")),
    _niriss("tfi", TFI, "TFI_IMAGE", ("B2", "CLEAR")),
    _niriss("tfi_wfs", TFI, "TFI_IMAGE", ("B5", "CLEAR")),
)

COMMENTS = {
    "DATE": "when the raw file was written",
    "DATE-OBS": "start of the exposure",
    "TIME-OBS": "start of the exposure",
    "DATE-END": "end of the exposure",
    "TIME-END": "end of the exposure",
    "INSTRUME": "instrument",
    "DETECTOR": "detector",
    "SCA_ID": "detector number",
    "OBS_ID": "program, observation, visit, group",
    "VISIT_ID": "visit",
    "EXP_ID": "exposure",
    "EXP_TYPE": "type of the exposure",
    "OBSERVER": "who asked for it",
    "TARGNAME": "target",
    "NINT": "integrations",
    "NGROUP": "groups in an integration",
    "NFRAME": "frames in a group",
    "GROUPGAP": "frames dropped between groups",
    "NSAMPLE": "samples of a pixel",
    "TSAMPLE": "[us] between samples",
    "TFRAME": "[s] between frames",
    "READOUT": "readout pattern",
    "ZROFRAME": "zero frame present",
    "SUBARRAY": "window",
    "COLSTART": "first column",
    "COLSTOP": "last column",
    "ROWSTART": "first row",
    "ROWSTOP": "last row",
    "FASTAXIS": "fast read axis",
    "SLOWAXIS": "slow read axis",
    "COLCORNR": "first column",
    "ROWCORNR": "first row",
    "ACCOLCOR": "first column",
    "ACROWCOR": "first row",
    "FWA_POS": "filter wheel",
    "GWA_POS": "grating wheel",
    "GWA_XTIL": "[deg] tilt of the grating wheel",
    "GWA_YTIL": "[deg] tilt of the grating wheel",
    "GWA_TTIL": "[K] temperature of the tilt sensor",
    "DGAA_POS": "dichroic and grating wheel A",
    "CCC_POS": "contamination cover",
    "FWCCRFIL": "filter wheel",
    "PWCCRPUP": "pupil wheel",
    "CLS_CONF": "calibration lamp",
    "STARTEXP": "start of the exposure",
    "END_EXP": "end of the exposure",
    "SCA": "detector number in its module",
}


def raw(kind: str, exposure: Exposure) -> HDUList:
    """Return a raw exposure: uint16, (integrations x groups, rows, columns).

    A frame of MIRI has a quarter more rows, those of the reference output.

    Raises
    ------
    KeyError
        There is no such kind in `KINDS`.

    """
    from astropy.io import fits

    found = {kind.name: kind for kind in KINDS}[kind]
    hdu = fits.PrimaryHDU(_ramps(exposure, found.detector.has_reference_output))
    cards = _cards(found, exposure)
    hdu.header.extend(((key, cards[key], COMMENTS.get(key, "")) for key in cards), end=True)
    hdu.header.add_history(found.history)
    return fits.HDUList([hdu])


def nirspec_ifu(exposure: Exposure) -> HDUList:
    """Return a raw NIRSpec IFU exposure: uint16, (integrations x groups, rows, columns)."""
    return raw("nirspec_ifu", exposure)


def _ramps(exposure: Exposure, has_reference_output: bool):  # type: ignore[no-untyped-def]
    import numpy as np

    random = np.random.default_rng(exposure.seed)
    rows = exposure.rows + (exposure.rows // 4 if has_reference_output else 0)
    shape = (exposure.integrations, exposure.groups, rows, exposure.columns)
    rate = random.uniform(0.0, 2.0 * RATE, shape[2:])
    ramp = BIAS + random.poisson(np.broadcast_to(rate, shape)).cumsum(axis=1)
    noisy = ramp + random.normal(0.0, READ_NOISE, shape)
    pixels = np.clip(np.rint(noisy), 0, 65535).astype("uint16")
    return pixels.reshape(-1, rows, exposure.columns)


def _cards(kind: Kind, exposure: Exposure) -> Cards:
    cards = _common_cards(kind, exposure) | kind.wheels | {"CLS_CONF": "LINE4"}
    cards = {kind.renamed.get(key, key): value for key, value in cards.items()} | kind.changed
    if kind.numbers_are_text:
        cards |= {key: str(cards[key]) for key in ("NINT", "NGROUP", "NFRAME", "GROUPGAP")}
    return {key: value for key, value in cards.items() if value is not None}


def _common_cards(kind: Kind, exposure: Exposure) -> Cards:
    detector = kind.detector
    # MIRI counts columns for each of its four amplifiers.
    columns = exposure.columns // 4 if detector.instrument == "MIRI" else exposure.columns
    # NIRCam counts rows and columns from 0.
    first = 0 if detector.instrument == "NIRCAM" else 1
    return {
        "DATE": f"{kind.day}T12:40:00.000",
        "DATE-OBS": kind.day,
        "TIME-OBS": "12:30:00.000",
        "DATE-END": kind.day,
        "TIME-END": "12:32:51.784",
        "INSTRUME": detector.instrument,
        "DETECTOR": detector.name,
        "SCA_ID": detector.sca_id,
        "OBS_ID": "01234005001021010",
        "VISIT_ID": "01234005001",
        "EXP_ID": "00001",
        "EXP_TYPE": kind.exp_type,
        "OBSERVER": "Ada Example",
        "TARGNAME": "FLAT LAMP",
        "NINT": exposure.integrations,
        "NGROUP": exposure.groups,
        "NFRAME": 1,
        "GROUPGAP": 0,
        "NSAMPLE": 1,
        "TSAMPLE": 10.0,
        "TFRAME": 10.73676,
        "READOUT": kind.readout,
        "ZROFRAME": False,
        "SUBARRAY": "FULL",
        "COLSTART": first,
        "COLSTOP": first + columns - 1,
        "ROWSTART": first,
        "ROWSTOP": first + exposure.rows - 1,
        "FASTAXIS": detector.fast_axis,
        "SLOWAXIS": detector.slow_axis,
    }


def main() -> None:
    """Write a raw exposure: `python -m fitsgen.simulate.raw raw.fits [seed] [kind]`."""
    names = [kind.name for kind in KINDS]
    match sys.argv[1:]:
        case [path]:
            seed, kind = "1", "nirspec_ifu"
        case [path, seed] if seed.isdecimal():
            kind = "nirspec_ifu"
        case [path, seed, kind] if seed.isdecimal() and kind in names:
            pass
        case _:
            usage = "usage: python -m fitsgen.simulate.raw raw.fits [seed] [kind]"
            sys.exit(f"{usage}\nkinds: {' '.join(names)}")
    raw(kind, Exposure(seed=int(seed))).writeto(path, overwrite=True)


if __name__ == "__main__":
    main()
