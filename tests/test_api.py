"""The Python interface, the compiled modules, the cache, and that the same gives the same."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from click.testing import CliRunner

import fitsgen
from fitsgen import compiler
from fitsgen.cli import main
from fitsgen.diagnostics import CompileError, GenerateError, InputError, OutputError
from fitsgen.jwst.view import Frame
from fitsgen.runtime import functions
from fitsgen.simulate.raw import Exposure
from fitsgen.simulate.raw import raw as raw_exposure

TEMPLATE = """<<file small>>
<<header primary>>
NINTS    = input('NINT') / integrations
WIDTH    = input('NAXIS1') * param('scale', 1) / columns
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "small.gen.txt"
    path.write_text(TEMPLATE)
    return path


def test_generate_gives_an_hdulist(template: Path, raw: Path) -> None:
    file_type = fitsgen.compile_template(template)
    with file_type.generate(raw, scale=2) as hdulist:
        assert isinstance(hdulist, fits.HDUList)
        assert hdulist[0].header["WIDTH"] == 12
        assert hdulist[0].header.comments["NINTS"] == "integrations"


def test_an_opened_hdulist_is_an_input(template: Path, raw: Path) -> None:
    with fits.open(raw) as hdulist, fitsgen.compile_template(template).generate(hdulist) as made:
        assert made[0].header["NINTS"] == 2


def test_further_fits_files_have_names(tmp_path: Path, raw: Path) -> None:
    path = tmp_path / "dark.gen.txt"
    path.write_text("<<file t>>\n<<header p>>\nA = dark('NINT')\n<<data>>\ndark[0].data\n")
    file_type = fitsgen.compile_template(path)
    with file_type.generate({"dark": raw}) as one, file_type.generate(f"dark={raw}") as other:
        assert one[0].header["A"] == other[0].header["A"] == 2
        assert one[0].data.shape == (6, 8, 6)


@pytest.mark.filterwarnings("ignore:.*obsid was asked for and not given")
def test_a_file_type_is_chosen_for_the_raw_file(tmp_path: Path) -> None:
    path = tmp_path / "raw.fits"
    raw_exposure("miri_lrs", Exposure(1, 2, 40, 32)).writeto(path)
    with pytest.warns(UserWarning, match="note: file type miri_lrs_level1b: 'FITSWriter'") as told:
        made = fitsgen.convert(path, output=tmp_path)
    assert made.name == "raw_miri_lrs_level1b.fits"
    assert told[0].filename == __file__
    with fits.open(path, mode="update") as hdulist:
        del hdulist[0].header["HISTORY"]
    with pytest.raises(InputError, match="no kind of raw file"):
        fitsgen.convert(path, output=tmp_path)


@pytest.mark.parametrize("frame", ["dms", Frame.DMS])
def test_pixels_are_turned_to_the_science_frame(frame: Frame | str, tmp_path: Path) -> None:
    path, template = tmp_path / "raw.fits", tmp_path / "t.gen.txt"
    raw_exposure("nirspec_ifu", Exposure(1, 1, 8, 6)).writeto(path)
    template.write_text("<<file t>>\n<<header p>>\n<<data>>\ninput[0].data\n")
    pixels = fits.getdata(path)
    made = fitsgen.convert(path, template=template, output=tmp_path / "o.fits", frame=frame)
    assert (fits.getdata(made) == pixels.swapaxes(-1, -2)).all()
    made = fitsgen.convert(path, template=template, output=tmp_path / "p.fits", frame="detector")
    assert (fits.getdata(made) == pixels).all()


def test_a_window_is_cut_in_the_science_frame(tmp_path: Path) -> None:
    path, template = tmp_path / "raw.fits", tmp_path / "t.gen.txt"
    raw_exposure("nirspec_ifu", Exposure(1, 1, 2048, 2048)).writeto(path)
    template.write_text("<<file t>>\n<<header p>>\nSUBARRAY = input()\n<<data>>\ninput[0].data\n")
    made = fitsgen.convert(path, template=template, output=tmp_path, subarray="SUB2048")
    assert fits.getheader(made)["SUBARRAY"] == "SUB2048"
    # Rows 1044 to 1075 of the science frame are columns of the detector's.
    assert (fits.getdata(made)[0] == fits.getdata(path)[0].T[1043:1075]).all()
    with pytest.raises(InputError, match="NIRSPEC has no window 'SUB1'"):
        fitsgen.convert(path, template=template, output=tmp_path / "o.fits", subarray="SUB1")


