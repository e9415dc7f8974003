"""The reference file types: what they make of maps is what the calibration pipeline reads.

In: maps of small windows (`references.py`), and facts of the pipeline's data models and of what
CRDS finds files by (`data/reference_facts.json`). The slow tests ask stdatamodels and crds
themselves, where they are installed.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA, PEAK, Conforms
from models import assert_certified, assert_model_takes, stored_types
from references import (
    ABOUT,
    CASES,
    FILE_TYPES,
    READOUT,
    TABLES,
    VECTOR,
    WINDOWS,
    converted,
    made,
    maps,
    photometry,
)

import fitsgen
from fitsgen import compiler
from fitsgen.diagnostics import FitsgenError
from fitsgen.model import FileType

ROOT = Path(__file__).parent.parent
FACTS = json.loads((DATA / "reference_facts.json").read_text())
NAMES = [*FILE_TYPES, "refpix"]
FLAGS = [
    ("BIT", np.dtype("int32")),
    ("VALUE", np.dtype("uint32")),
    ("NAME", np.dtype("S40")),
    ("DESCRIPTION", np.dtype("S80")),
]


@functools.cache
def _made(name: str, instrument: str, directory: Path) -> Path:
    (directory / instrument).mkdir(parents=True, exist_ok=True)
    return made(name, instrument, directory / instrument)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where files are made that many tests look at, each once."""
    return tmp_path_factory.mktemp("references")


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, place: Path) -> tuple[str, str, Path]:
    """A file type, an instrument, and a file of it."""
    name, instrument = request.param
    return name, instrument, _made(name, instrument, place)


@functools.cache
def checked(name: str) -> FileType:
    found = compiler.check(ROOT / "templates" / name, compiler.reader())
    assert found.problems == ()
    return found.file_type


def test_there_are_the_file_types_of_the_facts() -> None:
    paths = ROOT.glob("templates/reference_*.gen.txt")
    found = {path.name.removeprefix("reference_").removesuffix(".gen.txt") for path in paths}
    assert found == set(NAMES) == set(FACTS["models"])


@pytest.mark.parametrize("name", NAMES)
def test_every_keyword_has_a_check_and_every_check_a_keyword(name: str) -> None:
    generated = checked(f"reference_{name}.gen.txt")
    rules = checked(f"reference_{name}.val.txt")
    assert (generated.name, rules.name) == (f"reference_{name}", f"reference_{name}")
    assert rules.summary == f"Checks of {generated.summary}"
    ruled = {(hdu.name, card.keyword) for hdu in rules.hdus for card in hdu.cards()}
    for hdu in generated.hdus:
        for card in hdu.cards():
            fixed = card.expression is None or card.expression.is_constant  # checked as such
            assert fixed or card.keyword == "HISTORY" or (hdu.name, card.keyword) in ruled
            assert len(card.comment) <= 47, card.position
    own = (ROOT / "templates" / f"reference_{name}.val.txt").read_text()
    structural = r"(BITPIX|BZERO|NAXIS\d?|T(TYPE|FORM)\d)$"
    written = {card.keyword for hdu in generated.hdus for card in hdu.cards()}
    named = set(re.findall(r"^([A-Z]\S*) *\?=", own, re.M))
    assert {key for key in named - written if not re.match(structural, key)} == set()
    assert {hdu.name for hdu in rules.hdus} >= {hdu.name for hdu in generated.hdus}


