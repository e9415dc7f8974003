"""The science frame: every pixel lands where its keywords say, on all 18 detectors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitsgen.diagnostics import InputError
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.sources import FitsSource, Source
from fitsgen.jwst.detectors import DETECTORS, Detector, Turn, by_name
from fitsgen.jwst.frame import cut, to_dms
from fitsgen.jwst.subarrays import SUBARRAYS, Window, name_of
from fitsgen.lazy.array import LazyArray

FACTS = json.loads((Path(__file__).parent / "data" / "jwst_detectors.json").read_text())
WINDOWS = json.loads((Path(__file__).parent / "data" / "jwst_subarrays.json").read_text())
SQUARE = [detector for detector in DETECTORS if detector.instrument != "MIRI"]
MIRI = [detector for detector in DETECTORS if detector.instrument == "MIRI"]
CORNERS = ("COLSTART", "COLSTOP", "ROWSTART", "ROWSTOP")

# What the facts say in words, as coordinates: x, y of the detector to x, y of the science frame.
MOVED = {
    "none": lambda x, y: (x, y),
    "flip columns": lambda x, y: (2049 - x, y),
    "flip rows": lambda x, y: (x, 2049 - y),
    "transpose rows": lambda x, y: (y, x),
    "transpose, then": lambda x, y: (2049 - y, 2049 - x),
    "rotate by": lambda x, y: (2049 - y, x),
}

# Keywords of the first column and row, and what they count from.
FIRST = {
    "NIRCAM": [("COLCORNR", "ROWCORNR", 1), ("COLSTART", "ROWSTART", 0)],
    "NRS1": [("A1_COL_C", "A1_ROW_C", 0), ("A1WINHSA", "A1WINVSA", 0)],
    "NRS2": [("A2_COL_C", "A2_ROW_C", 0)],
    "GUIDER2": [("ACCOLCOR", "ACROWCOR", 1)],
    "NIS": [("COLCORNR", "ROWCORNR", 1)],
    "GUIDER1": [("COLCORNR", "ROWCORNR", 1)],
}


def fact(detector: Detector) -> dict[str, Any]:
    return next(one for one in FACTS["detectors"] if one["SCA_ID"] == detector.sca_id)


def moved(detector: Detector, x: Any, y: Any) -> tuple[Any, Any]:
    told = fact(detector)["detector_to_dms"]
    return next(move for start, move in MOVED.items() if told.startswith(start))(x, y)


def coordinates(rows: int, columns: int, first_row: int = 1, first_column: int = 1) -> Any:
    """Pixels that each hold 10,000 times their column and their row on the detector."""
    x = np.arange(first_column, first_column + columns)
    y = np.arange(first_row, first_row + rows)
    return (x[np.newaxis, :] * 10_000 + y[:, np.newaxis]).astype("int32")


def written(path: Path, pixels: Any, **keywords: object) -> Source:
    hdu = fits.PrimaryHDU(pixels)
    for key, value in keywords.items():
        hdu.header[key.replace("__", "-")] = value
    hdu.writeto(path, overwrite=True)
    return FitsSource(FitsFile.open(str(path)))


def keywords(source: Source, *names: str) -> list[object]:
    return [source.find(name, 0)[1] for name in names]


def assert_in_place(detector: Detector, source: Source) -> None:
    """Every pixel's own detector coordinates lead to where the keywords say it is."""
    frames = source.hdu(0).data
    colstart, colstop, rowstart, rowstop = keywords(source, *CORNERS)
    assert frames.shape == source.hdu(0).shape
    assert keywords(source, "NAXIS1", "NAXIS2") == [frames.shape[-1], frames.shape[-2]]
    assert frames.shape[-2:] == (rowstop - rowstart + 1, colstop - colstart + 1)
    x, y = np.divmod(frames, 10_000)
    dms_x, dms_y = moved(detector, x, y)
    assert (dms_x == np.arange(colstart, colstop + 1)).all()
    assert (dms_y == np.arange(rowstart, rowstop + 1)[:, np.newaxis]).all()


