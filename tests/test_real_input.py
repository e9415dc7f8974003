"""Real files: a flight exposure made again from itself, and a simulator's raw header converted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner
from conftest import DATA, assert_conforms

import fitsgen
from fitsgen.cli import main
from fitsgen.simulate.raw import Exposure, nirspec_ifu

FLIGHT = DATA / "jw01075001001_03105_00009_nrca3_uncal.fits"


def cards(hdu: fits.PrimaryHDU) -> list[tuple[str, object, str]]:
    return [(card.keyword, card.value, card.comment) for card in hdu.header.cards]


def show(path: Path, template: Path) -> Path:
    result = CliRunner().invoke(main, ["show", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    template.write_text(result.output)
    return template


def assert_same(one: Path, other: Path) -> None:
    with fits.open(one) as first, fits.open(other) as second:
        assert len(first) == len(second)
        for a, b in zip(first, second, strict=True):
            assert cards(a) == cards(b)
            if a.data is None:
                assert b.data is None
            else:
                assert a.data.dtype == b.data.dtype
                assert a.data.tobytes() == b.data.tobytes()


def test_a_flight_exposure_is_made_again_from_itself(tmp_path: Path) -> None:
    template = show(FLIGHT, tmp_path / "flight.gen.txt")
    out = fitsgen.convert(FLIGHT, template=template, output=tmp_path / "out.fits")
    assert_same(FLIGHT, out)
    assert FLIGHT.read_bytes() == out.read_bytes()


def test_every_kind_of_hdu_is_made_again_from_itself(tmp_path: Path) -> None:
    path = tmp_path / "kinds.fits"
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("FLAG", "L", array=[True, False]),
            fits.Column("BITS", "12X", array=np.zeros((2, 12), bool)),
            fits.Column("COUNT", "J", bzero=2**31, array=np.array([1, 2**32 - 1], "uint32")),
            fits.Column("LIST", "PE()", array=np.array([[1.0], [1.0, 2.0]], object)),
            fits.Column("NAME", "5A", unit="", array=["a", "bcdef"]),
            fits.Column("NULLS", "I", unit="s", null=-1, disp="I6", array=[1, -1]),
            fits.Column("VECTOR", "6E", dim="(3,2)", array=np.ones((2, 2, 3))),
        ],
        name="TABLE",
    )
    scaled = fits.ImageHDU(np.arange(6) * 0.5 + 10.0, name="SCALED")
    scaled.scale("int16", bscale=0.5, bzero=10.0)
    hdulist = fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(np.arange(6, dtype="int8").reshape(2, 3), name="BYTES"),
            fits.ImageHDU(np.arange(6, dtype="uint64"), name="LONG"),
            fits.ImageHDU(np.array([np.nan, 1.5]), name="FLOAT"),
            scaled,
            table,
            fits.TableHDU.from_columns(
                [
                    fits.Column("A", "F8.3", array=[1.5, 2.5]),
                    fits.Column("B", "A3", array=["x", "y"]),
                ]
            ),
        ]
    )
    hdulist[0].header["HIERARCH ESO DET ID"] = ("CCD", "long keyword")
    hdulist[0].header["COMMENT"] = "a comment"
    hdulist[0].header["HISTORY"] = "and a history that is long enough to be cut into two cards " * 2
    hdulist[0].header["EMPTY"] = None
    hdulist[0].header["TEXT"] = "quote ' and \\ backslash \\"
    hdulist.writeto(path)
    template = show(path, tmp_path / "kinds.gen.txt")
    out = fitsgen.convert(path, template=template, output=tmp_path / "out.fits")
    assert_same(path, out)
    assert path.read_bytes() == out.read_bytes()


def test_a_simulators_header_converts(guitarra: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="obsid was asked for and not given"):
        out = fitsgen.convert(guitarra, template="nircam_level1b", output=tmp_path / "out.fits")
    assert_conforms(out)
    with fits.open(out) as made, fits.open(guitarra) as raw:
        assert [hdu.name for hdu in made] == ["PRIMARY", "SCI", "ERR", "DQ"]
        assert made["SCI"].data.shape == (1, 7, 16, 16)
        assert np.array_equal(made["SCI"].data[0], raw[0].data)
        header = made[0].header
        assert header["SUBARRAY"] == "FULL"  # F in the raw header
        assert header["OBS_ID"] == ""
        assert header["PROGRAM"] == "1180"
        assert (header["DETECTOR"], header["CHANNEL"], header["MODULE"]) == ("NRCA1", "SHORT", "A")
        assert header["EXPEND"] == pytest.approx(raw[0].header["EXPEND"], abs=1e-8)


def test_a_nirspec_exposure_has_its_values(raw: Path, tmp_path: Path) -> None:
    obsid = tmp_path / "obsid.dat"
    obsid.write_text("<<file obsid>>\nPROGRAM  = '98765'\nACT_ID   = '03'\n")
    out = fitsgen.convert(
        raw, obsid, template="nirspec_ifu_level1b", output=tmp_path / "out.fits", checksum=True
    )
    assert_conforms(out)
    with fits.open(out) as made, fits.open(raw) as given:
        header = made[0].header
        assert header["PROGRAM"] == "98765"
        assert header["EXPCOUNT"] == 3
        assert header["OBSERVTN"] == "005"
        assert header["FILENAME"] == "out.fits"
        assert header["NEXTEND"] == 3
        assert header["EXPSTART"] == 56324.520833333336
        assert (header["TGROUP"], header["EFFEXPTM"]) == (10.73676, 2 * 3 * 10.73676)
        assert made["SCI"].data.shape == (2, 3, 8, 6)
        assert made["SCI"].data.dtype == "uint16"
        assert np.array_equal(made["SCI"].data.reshape(6, 8, 6), given[0].data)
        assert made["ERR"].data.dtype.name == "float32"
        assert (made["ERR"].data == 1).all()
        assert (made["DQ"].data == 0).all()


def test_the_miri_example_runs(tmp_path: Path) -> None:
    raw = tmp_path / "raw.fits"
    nirspec_ifu(Exposure(2, 3, 8, 6)).writeto(raw)
    example = Path(__file__).parents[1] / "docs" / "examples" / "miri_level1b.gen.txt"
    directory = shutil.copytree(example.parent, tmp_path / "examples")
    with fits.open(raw, mode="update") as hdulist:
        hdulist[0].header["SCA_ID"] = 493
        hdulist[0].header["INSTRUME"] = "MIRI"
    result = CliRunner().invoke(
        main,
        ["convert", str(raw), "-t", str(directory / example.name), "-o", str(tmp_path / "o.fits")],
    )
    assert result.exit_code == 0, result.output
    again = re.findall(r"warning: (\w+) is defined again", result.output)
    assert again == ["BITPIX", "NAXIS", "INSTRUME", "DATE", "FILENAME"]
    comment = example.read_text().partition("<<file")[0]
    assert all(keyword in comment for keyword in again)
    assert_conforms(tmp_path / "o.fits")
    with fits.open(tmp_path / "o.fits") as made:
        assert made["SCI"].data.shape == (2, 3, 8, 6)
        assert made["SCI"].header["BZERO"] == 32768
