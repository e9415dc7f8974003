"""What each shipped file type makes of a raw exposure: golden files, reviewed against the facts.

`golden/<type>.txt` has the headers, and a checksum of the pixels, that a seeded raw exposure gives.
Run the tests with FITSGEN_UPDATE=1 to write what comes out now, and read the difference.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA, Conforms
from test_library_facts import TYPES

import fitsgen
from fitsgen import library
from fitsgen.diagnostics import FitsgenError
from fitsgen.simulate.raw import KINDS, Exposure, raw

GOLDEN = Path(__file__).parent / "golden"
MIRI = Exposure(integrations=2, groups=3, rows=40, columns=32)
OTHERS = Exposure(integrations=2, groups=3, rows=32, columns=32)

pytestmark = pytest.mark.filterwarnings("ignore:.*obsid was asked for and not given")


def exposure(kind: str, directory: Path, **changed: object) -> Path:
    """Write a raw exposure with some cards changed, or dropped where the value is None."""
    path = directory / f"{kind}.fits"
    hdulist = raw(kind, MIRI if kind.startswith("miri") else OTHERS)
    for key, value in changed.items():
        if value is None:
            hdulist[0].header.remove(key)
        else:
            hdulist[0].header[key] = value
    hdulist.writeto(path)
    return path


def converted(path: Path, file_type: str) -> Path:
    return fitsgen.convert(path, template=file_type, output=path.parent / f"{file_type}.fits")


def made(name: str, directory: Path) -> tuple[Path, Path]:
    """Write a raw exposure and what is made of it; many tests look at it, so it is made once."""
    paths = directory / f"{name}.fits", directory / f"{name}_level1b.fits"
    for path, content in zip(paths, _made(name), strict=True):
        path.write_bytes(content)
    return paths


@functools.cache
def _made(name: str) -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        path = exposure(name, Path(directory))
        return path.read_bytes(), converted(path, f"{name}_level1b").read_bytes()


def described(path: Path) -> Iterator[str]:
    """Give the lines of a golden file: of each HDU its pixels' checksum and its cards."""
    with fits.open(path) as hdulist:
        for hdu in hdulist:
            yield f"=== {hdu.name}: {pixels(hdu.data)}"
            yield from (str(card).rstrip() for card in hdu.header.cards)
            yield ""


def pixels(data: np.ndarray | None) -> str:
    if data is None:
        return "no data"
    checksum = hashlib.sha256(data.astype(data.dtype.newbyteorder(">")).tobytes()).hexdigest()
    return f"{data.dtype.name} {data.shape}, SHA-256 {checksum[:16]}"


def without_version(text: str) -> str:
    return re.sub(r"^(DPSW_VER= )'[^']*' *", r"\1'VERSION'          ", text, flags=re.MULTILINE)


def test_a_raw_exposure_for_each_file_type() -> None:
    assert {kind.name for kind in KINDS} - {"nircam_swts"} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_golden(name: str, tmp_path: Path, conforms: Conforms) -> None:
    _, out = made(name, tmp_path)
    conforms(out)
    found = without_version("\n".join(described(out)))
    golden = GOLDEN / f"{name}_level1b.txt"
    if os.environ.get("FITSGEN_UPDATE"):
        golden.write_text(found, encoding="ascii")
    assert found == golden.read_text(encoding="ascii")


@pytest.mark.parametrize("name", TYPES)
def test_every_pixel_is_kept(name: str, tmp_path: Path) -> None:
    path, out = made(name, tmp_path)
    with fits.open(path) as given, fits.open(out) as found:
        frames = given[0].data.reshape(2, 3, *given[0].data.shape[1:])
        rows = 40 if name.startswith("miri") else 32
        assert np.array_equal(found["SCI"].data, frames[:, :, :rows])
        if "REFOUT" in found:
            assert found["REFOUT"].data.shape == (2, 3, 40, 8)
            assert np.array_equal(found["REFOUT"].data.ravel(), frames[:, :, rows:].ravel())
        header = found[0].header
        if name != "nircam_ncont":  # which was always read in full frame
            assert (header["SUBSIZE2"], header["SUBSIZE1"]) == found["SCI"].data.shape[2:]


