"""The modes that can be simulated: detector, configuration, windows, and how they are read.

In: the name of a mode. Out: a `Mode`. Windows, readout patterns and configurations are those
with which the calibration pipeline was seen working (jwst 3.0.0); frame times follow from how
many pixels an output reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fitsgen.jwst.detectors import Detector, by_name
from fitsgen.jwst.subarrays import Window

FULL = "FULL"

# The near-infrared detectors read a pixel of an output in 10 us, and need 12 such steps after a
# row, and two rows (a full frame: one) after a frame. It gives 10.73677 s (rounded) for a full
# frame and 5.494 s for SUBSTRIP256.
_STEP, _PER_ROW = 1e-5, 12


@dataclass(frozen=True, slots=True)
class Area:
    """A window of a detector in the science frame, how many outputs read it, and how long."""

    window: Window
    outputs: int
    frame_time: float


def _area(column: int, row: int, columns: int, rows: int, outputs: int, frame_time: float) -> Area:
    return Area(Window(column, column + columns - 1, row, row + rows - 1), outputs, frame_time)


def near_infrared_time(fast: int, slow: int, outputs: int) -> float:
    """Return the frame time in s of a near-infrared window of fast by slow pixels."""
    return round((fast / outputs + _PER_ROW) * (slow + (1 if outputs > 1 else 2)) * _STEP, 5)


def _nir(column: int, row: int, columns: int, rows: int, *, swaps: bool) -> Area:
    fast, slow = (rows, columns) if swaps else (columns, rows)
    return _area(column, row, columns, rows, 1, near_infrared_time(fast, slow, 1))


_FULL_NIR = _area(1, 1, 2048, 2048, 4, 10.73677)

AREAS: Mapping[str, Mapping[str, Area]] = {
    "NIRCAM": {FULL: _FULL_NIR, "SUB64P": _nir(1, 1, 64, 64, swaps=False)},
    "NIRSPEC": {FULL: _FULL_NIR, "SUBS200A1": _nir(1, 1025, 2048, 64, swaps=True)},
    "MIRI": {
        FULL: _area(1, 1, 1032, 1024, 4, 2.77504),
        "SUB64": _area(1, 779, 72, 64, 4, 0.085),
        "SLITLESSPRISM": _area(1, 529, 72, 416, 4, 0.15904),
    },
    "NIRISS": {
        FULL: _FULL_NIR,
        "SUB64": _nir(981, 1, 64, 64, swaps=True),
        "SUBSTRIP256": _nir(1, 1793, 2048, 256, swaps=True),
    },
    "FGS": {FULL: _FULL_NIR, "SUB128LL": _nir(1, 1, 128, 128, swaps=True)},
}


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode of an instrument.

    file_type
        The flight file type that the exposure is converted to.
    configuration
        Keywords of the exposure that set the mode apart.
    areas
        The windows it has by name, the first of which is taken where none is named.

    """

    name: str
    detector: Detector
    exp_type: str
    file_type: str
    readpatt: str
    configuration: Mapping[str, str]
    areas: Mapping[str, Area]
    integrations: int = 1
    groups: int = 5
    scene: str = "uniform:50"

    @property
    def is_guider(self) -> bool:
        """Whether it guides: its exposures have a pipeline of their own."""
        return self.file_type.startswith("guider_")

    @property
    def is_dark(self) -> bool:
        """Whether no light comes in."""
        return "_DARK" in self.exp_type


def _mode(
    name: str,
    detector: str,
    exp_type: str,
    readpatt: str,
    scene: str,
    configuration: Mapping[str, str],
) -> Mode:
    found = by_name(detector)
    assert found is not None
    return Mode(
        name=name,
        detector=found,
        exp_type=exp_type,
        file_type=f"{found.instrument.lower()}_uncal",
        readpatt=readpatt,
        configuration=configuration,
        areas=AREAS[found.instrument],
        scene=scene,
    )