def test_a_frame_that_there_is_not(template: Path, raw: Path) -> None:
    with pytest.raises(ValueError, match="frame is 'science': expected 'detector' or 'dms'"):
        fitsgen.convert(raw, template=template, output=raw.parent, frame="science")


def test_problems_come_with_the_exception(tmp_path: Path, template: Path, raw: Path) -> None:
    bad = tmp_path / "bad.gen.txt"
    bad.write_text("<<file bad>>\n<<header p>>\na = 1\nB = (1\n")
    with pytest.raises(CompileError) as compile_error:
        fitsgen.compile_template(bad)
    assert [p.position.line for p in compile_error.value.problems if p.position] == [3, 4]
    with pytest.raises(InputError):
        fitsgen.convert("missing.fits", template=template)
    with pytest.raises(GenerateError, match="primary WIDTH"):
        fitsgen.convert(raw, template=template, output=tmp_path, parameters={"scale": None})
    with pytest.raises(OutputError, match="exists"):
        fitsgen.convert(raw, template=template, output=raw.with_name("small.gen.txt"))


def test_a_logical_with_a_minus_is_an_integer(template: Path, raw: Path, tmp_path: Path) -> None:
    template.write_text("<<file small>>\n<<header primary>>\nA = -(1 < 2)\n")
    made = fitsgen.convert(raw, template=template, output=tmp_path / "out.fits")
    assert fits.getval(made, "A") == -1


def test_wrong_checks_are_told_before_a_file_is_written(
    template: Path, raw: Path, tmp_path: Path
) -> None:
    template.with_name("small.val.txt").write_text("<<file small>>\n<<header primary>>\nA = x ==\n")
    out = tmp_path / "out.fits"
    with pytest.raises(CompileError, match="not a Python expression"):
        fitsgen.convert(raw, template=template, output=out)
    result = CliRunner().invoke(main, ["convert", str(raw), "-t", str(template), "-o", str(out)])
    assert (result.exit_code, out.exists()) == (1, False)
    assert fitsgen.convert(raw, template=template, output=out, verified=False).exists()


def test_a_compiled_module_tells_template_lines(tmp_path: Path, raw: Path) -> None:
    part = tmp_path / "part.gen.inc"
    part.write_text("A = 1 // (input('NINT') - 2) / zero\n".replace("//", "%"))
    path = tmp_path / "t.gen.txt"
    path.write_text('<<file t>>\n<<header p>>\n#include "part.gen.inc"\nB = [][1] / index\n')
    out = tmp_path / "elsewhere"
    out.mkdir()
    module = out / "t.py"
    result = CliRunner().invoke(main, ["compile", str(path), "-o", str(module)])
    assert result.exit_code == 0, result.output
    with pytest.raises(GenerateError) as error:
        fitsgen.compile_template(module).generate(raw)
    first, second = error.value.problems
    assert str(first.position).startswith("part.gen.inc:1")
    assert [str(place) for place in first.position.chain] == ["t.gen.txt:3"]  # type: ignore[union-attr]
    assert str(second.position).startswith("t.gen.txt:4")


def test_an_imported_module_makes_files(tmp_path: Path, template: Path, raw: Path) -> None:
    module = tmp_path / "small.py"
    CliRunner().invoke(main, ["compile", str(template), "-o", str(module)])
    spec = importlib.util.spec_from_file_location("small", module)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    with loaded.FILE.generate(raw) as made:
        assert made[0].header["NINTS"] == 2


def test_a_module_of_another_format_is_refused(tmp_path: Path) -> None:
    module = tmp_path / "old.py"
    module.write_text("from fitsgen.runtime import FileType\nFILE = FileType('old', format=0)\n")
    with pytest.raises(CompileError, match="compile the template again"):
        fitsgen.compile_template(module)


