"""The flight file types: what they make is what the flight pipeline reads.

In: seeded raw exposures, `data/flight_*.dat` with what the observatory could know of them, facts of
the pipeline's modes in `data/flight_facts.json`, and the headers of a real flight exposure.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA, Conforms
from flight import FACTS, MODES, Mode, converted, data_file, raw_file
from models import assert_model_takes, numpy_types, stored_types

import fitsgen
from fitsgen import compiler
from fitsgen.diagnostics import FitsgenError
from fitsgen.model import FileType
from fitsgen.simulate.raw import Exposure

ROOT = Path(__file__).parent.parent
REAL = DATA / "jw01075001001_03105_00009_nrca3_uncal.fits"

# What the file types have and flight files have not.
ADDED = {"LONGSTRN": "fitsverify misses it where a text goes on in CONTINUE cards"}

# Keywords of the flight file that its file type does not have, with the reason: none.
NOT_KNOWN: dict[str, str] = {}

# What NIRCam's data file knows, the time and names of the real exposure in its place.
REAL_BASIS = """DATE-OBS TIME-OBS PROGRAM OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID EXPOSURE TFRAME
    NINTS NGROUPS NFRAMES GROUPGAP BARTDELT HELIDELT""".split()

# From the frame of the detector to that of science: NRCA1, NRS1, MIRI, NIS and GUIDER1, GUIDER2.
TURNS = {
    "nircam": lambda frames: frames[:, :, ::-1],
    **dict.fromkeys(["nirspec_ifu", "nirspec_fss"], lambda frames: frames.swapaxes(1, 2)),
    **dict.fromkeys(["miri_imaging", "miri_ifu", "miri_lrs"], lambda frames: frames),
    **dict.fromkeys(["niriss", "fgs"], lambda frames: frames.swapaxes(1, 2)[:, ::-1, ::-1]),
    "guider": lambda frames: frames.swapaxes(1, 2)[:, :, ::-1],
}
FILE_TYPES = sorted({mode.file_type for mode in MODES.values()})
CLASSES = {"uncal": "Level1bModel", "guider": "GuiderRawModel"}


@pytest.fixture(params=MODES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of each mode, made once, in a directory of its name."""
    return _made(request.param, tmp_path_factory.getbasetemp() / "made")


@functools.cache
def _made(name: str, directory: Path) -> Path:
    (directory / name).mkdir(parents=True)
    return converted(name, directory / name)


@functools.cache
def checked(name: str) -> FileType:
    found = compiler.check(ROOT / "templates" / name, compiler.reader())
    assert found.problems == ()
    return found.file_type


@pytest.mark.parametrize("name", FILE_TYPES)
def test_every_keyword_has_a_check_and_every_check_a_keyword(name: str) -> None:
    generated, rules = checked(f"{name}.gen.txt"), checked(f"{name}.val.txt")
    assert (generated.name, rules.name) == (name, name)
    assert rules.summary == f"Checks of {generated.summary}"
    ruled = {hdu.name: {card.keyword for card in hdu.cards()} for hdu in rules.hdus}
    for hdu in generated.hdus[:2]:
        assert {card.keyword for card in hdu.cards()} - ruled[hdu.name] <= set(ADDED) | {"EXTVER"}
    # Those of flight.val.txt and its like; the checks of the ground tests know further keywords.
    texts = [path.read_text() for path in ROOT.glob("templates/*.val.txt")]
    own = {
        key
        for text in texts
        if "flight" in text
        for key in re.findall(r"^([A-Z]\S*) *\?=", text, re.M)
    }
    written = {
        card.keyword
        for other in FILE_TYPES
        for hdu in checked(f"{other}.gen.txt").hdus
        for card in hdu.cards()
    }
    assert own - written == set()


@pytest.mark.parametrize("name", FILE_TYPES)
def test_a_comment_fits_beside_a_number(name: str) -> None:
    for hdu in checked(f"{name}.gen.txt").hdus:
        for card in hdu.cards():
            assert len(card.comment) <= 47, card.position