def assert_read_directions(detector: Detector, source: Source) -> None:
    """FASTAXIS and SLOWAXIS are where the detector's columns and rows went, with their signs."""
    frame = source.hdu(0).data[0]
    found = {}
    for axis in (1, 2):
        first, second = frame[0, 0], frame[(0, 1) if axis == 1 else (1, 0)]
        steps = np.subtract(divmod(int(second), 10_000), divmod(int(first), 10_000))
        for name, step in zip(("FASTAXIS", "SLOWAXIS"), steps, strict=True):
            if step:
                found[name] = int(axis * step)
    assert keywords(source, "FASTAXIS", "SLOWAXIS") == [found["FASTAXIS"], found["SLOWAXIS"]]


def test_the_table_is_that_of_the_facts() -> None:
    table = [(d.sca_id, d.name, d.instrument, d.fastaxis, d.slowaxis) for d in DETECTORS]
    names = ("SCA_ID", "detector", "instrument", "FASTAXIS", "SLOWAXIS")
    assert table == [tuple(one[name] for name in names) for one in FACTS["detectors"]]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
def test_pixels_turn_as_the_facts_put_it_in_numpy(detector: Detector) -> None:
    told = fact(detector)["detector_to_dms"]
    cube = np.arange(24).reshape(2, 3, 4)
    expected = {
        "none": cube,
        "flip columns": cube[..., :, ::-1],
        "flip rows": cube[..., ::-1, :],
        "transpose rows": cube.swapaxes(-1, -2),
        "transpose, then": cube.swapaxes(-1, -2)[..., ::-1, ::-1],
        "rotate by": np.rot90(cube, 1, axes=(-1, -2)),
    }
    turned = detector.turn.pixels(cube)
    assert (turned == next(e for start, e in expected.items() if told.startswith(start))).all()
    assert np.shares_memory(turned, cube)