def test_warnings_of_the_compiler_are_warnings(tmp_path: Path, raw: Path) -> None:
    path = tmp_path / "t.gen.txt"
    path.write_text("<<file t>>\n<<header p>>\nA = 1\nA = 2\n")
    for _ in range(2):  # the second time from the cache
        with pytest.warns(UserWarning, match="A is defined again"):
            fitsgen.compile_template(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("np.sqrt(np.float64(-1.0)) or 1", "invalid value"),
        ("np.array([300]).astype('uint8')[0] + np.uint8(250)", "overflow"),
    ],
)
def test_warnings_of_numpy_are_told(text: str, message: str, tmp_path: Path, raw: Path) -> None:
    path = tmp_path / "t.gen.txt"
    path.write_text(f"<<file t>>\n<<header p>>\nA = {text}\n")
    result = CliRunner().invoke(main, ["convert", str(raw), "-t", str(path), "-o", str(tmp_path)])
    assert f"warning: p A: {message}" in result.output
    assert f"{path}:3:5" not in result.output or message in result.output


def test_the_name_of_each_file_is_filled_in(raw: Path, tmp_path: Path) -> None:
    from fitsgen.runtime.convert import Options, convert

    path = tmp_path / "t.gen.txt"
    path.write_text("<<file t>>\n<<header p>>\nFILENAME = / name\n")
    file_type = fitsgen.compile_template(path)
    for name in ("one.fits", "two.fits"):
        made = convert(file_type, [raw], {}, Options(tmp_path / name)).path
        assert fits.getval(made, "FILENAME") == name


def test_times_and_quantities_become_cards(tmp_path: Path) -> None:
    from fitsgen.runtime import HDU, Card, FileType
    from fitsgen.runtime.declare import FORMAT

    cards = (
        Card("LENGTH", lambda: 3 * units.m, "a length"),
        Card("TIME", lambda: Time("2022-05-14T18:15:25.425"), "a time"),
        Card("NUMPY", lambda: np.int64(2**62), "an integer"),
    )
    with FileType("t", HDU("p", *cards), format=FORMAT).generate() as made:
        header = made[0].header
        assert (header["LENGTH"], header.comments["LENGTH"]) == (3, "[m] a length")
        assert header["TIME"] == "2022-05-14T18:15:25.425"
        assert header["NUMPY"] == 2**62


def test_an_astropy_table_becomes_a_table(tmp_path: Path) -> None:
    from fitsgen.runtime import HDU, FileType
    from fitsgen.runtime.declare import FORMAT

    table = Table({"a": [1, 2], "b": [1.5, 2.5] * units.s, "c": ["x", "yz"]})
    with FileType("t", HDU("p"), HDU("t", data=lambda: table), format=FORMAT).generate() as made:
        assert made[1].data["a"].tolist() == [1, 2]
        assert made[1].columns["b"].unit == "s"
        assert made[1].data["c"].tolist() == ["x", "yz"]


@pytest.mark.parametrize("iso", ["2013-02-01T12:30:00.123", "1998-12-30T23:59:59", "2022-05-14"])
def test_mjd_agrees_with_astropy(iso: str) -> None:
    assert functions.toMJD(iso) == pytest.approx(Time(iso, scale="utc").mjd, abs=2e-11)


def test_fits_times_there_and_back() -> None:
    text = "2022-05-14T18:15:25.425"
    assert functions.tofitstime(functions.fromfitstime(text)) == text


def test_cds_packs_three_fields() -> None:
    packed = functions.date_and_time_to_cds("1970-01-03", "00:00:01.002003")
    assert (packed >> 48, packed >> 16 & 0xFFFFFFFF, packed & 0xFFFF) == (2, 1002, 3)


def test_the_cache_follows_every_file(tmp_path: Path, raw: Path) -> None:
    (tmp_path / "sub").mkdir()
    path, part = tmp_path / "t.gen.txt", tmp_path / "sub" / "part.gen.inc"
    path.write_text('<<file t>>\n<<header p>>\n#include "part.gen.inc"\n')
    part.write_text("A = 1\n")

    def value() -> object:
        file_type = fitsgen.compile_template(path, include=[tmp_path / "sub"])
        with file_type.generate(raw) as made:
            return made[0].header["A"]

    assert value() == 1
    part.write_text("A = 2\n")
    assert value() == 2
    # An include nearer to the template now stands before the one found so far.
    (tmp_path / "part.gen.inc").write_text("A = 3\n")
    assert value() == 3