class TestEachMode:
    def test_it_conforms(self, made: Path, conforms: Conforms) -> None:
        conforms(made)

    def test_it_has_what_the_pipeline_reads(self, made: Path) -> None:
        types = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
        with fits.open(made) as found:
            for name, by_type in FACTS["modes"][made.parent.name]["keywords"].items():
                for word, keys in by_type.items():
                    for key in keys.split():
                        if key in ("INTSTART", "INTEND") and "miri" not in made.parent.name:
                            continue  # of exposures in segments
                        value = found[name].header[key]
                        assert isinstance(value, types[word]), key
                        assert isinstance(value, bool) == (word == "boolean"), key

    def test_its_values_are_those_given(self, made: Path) -> None:
        header = fits.getheader(made)
        given = FACTS["modes"][made.parent.name]["values"]
        different = {key: header.get(key) for key in given if header.get(key) != given[key]}
        different.pop("DETECTOR", None)  # that of the raw file, as is the channel
        assert set(different) <= {"CHANNEL"} if "nircam" in made.parent.name else not different

    def test_its_pixels_are_those_of_the_raw_file(self, made: Path) -> None:
        mode = MODES[made.parent.name]
        shape, rows = (mode.sizes.integrations, mode.sizes.groups), mode.sizes.rows
        frames = fits.getdata(made.parent / "raw.fits")
        with fits.open(made) as found:
            data = found["SCI"].data
            assert data.dtype == np.dtype("uint16")
            turned = TURNS[mode.kind](frames[:, :rows])
            assert np.array_equal(data, turned.reshape(*shape, *turned.shape[1:]))
            if mode.file_type == "miri_uncal":
                reference = found["REFOUT"].data
                assert reference.shape == (*shape, rows, mode.sizes.columns // 4)
                assert np.array_equal(reference.ravel(), frames[:, rows:].ravel())

    def test_its_tables_have_the_columns_of_the_facts(self, made: Path) -> None:
        with fits.open(made) as found:
            assert found[-1].name == "ASDF"
            tables = [hdu for hdu in found if isinstance(hdu, fits.BinTableHDU)][:-1]
            for hdu in tables:
                assert numpy_types(FACTS["tables"][hdu.name]) == stored_types(hdu)
            if found[0].header["DATAMODL"] == "Level1bModel":
                assert [hdu.name for hdu in tables] == ["GROUP", "INT_TIMES"]


@pytest.fixture(scope="module")
def real() -> list[fits.Header]:
    with fits.open(REAL) as hdulist:
        return [hdu.header for hdu in hdulist]


class TestTheRealExposure:
    """The NIRCam file against one of flight."""

    @pytest.mark.parametrize("number", [0, 1])
    def test_keywords_order_types_and_sections(
        self, number: int, real: list[fits.Header], tmp_path: Path
    ) -> None:
        header = real[number]
        ours = fits.getheader(converted("nircam_image", tmp_path), number)
        keys = [key for key in header if key and key not in NOT_KNOWN]
        assert [key for key in ours if key and key not in ADDED] == keys
        assert {key: type(ours[key]) for key in keys} == {key: type(header[key]) for key in keys}
        assert list(map(str, ours[""])) == list(map(str, header[""]))

    @pytest.mark.parametrize("number", [0, 1])
    def test_comments_are_our_own(self, number: int, real: list[fits.Header]) -> None:
        theirs = real[number]
        cards = checked("nircam_uncal.gen.txt").hdus[number].cards()
        both = [card for card in cards if card.keyword in theirs]
        assert len(both) > 60
        assert [c.keyword for c in both if c.comment == theirs.comments[c.keyword]] == []

    def test_what_is_computed_is_what_flight_has(self, tmp_path: Path) -> None:
        real = fits.getheader(REAL)
        mode = Mode("nircam_uncal", "nircam", Exposure(1, 10, 8, 8))
        data = data_file(mode.data, tmp_path, **{key: real[key] for key in REAL_BASIS})
        out = fitsgen.convert(
            raw_file(mode, tmp_path, DETECTOR="NRCA3", SCA_ID=483),
            data,
            template="nircam_uncal",
            frame="dms",
            output=tmp_path,
        )
        assert out.name == REAL.name
        found = fits.getheader(out)
        texts = "DATE-BEG DATE-END OBS_ID VISIT_ID FILENAME CHANNEL MODULE TIMESYS DATAMODL".split()
        assert {key: found[key] for key in texts} == {key: real[key] for key in texts}
        for key in ("EXPSTART", "EXPMID", "EXPEND"):
            assert found[key] == pytest.approx(real[key], rel=0, abs=1e-3 / 86400), key
        delayed = [f"{when}{what}TIME" for when in "BH" for what in ("STR", "MID", "END")]
        for key in delayed:  # the delay changes a little during an exposure
            assert found[key] == pytest.approx(real[key], rel=0, abs=0.02 / 86400), key
        for key in ("TGROUP", "EFFINTTM", "EFFEXPTM", "DURATION"):
            assert found[key] == pytest.approx(real[key], abs=1e-3), key


class TestTimes:
    def test_of_groups_and_integrations(self, tmp_path: Path) -> None:
        """Count the frames one by one."""
        changed = {"NFRAMES": 4, "GROUPGAP": 2, "NRSTSTRT": 3, "NRESETS": 2, "DRPFRMS3": 1}
        path = converted("nircam_image", tmp_path, DRPFRMS1=1, **changed)
        header, frame = fits.getheader(path), 10.73677 / 86400
        frames, starts, ends = 3 + 1, [], []
        for integration in range(2):
            frames += (2 + 1) * (integration > 0)
            starts.append(frames)
            for group in range(3):
                frames += 2 * (group > 0) + 4
                ends.append(frames)
        start, delay = header["EXPSTART"], header["BARTDELT"] / 86400
        near = functools.partial(np.testing.assert_allclose, rtol=0, atol=2e-6 / 86400)
        near(header["EXPEND"], start + frames * frame)
        near(header["DURATION"] / 86400, (frames - 4) * frame)
        near(header["EFFINTTM"] / 86400, (3 * 4 + 2 * 2) * frame)
        groups, integrations = fits.getdata(path, "GROUP"), fits.getdata(path, "INT_TIMES")
        expected = start + np.array(ends) * frame
        milliseconds = groups["end_milliseconds"] + groups["end_submilliseconds"] / 1000
        near(51544.0 + groups["end_day"] + milliseconds / 86400e3, expected)
        near([fits_mjd(text) for text in groups["group_end_time"]], expected)
        near(groups["bary_end_time"], expected + delay)
        near(groups["helio_end_time"], expected + header["HELIDELT"] / 86400)
        assert groups["integration_number"].tolist() == [1, 1, 1, 2, 2, 2]
        assert groups["group_number"].tolist() == [1, 2, 3, 1, 2, 3]
        assert set(groups["number_of_columns"]) == {32}
        assert set(groups["number_of_rows"]) == {64}
        near(integrations["int_start_MJD_UTC"], start + np.array(starts) * frame)
        near(integrations["int_end_MJD_UTC"], expected[2::3])
        near(integrations["int_mid_BJD_TDB"], (integrations["int_mid_MJD_UTC"]) + delay)

    def test_without_the_delays(self, tmp_path: Path, conforms: Conforms) -> None:
        path = converted("nircam_image", tmp_path, BARTDELT=None, HELIDELT=None)
        conforms(path)
        assert np.isnan(fits.getdata(path, "GROUP")["bary_end_time"]).all()
        assert np.isnan(fits.getdata(path, "INT_TIMES")["int_mid_BJD_TDB"]).all()
        header = fits.getheader(path)
        assert {"BARTDELT", "BSTRTIME", "HMIDTIME"}.isdisjoint(header)
        assert "TDB-MID" not in fits.getheader(path, "SCI")


def fits_mjd(text: str) -> float:
    from fitsgen.runtime.functions import toMJD

    return toMJD(text)


class TestZeroFrame:
    FRAMES = np.arange(2 * 64 * 32, dtype="uint16").reshape(2, 64, 32)

    def test_is_turned_like_the_others(self, tmp_path: Path, conforms: Conforms) -> None:
        hdu = fits.ImageHDU(self.FRAMES, name="ZEROFRAME")
        path = converted("nircam_image", tmp_path, hdu, ZEROFRAM=True)
        conforms(path)
        found = fits.getdata(path, "ZEROFRAME")
        assert found.dtype == np.dtype("uint16")
        assert np.array_equal(found, self.FRAMES[:, :, ::-1])

    def test_has_no_data_where_none_was_sent(self, tmp_path: Path) -> None:
        path = converted("nircam_image", tmp_path, fits.ImageHDU(self.FRAMES, name="ZEROFRAME"))
        with fits.open(path) as found:
            assert found["ZEROFRAME"].data is None

    def test_must_be_in_the_raw_file(self, tmp_path: Path) -> None:
        with pytest.raises(FitsgenError, match="ZEROFRAME"):
            converted("nircam_image", tmp_path, ZEROFRAM=True)


def test_tables_of_the_guider_come_from_the_raw_file(tmp_path: Path, conforms: Conforms) -> None:
    columns = numpy_types(FACTS["tables"]["POINTING"])
    rows = np.zeros(3, columns)
    rows["time"], rows["HGA_motion"] = [1.0, 2.0, 3.0], b"HGA_STOPPED"
    path = converted("FGS_TRACK", tmp_path, fits.BinTableHDU(rows, name="POINTING"))
    conforms(path)
    with fits.open(path) as found:
        assert found["POINTING"].data["time"].tolist() == [1.0, 2.0, 3.0]
        assert stored_types(found["POINTING"]) == columns
        assert len(found["FGS CENTROID PACKET"].data) == 0


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("FGS_ID-STACK", "jw01234005001_gs-id_1_stacked_uncal.fits"),
        ("FGS_ACQ1", "jw01234005001_gs-acq1_2022182235950_uncal.fits"),
        ("FGS_FINEGUIDE", "jw01234005001_gs-fg_2022182235950_uncal.fits"),
    ],
)
def test_names_of_guide_star_files(mode: str, name: str, tmp_path: Path) -> None:
    assert fits.getheader(converted(mode, tmp_path))["FILENAME"] == name


