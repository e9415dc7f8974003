"""`DarkPipeline` gives back the dark current, and `GuiderPipeline` the rate, that was put in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from astropy.io import fits

from acceptance.cases import DARK, GUIDER, Case, parameters
from acceptance.conftest import Runs
from acceptance.figures import DarkRamps, guided

Tell = Callable[[str, object], None]

NEAR_INFRARED = "S_DQINIT S_SATURA S_SUPERB S_REFPIX S_LINEAR"
MIRI = "S_DQINIT S_SATURA S_LASTFR S_RESET S_LINEAR S_RSCD"

# What is logged as a warning, and may be.
EXPECTED = {
    "Mismatched data shapes; skipping invalid data updates for extension 'dq'": (
        "by the schema a guide-star exposure has one image of flags for all its integrations, "
        "and the step flat_field looks for one each"
    ),
}


@pytest.mark.parametrize("case", parameters(DARK))
def test_a_dark_comes_back(case: Case, runs: Runs, record_property: Tell) -> None:
    """The mean dark current is off by less than 3 standard errors, and the noise is as put in.

    So is the level of the first group: of a bias nothing is left but the noise of the reset.
    """
    dark = DarkRamps(runs(case))
    (offset, error), chi_squared = dark.offset, dark.chi_squared
    text = f"{offset / error:+.2f} standard errors, reduced chi squared {chi_squared:.3f}"
    record_property("figure", f"{case.name}: mean dark current off by {text}")
    assert list(dark.run.warnings) == []
    status = fits.getheader(dark.run.product("darkpipeline"))
    steps = (MIRI if status["INSTRUME"] == "MIRI" else NEAR_INFRARED).split()
    assert {step: status.get(step) for step in steps} == dict.fromkeys(steps, "COMPLETE")
    assert abs(offset) < 3 * error
    assert 0.9 <= chi_squared <= 1.1
    assert 0.9 <= dark.level <= 1.1
    # A dark current that is left out, or taken off, would be seen.
    assert dark.dark.mean() > 30 * error


@pytest.mark.parametrize("case", parameters(GUIDER))
def test_a_guide_star_comes_back(case: Case, runs: Runs, record_property: Tell) -> None:
    """The mean rate is off by less than 3 standard errors, those of the scatter of the pixels."""
    run = runs(case)
    mean, error, expected = guided(run)
    off = (mean - expected) / error
    text = f"{mean:.2f} DN/s, {expected:.2f} expected: off by {off:+.2f} standard errors"
    record_property("figure", f"{case.name}: {text}")
    assert set(run.warnings) <= set(EXPECTED)
    status = fits.getheader(run.product("cal"))
    steps = ["S_DQINIT", "S_GUICDS", "S_FLAT"]
    assert {step: status.get(step) for step in steps} == dict.fromkeys(steps, "COMPLETE")
    assert abs(off) < 3