def test_a_damaged_cache_is_done_without(template: Path, raw: Path) -> None:
    fitsgen.compile_template(template)
    for kept in Path(os.environ["FITSGEN_CACHE"]).iterdir():
        kept.write_bytes(b"nonsense")
    with fitsgen.compile_template(template).generate(raw) as made:
        assert made[0].header["NINTS"] == 2


def test_a_cache_that_others_can_write_is_not_used(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o777)
    monkeypatch.setenv("FITSGEN_CACHE", str(directory))
    fitsgen.compile_template(template)
    assert list(directory.iterdir()) == []


def test_the_same_gives_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    """Whatever the directory, the hash seed, the time zone and the cache."""
    made = set()
    modules = set()
    for number, zone in enumerate(("UTC", "Asia/Tokyo")):
        directory = tmp_path / str(number)
        directory.mkdir()
        environment = {
            **os.environ,
            "SOURCE_DATE_EPOCH": "1700000000",
            "PYTHONHASHSEED": str(number),
            "TZ": zone,
        }
        run = [sys.executable, "-m", "fitsgen"]
        convert = ["convert", "../raw.fits", "-t", "nirspec_ifu_level1b", "--checksum"]
        for command in ([*convert, "-o", "out.fits"], ["compile", "nirspec_ifu_level1b"]):
            subprocess.run(
                [*run, *command], cwd=directory, env=environment, check=True, capture_output=True
            )
        made.add((directory / "out.fits").read_bytes())
        modules.add((directory / "nirspec_ifu_level1b.py").read_bytes())
    assert len(made) == len(modules) == 1


def test_compiled_twice_is_the_same_text() -> None:
    path = compiler.library.find("nircam_level1b")
    texts = {compiler.module_text(compiler.check(path, compiler.reader())) for _ in range(3)}
    assert len(texts) == 1


def test_gzip_inputs_are_read(raw: Path, template: Path, tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "packed.fits.gz"
    packed.write_bytes(gzip.compress(raw.read_bytes()))
    out = fitsgen.convert(packed, template=template, output=tmp_path)
    assert out.name == "packed_small.fits"


def test_list_and_check_speak_json(tmp_path: Path) -> None:
    import json

    listed = json.loads(CliRunner().invoke(main, ["list", "--format", "json"]).output)
    assert {"nirspec_ifu_level1b", "nircam_level1b"} <= {entry["name"] for entry in listed}
    assert all(entry["summary"] for entry in listed)
    bad = tmp_path / "bad.gen.txt"
    bad.write_text("<<file bad>>\n<<header p>>\na = 1\n")
    result = CliRunner().invoke(main, ["check", "--format", "json", str(bad)])
    (problem,) = json.loads(result.output)
    assert (problem["line"], problem["column"], problem["severity"]) == (3, 1, "error")
    assert result.exit_code == 1


def test_nothing_warns_in_the_library(raw: Path, guitarra: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitsgen.compile_template("nirspec_ifu_level1b").generate(raw).close()
        fitsgen.compile_template("nircam_level1b").generate(guitarra).close()


def test_compile_never_writes_over_what_it_did_not_write(template: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(main, ["compile", str(template), "-o", str(template), "--overwrite"])
    assert result.exit_code == 1
    assert "is an input" in result.output
    assert template.read_text() == TEMPLATE
    other = tmp_path / "mine.py"
    other.write_text("x = 1\n")
    assert runner.invoke(main, ["compile", str(template), "-o", str(other)]).exit_code == 1
    assert other.read_text() == "x = 1\n"
    for _ in range(2):  # its own module is replaced
        module = tmp_path / "small.py"
        assert runner.invoke(main, ["compile", str(template), "-o", str(module)]).exit_code == 0


def test_data_that_others_read_cannot_be_changed(tmp_path: Path, raw: Path) -> None:
    path = tmp_path / "t.gen.txt"
    path.write_text(
        "<<file t>>\n<<header p>>\nBITPIX = 16\n<<data>>\nnp.arange(4)\n<<header s>>\n<<data>>\n"
        "[np.add(output['p'].data, 40000, output['p'].data), np.arange(3)][1]\n"
    )
    with pytest.raises(CompileError, match="takes at most 2 arguments"):
        fitsgen.compile_template(path)
