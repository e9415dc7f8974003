"""What a file was made from: recorded, read again, and the file made again from it."""

from __future__ import annotations

import datetime
import gzip
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import fitsgen
from fitsgen.cli import main
from fitsgen.diagnostics import FitsgenError, OutputError
from fitsgen.literals import Unordered, literal, value_of
from fitsgen.provenance import conversion, recording
from fitsgen.provenance.cards import BEGIN, END, WIDTH, record_among, texts
from fitsgen.provenance.record import (
    MAX_SIZE,
    Asked,
    File,
    Include,
    Record,
    from_json,
    plain,
    record_of,
    to_json,
)

Conforms = Callable[[Path], None]

# A record

# Paths with bytes that are no UTF-8 have low surrogates for them.
BYTES = "".join(map(chr, range(0xDC80, 0xDD00)))
TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from(BYTES), max_size=200
)
AWKWARD = st.sampled_from([" a", "a ", '"a"', "a&", "&", "T", "7", "[input]", "a: b", END, "ä"])
WORDS = TEXTS | AWKWARD
NAMES = WORDS.filter(bool)
SIZES = st.integers(0, 10**18)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
FILES = st.builds(File, NAMES, WORDS, SIZES, DIGESTS)
ASKED = st.builds(Asked, NAMES, WORDS, *[st.booleans()] * 3, NAMES)
RECORDS = st.builds(
    Record,
    *[WORDS] * 4,
    st.datetimes().map(datetime.datetime.isoformat),
    *[st.lists(WORDS, max_size=3).map(tuple)] * 2,
    FILES,
    st.lists(st.builds(Include, NAMES, DIGESTS), max_size=3).map(tuple),
    st.lists(FILES, max_size=3).map(tuple),
    st.dictionaries(WORDS | st.just("input"), WORDS, max_size=4),
    ASKED,
)


@given(RECORDS, st.lists(TEXTS))
def test_a_record_survives_cards(record: Record, history: list[str]) -> None:
    made = texts(record)
    assert all(len(text) <= WIDTH and text.isascii() and text.isprintable() for text in made)
    # What a header holds of a card has no blanks at its end.
    assert record_among([*history, *(text.rstrip(" ") for text in made)]) == record
    assert (made[0], made[-1]) == (BEGIN, END)


@given(RECORDS, st.none() | FILES)
def test_a_record_survives_json(record: Record, output: File | None) -> None:
    record = replace(record, output=output)
    assert from_json(to_json(record)) == record


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False, allow_infinity=False).filter(
        lambda value: math.copysign(1, value.real) > 0 < math.copysign(1, value.imag)
    )
    | st.text()
    | st.binary(),
    lambda one: (
        st.lists(one, max_size=3)
        | st.lists(one, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), one, max_size=3)
    ),
    max_leaves=10,
)


@given(LITERALS)
def test_parameters_keep_their_types(value: object) -> None:
    assert repr(value_of(literal(value))) == repr(value)


@pytest.mark.parametrize(
    "value", [math.nan, {1, 2}, np.float64(1), object(), [np.zeros(2)], complex(1, -0.0)]
)
def test_what_is_no_literal_is_told(value: object) -> None:
    with pytest.raises(ValueError, match="is no kind of literal"):
        literal(value)


def test_what_has_no_end_is_told() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="nested too deeply"):
        literal(value)


@pytest.mark.parametrize(
    "text",
    ["print(1)", "set(1)", "a", "1 +", "(" * 10**5, "-" * 10**6 + "1", "", "\0", "[1].x"],
)
def test_a_literal_is_never_code(text: str) -> None:
    with pytest.raises(ValueError, match="this is no literal"):
        value_of(text)


@pytest.mark.parametrize("text", ["{1, 2}", "[({1},)]", "set()", "{1: {2}}"])
def test_a_set_is_refused(text: str) -> None:
    with pytest.raises(Unordered, match="a set has no order"):
        value_of(text)
    result = invoke("convert", "raw.fits", "--set", f"x={text}")
    assert (result.exit_code, "a set has no order" in result.stderr) == (2, True)


RECORD = Record(
    *("0.1", "3.11.1", "2.1", "linux", "2026-01-02T03:04:05.000006", (), ()),
    File("t", "t.gen.txt", 3, "0" * 64),
    *((), (File("input", "raw.fits", 2880, "1" * 64),), {"seed": "7", "name": "'ä'"}),
    Asked("detector", "", False, False, True, "out.fits"),
)


