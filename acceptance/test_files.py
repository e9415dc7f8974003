"""What the flight software says of the files themselves, before it works on them."""

from __future__ import annotations

import pytest
from astropy.io import fits
from conftest import FITSVERIFY, fitsverify
from models import assert_certified, assert_model_takes

from acceptance.cases import CASES, Case, Pipeline, parameters
from acceptance.conftest import Runs

pytestmark = pytest.mark.parametrize("case", parameters(CASES))


def test_the_exposure_opens_as_its_data_model(case: Case, runs: Runs) -> None:
    is_guider = case.pipeline is Pipeline.GUIDER
    assert_model_takes(
        runs(case).product("uncal"), "GuiderRawModel" if is_guider else "Level1bModel"
    )


def test_the_references_open_as_their_data_models(case: Case, runs: Runs) -> None:
    for path in runs(case).references:
        assert_model_takes(path, fits.getheader(path)["DATAMODL"])


def test_crds_certifies_the_references(case: Case, runs: Runs) -> None:
    run = runs(case)
    assert len(run.references) >= 9
    assert_certified(run.references, run.cache)


def test_all_files_keep_the_standard(case: Case, runs: Runs) -> None:
    """fitsverify has no error and no warning for what fitsgen made."""
    assert FITSVERIFY, "fitsverify is not installed"
    run = runs(case)
    made = [run.product(suffix) for suffix in ("raw", "uncal", "truth", "maps")]
    found = {path.name: fitsverify(path) for path in [*made, *run.references]}
    assert {name: lines for name, lines in found.items() if lines} == {}
