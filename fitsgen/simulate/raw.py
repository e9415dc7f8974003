"""A raw exposure as the ground system's FITSWriter lays it out: a ramp cube in the primary HDU.

In: a seed and sizes. Out: an astropy `HDUList`. What the keywords are is told
in the raw-file kinds of the ground tests (2013); the pixels are ramps with
shot and read noise, not a model of any detector.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

BIAS = 10_000.0  # DN
RATE = 50.0  # DN per group, the mean over the pixels
READ_NOISE = 8.0  # DN


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is to be made: sizes in integrations, groups, rows and columns."""

    integrations: int = 1
    groups: int = 4
    rows: int = 64
    columns: int = 64
    seed: int = 1


def nirspec_ifu(exposure: Exposure) -> HDUList:
    """Return a raw NIRSpec IFU exposure: uint16, (integrations x groups, rows, columns)."""
    from astropy.io import fits

    hdu = fits.PrimaryHDU(_ramps(exposure))
    hdu.header.extend(_cards(exposure), end=True)
    hdu.header.add_history("Written in the layout of FITSWriter")
    return fits.HDUList([hdu])


def _ramps(exposure: Exposure):  # type: ignore[no-untyped-def]
    import numpy as np

    random = np.random.default_rng(exposure.seed)
    shape = (exposure.integrations, exposure.groups, exposure.rows, exposure.columns)
    rate = random.uniform(0.0, 2.0 * RATE, shape[2:])
    ramp = BIAS + random.poisson(np.broadcast_to(rate, shape)).cumsum(axis=1)
    noisy = ramp + random.normal(0.0, READ_NOISE, shape)
    pixels = np.clip(np.rint(noisy), 0, 65535).astype("uint16")
    return pixels.reshape(-1, exposure.rows, exposure.columns)


def _cards(exposure: Exposure) -> list[tuple[str, object, str]]:
    return [
        ("DATE", "2013-02-01T12:40:00.000", "when the raw file was written"),
        ("DATE-OBS", "2013-02-01", "start of the exposure"),
        ("TIME-OBS", "12:30:00.000", "start of the exposure"),
        ("DATE-END", "2013-02-01", "end of the exposure"),
        ("TIME-END", "12:32:51.784", "end of the exposure"),
        ("INSTRUME", "NIRSPEC", "instrument"),
        ("DETECTOR", "NRS1", "detector"),
        ("SCA_ID", 491, "detector number"),
        ("OBS_ID", "01234005001021010", "program, observation, visit, group"),
        ("VISIT_ID", "01234005001", "visit"),
        ("EXP_ID", "00001", "exposure"),
        ("EXP_TYPE", "NRS_IFU", "type of the exposure"),
        ("OBSERVER", "Ada Example", "who asked for it"),
        ("TARGNAME", "FLAT LAMP", "target"),
        ("NINT", exposure.integrations, "integrations"),
        ("NGROUP", exposure.groups, "groups in an integration"),
        ("NFRAME", 1, "frames in a group"),
        ("GROUPGAP", 0, "frames dropped between groups"),
        ("NSAMPLE", 1, "samples of a pixel"),
        ("TSAMPLE", 10.0, "[us] between samples"),
        ("TFRAME", 10.73676, "[s] between frames"),
        ("READOUT", "NRSRAPID", "readout pattern"),
        ("ZROFRAME", False, "zero frame present"),
        ("SUBARRAY", "FULL", "window"),
        ("COLSTART", 1, "first column"),
        ("COLSTOP", exposure.columns, "last column"),
        ("ROWSTART", 1, "first row"),
        ("ROWSTOP", exposure.rows, "last row"),
        ("FASTAXIS", 2, "fast read axis"),
        ("SLOWAXIS", 1, "slow read axis"),
        ("FWA_POS", "F290LP", "filter wheel"),
        ("GWA_POS", "G395H", "grating wheel"),
        ("GWA_XTIL", 0.3583, "[deg] tilt of the grating wheel"),
        ("GWA_YTIL", -0.0254, "[deg] tilt of the grating wheel"),
        ("GWA_TTIL", 39.9, "[K] temperature of the tilt sensor"),
        ("CLS_CONF", "LINE4", "calibration lamp"),
    ]


def main() -> None:
    """Write a raw NIRSpec IFU exposure: `python -m fitsgen.simulate.raw raw.fits [seed]`."""
    match sys.argv[1:]:
        case [path]:
            seed = 1
        case [path, text] if text.isdecimal():
            seed = int(text)
        case _:
            sys.exit("usage: python -m fitsgen.simulate.raw raw.fits [seed]")
    nirspec_ifu(Exposure(seed=seed)).writeto(path, overwrite=True)


if __name__ == "__main__":
    main()
