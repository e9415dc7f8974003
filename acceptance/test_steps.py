"""The figures of the other tests tell: where a step of the pipeline is left out, they are off.

So an effect that is not simulated as the step undoes it, or a reference file that does not belong
to the exposure, would be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.cases import DETECTOR1, Case, parameter
from acceptance.conftest import Runs
from acceptance.figures import Ramps
from acceptance.running import run_again

CASES = {case.name: case for case in DETECTOR1}

# Without a superbias the rates are the same but for the non-linearity: reference pixels take off
# what pixels have in common. The darks tell of it.
STEPS = {
    "nircam_image-BRIGHT1": ["refpix", "linearity", "dark_current", "jump"],
    "miri_image": ["reset", "linearity", "dark_current", "jump"],
}


@pytest.mark.parametrize(
    ("case", "step"), [parameter(CASES[name], step) for name in STEPS for step in STEPS[name]]
)
def test_a_step_that_is_left_out_is_seen(
    case: Case,
    step: str,
    runs: Runs,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    ramps = Ramps(run_again(runs(case), tmp_path, f"--steps.{step}.skip=true"))
    off, chi_squared = ramps.offset / ramps.standard_error, ramps.chi_squared
    text = f"{off:+.1f} standard errors off, reduced chi squared {chi_squared:.2f}"
    record_property("figure", f"{case.name} without {step}: {text}")
    assert abs(off) > 3 or chi_squared > 1.1