def test_cards_are_readable() -> None:
    assert texts(RECORD) == (
        *("fitsgen provenance begins", "format: 1", "fitsgen: 0.1", "python: 3.11.1"),
        *("numpy: 2.1", "platform: linux", "clock: 2026-01-02T03:04:05.000006"),
        *("[template]", "name: t", "path: t.gen.txt", "size: 3", "sha256: " + "0" * 64),
        *("[input]", "name: input", "path: raw.fits", "size: 2880", "sha256: " + "1" * 64),
        *("[parameters]", "seed: 7", "name: \"'\\u00e4'\""),
        *("[asked]", "frame: detector", "checksum: F", "mark: F", "history: T"),
        *("name: out.fits", "fitsgen provenance ends"),
    )


def test_a_long_value_goes_on_after_a_mark() -> None:
    record = replace(RECORD, template=replace(RECORD.template, path="x" * 100))
    assert f"path: {'x' * 65}&" in texts(record)
    assert "x" * 35 in texts(record)


def test_the_last_record_counts() -> None:
    old = replace(RECORD, fitsgen="0.0")
    assert record_among([*texts(old), "edited", *texts(RECORD), "and more"]) == RECORD


WRONG: list[tuple[dict[str, object], str]] = [
    ({"format": 2}, "it has format 2; this fitsgen knows 1"),
    ({"format": True}, "format: expected a number, found True"),
    ({"fitsgen": 1}, "fitsgen: expected a text, found 1"),
    ({"clock": "noon"}, "clock: expected a date and time, found 'noon'"),
    ({"clock": "2026-01-01T00:00:00+01:00"}, "clock: expected a date and time"),
    ({"template": []}, r"template: expected an object, found \[\]"),
    ({"template": {"name": "t"}}, "template has no size"),
    ({"inputs": [{"name": "i", "size": -1}]}, "inputs 1: size: expected a number, found -1"),
    ({"inputs": [{"name": "i", "size": 1, "sha256": "0"}]}, "inputs 1: sha256: expected 64"),
    ({"includes": ["a"]}, "includes 1: expected an object, found 'a'"),
    ({"parameters": {"a": 1}}, "parameters: a: expected a text, found 1"),
    ({"missing": [1]}, "missing: expected a text, found 1"),
    ({"directories": ["\0"]}, r"directories: a text has '\\x00' in it"),
    ({"missing": ["\x1b[2J"]}, r"missing: a text has '\\x1b' in it"),
    ({"numpy": "\ud800"}, r"numpy: a text has '\\ud800' in it"),
    ({"asked": {}}, "asked has no frame"),
    ({"run": "rm"}, "the record has 'run', which is not known"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_record_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record_of(json.loads(json.dumps(plain(RECORD) | change)))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([BEGIN, "format: 1"], "there is no line `fitsgen provenance ends`"),
        ([BEGIN, "format", END], "`format` is no line of a record"),
        ([BEGIN, 'name: "a" b', END], "is no line of a record"),
        ([BEGIN, '"name: a', END], "is no line of a record"),
        ([BEGIN, "format: 1&", END], "does not end"),
        ([BEGIN, "format: 1", "format: 1", END], "format stands there twice"),
        ([BEGIN, "[asked]", "[asked]", END], "asked stands there twice"),
        ([BEGIN, *["a: " + "b" * 60] * (MAX_SIZE // 60), END], "characters; .* are the most"),
    ],
)
def test_wrong_cards_are_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record_among(lines)


def test_a_record_that_could_not_be_read_is_not_written() -> None:
    record = replace(RECORD, parameters={"text": "x" * MAX_SIZE})
    for write in (texts, to_json):
        with pytest.raises(ValueError, match=r"characters; .* are the most"):
            write(record)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_text_is_a_record_or_a_value_error(raw: bytes) -> None:
    for read in (from_json, lambda text: record_among([BEGIN, *text.split("\n"), END])):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever it is
            read(raw.decode("latin-1"))


# A file made again

TEMPLATE = """<<file made>>
<<header primary>>
FILENAME = / its name
DATE     = now() / when
WHO      = param('who', 'nobody') / who
OBSERVTN = obsid('OBSERVTN') / from a data file
#include "more.gen.inc"
HISTORY  = ['of the template', 'two lines']

<<header science>>
EXTNAME  = 'SCI' / name
<<data>>
input[0].data.astype('float32') + np.random.default_rng(param('seed')).normal(size=(6, 8, 6))
"""


@pytest.fixture
def here(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a directory with a raw file, a data file, and a template that includes another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.gen.txt").write_text(TEMPLATE)
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc/more.gen.inc").write_text("MORE     = 1 / included\n")
    (tmp_path / "obsid.dat").write_text("<<file obsid>>\nOBSERVTN = '005'\n")
    return tmp_path


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


INPUTS = ["raw.fits", "obsid.dat", "-t", "made.gen.txt", "-I", "inc"]
SET = ["--set", "seed=7", "--set", "who='Ada'"]


def convert(*options: str, inputs: Sequence[str] = INPUTS, output: str = "out.fits") -> None:
    result = invoke("convert", *inputs, *SET, "-o", output, *options)
    assert result.exit_code == 0, result.stderr


def reproduce(*arguments: str) -> tuple[int, str, str]:
    """Give status, standard output and standard error."""
    result = invoke("reproduce", *arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("options", [[], ["--checksum"], ["--on-error", "mark"]])
def test_a_file_is_made_again(options: list[str], conforms: Conforms) -> None:
    convert("--history", "--provenance", "out.json", *options)
    conforms(Path("out.fits"))
    time.sleep(0.01)  # so that the clock, where it is not held, has gone on
    for file in ("out.fits", "out.json"):
        status, out, err = reproduce(file)
        assert (status, err) == (0, "")
        assert out.startswith("out.fits: the same, byte for byte: SHA-256 ")
    assert invoke("verify", "out.fits", "-t", "made.gen.txt", "-I", "inc").output == (
        "out.fits: nothing wrong\n"
    )


@pytest.mark.usefixtures("here")
def test_the_record_stands_after_the_history_of_the_template() -> None:
    convert("--history")
    history = [str(text) for text in fits.getheader("out.fits")["HISTORY"]]
    assert history[:3] == ["of the template", "two lines", BEGIN]
    assert history[-1] == END
    record = record_among(history)
    assert record
    assert record.template.path == "made.gen.txt"
    assert record.directories == ("inc",)
    assert [one.name for one in record.includes] == ["inc/more.gen.inc"]
    assert [(one.name, one.path) for one in record.inputs] == [
        ("input", "raw.fits"),
        ("obsid", "obsid.dat"),
    ]
    assert record.parameters == {"seed": "7", "who": "'Ada'"}
    assert record.asked == Asked("detector", "", False, False, True, "out.fits")
    assert record.inputs[0].size == Path("raw.fits").stat().st_size
    assert record.clock[:23] == fits.getval("out.fits", "DATE")


@pytest.mark.usefixtures("here")
def test_includes_of_the_same_name_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "xy":
        (tmp_path / name / "inc").mkdir(parents=True)
        (tmp_path / name / "inc/a.gen.inc").write_text(f"A_{name.upper()} = 1 / one\n")
    (tmp_path / "t").mkdir()
    monkeypatch.chdir("t")
    lines = "".join(f'#include "../{name}/inc/a.gen.inc"\n' for name in "xy")
    Path("t.gen.txt").write_text(f"<<file t>>\n<<header p>>\n{lines}")
    inputs = ["../raw.fits", "-t", "t.gen.txt", "-I", "../x", "-I", "../y"]
    convert("--history", inputs=inputs)
    assert reproduce("out.fits")[0] == 0
    (tmp_path / "x/inc/a.gen.inc").write_text("A_X = 2 / one\n")
    status, _, err = reproduce("out.fits")
    assert (status, "x/inc/a.gen.inc: error: has changed since" in err) == (1, True)


@pytest.mark.usefixtures("here")
def test_a_record_of_its_own_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    convert("--provenance", "one.json")
    first = Path("out.fits").read_bytes()
    convert("--overwrite")
    assert Path("out.fits").read_bytes() == first
    assert reproduce("one.json")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert reproduce("one.json")[0] == 0


@pytest.mark.usefixtures("here")
def test_a_shipped_template_is_found_by_its_name() -> None:
    inputs = ["raw.fits", "obsid.dat"]
    convert("--history", "--frame", "dms", "--no-verify", inputs=inputs)
    assert reproduce("out.fits")[0] == 0
    text = Path("out.fits").read_bytes().decode("latin-1")
    assert "HISTORY name: nirspec_level1b" in text
    assert str(Path(fitsgen.__file__).parent) not in text


@pytest.mark.usefixtures("here")
def test_a_file_is_made_again_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    convert("--history")
    os.mkdir("archive")
    for name in ("raw.fits", "obsid.dat", "made.gen.txt", "out.fits"):
        shutil.move(name, f"archive/{name}")
    shutil.move("inc", "includes")
    os.mkdir("else")
    monkeypatch.chdir("else")
    status, out, err = reproduce("../archive/out.fits")
    assert (status, out) == (1, "")
    assert "there is no more.gen.inc" in err
    assert reproduce("../archive/out.fits", "-I", "../includes")[0] == 0
    shutil.move("../archive/raw.fits", "../raw.fits")
    status, out, err = reproduce("../archive/out.fits", "-I", "../includes")
    assert "raw.fits: error: was not found" in err
    assert reproduce("../archive/out.fits", "--find", "../includes", "--find", "..")[0] == 0


@pytest.mark.usefixtures("here")
def test_all_that_has_changed_is_told_at_once() -> None:
    convert("--history")
    before = {path: Path(path).read_bytes() for path in ("raw.fits", "made.gen.txt")}
    Path("raw.fits").write_bytes(before["raw.fits"].replace(b"NIRSPEC", b"NIRSPAC"))
    Path("made.gen.txt").write_bytes(before["made.gen.txt"] + b"\n")
    Path("obsid.dat").unlink()
    status, out, err = reproduce("out.fits")
    assert (status, out) == (1, "")
    assert "raw.fits: error: has changed since: SHA-256 was " in err
    assert "obsid.dat: error: was not found" in err
    assert "made.gen.txt: error: has changed since: it had " in err
    assert err.endswith("3 errors\n")


@pytest.mark.usefixtures("here")
def test_an_include_that_has_changed_is_told() -> None:
    convert("--history")
    Path("inc/more.gen.inc").write_text("MORE     = 2 / included\n")
    status, _, err = reproduce("out.fits")
    assert status == 1
    assert "inc/more.gen.inc: error: has changed since: SHA-256 was " in err


@pytest.mark.usefixtures("here")
def test_another_version_is_told_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = fitsgen.__version__
    monkeypatch.setattr(recording, "__version__", "0.0.9")
    convert("--history")
    monkeypatch.setattr(recording, "__version__", now)
    status, _, err = reproduce("out.fits")
    assert status == 0
    assert err == f"out.fits: warning: it was made with fitsgen 0.0.9, and this is {now}\n"


def edit(change: Callable[[bytearray], object], name: str = "out.fits") -> None:
    data = bytearray(Path(name).read_bytes())
    change(data)
    Path(name).write_bytes(data)


def put(data: bytearray, old: bytes, new: bytes) -> None:
    at = data.index(old)
    data[at : at + len(new)] = new


CHANGES: list[tuple[Callable[[bytearray], object], str]] = [
    (
        lambda data: put(
            data, b"MORE    =                    1", b"MORE    =                    2"
        ),
        "HDU 0 (PRIMARY), card 9\n  note: there: MORE    =                    2",
    ),
    (lambda data: put(data, b"EXTNAME = 'SCI", b"EXTNAME = 'SCA"), "HDU 1 (SCI), card "),
    (
        lambda data: data.__setitem__(-2880 + 4 * 7, data[-2880 + 4 * 7] ^ 1),
        "HDU 1 (SCI), byte 28 of the data (pixel 4, 1, 1), byte ",
    ),
    (lambda data: data.__setitem__(-1, 1), "HDU 1 (SCI), byte 2,879 of the data, byte "),
    (lambda data: data.__delitem__(slice(-2880, None)), "HDU 1 (SCI), byte 0 of the data"),
    (lambda data: data.extend(bytes(2880)), "it has "),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("change", "told"), CHANGES, ids=range(len(CHANGES)))
def test_what_was_changed_in_a_file_is_told(
    change: Callable[[bytearray], object], told: str
) -> None:
    convert("--history", "--checksum", "--provenance", "out.json")
    whole = Path("out.fits").read_bytes()
    edit(change)
    for file in ("out.fits", "out.json"):
        status, out, err = reproduce(file)
        assert (status, out) == (1, "")
        assert f"out.fits: error: is not the same: {told}" in err
    Path("out.fits").write_bytes(whole)
    assert reproduce("out.json")[0] == 0


@pytest.mark.usefixtures("here")
def test_a_compressed_file_is_compared_unpacked() -> None:
    convert("--history")
    Path("out.fits.gz").write_bytes(gzip.compress(Path("out.fits").read_bytes()))
    assert reproduce("out.fits.gz")[0] == 0


@pytest.mark.usefixtures("here")
def test_what_is_made_again_can_be_kept() -> None:
    convert("--history")
    status, out, _ = reproduce("out.fits", "-o", "again.fits")
    assert (status, out.startswith("wrote again.fits\n")) == (0, True)
    assert Path("again.fits").read_bytes() == Path("out.fits").read_bytes()
    for taken in ("again.fits", "out.fits", "raw.fits"):
        assert reproduce("out.fits", "-o", taken)[0] == 1
    assert Path("again.fits").read_bytes() == Path("out.fits").read_bytes()


@pytest.mark.usefixtures("here")
def test_other_bytes_than_recorded_are_told() -> None:
    convert("--provenance", "out.json")
    record = json.loads(Path("out.json").read_text())
    record["parameters"]["seed"] = "8"
    Path("out.json").write_text(json.dumps(record))
    status, out, err = reproduce("out.json")
    assert (status, out) == (1, "")
    assert "out.fits: error: is not the same: SHA-256 was " in err
    assert "HDU 1 (SCI), byte " in err


@pytest.mark.usefixtures("here")
def test_a_module_is_run_only_where_the_user_names_it() -> None:
    assert invoke("compile", "made.gen.txt", "-I", "inc", "-o", "made.py").exit_code == 0
    inputs = ["raw.fits", "obsid.dat", "-t", "made.py"]
    convert("--history", inputs=inputs)
    status, _, err = reproduce("out.fits")
    assert status == 1
    assert "made.py: error: is a compiled module, and to use it is to run a program" in err
    assert reproduce("out.fits", "-t", "made.py")[0] == 0
    # Nor is one that has changed, whoever names it.
    Path("made.py").write_text(f"open('ran', 'w')\n{Path('made.py').read_text()}")
    for options in ([], ["-t", "made.py"]):
        status, _, err = reproduce("out.fits", *options)
        assert (status, "has changed since" in err) == (1, True)
    assert not Path("ran").exists()


@pytest.mark.usefixtures("here")
def test_a_record_reads_nothing_but_what_it_has_the_digest_of(tmp_path: Path) -> None:
    convert("--provenance", "out.json")
    record: dict[str, Any] = json.loads(Path("out.json").read_text())
    os.mkfifo("pipe")
    os.symlink("/dev/zero", "endless")
    for path in ("pipe", "endless", "/dev/zero", ".", "", "\udcff", "x" * 5000):
        record["inputs"][0]["path"] = path
        Path("out.json").write_text(json.dumps(record))
        status, _, err = reproduce("out.json")
        assert (status, "was not found" in err or "has changed" in err) == (1, True), path
    record["inputs"][0]["path"] = "raw.fits"
    record["template"]["path"] = ""
    record["template"]["name"] = "../../secret"
    record["asked"]["name"] = "../../out"
    Path("out.json").write_text(json.dumps(record))
    assert "secret: error: was not found" in reproduce("out.json")[2]


@pytest.mark.usefixtures("here")
def test_names_in_a_record_are_never_written_to() -> None:
    convert("--provenance", "out.json")
    record: dict[str, Any] = json.loads(Path("out.json").read_text())
    record["asked"]["name"] = record["output"]["name"] = "../evil.fits"
    record["output"]["path"] = "evil.fits"
    Path("out.json").write_text(json.dumps(record))
    before = sorted(os.listdir("."))
    assert reproduce("out.json")[0] == 1
    assert sorted(os.listdir(".")) == before
    assert not Path("../evil.fits").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "this is no record of a file: "),
        (b"{}", "the record has no format"),
        (b"[]", "is no FITS file"),
        (b'{"a":' * 10**5, "nested too deeply"),
        (b"{" + b" " * MAX_SIZE, "characters; 1,048,576 are the most"),
        (b'{"format": ' + b"9" * 5000 + b"}", "this is no record of a file"),
        (b"{\xff}", "this is no record of a file"),
        (b"", "the file is empty"),
    ],
    ids=range(8),
)
def test_a_wrong_file_is_told(content: bytes, told: str) -> None:
    Path("wrong.json").write_bytes(content)
    status, out, err = reproduce("wrong.json")
    assert (status, out) == (1, "")
    assert "wrong.json: error: " in err
    assert told in err


@pytest.mark.usefixtures("here")
def test_a_file_without_a_record_is_told() -> None:
    status, _, err = reproduce("raw.fits")
    assert status == 1
    assert "raw.fits: error: there is no record of fitsgen in its HISTORY" in err
    assert "there" in reproduce("none.fits")[2] or "No such file" in reproduce("none.fits")[2]


@pytest.mark.usefixtures("here")
def test_a_record_is_not_written_over_anything() -> None:
    for options, told in (
        (["--provenance", "out.fits"], "is the output too"),
        (["--provenance", "raw.fits"], "is an input"),
        (["--provenance", "obsid.dat", "--overwrite"], "is an input"),
        (["--provenance", "made.gen.txt"], "exists"),
        (["--provenance", "none/out.json"], "does not exist"),
    ):
        result = invoke("convert", *INPUTS, *SET, "-o", "out.fits", *options)
        assert (result.exit_code, told in result.stderr) == (1, True), result.stderr
        assert not Path("out.fits").exists()
    os.mkdir("made")
    result = invoke("convert", *INPUTS, *SET, "-o", "made", "--provenance", "made/raw_made.fits")
    assert "is the file that was made" in result.stderr
    assert fits.getval("made/raw_made.fits", "WHO") == "Ada"


# From Python


@pytest.mark.usefixtures("here")
def test_python_records_too() -> None:
    with pytest.warns(UserWarning, match="parameter other was given and never read"):
        path = fitsgen.convert(
            *("raw.fits", {"obsid": "obsid.dat"}),
            template="made.gen.txt",
            include=["inc"],
            output="out.fits",
            history=True,
            provenance="out.json",
            parameters={"seed": 7, "other": (1.5, [True])},
        )
    assert path == Path("out.fits")
    assert reproduce("out.fits")[0] == reproduce("out.json")[0] == 0


@pytest.mark.usefixtures("here")
def test_what_cannot_be_recorded_is_said() -> None:
    with fits.open("raw.fits") as hdulist, pytest.warns(UserWarning, match="never read"):
        fitsgen.convert(
            *(hdulist, "obsid.dat"),
            template="made.gen.txt",
            include=["inc"],
            output="out.fits",
            history=True,
            parameters={"seed": 7, "x": np.float64(1)},
        )
    status, _, err = reproduce("out.fits")
    assert status == 1
    assert "this was not recorded: the source input, which was given in memory" in err
    assert "this was not recorded: the parameter x: float64 is no kind of literal" in err


@pytest.mark.usefixtures("here")
def test_an_input_that_changes_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = conversion.convert

    def convert_and_change(*arguments: Any) -> Any:
        made = run(*arguments)
        with open("raw.fits", "ab") as file:
            file.write(bytes(2880))
        return made

    monkeypatch.setattr(conversion, "convert", convert_and_change)
    with pytest.raises(FitsgenError, match=r"raw\.fits: error: has changed while it was read"):
        fitsgen.convert(
            *("raw.fits", "obsid.dat"),
            template="made.gen.txt",
            include=["inc"],
            output="out.fits",
            provenance="out.json",
            parameters={"seed": 7},
        )
    assert not Path("out.json").exists()


@pytest.mark.usefixtures("here")
def test_a_history_that_could_not_be_read_is_not_written() -> None:
    with pytest.raises(OutputError, match="no record of it can be written"):
        fitsgen.convert(
            *("raw.fits", "obsid.dat"),
            template="made.gen.txt",
            include=["inc"],
            output="out.fits",
            history=True,
            parameters={"seed": 7, "who": "x" * MAX_SIZE},
        )
    assert not Path("out.fits").exists()


# Many files


@pytest.mark.usefixtures("here")
def test_a_batch_records_too() -> None:
    command = ["batch", "raw.fits", "--with", "obsid.dat", *INPUTS[2:], *SET, "-o", "many"]
    assert invoke(*command, "-j", "1").exit_code == 0
    plain_file = Path("many/raw_made.fits").read_bytes()
    assert "made         1" in invoke(*command, "--history", "-j", "1").output
    assert Path("many/raw_made.fits").read_bytes() != plain_file
    assert reproduce("many/raw_made.fits")[0] == 0
    assert "skipped      1" in invoke(*command, "--history", "-j", "1").output