class TestEachFile:
    def test_it_conforms(self, case: tuple[str, str, Path], conforms: Conforms) -> None:
        name, _, path = case
        conforms(path)
        assert fitsgen.verify(path, template=f"reference_{name}") == []

    def test_nothing_is_undefined_or_a_placeholder(self, case: tuple[str, str, Path]) -> None:
        with fits.open(case[2]) as found:
            for hdu in found:
                for key, value in hdu.header.items():
                    known = not isinstance(value, fits.card.Undefined) and value != ""
                    assert known or key in ("", "COMMENT"), key

    def test_its_arrays_are_of_the_types_of_the_data_model(
        self, case: tuple[str, str, Path]
    ) -> None:
        name, _, path = case
        model = FACTS["models"][name]
        with fits.open(path) as found:
            assert found[0].header["DATAMODL"] == model["class"]
            assert {hdu.name for hdu in found[1:]} - {"DQ_DEF"} == set(model["arrays"])
            for hdu_name, wanted in model["arrays"].items():
                assert_type(found[hdu_name], wanted)
            assert ("DQ_DEF" in found) == ("DQ" in found)
            if "DQ_DEF" in found:
                assert stored_types(found["DQ_DEF"]) == FLAGS

    def test_it_has_what_crds_finds_it_by(self, case: tuple[str, str, Path]) -> None:
        name, instrument, path = case
        header = fits.getheader(path)
        kind = name.partition("_")[0]
        assert header["REFTYPE"] == kind.upper()
        by = FACTS["parkeys"][kind][instrument].split()
        assert set(by) <= set(header)
        # Those of the mappings that go with simulated exposures.
        assert {"EXP_TYPE", "READPATT", "SUBARRAY"} <= set(header)
        required = "TELESCOP INSTRUME DETECTOR AUTHOR DESCRIP PEDIGREE USEAFTER HISTORY".split()
        assert set(required) <= set(header)


def assert_type(hdu: fits.ImageHDU | fits.BinTableHDU, wanted: object) -> None:
    """Fail unless the stored type is that of a schema: a name, with axes, or columns."""
    match wanted:
        case str(kind):
            assert hdu.data.dtype.name == kind, hdu.name
        case [str(kind), int(axes)]:
            assert (hdu.data.dtype.name, hdu.data.ndim) == (kind, axes), hdu.name
        case [*columns]:
            found = hdu.columns.dtype
            assert list(found.names) == [column[0] for column in columns]
            for name, kind, *axes in columns:
                base, shape = found[name].base.newbyteorder("="), found[name].shape
                assert len(shape) == (axes[0] if axes else 0), name
                text = isinstance(kind, list)
                assert base == np.dtype(f"S{kind[1]}" if text else kind) or unsigned(
                    hdu, name, kind
                ), name


def unsigned(hdu: fits.BinTableHDU, name: str, kind: str) -> bool:
    """Whether a column is of an unsigned type, which FITS stores with an offset."""
    return bool(hdu.data[name].dtype == np.dtype(kind))


