"""What goes with a raw file: the data file of the exposure, the detector's maps, and the truth.

In: a `Plan` and its `Truth`. Out: a text, and files for the templates of reference files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fitsgen.simulate.exposure import Plan, Truth
from fitsgen.simulate.irs2 import Layout, weights

if TYPE_CHECKING:
    import numpy as np
    from astropy.io.fits import HDUList, PrimaryHDU
    from numpy.typing import NDArray

# Where the telescope looks: any place will do, for a scene has no coordinates of its own.
_POINTING: dict[str, object] = {
    "TARG_RA": 80.0,
    "TARG_DEC": -69.5,
    "RA_REF": 80.0,
    "DEC_REF": -69.5,
    "ROLL_REF": 0.0,
    "V2_REF": 120.5,
    "V3_REF": -527.5,
    "V3I_YANG": 0.0,
    "VPARITY": -1,
    "RA_V1": 80.1,
    "DEC_V1": -69.4,
    "PA_V3": 0.0,
    "WCSAXES": 2,
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "CRVAL1": 80.0,
    "CRVAL2": -69.5,
    "CDELT1": 8.6e-6,
    "CDELT2": 8.6e-6,
    "PC1_1": -1.0,
    "PC1_2": 0.0,
    "PC2_1": 0.0,
    "PC2_2": 1.0,
    "S_REGION": "POLYGON ICRS 79.9 -69.6 80.1 -69.6 80.1 -69.4 79.9 -69.4",
    "VA_RA": 80.0,
    "VA_DEC": -69.5,
    "VA_SCALE": 1.0,
    "VELOSYS": 0.0,
    "PA_APER": 0.0,
}
_PROGRAM: dict[str, object] = {
    "PROGRAM": "09999",
    "OBSERVTN": "001",
    "VISIT": "001",
    "VISITGRP": "02",
    "SEQ_ID": "1",
    "ACT_ID": "01",
    "EXPOSURE": "1",
    "TITLE": "Simulated exposures",
    "OBSLABEL": "simulated",
    "TARGPROP": "SIMULATED",
    "TARGNAME": "SIMULATED",
    "TARGTYPE": "FIXED",
    "TSOVISIT": False,
}


def exposure_keywords(plan: Plan) -> dict[str, object]:
    """Return what the observatory would know of the exposure."""
    date, _, time = plan.start.partition("T")
    window = plan.area.window
    return {
        **_PROGRAM,
        "DATE-OBS": date,
        "TIME-OBS": time,
        **plan.configuration,
        "EXP_TYPE": plan.mode.exp_type,
        "READPATT": plan.readpatt,
        "NOUTPUTS": plan.area.outputs,
        "NRSTSTRT": 1,
        "NRESETS": 1,
        "TSAMPLE": 10.0,
        **_irs2_keywords(plan),
        "TFRAME": plan.readout.frame_time,
        "SUBARRAY": plan.area_name,
        "SUBSTRT1": window.colstart,
        "SUBSTRT2": window.rowstart,
        "SUBSIZE1": window.columns,
        "SUBSIZE2": window.rows,
        "CRPIX1": (window.columns + 1) / 2,
        "CRPIX2": (window.rows + 1) / 2,
        **_POINTING,
        **(_guiding(plan) if plan.mode.is_guider else {}),
    }


def _irs2_keywords(plan: Plan) -> dict[str, object]:
    return {"NRS_NORM": plan.irs2.normal, "NRS_REF": plan.irs2.reference} if plan.irs2 else {}


def _guiding(plan: Plan) -> dict[str, object]:
    known: dict[str, object] = {"GDSTARID": "S1HN000001", "GS_ORDER": 1, "GS_MAG": 14.0}
    if plan.mode.exp_type == "FGS_FINEGUIDE":
        # The mean of the last four reads less that of the first four is divided by TGROUP (jwst,
        # guider_cds), which so is the time that parts them, not that of a single read.
        groups, frame_time = plan.readout.groups, plan.readout.frame_time
        known |= {"TGROUP": (groups - 4) * frame_time, "EFFINTTM": groups * frame_time}
    return known


def data_file(name: str, keywords: dict[str, object], about: str) -> str:
    """Return a data file: `KEYWORD = value` lines that a template reads as the source `name`."""
    lines = [f"# {about}", f"<<file {name}>>", ""]
    lines += [f"{key:<8} = {_literal(value)}" for key, value in keywords.items()]
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return repr(value)


def truth_file(plan: Plan, truth: Truth) -> HDUList:
    """Return the rates, the saturated groups and the cosmic rays of an exposure."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for key, value, comment in _told(plan):
        primary.header[key] = (value, comment)
    rate = fits.ImageHDU(truth.rate, name="RATE")
    rate.header["BUNIT"] = "DN/s"
    saturated = fits.ImageHDU(truth.saturated, name="SATURATED")
    saturated.header.add_comment("groups before the first saturated one")
    columns = [
        fits.Column(name, "E" if name == "ELECTRONS" else "J", array=values)
        for name, values in truth.rays.items()
    ]
    rays = fits.BinTableHDU.from_columns(columns, name="RAYS")
    rays.header.add_comment("cosmic rays; all count from 0, in the science frame")
    return fits.HDUList([primary, rate, saturated, rays])