@pytest.fixture(scope="module")
def full_frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A full frame, written once; its header has room for any SCA_ID."""
    path = tmp_path_factory.mktemp("full") / "full.fits"
    written(path, coordinates(2048, 2048)[np.newaxis], SCA_ID=481)
    yield path
    path.unlink()


@pytest.mark.parametrize("detector", SQUARE, ids=lambda d: d.name)
def test_a_full_frame(detector: Detector, full_frames: Path) -> None:
    with full_frames.open("r+b") as file:
        header = file.read(2880)
        file.seek(header.index(b"SCA_ID"))
        file.write(f"{'SCA_ID':8}= {detector.sca_id:>20}".encode())
    with FitsFile.open(full_frames) as file:
        turned = to_dms(FitsSource(file))
        assert keywords(turned, *CORNERS, "SUBARRAY") == [1, 2048, 1, 2048, "FULL"]
        assert_in_place(detector, turned)
        assert_read_directions(detector, turned)
        assert isinstance(turned.hdu(0).data, LazyArray)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """First row, first column, rows, columns of a small window on a detector of 2048 x 2048."""
    rows, columns = draw(st.integers(2, 9)), draw(st.integers(2, 9))
    first_row, first_column = (
        draw(st.integers(1, 2049 - rows)),
        draw(st.integers(1, 2049 - columns)),
    )
    return first_row, first_column, rows, columns


@pytest.mark.parametrize("detector", SQUARE, ids=lambda d: d.name)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), window=windows())
def test_any_window(
    detector: Detector, tmp_path: Path, data: st.DataObject, window: tuple[int, int, int, int]
) -> None:
    first_row, first_column, rows, columns = window
    rules = FIRST.get(detector.name) or FIRST[detector.instrument]
    column_key, row_key, base = data.draw(st.sampled_from(rules))
    given_keywords = {column_key: first_column - 1 + base, row_key: first_row - 1 + base}
    pixels = np.stack([coordinates(rows, columns, first_row, first_column)] * 2)
    raw = written(tmp_path / "raw.fits", pixels, SCA_ID=detector.sca_id, **given_keywords)
    turned = to_dms(raw)
    assert keywords(turned, "DMSCOORD", "SUBARRAY") == ["JWST", "GENERIC"]
    assert_in_place(detector, turned)
    assert_read_directions(detector, turned)
    # What is in the science frame stays as it is.
    assert to_dms(turned) is turned


@pytest.mark.parametrize("detector", MIRI, ids=lambda d: d.name)
@pytest.mark.parametrize("reference", [0, 2])
def test_a_window_of_miri_keeps_its_pixels_and_counts_columns_of_four_outputs(
    detector: Detector, reference: int, tmp_path: Path
) -> None:
    pixels = coordinates(8 + reference, 12, 101, 9)[np.newaxis]
    raw = written(
        *(tmp_path / "raw.fits", pixels),
        SCA_ID=detector.sca_id,
        COLSTART=3,
        COLSTOP=5,
        ROWSTART=101,
        ROWSTOP=108,
    )
    turned = to_dms(raw)
    assert keywords(turned, *CORNERS) == [9, 20, 101, 108]
    assert keywords(turned, "NAXIS1", "NAXIS2") == [12, 8 + reference]
    assert keywords(turned, "FASTAXIS", "SLOWAXIS") == [1, 2]
    assert (turned.hdu(0).data == pixels).all()
    assert_read_directions(detector, turned)


def test_a_file_in_the_science_frame_is_left_alone(tmp_path: Path) -> None:
    raw = written(tmp_path / "raw.fits", coordinates(4, 6), SCA_ID=481, DMSCOORD="JWST")
    assert to_dms(raw) is raw


@pytest.mark.parametrize("more", [{"READOUT": "NRSIRS2RAPID"}, {"IPSDET": "NRS2"}])
def test_irs2_and_ips_are_full_frames_whatever_their_size(
    more: dict[str, str], tmp_path: Path
) -> None:
    raw = written(tmp_path / "raw.fits", coordinates(20, 32), SCA_ID=492, A2_ROW_C=7, **more)
    turned = to_dms(raw)
    assert keywords(turned, *CORNERS, "SUBARRAY") == [1, 2048, 1, 2048, "FULL"]
    assert turned.hdu(0).shape == (32, 20)


def test_every_image_of_the_frame_turns_and_nothing_else(tmp_path: Path) -> None:
    frame = coordinates(4, 6)
    small = np.arange(4, dtype="int16").reshape(2, 2)
    table = fits.BinTableHDU.from_columns([fits.Column("A", "1J", array=[1, 2])])
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(np.stack([frame] * 3), name="SCI")]
    hdus += [fits.ImageHDU(small, name="SMALL"), table, fits.CompImageHDU(frame, name="ZERO")]
    hdus[0].header["SCA_ID"] = 491
    path = tmp_path / "raw.fits"
    fits.HDUList(hdus).writeto(path)
    turned = to_dms(FitsSource(FitsFile.open(path)))
    assert turned.hdu("SCI").data.shape == turned.hdu(("SCI", 1)).shape == (3, 6, 4)
    assert turned.find("NAXIS2", "SCI") == (True, 6)
    assert (turned.hdu("SCI").data == frame.T).all()
    assert (turned.hdu("SMALL").data == small).all()
    assert turned.hdu(3).data["A"].tolist() == [1, 2]
    assert (turned.hdu("ZERO").data == frame.T).all()
    assert turned.find("ZNAXIS1", "ZERO") == (True, 4)
    # The header of HDU 0 tells the window although the pixels stand elsewhere.
    assert turned.find("COLSTOP", 0) == (True, 4)
    assert turned.find("COLSTOP", "SCI")[0] is False
    assert turned.find("A", "NONE") == (False, None)
    assert (len(turned), turned.hdu(0).data, turned.hdu(0).name) == (5, None, "PRIMARY")


def test_cards_that_are_replaced_stay_where_they_are(tmp_path: Path) -> None:
    raw = written(tmp_path / "raw.fits", coordinates(4, 6), SCA_ID=482, SUBARRAY=True, AFTER=1)
    header = to_dms(raw).hdu(0).header
    keys = list(header)
    assert keys.index("SUBARRAY") + 1 == keys.index("AFTER")
    assert header["SUBARRAY"] == "GENERIC"
    assert keys.count("NAXIS1") == 1


WRONG = {
    "nan": (481, {"ROWCORNR": "nan"}, "ROWCORNR is 'nan': expected a whole number"),
    "half": (481, {"COLCORNR": 1.5}, "COLCORNR is 1.5: expected a whole number"),
    "logical": (496, {"COLCORNR": True}, "COLCORNR is True"),
    "huge": (481, {"ROWCORNR": "9" * 60}, "expected a whole number"),
    "negative": (498, {"ACROWCOR": -3, "ACCOLCOR": 1}, "rows -3 to 0; GUIDER2 has 2048 columns"),
    "beyond": (482, {"COLCORNR": 2047}, "columns 2047 to 2052"),
    "zero": (481, {"ROWCORNR": 0}, "rows 0 to 3"),
    "nowhere": (496, {"ROWCORNR": 1}, "6 of 2048 pixels were read, and COLCORNR"),
    "nowhere 2": (498, {}, "ACCOLCOR (counted from 1) does not say which"),
    "sizes": (493, dict(zip(CORNERS, (1, 2, 1, 9), strict=True)), "6 columns and 4 rows"),
    "backwards": (493, dict(zip(CORNERS, (2, 1, 1, 4), strict=True)), "columns 5 to 4"),
    "outside": (494, dict(zip(CORNERS, (1, 259, 1, 4), strict=True)), "columns 1 to 1036"),
    "part": (495, {"COLSTART": 1, "ROWSTOP": 4}, "COLSTOP, ROWSTART missing"),
    "no part": (495, {}, "6 columns and 4 rows"),
}


@pytest.mark.parametrize(("sca_id", "more", "message"), WRONG.values(), ids=WRONG)
def test_wrong_corners_are_told(
    sca_id: int, more: dict[str, object], message: str, tmp_path: Path
) -> None:
    raw = written(tmp_path / "raw.fits", coordinates(4, 6), SCA_ID=sca_id, **more)
    with pytest.raises(InputError) as caught:
        to_dms(raw)
    assert message in str(caught.value)
    assert str(tmp_path / "raw.fits") in str(caught.value)


def test_a_corner_that_is_nan_is_told(tmp_path: Path) -> None:
    written(tmp_path / "raw.fits", coordinates(4, 6), SCA_ID=481, ROWCORNR=1234)
    path = tmp_path / "raw.fits"
    path.write_bytes(path.read_bytes().replace(b"1234", b" NaN"))
    with pytest.raises(InputError, match="the value is NaN"):
        to_dms(FitsSource(FitsFile.open(path)))


@pytest.mark.parametrize("pixels", [None, np.zeros(5, "int16")], ids=["none", "line"])
def test_a_file_without_frames_is_told(pixels: Any, tmp_path: Path) -> None:
    raw = written(tmp_path / "raw.fits", pixels, SCA_ID=481)
    with pytest.raises(InputError, match="no images of rows and columns"):
        to_dms(raw)


def test_frames_without_pixels_are_told(tmp_path: Path) -> None:
    path = tmp_path / "raw.fits"
    written(path, np.zeros((2, 5), "uint8"), SCA_ID=481)
    rows = "NAXIS2  = {:>20}"
    header = path.read_bytes()[:2880]
    path.write_bytes(header.replace(rows.format(2).encode(), rows.format(0).encode()))
    with pytest.raises(InputError, match=r"shape \(0, 5\) has no pixels"):
        to_dms(FitsSource(FitsFile.open(path)))


def test_the_windows_are_those_of_the_facts() -> None:
    table = {
        instrument: {
            name: [w.colstart, w.colstop, w.rowstart, w.rowstop] for name, w in windows.items()
        }
        for instrument, windows in SUBARRAYS.items()
    }
    assert table == WINDOWS["subarrays"]


@pytest.mark.parametrize("instrument", SUBARRAYS)
def test_a_window_is_named_by_its_corners(instrument: str) -> None:
    for name, window in SUBARRAYS[instrument].items():
        assert name_of(instrument, window, name) == name
        assert SUBARRAYS[instrument][name_of(instrument, window)] == window
    assert name_of(instrument, Window(3, 5, 7, 9), "FULL") == "GENERIC"


@pytest.mark.parametrize("name", WINDOWS["subarrays"]["MIRI"])
def test_a_window_of_miri_is_cut_with_its_reference_output(name: str, tmp_path: Path) -> None:
    science = coordinates(1024, 1032)
    # A reference pixel holds the column and row of the first of the four pixels read with it.
    reference = science[:, ::4].reshape(256, 1032)
    frames = np.concatenate((science, reference))[np.newaxis]
    raw = written(tmp_path / "raw.fits", frames, SCA_ID=494, INSTRUME="MIRI")
    made = cut(raw, name.lower())
    window = Window(*WINDOWS["subarrays"]["MIRI"][name])
    assert keywords(made, *CORNERS) == WINDOWS["subarrays"]["MIRI"][name]
    assert keywords(made, "SUBARRAY", "NAXIS2") == [name, window.rows * 5 // 4]
    pixels = made.hdu(0).data
    assert pixels.shape == made.hdu(0).shape == (1, window.rows * 5 // 4, window.columns)
    part = science[window.rowstart - 1 : window.rowstop, window.colstart - 1 : window.colstop]
    assert (pixels[0, : window.rows] == part).all()
    split = pixels[0, window.rows :].reshape(window.rows, window.columns // 4)
    assert (split == part[:, ::4]).all()


@pytest.mark.parametrize(
    ("detector", "instrument", "name"),
    [
        ("NRS1", "NIRSPEC", "SUB2048"),
        ("NRS2", "NIRSPEC", "SUBS200A1"),
        ("NIS", "NIRISS", "SOSSTA"),
        ("NIS", "TFI", "SUB64"),
        ("GUIDER2", "GUIDER", "FULL"),
    ],
)
def test_a_window_is_cut_where_the_science_frame_has_it(
    detector: str, instrument: str, name: str, tmp_path: Path
) -> None:
    found = by_name(detector)
    assert found is not None
    pixels = coordinates(2048, 2048)[np.newaxis]
    raw = written(tmp_path / "raw.fits", pixels, SCA_ID=found.sca_id, INSTRUME=instrument)
    made = cut(raw, name)
    assert keywords(made, "SUBARRAY") == [name]
    assert_in_place(found, made)


def test_windows_that_are_not_there_are_told(tmp_path: Path) -> None:
    raw = written(tmp_path / "raw.fits", coordinates(4, 6), SCA_ID=491)
    with pytest.raises(InputError, match="NIRSPEC has no window 'ALLSLIT'; it has FULL, ALLSLITS"):
        cut(raw, "ALLSLIT")
    with pytest.raises(InputError, match="the input has only columns 1 to 4, rows 1 to 6"):
        cut(raw, "ALLSLITS")
    irs2 = written(tmp_path / "irs2.fits", coordinates(4, 6), SCA_ID=491, READOUT="NRSIRS2")
    with pytest.raises(InputError, match="do not fit their window"):
        cut(irs2, "ALLSLITS")


def test_a_window_of_one_that_is_in_the_science_frame(tmp_path: Path) -> None:
    corners = dict(zip(CORNERS, (1, 2048, 1000, 1100), strict=True))
    pixels = coordinates(101, 2048, 1000)
    raw = written(tmp_path / "raw.fits", pixels, SCA_ID=491, DMSCOORD="JWST", **corners)
    made = cut(raw, "SUB2048")
    assert (made.hdu(0).data == coordinates(32, 2048, 1044)).all()


def test_an_ambiguous_window_keeps_the_name_that_the_header_has() -> None:
    window = SUBARRAYS["NIRISS"]["SOSSFT4"]
    assert name_of("NIRISS", window, "SOSSFT4") == "SOSSFT4"
    assert name_of("NIRISS", window) == "SOSSFT1"


TEMPLATE = """\
<<file turned>>