def test_the_asdf_extension_is_an_empty_tree(tmp_path: Path) -> None:
    found = bytes(fits.getdata(converted("fgs_image", tmp_path), "ASDF")["ASDF_METADATA"][0])
    assert found == b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n%YAML 1.1\n---\n{}\n...\n"


@pytest.mark.filterwarnings("ignore:.*exposure was asked for and not given")
@pytest.mark.parametrize("name", ["nircam_image", "nirspec_ifu", "niriss_image", "fgs_image"])
def test_what_is_not_known_is_left_out(name: str, tmp_path: Path, conforms: Conforms) -> None:
    mode = MODES[name]
    out = fitsgen.convert(
        raw_file(mode, tmp_path), template=mode.file_type, output=tmp_path / "o.fits", frame="dms"
    )
    conforms(out)
    with fits.open(out) as found:
        values = [value for hdu in found for key, value in hdu.header.items() if key]
        assert not {"", "N/A", "UNKNOWN", None} & set(map(str, values))
        assert {"PROGRAM", "OBS_ID", "FILENAME", "TARG_RA"}.isdisjoint(found[0].header)


def test_a_raw_file_has_to_be_turned(tmp_path: Path) -> None:
    mode = MODES["nircam_image"]
    with pytest.raises(FitsgenError) as caught:
        fitsgen.convert(raw_file(mode, tmp_path), mode.data, template=mode.file_type)
    assert any("SUBSTRT1" in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("changed", [{"NGROUPS": 4}, {"SUBSIZE1": 31}, {"TIME_OBS": "25:00:00"}])
def test_what_contradicts_itself_is_told(changed: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(FitsgenError):
        converted("nircam_image", tmp_path, **changed)


@pytest.mark.slow
def test_the_flight_data_models_take_it(made: Path) -> None:
    pytest.importorskip("stdatamodels.jwst.datamodels")
    is_guider = "guider" in MODES[made.parent.name].file_type
    assert_model_takes(made, CLASSES["guider" if is_guider else "uncal"])