def _guider(
    name: str,
    exp_type: str,
    file_type: str,
    place: tuple[int, int],
    exposure: tuple[int, int, float],
) -> Mode:
    detector = by_name("GUIDER1")
    assert detector is not None
    (size, first), (integrations, groups, frame_time) = place, exposure
    window = FULL if size == 2048 else f"{size}X{size}"
    return Mode(
        name=name,
        detector=detector,
        exp_type=exp_type,
        file_type=file_type,
        readpatt="FGSRAPID",
        configuration={},
        areas={window: _area(first, first, size, size, 1, frame_time)},
        integrations=integrations,
        groups=groups,
        scene="uniform:1000",
    )


_NRC = {"CHANNEL": "SHORT", "MODULE": "A", "FILTER": "F200W"}
_NRS = {"FILTER": "F100LP", "GRATING": "G140M", "LAMP": "NONE"}
_NIS = {"FILTER": "CLEAR"}
_SKY, _TRACES, _DARK = "uniform:50", "traces:100,3,10", "uniform:0"

MODES = (
    _mode("nircam_image", "NRCA1", "NRC_IMAGE", "RAPID", _SKY, {**_NRC, "PUPIL": "CLEAR"}),
    _mode("nirspec_ifu", "NRS1", "NRS_IFU", "NRSRAPID", _TRACES, {**_NRS, "OPMODE": "IFU"}),
    _mode(
        *("nirspec_fixedslit", "NRS1", "NRS_FIXEDSLIT", "NRSRAPID", _TRACES),
        {**_NRS, "OPMODE": "FIXEDSLIT", "FXD_SLIT": "S200A1"},
    ),
    _mode("miri_image", "MIRIMAGE", "MIR_IMAGE", "FASTR1", _SKY, {"FILTER": "F770W"}),
    _mode(
        *("miri_mrs", "MIRIFUSHORT", "MIR_MRS", "FASTR1", _TRACES),
        {"CHANNEL": "12", "BAND": "SHORT"},
    ),
    _mode("miri_lrs", "MIRIMAGE", "MIR_LRS-FIXEDSLIT", "FASTR1", _TRACES, {"FILTER": "P750L"}),
    _mode("niriss_image", "NIS", "NIS_IMAGE", "NISRAPID", _SKY, {**_NIS, "PUPIL": "F200W"}),
    _mode("niriss_soss", "NIS", "NIS_SOSS", "NISRAPID", _TRACES, {**_NIS, "PUPIL": "GR700XD"}),
    _mode("fgs_image", "GUIDER1", "FGS_IMAGE", "FGSRAPID", _SKY, {}),
    _mode("nircam_dark", "NRCA1", "NRC_DARK", "RAPID", _DARK, {**_NRC, "PUPIL": "FLAT"}),
    _mode(
        *("nirspec_dark", "NRS1", "NRS_DARK", "NRSRAPID", _DARK),
        {**_NRS, "FILTER": "OPAQUE", "GRATING": "MIRROR", "OPMODE": "NONE"},
    ),
    _mode("miri_dark", "MIRIMAGE", "MIR_DARKIMG", "FASTR1", _DARK, {"FILTER": "OPAQUE"}),
    _mode("niriss_dark", "NIS", "NIS_DARK", "NISRAPID", _DARK, {**_NIS, "PUPIL": "F200W"}),
    _guider("guider_id", "FGS_ID-IMAGE", "guider_id", (2048, 1), (2, 2, 0.3)),
    _guider("guider_acq1", "FGS_ACQ1", "guider_acq", (128, 961), (6, 2, 0.3)),
    _guider("guider_acq2", "FGS_ACQ2", "guider_acq", (32, 1001), (5, 2, 0.3)),
    _guider("guider_track", "FGS_TRACK", "guider_track", (32, 1001), (20, 2, 0.3)),
    _guider("guider_fineguide", "FGS_FINEGUIDE", "guider_fineguide", (8, 1013), (4, 8, 0.016)),
)

BY_NAME: Mapping[str, Mode] = {mode.name: mode for mode in MODES}