def test_swts_files_make_the_same_as_fitswriter(tmp_path: Path) -> None:
    found = []
    for kind in ("nircam", "nircam_swts"):
        directory = tmp_path / kind
        directory.mkdir()
        out = converted(exposure(kind, directory), "nircam_level1b")
        found.append([line for line in described(out) if not line.startswith("DATE    ")])
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["nircam", "nircam_fm1"])
@pytest.mark.parametrize(
    ("corners", "starts"),
    [
        ({"COLSTART": 0, "ROWSTART": 0}, (1, 1)),
        ({"COLSTART": 16.0, "ROWSTART": 0.0}, (17, 1)),
        ({"COLSTART": 16, "COLSTOP": 47, "ROWSTART": 100, "ROWSTOP": 131}, (17, 101)),
        ({"COLSTART": 0, "ROWSTART": 0, "COLCORNR": 17, "ROWCORNR": 101}, (17, 101)),
    ],
)
def test_the_first_pixel_of_a_nircam_window(
    name: str, corners: dict[str, object], starts: tuple[int, int], tmp_path: Path
) -> None:
    """Raw files count it from 0 in COLSTART, and from 1 in COLCORNR."""
    header = fits.getheader(converted(exposure(name, tmp_path, **corners), f"{name}_level1b"))
    assert (header["SUBSTRT1"], header["SUBSTRT2"]) == starts


@pytest.mark.parametrize("name", ["nircam", "nircam_fm1", "nircam_wfs"])
def test_a_nircam_exposure_is_where_the_science_frame_has_it(name: str, tmp_path: Path) -> None:
    path = exposure(name, tmp_path)
    found = fitsgen.convert(
        path, template=f"{name}_level1b", output=tmp_path / "o.fits", frame="dms"
    )
    header = fits.getheader(found)
    # Of 2048 columns the first 32 are the last where columns are reversed, and so with rows.
    starts = (2017, 1) if header["DETECTOR"] == "NRCA1" else (1, 2017)
    assert (header["SUBSTRT1"], header["SUBSTRT2"]) == starts
    assert (header["SUBSIZE1"], header["SUBSIZE2"]) == (32, 32)


class TestMiri:
    def test_frames_without_reference_output(self, tmp_path: Path, conforms: Conforms) -> None:
        path = exposure("miri_ifu", tmp_path)
        with fits.open(path, mode="update") as hdulist:
            hdulist[0].data = hdulist[0].data[:, :40].copy()
        out = converted(path, "miri_ifu_level1b")
        conforms(out)
        with fits.open(out) as found:
            assert found["SCI"].data.shape == (2, 3, 40, 32)
            assert found["REFOUT"].data is None

    def test_a_window(self, tmp_path: Path) -> None:
        path = exposure("miri_imaging", tmp_path, ROWSTART=321, ROWSTOP=360)
        with fits.open(converted(path, "miri_imaging_level1b")) as found:
            assert found["SCI"].data.shape == (2, 3, 40, 32)
            assert (found[0].header["SUBSTRT2"], found[0].header["SUBSIZE2"]) == (321, 40)

    @pytest.mark.parametrize("name", ["miri_level1b", "miri_fm1_level1b"])
    def test_a_full_frame_without_its_corners(self, name: str, tmp_path: Path) -> None:
        corners = dict.fromkeys(("COLSTART", "COLSTOP", "ROWSTART", "ROWSTOP"))
        path = exposure("miri", tmp_path, NINT=1, NGROUP=1, **corners)
        with fits.open(path, mode="update") as hdulist:
            hdulist[0].data = np.arange(1280 * 1032).reshape(1280, 1032).astype("uint16")
        with fits.open(converted(path, name)) as found:
            assert found["SCI"].data.shape == (1, 1, 1024, 1032)
            assert found["REFOUT"].data.shape == (1, 1, 1024, 258)
            assert found[0].header["SUBSIZE2"] == 1024

    @pytest.mark.parametrize(
        ("sca_id", "channel"), [(493, "N/A"), ("494", "12"), ("0x1EF", "34"), (" 1ef ", "34")]
    )
    def test_the_channel_of_a_detector_known_by_number(
        self, sca_id: object, channel: str, tmp_path: Path
    ) -> None:
        path = exposure("miri_ifu", tmp_path, DETECTOR=None, SCA_ID=sca_id)
        assert fits.getheader(converted(path, "miri_ifu_level1b"))["CHANNEL"] == channel

    @pytest.mark.parametrize(("given", "band"), [("A", "SHORT"), ("MEDIUM", "MEDIUM")])
    def test_the_band(self, given: str, band: str, tmp_path: Path) -> None:
        path = exposure("miri_ifu", tmp_path, DGAA_POS=given)
        assert fits.getheader(converted(path, "miri_ifu_level1b"))["BAND"] == band