class TestMaps:
    """Pixels are those of the maps."""

    @pytest.mark.parametrize("instrument", WINDOWS)
    def test_of_a_mask(self, instrument: str, place: Path) -> None:
        mask = maps(instrument)["MASK"].data
        with fits.open(_made("mask", instrument, place)) as found:
            assert np.array_equal(found["DQ"].data, mask)
            assert found[0].header["BPCOUNT"] == np.count_nonzero(mask)
            table = found["DQ_DEF"].data
            assert table["VALUE"].tolist() == [1 << int(bit) for bit in table["BIT"]]
            names = dict(zip(table["BIT"].tolist(), table["NAME"], strict=True))
            told = {0: "DO_NOT_USE", 10: "DEAD", 11: "HOT", 31: "REFERENCE_PIXEL"}
            assert {bit: names[bit] for bit in told} == told
            window = WINDOWS[instrument]
            corner = (found[0].header["SUBSTRT1"], found[0].header["SUBSTRT2"])
            size = (found[0].header["SUBSIZE1"], found[0].header["SUBSIZE2"])
            assert (corner, size) == (window.corner, (window.columns, window.rows))

    @pytest.mark.parametrize(
        ("name", "hdu", "source"),
        [
            ("saturation", "SCI", "SATURATION"),
            ("superbias", "SCI", "BIAS"),
            ("linearity", "COEFFS", "COEFFS"),
            ("gain", "SCI", "GAIN"),
            ("readnoise", "SCI", "READNOISE"),
            ("dark_nirspec", "DRK", "DARK"),
        ],
    )
    def test_of_others(self, name: str, hdu: str, source: str, place: Path) -> None:
        found = fits.getdata(_made(name, "NIRSPEC", place), hdu)
        assert np.array_equal(found, maps("NIRSPEC")[source].data)

    @pytest.mark.parametrize(
        ("name", "instrument"),
        [("dark", "NIRCAM"), ("dark_nirspec", "NIRSPEC"), ("dark_miri", "MIRI")],
    )
    def test_a_dark_counts_the_frames_since_the_reset(
        self, name: str, instrument: str, place: Path
    ) -> None:
        rate, frame, times = maps(instrument)["DARK"].data, 0, []
        for group in range(READOUT["NGROUPS"]):
            frame += READOUT["GROUPGAP"] * (group > 0)
            frames = [frame + number + 1 for number in range(READOUT["NFRAMES"])]
            frame = frames[-1]
            times.append(np.mean(frames) * READOUT["TFRAME"])
        wanted = rate * np.array(times)[:, None, None]
        with fits.open(_made(name, instrument, place)) as found:
            data, flags = found["SCI"].data, found["DQ"].data
            if name == "dark_miri":
                assert data.shape == (READOUT["NINTS"], *wanted.shape)
                assert flags.shape == (READOUT["NINTS"], 1, *rate.shape)
            np.testing.assert_allclose(data, np.broadcast_to(wanted, data.shape), rtol=1e-6)
            assert not found["ERR"].data.any()
            assert found["ERR"].data.shape == data.shape
            assert not flags.any()

    def test_a_reset_is_the_bias_in_every_group(self, place: Path) -> None:
        found = fits.getdata(_made("reset", "MIRI", place), "SCI")
        assert found.shape == (READOUT["NINTS"], READOUT["NGROUPS"], 64, 72)
        assert np.array_equal(found, np.broadcast_to(maps("MIRI")["BIAS"].data, found.shape))

    @pytest.mark.parametrize("instrument", ["NIRCAM", "MIRI"])
    def test_an_area_is_of_a_full_frame(self, instrument: str, place: Path) -> None:
        with fits.open(_made("area", instrument, place)) as found:
            shape = (1024, 1032) if instrument == "MIRI" else (2048, 2048)
            assert found["SCI"].data.shape == shape
            assert (found["SCI"].data == 1).all()
            area = 8.6e-6 * 8.7e-6 * 3600**2
            assert found[0].header["PIXAR_A2"] == pytest.approx(area)
            assert found[0].header["PIXAR_SR"] == pytest.approx(np.deg2rad(1 / 3600) ** 2 * area)

    @pytest.mark.parametrize(
        ("name", "source", "data"),
        [
            ("flat", "FLAT", np.linspace(0.9, 1.1, 64 * 72).reshape(64, 72)),
            ("area", "AREA", np.linspace(0.9, 1.1, 1024 * 1032).reshape(1024, 1032)),
            ("ipc", "IPC", np.array([[0, 0.01, 0], [0.01, 0.96, 0.01], [0, 0.01, 0]])),
            ("lastframe", "LASTFRAME", np.linspace(-1, 0, 64 * 72).reshape(64, 72)),
            ("reset", "RESET", np.linspace(0, 9, 4 * 64 * 72).reshape(4, 64, 72)),
        ],
    )
    def test_what_a_simulation_need_not_have(
        self, name: str, source: str, data: np.ndarray, tmp_path: Path
    ) -> None:
        given = maps("MIRI")
        given.append(fits.ImageHDU(data, name=source))
        found = fits.getdata(converted(name, given, tmp_path), "SCI")
        assert np.array_equal(found, np.broadcast_to(data.astype("float32"), found.shape))

    def test_without_them(self, place: Path) -> None:
        def pixels(name: str) -> np.ndarray:
            return fits.getdata(_made(name, "MIRI", place), "SCI")

        assert (pixels("flat") == 1).all()
        assert not pixels("lastframe").any()
        assert pixels("ipc").tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
        rows = fits.getdata(_made("rscd", "MIRI", place), "RSCD_GROUP_SKIP")
        assert [tuple(row) for row in rows] == [("SUB64", "FASTR1", 0, 0)]