def _told(plan: Plan) -> list[tuple[str, Any, str]]:
    effects, p = plan.effects, plan.parameters
    return [
        ("MODE", plan.mode.name, "what was simulated"),
        ("SEED", plan.seed, "of the random numbers"),
        ("DETECTOR", plan.mode.detector.name, "detector"),
        ("SUBARRAY", plan.area_name, "window"),
        ("NINTS", plan.readout.integrations, "integrations"),
        ("NGROUPS", plan.readout.groups, "groups in an integration"),
        ("NFRAMES", plan.readout.frames, "frames in a group"),
        ("GROUPGAP", plan.readout.gap, "frames dropped between groups"),
        ("TFRAME", plan.readout.frame_time, "[s] between frames"),
        ("GAIN", p.gain, "[electron/DN]"),
        ("RDNOISE", p.read_noise, "[DN] of one read"),
        ("DOBIAS", effects.bias, "with a bias"),
        ("DODARK", effects.dark, "with dark current"),
        ("DOPHOTON", effects.photon_noise, "with photon noise"),
        ("DOREAD", effects.read_noise, "with read noise"),
        ("DONONLIN", effects.nonlinearity, "with non-linearity"),
        ("DOSATUR", effects.saturation, "with saturation"),
        ("RAYRATE", effects.rays, "[1/s] cosmic rays a pixel"),
        ("DRIFT", effects.drift, "[DN] of outputs from frame to frame"),
        ("ODDEVEN", effects.odd_even, "[DN] odd from even columns"),
        ("RSTNOISE", effects.reset_noise, "[DN] of a reset"),
    ]


def maps_file(plan: Plan) -> HDUList:
    """Return the maps of the window in the science frame, an extension each.

    The primary header says what they are maps of, for the templates of reference files. Mask and
    bias have the pixels of raw frames, NIRSpec's reference pixels in between included: the steps
    that take their references come before these are taken out.
    """
    import numpy as np
    from astropy.io import fits

    maps, turn, effects = plan.maps, plan.mode.detector.turn, plan.effects
    bias = plan.frame_maps.bias
    images: dict[str, NDArray[Any]] = {
        "MASK": plan.frame_maps.mask,
        "BIAS": bias if effects.bias else np.zeros_like(bias),
        "DARK": maps.dark if effects.dark else np.zeros_like(maps.dark),
        "GAIN": maps.gain,
        # A reference holds the noise of a difference of two reads.
        "READNOISE": maps.read_noise * np.float32(2**0.5),
        "SATURATION": maps.saturation,
        "COEFFS": _coefficients(plan),
    }
    hdus = [fits.ImageHDU(turn.pixels(image), name=name) for name, image in images.items()]
    return fits.HDUList([_about(plan), *hdus])


def weights_file(plan: Plan, irs2: Layout) -> HDUList:
    """Return the weights by frequency of reference pixels, as a map that is a table.

    Its columns are those of the file type `reference_refpix`, real and imaginary parts in turn.
    """
    import numpy as np
    from astropy.io import fits

    noise = plan.parameters.read_noise if plan.effects.read_noise else 0.0
    alpha, beta = weights(irs2, plan.window.rows, plan.effects.drift, noise)
    names = [f"{name}_{output}" for name in ("alpha", "beta") for output in range(irs2.outputs)]
    table = np.zeros(2 * len(alpha), [(name, ">f4") for name in names])
    for name in names:
        table[name][::2] = alpha if name.startswith("alpha") else beta
    return fits.HDUList([_about(plan), fits.BinTableHDU(table, name="IRS2")])


def _about(plan: Plan) -> PrimaryHDU:
    """Return a primary header that says what maps are of."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    # Where the telescope looked is nothing of a detector.
    for key, value in {**exposure_keywords(plan), **_identity(plan)}.items():
        if key not in _POINTING and not key.startswith("CRPIX"):
            primary.header[key] = value
    return primary


def _identity(plan: Plan) -> dict[str, object]:
    detector = plan.mode.detector
    return {
        "INSTRUME": detector.instrument,
        "DETECTOR": detector.name,
        "FASTAXIS": detector.fastaxis,
        "SLOWAXIS": detector.slowaxis,
        "NINTS": plan.readout.integrations,
        "NGROUPS": plan.readout.groups,
        "NFRAMES": plan.readout.frames,
        "GROUPGAP": plan.readout.gap,
        "TGROUP": plan.readout.group_time,
    }


def _coefficients(plan: Plan) -> NDArray[np.float32]:
    import numpy as np

    maps = plan.maps
    if plan.effects.nonlinearity:
        return maps.linearity.maps(maps.full_scale)
    linear = np.zeros((2, *maps.bias.shape), np.float32)
    linear[1] = 1
    return linear