<<header primary>>
SUBARRAY = input() / window
COLSTART = input() / first column
FASTAXIS = input() / axis of the fast read

<<header science>>
EXTNAME = 'SCI'

<<data>>
input[0].data.reshape((1, 2, input[0].header['NAXIS2'], input[0].header['NAXIS1']))
"""


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fitsgen", "convert", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_the_options_of_convert(tmp_path: Path) -> None:
    (tmp_path / "turned.gen.txt").write_text(TEMPLATE)
    pixels = np.stack([coordinates(2048, 64, 1, 1)] * 2)
    written(tmp_path / "raw.fits", pixels, SCA_ID=491)
    for frame, expected in {"detector": pixels, "dms": pixels.swapaxes(-1, -2)}.items():
        name = f"{frame}.fits"
        result = run(tmp_path, "raw.fits", "-t", "turned.gen.txt", "-o", name, "--frame", frame)
        assert result.returncode == 0, result.stderr
        with fits.open(tmp_path / name) as hdus:
            assert (hdus["SCI"].data[0] == expected).all()
    header = fits.getheader(tmp_path / "dms.fits")
    assert [header[key] for key in ("COLSTART", "SUBARRAY", "FASTAXIS")] == [1, "GENERIC", 2]
    result = run(tmp_path, "raw.fits", "-t", "turned.gen.txt", "--subarray", "FULL")
    assert result.returncode == 1
    assert "FULL is columns 1 to 2048, rows 1 to 2048; the input has only" in result.stderr
    assert "Traceback" not in result.stderr


def test_turns_have_three_steps_at_most() -> None:
    assert len({turn.value for turn in Turn}) == len(Turn) == 6