class TestTables:
    def test_rscd(self, tmp_path: Path) -> None:
        rows = np.array(
            [("FULL", "FASTR1", 4, 3), ("SUB64", "SLOWR1", 1, 0)],
            [("subarray", "S5"), ("readpatt", "S6"), ("group_skip1", "i2"), ("group_skip", "i8")],
        )
        given = maps("MIRI")
        given.append(fits.BinTableHDU(rows, name="RSCD"))
        found = fits.getdata(converted("rscd", given, tmp_path), "RSCD_GROUP_SKIP")
        wanted = [("FULL", "FASTR1", 4, 3), ("SUB64", "SLOWR1", 1, 0)]
        assert [tuple(row) for row in found] == wanted

    @pytest.mark.parametrize("name", TABLES)
    def test_photometry_with_vectors(self, name: str, place: Path) -> None:
        wanted = photometry(*TABLES[name]).data
        with fits.open(_made(name, FILE_TYPES[name][0], place)) as found:
            table = found["PHOTOM"].data
            assert table["wavelength"].shape == (2, VECTOR)
            for column in table.names:
                same = wanted[column].astype(table[column].dtype)
                assert np.array_equal(table[column], same), column

    @pytest.mark.parametrize("name", ["photom_nircam", "photom_miri", "photom_fgs"])
    def test_photometry_of_images(self, name: str, place: Path, tmp_path: Path) -> None:
        instrument = FILE_TYPES[name][0]
        through = {"photom_nircam": ["F200W", "CLEAR"], "photom_miri": ["F770W", "SUB64"]}
        (row,) = fits.getdata(_made(name, instrument, place), "PHOTOM")
        assert [*row][:-1] == [*through.get(name, []), np.float32(0.5)]
        assert np.isnan(row["uncertainty"])
        given = maps(instrument)
        given.append(photometry("filter", "pupil", "subarray"))
        rows = fits.getdata(converted(name, given, tmp_path), "PHOTOM")
        assert rows["photmjsr"].tolist() == [np.float32(0.3), np.float32(0.4)]

    @pytest.mark.parametrize("name", ["photom_niriss", "photom_soss"])
    def test_photometry_is_not_made_up(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(FitsgenError, match="PHOT"):
            converted(name, maps("NIRISS"), tmp_path)
        assert not [*tmp_path.iterdir()]


class TestReferencePixels:
    """The table of NIRSpec's IRS2 readout: 93 MB."""

    def test_rows_and_weights(
        self, tmp_path: Path, conforms: Conforms, record_property: Callable[[str, object], None]
    ) -> None:
        given = maps("NIRSPEC")
        given[0].header["READPATT"] = "NRSIRS2RAPID"
        given.writeto(tmp_path / "maps.fits")
        out = tmp_path / "refpix.fits"
        code = (
            "import sys\nfrom fitsgen import convert\n"
            "convert(*sys.argv[1:3], template='reference_refpix', output=sys.argv[3])\n"
            f"print({PEAK})"
        )
        command = [sys.executable, "-c", code, tmp_path / "maps.fits", ABOUT, out]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        megabytes = int(told.splitlines()[-1]) / 1024
        record_property("figure", f"IRS2 reference pixels, 93 MB: made in {megabytes:.0f} MiB")
        assert megabytes < 100
        conforms(out)
        assert fitsgen.verify(out, template="reference_refpix") == []
        with fits.open(out) as found:
            for name in ("IRS2", "DQ"):
                assert_type(found[name], FACTS["models"]["refpix"]["arrays"][name])
            table = found["IRS2"].data
            assert len(table) == 2_916_352
            for number in range(4):
                alpha = table[f"alpha_{number}"]
                assert (alpha[::2] == 1).all()
                assert not alpha[1::2].any()
                assert not table[f"beta_{number}"].any()
            pairs = [(output, odd) for output in (1, 2, 3, 4) for odd in (1, 2)]
            assert [(row["OUTPUT"], row["ODD_EVEN"]) for row in found["DQ"].data] == pairs

    def test_only_of_its_readout(self, tmp_path: Path) -> None:
        with pytest.raises(FitsgenError, match="READPATT is 'NRSRAPID'"):
            converted("refpix", maps("NIRSPEC"), tmp_path)


@pytest.mark.parametrize("key", ["AUTHOR", "DESCRIP", "PEDIGREE", "USEAFTER"])
def test_who_made_it_has_to_be_told(key: str, tmp_path: Path) -> None:
    about = tmp_path / "about.dat"
    about.write_text(re.sub(rf"^{key}.*\n", "", ABOUT.read_text(), flags=re.M))
    with pytest.raises(FitsgenError, match=key):
        converted("gain", maps("FGS"), tmp_path, about)


def test_what_is_not_known_is_absent(tmp_path: Path) -> None:
    changed = dict.fromkeys(["CDELT1", "FILTER", "PUPIL", "NOUTPUTS"])
    for name in ("flat", "area", "superbias"):
        header = fits.getheader(converted(name, maps("NIRCAM"), tmp_path, **changed))
        assert {"PUPIL", "PIXAR_SR", "PIXAR_A2", "NOUTPUTS", "GRATING"}.isdisjoint(header)


def set_key(key: str, value: object, hdu: int | str = 0) -> Callable[[fits.HDUList], None]:
    def change(hdulist: fits.HDUList) -> None:
        hdulist[hdu].header[key] = value

    return change


def drop(hdu: str) -> Callable[[fits.HDUList], None]:
    return lambda hdulist: hdulist.pop(hdulist.index_of(hdu))


def set_pixel(hdu: str, value: float) -> Callable[[fits.HDUList], None]:
    def change(hdulist: fits.HDUList) -> None:
        hdulist[hdu].data = hdulist[hdu].data.copy()
        hdulist[hdu].data[..., 5, 7] = value

    return change


def widen(hdu: str, kind: str) -> Callable[[fits.HDUList], None]:
    def change(hdulist: fits.HDUList) -> None:
        name, number = hdulist[hdu].name, hdulist.index_of(hdu)
        hdulist[number] = fits.ImageHDU(hdulist[hdu].data.astype(kind), name=name)

    return change


def less(hdu: str) -> Callable[[fits.HDUList], None]:
    """Take away the first of the last axis but two, or of a table the last row."""

    def change(hdulist: fits.HDUList) -> None:
        data = hdulist[hdu].data
        hdulist[hdu].data = data[..., 1:, :, :] if data.ndim > 2 else data[:-1]

    return change


def rename(column: int, name: str, hdu: int | str = 1) -> Callable[[fits.HDUList], None]:
    return set_key(f"TTYPE{column}", name, hdu)


def set_value(column: str, value: object, hdu: str = "PHOTOM") -> Callable[[fits.HDUList], None]:
    def change(hdulist: fits.HDUList) -> None:
        hdulist[hdu].data[column][0] = value

    return change


# What crds certify and the pipelines pass over, most of it.
WRONG = {
    "a flag more than counted": ("mask", set_pixel("DQ", 2), "BPCOUNT"),
    "a wrong count": ("mask", set_key("BPCOUNT", 3), "BPCOUNT"),
    "no definitions of flags": ("mask", drop("DQ_DEF"), "DQ_DEF"),
    "a flag without a definition": ("mask", less("DQ_DEF"), "EXTNAME"),
    "a value that is not 2 to the bit": ("mask", set_value("VALUE", 8, "DQ_DEF"), "TTYPE2"),
    "a flag of another's name": ("mask", set_value("NAME", "HOT", "DQ_DEF"), "TTYPE3"),
    "another class": ("mask", set_key("DATAMODL", "DarkModel"), "DATAMODL"),
    "another type": ("gain", set_key("REFTYPE", "READNOISE"), "REFTYPE"),
    "another telescope": ("gain", set_key("TELESCOP", "HST"), "TELESCOP"),
    "another detector": ("gain", set_key("DETECTOR", "NRS1"), "DETECTOR"),
    "signed flags": ("mask", widen("DQ", "int32"), "BZERO"),
    "no author": ("gain", set_key("AUTHOR", ""), "AUTHOR"),
    "a pedigree that is none": ("gain", set_key("PEDIGREE", "TEST"), "PEDIGREE"),
    "a date without a time": ("gain", set_key("USEAFTER", "2022-01-01"), "USEAFTER"),
    "a window beyond the detector": ("gain", set_key("SUBSTRT1", 2300), "SUBSTRT1"),
    "another size": ("linearity", set_key("SUBSIZE1", 63), "SUBSIZE1"),
    "a size as a float": ("saturation", set_key("SUBSIZE2", 64.0), "SUBSIZE2"),
    "two slow axes": ("gain", set_key("SLOWAXIS", 1), "SLOWAXIS"),
    "a full frame that is none": ("gain", set_key("SUBARRAY", "FULL"), "SUBARRAY"),
    "groups that differ": ("dark", set_key("NGROUPS", 5), "NGROUPS"),
    "a group less": ("dark", less("SCI"), "NGROUPS"),
    "errors of another shape": ("dark", less("ERR"), "NAXIS3"),
    "no gap": ("dark", lambda hdulist: hdulist[0].header.remove("GROUPGAP"), "GROUPGAP"),
    "a dark that is no number": ("dark", set_pixel("SCI", np.nan), "EXTNAME"),
    "64-bit pixels": ("dark", widen("SCI", "float64"), "BITPIX"),
    "no dark rate": ("dark_nirspec", drop("DRK"), "DRK"),
    "flags without integrations": ("dark_miri", widen("DQ", "int16"), "B"),
    "another class of darks": ("dark_miri", set_key("DATAMODL", "DarkModel"), "DATAMODL"),
    "integrations that differ": ("reset", set_key("NINTS", 1), "NINTS"),
    "electrons": ("gain", set_key("BUNIT", "ELECTRONS", "SCI"), "BUNIT"),
    "a gain of nothing": ("gain", set_pixel("SCI", 0), "EXTNAME"),
    "noise below nothing": ("readnoise", set_pixel("SCI", -1), "EXTNAME"),
    "no errors": ("superbias", drop("ERR"), "ERR"),
    "a flat of zeros": ("flat", set_pixel("SCI", 0), "EXTNAME"),
    "areas that differ": ("area", set_key("PIXAR_A2", 0.1), "PIXAR_A2"),
    "a column of another name": ("photom_soss", rename(7, "wave"), "TTYPE7"),
    "more wavelengths than there are": ("photom_soss", set_value("nelem", 6), "TTYPE6"),
    "a conversion to nothing": ("photom_nircam", set_value("photmjsr", 0), "TTYPE3"),
    "groups that cannot be": (
        "rscd",
        set_value("group_skip", -1, "RSCD_GROUP_SKIP"),
        "TTYPE4",
    ),
    "charge out of nothing": (
        "ipc",
        lambda hdulist: hdulist["SCI"].data.__setitem__((0, 0), 0.5),
        "EXTNAME",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_found(what: str, place: Path, tmp_path: Path) -> None:
    name, change, keyword = WRONG[what]
    path = tmp_path / "wrong.fits"
    with fits.open(_made(name, FILE_TYPES[name][0], place)) as hdulist:
        change(hdulist)
        hdulist.writeto(path)
    found = fitsgen.verify(path, template=f"reference_{name}")
    assert any(keyword in problem.message for problem in found), [one.message for one in found]


@pytest.mark.slow
def test_the_data_models_take_it(case: tuple[str, str, Path]) -> None:
    pytest.importorskip("stdatamodels.jwst.datamodels")
    assert_model_takes(case[2], fits.getheader(case[2])["DATAMODL"])


@pytest.mark.slow
@pytest.mark.parametrize("instrument", WINDOWS)
def test_crds_certifies_them(instrument: str, place: Path, tmp_path: Path) -> None:
    pytest.importorskip("crds")
    from fitsgen.simulate import crds

    window = WINDOWS[instrument]
    names = [name for name, found in FILE_TYPES.items() if instrument in found]
    paths = {name: _made(name, instrument, place) for name in names}
    use = (window.detector, window.exp_type, window.readpatt, window.subarray)
    kinds = {name.partition("_")[0]: path for name, path in paths.items()}
    crds.add(tmp_path, crds.Use(instrument, *use), kinds)
    assert_certified(list(kinds.values()), tmp_path)
    if others := set(paths.values()) - set(kinds.values()):
        # Of a kind that an exposure takes one of: the mappings have no place for a second.
        assert_certified(sorted(others), tmp_path, "--dont-check-rmap-updates")