LEVEL1A = "<<file level1a>>\n<<header primary>>\n#include 'level1a.gen.inc'\n"
DETECTOR = "<<file detector>>\n<<header primary>>\n#include 'detector.gen.inc'\n"
DETECTORS = json.loads((DATA / "jwst_detectors.json").read_text())["detectors"]
FORMS = {
    "number": int,
    "text": str,
    "hexadecimal": "{:x}".format,
    "upper case": "{:#X}".format,
    "blanks": " {:#x} ".format,
}


@pytest.mark.parametrize("form", FORMS)
def test_detectors_by_sca_id(form: str, tmp_path: Path) -> None:
    (tmp_path / "level1a.gen.txt").write_text(LEVEL1A)
    (tmp_path / "detector.gen.txt").write_text(DETECTOR)
    for sca_id, name in ((row["SCA_ID"], row["detector"]) for row in DETECTORS):
        hdulist = raw("fgs", Exposure(rows=4, columns=4))
        hdulist[0].header["SCA_ID"] = FORMS[form](sca_id)
        del hdulist[0].header["DETECTOR"]
        for template, key in (("level1a", "SCA_NAME"), ("detector", "DETECTOR")):
            out = tmp_path / f"{sca_id}_{template}.fits"
            fitsgen.convert(hdulist, template=tmp_path / f"{template}.gen.txt", output=out)
            assert fits.getheader(out)[key] == name
        header = fits.getheader(tmp_path / f"{sca_id}_level1a.fits")
        assert header["DETECTOR"] == ("MIR" if name.startswith("MIR") else "NIR")


@pytest.mark.parametrize(
    ("sca_id", "found"), [(None, "''"), (480, "'480'"), ("seven", "'seven'"), (481.5, "'481.5'")]
)
def test_no_such_detector(sca_id: object, found: str, tmp_path: Path) -> None:
    path = exposure("miri", tmp_path, SCA_ID=sca_id, DETECTOR=None)
    with pytest.raises(FitsgenError) as caught:
        converted(path, "miri_level1b")
    message = next(p for p in caught.value.problems if "DETECTOR" in p.message)
    assert f"{found} is not in the table" in message.message
    assert not (tmp_path / "miri_level1b.fits").exists()


@pytest.mark.parametrize(
    ("detector", "channel", "scale"),
    [("NRCA3", "SHORT", 0.0317), ("NRCB5", "LONG", 0.0648), ("NRCALONG", "LONG", 0.0648)],
)
def test_nircam_scale_follows_the_detector(
    detector: str, channel: str, scale: float, tmp_path: Path
) -> None:
    path = exposure("nircam_fm1", tmp_path, DETECTOR=detector)
    header = fits.getheader(converted(path, "nircam_fm1_level1b"))
    assert (header["MODULE"], header["CHANNEL"]) == (detector[3], channel)
    assert (header["CDELT1"], header["CDELT2"]) == (scale, scale)


@pytest.mark.parametrize(("sca", "detector"), [(1, "NRCB1"), ("5", "NRCBLONG"), (5, "NRCBLONG")])
def test_ncont_names_its_detector(sca: object, detector: str, tmp_path: Path) -> None:
    path = exposure("nircam_ncont", tmp_path, MODULE="B", SCA=sca)
    assert fits.getheader(converted(path, "nircam_ncont_level1b"))["DETECTOR"] == detector


def test_ncont_exposure_over_midnight(tmp_path: Path) -> None:
    header = fits.getheader(converted(exposure("nircam_ncont", tmp_path), "nircam_ncont_level1b"))
    assert header["EXPEND"] - header["EXPSTART"] == pytest.approx(3 / 1440)


def test_pixels_that_do_not_fit_are_an_error(tmp_path: Path) -> None:
    path = exposure("nirspec", tmp_path)
    with fits.open(path, mode="update") as hdulist:
        hdulist[0].data = hdulist[0].data.astype("int32") + 60_000
    with pytest.raises(FitsgenError, match="cannot hold"):
        converted(path, "nirspec_level1b")


def test_a_directory_does_not_hide_a_file_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `fitsgen simulate guider_id -o guider_id` makes one."""
    monkeypatch.chdir(tmp_path)
    Path("guider_id").mkdir()
    assert library.find("guider_id").is_file()
