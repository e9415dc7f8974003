"""`fitsgen simulate`: exposures, and the reference files that belong to them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner
from conftest import Conforms

from fitsgen.cli import main
from fitsgen.jwst.corners import turned, unturned
from fitsgen.jwst.detectors import DETECTORS
from fitsgen.jwst.subarrays import Window
from fitsgen.simulate import crds
from fitsgen.simulate.detector import DIRECTORY, read_parameters
from fitsgen.simulate.modes import MODES
from fitsgen.simulate.planning import Wish, plan

SMALL = {
    "nircam_image": "SUB64P",
    "miri_image": "SUB64",
    "niriss_image": "SUB64",
    "fgs_image": "SUB128LL",
    "guider_acq2": "32X32",
    "guider_fineguide": "8X8",
}


def simulate(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["simulate", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("mode", SMALL)
def test_a_mode_gives_an_exposure_its_truth_and_its_references(
    mode: str, tmp_path: Path, conforms: Conforms
) -> None:
    options = ["--subarray", SMALL[mode], "--rays", "1e-3", "--without", "drift"]
    output = simulate(mode, *options, "-o", str(tmp_path))
    files = [Path(line.removeprefix("wrote ")) for line in output.splitlines()]
    assert all(path.exists() for path in files)
    for path in files:
        if path.suffix == ".fits":
            conforms(path)
    (uncal,) = tmp_path.glob("*_uncal.fits")
    (truth,) = tmp_path.glob("*_truth.fits")
    with fits.open(uncal) as exposure, fits.open(truth) as put_in:
        science = exposure["SCI"].data
        assert science.ndim == 4
        assert put_in["RATE"].data.shape == science.shape[-2:]
        assert put_in["SATURATED"].data.shape == (science.shape[0], *science.shape[-2:])
        rise = np.median(science[:, -1].astype(int) - science[:, 0].astype(int))
        header = exposure[0].header
        length = (header["NGROUPS"] - 1) * header["TFRAME"]
        rate = np.median(put_in["RATE"].data)
        assert rise == pytest.approx(rate * length, rel=0.1, abs=6)


def test_the_raw_file_converts_to_the_same_exposure(tmp_path: Path) -> None:
    simulate("niriss_image", "--subarray", "SUB64", "--nints", "2", "-o", str(tmp_path))
    (raw,) = tmp_path.glob("*_raw.fits")
    (uncal,) = tmp_path.glob("*_uncal.fits")
    again = tmp_path / "again.fits"
    arguments = ["convert", str(raw), str(tmp_path / "exposure.dat"), "-t", "niriss_uncal"]
    result = CliRunner().invoke(main, [*arguments, "--frame", "dms", "-o", str(again)])
    assert result.exit_code == 0, result.output
    with fits.open(uncal) as one, fits.open(again) as other:
        assert (one["SCI"].data == other["SCI"].data).all()
        different = set(fits.HeaderDiff(one[0].header, other[0].header).diff_keyword_values)
        assert different <= {"DATE", "FILENAME"}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def digests(directory: str, seed: str) -> list[str]:
        place = tmp_path / directory
        simulate("nircam_image", "--subarray", "SUB64P", "--seed", seed, "-o", str(place))
        files = sorted(path for path in place.rglob("*") if path.is_file())
        assert len(files) == 15
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]

    one = digests("one", "1")
    assert digests("again", "1") == one
    assert digests("other", "2") != one


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nircam_imag"], "did you mean nircam_image?"),
        (["nircam_image", "--subarray", "SUB1"], "no such window"),
        (["nircam_image", "--scene", "uniform:x"], "'x' is no number"),
        (["nircam_image", "--scene", "no_such_file"], "is no scene"),
        (["nircam_image", "--detector", "NRS1"], "is no detector of NIRCAM"),
        (["nirspec_ifu", "--readpatt", "NRSIRS2X"], "is no readout pattern"),
        (["nirspec_ifu", "--readpatt", "NRSIRS2", "--subarray", "SUBS200A1"], "of full frames"),
        (["nircam_image", "--readpatt", "NRSIRS2"], "is of NIRSPEC"),
        (["guider_fineguide", "--ngroups", "4"], "needs 8 groups"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_made(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    place = tmp_path / "made"
    result = CliRunner().invoke(main, ["simulate", *arguments, "-o", str(place)])
    assert result.exit_code == 1
    assert told in result.output
    assert not place.exists()


def test_a_scene_of_another_shape_is_told_before_anything_is_written(tmp_path: Path) -> None:
    scene = tmp_path / "scene.fits"
    fits.PrimaryHDU(np.ones((3, 4), "f4")).writeto(scene)
    arguments = ["simulate", "nircam_image", "--subarray", "SUB64P", "--scene", str(scene)]
    result = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "made")])
    assert result.exit_code == 1
    assert "expected (64, 64)" in result.output
    assert list((tmp_path / "made").iterdir()) == []


def test_each_mode_has_a_file_of_parameters_and_its_own_name() -> None:
    assert len({mode.name for mode in MODES}) == len(MODES) == 18
    for mode in MODES:
        read_parameters(DIRECTORY / f"{mode.detector.name.lower()}.dat")


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_turns_are_undone(detector: object) -> None:
    from fitsgen.jwst.detectors import Detector

    assert isinstance(detector, Detector)
    frame = np.arange(12).reshape(3, 4)
    assert (detector.turn.undone(detector.turn.pixels(frame)) == frame).all()
    window = Window(1, 64, 1025, 1100)
    assert turned(unturned(window, detector.turn, 2048), detector.turn, 2048) == window


def test_a_cache_says_where_an_exposure_has_no_reference_of_a_kind(tmp_path: Path) -> None:
    """The crds package fails where others of the instrument have it and this one is not named."""
    file = tmp_path / "some.fits"
    file.write_bytes(b"")
    irs2 = crds.Use("NIRSPEC", "NRS1", "NRS_IFU", "NRSIRS2RAPID", "FULL")
    usual = crds.Use("NIRSPEC", "NRS1", "NRS_IFU", "NRSRAPID", "FULL")
    crds.add(tmp_path, irs2, {"gain": file, "refpix": file})
    crds.add(tmp_path, usual, {"gain": file})
    rmap = (tmp_path / "mappings/jwst/jwst_nirspec_refpix_0000.rmap").read_text()
    (line,) = (line for line in rmap.splitlines() if "'NRSRAPID'" in line)
    assert line.endswith(": 'N/A'}),")
    assert rmap.count("_refpix.fits'") == 1


@pytest.mark.parametrize(
    ("mode", "subarray", "drifts"),
    [
        ("nircam_image", "SUB64P", True),
        ("niriss_image", "SUB64", False),
        ("miri_image", "SUB64", False),
        ("miri_image", "FULL", True),
        ("miri_dark", "FULL", False),
        ("guider_id", "FULL", False),
    ],
)
def test_drift_is_where_the_pipeline_takes_it_off(mode: str, subarray: str, drifts: bool) -> None:
    assert (plan(Wish(mode, subarray=subarray)).effects.drift > 0) == drifts
