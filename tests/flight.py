"""Exposures of the modes of flight: raw files, data files, and what the flight file types make.

In: the name of a mode of `data/flight_facts.json`, and what is to differ. Out: paths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from astropy.io import fits
from conftest import DATA

import fitsgen
from fitsgen.simulate.raw import Exposure, raw

FACTS = json.loads((DATA / "flight_facts.json").read_text())


@dataclass(frozen=True)
class Mode:
    """A mode of the facts: its file type, and the kind and sizes of a raw file for it."""

    file_type: str
    kind: str
    sizes: Exposure

    @property
    def data(self) -> Path:
        return DATA / f"flight_{self.file_type.split('_')[0]}.dat"


OBLONG = Exposure(integrations=2, groups=3, rows=64, columns=32)
GUIDER = Exposure(integrations=2, groups=2, rows=16, columns=16)
IRS2 = Exposure(integrations=1, groups=1, rows=2048, columns=3200)
MODES = {
    "nircam_image": Mode("nircam_uncal", "nircam", OBLONG),
    "nirspec_ifu": Mode("nirspec_uncal", "nirspec_ifu", OBLONG),
    "nirspec_ifu_irs2": Mode("nirspec_uncal", "nirspec_ifu", IRS2),
    "nirspec_fs": Mode("nirspec_uncal", "nirspec_fss", OBLONG),
    "miri_image": Mode("miri_uncal", "miri_imaging", OBLONG),
    "miri_mrs": Mode("miri_uncal", "miri_ifu", OBLONG),
    "miri_lrs": Mode("miri_uncal", "miri_lrs", OBLONG),
    "niriss_image": Mode("niriss_uncal", "niriss", OBLONG),
    "niriss_soss": Mode("niriss_uncal", "niriss", OBLONG),
    "fgs_image": Mode("fgs_uncal", "fgs", OBLONG),
    "nircam_dark": Mode("nircam_uncal", "nircam", OBLONG),
    "miri_dark": Mode("miri_uncal", "miri_imaging", OBLONG),
    "nirspec_dark": Mode("nirspec_uncal", "nirspec_fss", OBLONG),
    "FGS_ID-IMAGE": Mode("guider_id", "fgs", GUIDER),
    "FGS_ID-STACK": Mode("guider_id", "guider", GUIDER),
    "FGS_ACQ1": Mode("guider_acq", "fgs", GUIDER),
    "FGS_ACQ2": Mode("guider_acq", "guider", GUIDER),
    "FGS_TRACK": Mode("guider_track", "fgs", GUIDER),
    "FGS_FINEGUIDE": Mode("guider_fineguide", "guider", Exposure(2, 8, 8, 8)),
}


def data_file(path: Path, directory: Path, **changed: object) -> Path:
    """Write a data file with some values changed, added, or dropped where they are None."""
    lines = path.read_text().splitlines()
    keywords = {name.replace("_OBS", "-OBS"): value for name, value in changed.items()}
    kept = [line for line in lines if line.split("=")[0].strip() not in keywords]
    for key, value in keywords.items():
        text = {True: "T", False: "F"}[value] if isinstance(value, bool) else repr(value)
        kept += [] if value is None else [f"{key:<9}= {text}"]
    out = directory / "exposure.dat"
    out.write_text("\n".join(kept) + "\n")
    return out


def raw_file(mode: Mode, directory: Path, *hdus: fits.ImageHDU, **changed: object) -> Path:
    """Write a raw file with further HDUs, and some cards changed."""
    hdulist = raw(mode.kind, mode.sizes)
    hdulist[0].header.update(changed)
    hdulist.extend(hdus)
    hdulist.writeto(directory / "raw.fits")
    return directory / "raw.fits"


def converted(name: str, directory: Path, *hdus: fits.ImageHDU, **changed: object) -> Path:
    """Convert a raw file of a mode, with values of its data file changed."""
    mode, values = MODES[name], FACTS["modes"][name]["values"]
    irs2 = {"READOUT": values["READPATT"]} if "IRS2" in values["READPATT"] else {}
    source = raw_file(mode, directory, *hdus, **irs2)
    values = {key: value for key, value in values.items() if key not in ("DETECTOR", "CHANNEL")}
    dropped = {"FILTER": None} if mode.kind == "miri_ifu" else {}
    data = data_file(mode.data, directory, **(dropped | values | changed))
    return fitsgen.convert(
        source, data, template=mode.file_type, output=directory / "out.fits", frame="dms"
    )
