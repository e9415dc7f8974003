"""Maps of small detectors, and the reference files that are made from them.

In: the name of an instrument and of a file type, and what is to differ. Out: paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from conftest import DATA

import fitsgen

ABOUT = DATA / "reference_about.dat"
VECTOR = 5  # wavelengths of a photometric table


@dataclass(frozen=True)
class Window:
    """A window of a detector in the science frame, and what its exposures are like."""

    detector: str
    exp_type: str
    readpatt: str
    subarray: str
    corner: tuple[int, int]
    columns: int
    rows: int
    axes: tuple[int, int]
    through: dict[str, str]


WINDOWS = {
    "NIRCAM": Window(
        *("NRCA1", "NRC_IMAGE", "BRIGHT1", "SUB64P", (1, 1), 64, 64, (-1, 2)),
        {"FILTER": "F200W", "PUPIL": "CLEAR", "CHANNEL": "SHORT", "MODULE": "A"},
    ),
    "NIRSPEC": Window(
        *("NRS1", "NRS_FIXEDSLIT", "NRSRAPID", "SUBS200A1", (1, 1025), 2048, 64, (2, 1)),
        {"FILTER": "F100LP", "GRATING": "G140M"},
    ),
    "MIRI": Window(
        *("MIRIMAGE", "MIR_IMAGE", "FASTR1", "SUB64", (1, 779), 72, 64, (1, 2)),
        {"FILTER": "F770W"},
    ),
    "NIRISS": Window(
        *("NIS", "NIS_SOSS", "NISRAPID", "SUBSTRIP96", (1, 1803), 2048, 96, (-2, -1)),
        {"FILTER": "CLEAR", "PUPIL": "GR700XD"},
    ),
    "FGS": Window(
        *("GUIDER1", "FGS_IMAGE", "FGSRAPID", "SUB32LL", (1, 1), 32, 32, (-2, -1)),
        {},
    ),
}
READOUT = {"NINTS": 2, "NGROUPS": 4, "NFRAMES": 2, "GROUPGAP": 1, "TFRAME": 3.0, "TGROUP": 9.0}
NEAR_INFRARED = ["NIRCAM", "NIRSPEC", "NIRISS", "FGS"]
IMAGERS = ["NIRCAM", "MIRI", "NIRISS", "FGS"]

FILE_TYPES: dict[str, list[str]] = {
    "mask": [*WINDOWS],
    "saturation": [*WINDOWS],
    "linearity": [*WINDOWS],
    "gain": [*WINDOWS],
    "readnoise": [*WINDOWS],
    "ipc": [*WINDOWS],
    "flat": [*WINDOWS],
    "superbias": NEAR_INFRARED,
    "dark": ["NIRCAM", "NIRISS", "FGS"],
    "dark_nirspec": ["NIRSPEC"],
    "dark_miri": ["MIRI"],
    "area": IMAGERS,
    "reset": ["MIRI"],
    "lastframe": ["MIRI"],
    "rscd": ["MIRI"],
    "photom_nircam": ["NIRCAM"],
    "photom_niriss": ["NIRISS"],
    "photom_fgs": ["FGS"],
    "photom_miri": ["MIRI"],
    "photom_miri_lrs": ["MIRI"],
    "photom_soss": ["NIRISS"],
    "photom_nirspec": ["NIRSPEC"],
    "photom_nirspec_slit": ["NIRSPEC"],
}
"""File types without `reference_`, and the instruments that have them; refpix is large."""

CASES = [(name, instrument) for name, found in FILE_TYPES.items() for instrument in found]


def maps(instrument: str) -> fits.HDUList:
    """Make maps of a window of an instrument; of pixels that all differ."""
    window, random = WINDOWS[instrument], np.random.default_rng(4)
    shape = (window.rows, window.columns)

    def pixels(mean: float, *more: int) -> np.ndarray:
        return (mean * random.uniform(0.9, 1.1, (*more, *shape))).astype("float32")

    mask = np.where(random.random(shape) < 0.02, 1 + (1 << 11), 0).astype("uint32")
    mask[:, :4] |= np.uint32(1 << 31)
    images = {
        "MASK": mask,
        "BIAS": pixels(8000),
        "DARK": pixels(0.02),
        "GAIN": pixels(2),
        "READNOISE": pixels(7),
        "SATURATION": pixels(50_000),
        "COEFFS": pixels(1, 3),
    }
    hdulist = fits.HDUList([fits.PrimaryHDU()])
    hdulist.extend(fits.ImageHDU(image, name=name) for name, image in images.items())
    hdulist[0].header.update(
        {
            "INSTRUME": instrument,
            "DETECTOR": window.detector,
            "EXP_TYPE": window.exp_type,
            "READPATT": window.readpatt,
            "NOUTPUTS": 4 if instrument == "MIRI" else 1,
            "SUBARRAY": window.subarray,
            "SUBSTRT1": window.corner[0],
            "SUBSTRT2": window.corner[1],
            "SUBSIZE1": window.columns,
            "SUBSIZE2": window.rows,
            "FASTAXIS": window.axes[0],
            "SLOWAXIS": window.axes[1],
            "CDELT1": 8.6e-6,
            "CDELT2": 8.7e-6,
            **window.through,
            **READOUT,
        }
    )
    return hdulist


def photometry(*names: str) -> fits.BinTableHDU:
    """Make a map PHOTOM of two rows, with these columns before those of numbers."""
    texts = {"order": np.array([1, 2], "int16")}
    found = {name: texts.get(name, np.array([f"{name.upper()[:3]}1", "CLEAR"])) for name in names}
    found |= {
        "photmj": np.array([0.1, 0.2]),
        "photmjsr": np.array([0.3, 0.4]),
        "uncertainty": np.array([0.01, 0.02]),
        "nelem": np.array([VECTOR, VECTOR - 1], "int16"),
        "wavelength": np.linspace(1, 2, 2 * VECTOR).reshape(2, VECTOR),
        "relresponse": np.linspace(0.9, 1.1, 2 * VECTOR).reshape(2, VECTOR),
        "reluncertainty": np.full((2, VECTOR), 0.01),
    }
    rows = np.zeros(2, [(key, value.dtype, value.shape[1:]) for key, value in found.items()])
    for key, value in found.items():
        rows[key] = value
    return fits.BinTableHDU(rows, name="PHOTOM")


TABLES = {
    "photom_miri_lrs": ("filter", "subarray"),
    "photom_soss": ("filter", "pupil", "order"),
    "photom_nirspec": ("filter", "grating"),
    "photom_nirspec_slit": ("filter", "grating", "slit"),
}


def converted(
    name: str, given: fits.HDUList, directory: Path, about: Path = ABOUT, **changed: object
) -> Path:
    """Make a reference file of maps, with keywords of theirs changed, or removed where None."""
    for key, value in changed.items():
        given[0].header[key] = value
        if value is None:
            del given[0].header[key]
    return fitsgen.convert(
        given, about, template=f"reference_{name}", output=directory / f"{name}.fits"
    )


def made(name: str, instrument: str, directory: Path) -> Path:
    """Make a reference file of an instrument, with what the maps alone do not tell."""
    given = maps(instrument)
    if name in TABLES:
        given.append(photometry(*TABLES[name]))
    return converted(name, given, directory, PHOTMJSR=0.5)
