"""`Detector1Pipeline` gives back what was put in, in every science mode.

The real pipeline by its own command, with its own defaults, and with the references that it
chooses by itself from the cache of `fitsgen simulate --crds`. All effects of the detector model are
on, in full frames drift as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from astropy.io import fits

from acceptance.cases import DETECTOR1, Case, parameters
from acceptance.conftest import Runs
from acceptance.figures import SATURATED, Ramps
from fitsgen.simulate.detector import DO_NOT_USE

Tell = Callable[[str, object], None]

# What became of a step stands in these keywords of a product (jwst, meta.cal_step).
ALL = "S_DQINIT S_SATURA S_IPC S_LINEAR S_DARK S_JUMP S_RAMP S_REFPIX"
NEAR_INFRARED, MIRI = f"{ALL} S_SUPERB", f"{ALL} S_LASTFR S_RESET S_RSCD"

# Steps that are on and have nothing to do, with what the pipeline says of them. Gains of NIRSpec
# alone have a factor, which is 1.
NOTHING_TO_DO = {
    "S_GRPSCL": "NFRAMES and FRMDIVSR are equal",
    "S_GANSCL": "GAINFACT not found in gain reference file",
}

# What is logged as a warning, and may be.
EXPECTED = {
    "Refpix correction skipped for MIRI subarrays": "the pipeline has none for them",
}


@pytest.fixture(params=parameters(DETECTOR1))
def ramps(request: pytest.FixtureRequest, runs: Runs) -> Ramps:
    """What came of a case."""
    return _ramps(request.param, runs)


@functools.cache
def _ramps(case: Case, runs: Runs) -> Ramps:
    return Ramps(runs(case))


def test_every_step_that_applies_was_done(ramps: Ramps) -> None:
    """The optional steps are left out: they are off, or have no references here."""
    status = fits.getheader(ramps.run.product("rate"))
    instrument, idle = status["INSTRUME"], set(NOTHING_TO_DO)
    steps = set((MIRI if instrument == "MIRI" else NEAR_INFRARED).split())
    if instrument == "MIRI" and not ramps.run.case.is_full:
        steps -= {"S_REFPIX"}  # there is none for its subarrays
    if instrument == "NIRSPEC":
        steps, idle = steps | {"S_GANSCL"}, idle - {"S_GANSCL"}
    assert {step: status.get(step) for step in steps} == dict.fromkeys(steps, "COMPLETE")
    for step in idle:
        assert NOTHING_TO_DO[step] in ramps.run.log


def test_no_warning_was_logged(ramps: Ramps) -> None:
    assert set(ramps.run.warnings) <= set(EXPECTED)


def test_the_references_are_those_of_the_simulation(ramps: Ramps) -> None:
    header = fits.getheader(ramps.run.product("rate"))
    assert header["CRDS_CTX"] == "jwst_0000.pmap"
    used = {key: header[key] for key in header if key.startswith("R_")}
    chosen = {name for name in used.values() if name != "N/A"}
    assert chosen
    assert all(name.startswith("crds://fitsgen_") for name in chosen)


def test_the_rate_comes_back(ramps: Ramps, record_property: Tell) -> None:
    """The median is off by less than 3 standard errors."""
    off = ramps.offset / ramps.standard_error
    text = f"{ramps.offset:+.4g} DN/s, {off:+.2f} standard errors"
    record_property("figure", f"{ramps.run.case.name}: median rate off by {text}")
    assert abs(off) < 3


def test_the_errors_are_those_of_the_pipeline(ramps: Ramps, record_property: Tell) -> None:
    name, found = ramps.run.case.name, ramps.chi_squared
    pixels = int(ramps.good.sum())
    record_property("figure", f"{name}: reduced chi squared {found:.3f} of {pixels} pixels")
    assert 0.9 <= found <= 1.1


def test_cosmic_rays_are_flagged(ramps: Ramps, record_property: Tell) -> None:
    rays = ramps.rays
    record_property("figure", f"{ramps.run.case.name}: {rays}")
    assert rays.strong >= 100
    assert rays.found >= 0.9 * rays.strong


def test_saturated_groups_are_flagged(ramps: Ramps, record_property: Tell) -> None:
    flagged = (ramps.groups & SATURATED) != 0
    count = int(ramps.saturated.sum())
    record_property("figure", f"{ramps.run.case.name}: {count} saturated groups, all flagged")
    assert count > 100
    assert flagged[ramps.saturated].all()


def test_bad_pixels_are_flagged(ramps: Ramps) -> None:
    assert ramps.bad_pixels.any()
    assert ((ramps.quality & DO_NOT_USE) != 0)[ramps.bad_pixels].all()
