"""`--strict`: a warning of the template, the inputs, the making or the verifying is an error."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from test_proposal import detector, forget, write_proposal, write_raw

import fitsgen
from fitsgen.cli import main
from fitsgen.diagnostics import CompileError, GenerateError, VerifyError

NOTE = "  note: a warning without --strict"
GOOD = "<<file t>>\n<<header p>>\nA = 1 / one\n<<data>>\ninput[0].data\n"
TWICE = GOOD.replace("A = 1", "A = 1\nA = 2")
DIVIDED = GOOD.replace("data\n", "data / np.float32(0)\n")
LOGARITHM = GOOD.replace("A = 1", "A = int(np.log(0) < 0)")
DEPRECATED = GOOD.replace("A = 1", "EPOCH = 2000.0")


@pytest.fixture
def here(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand beside `raw.fits`, and a copy of it that lacks its padding."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    forget()
    (tmp_path / "cut.fits").write_bytes(raw.read_bytes()[:-1])
    return tmp_path


def invoke(template: str, *arguments: str) -> Result:
    Path("t.gen.txt").write_text(template)
    forget()
    return CliRunner().invoke(main, arguments)


def convert(template: str, *more: str) -> Result:
    return invoke(template, "convert", "-t", "t.gen.txt", "-o", "out.fits", *more)


BEFORE = {
    # name: template, input, what is told
    "template": (TWICE, "raw.fits", "t.gen.txt:4:1: {}: A is defined again"),
    "input": (GOOD, "cut.fits", "cut.fits: {}: 1 bytes of padding"),
    "value": (LOGARITHM, "raw.fits", "t.gen.txt:3:5: {}: p A: divide by zero"),
    "pixels": (DIVIDED, "raw.fits", "t.gen.txt:5:1: {}: p data: divide by zero"),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", BEFORE)
def test_what_is_known_before_a_file_is_written_prevents_it(name: str) -> None:
    template, source, told = BEFORE[name]
    result = convert(template, source)
    assert (result.exit_code, Path("out.fits").exists()) == (0, True), result.output
    assert told.format("warning") in result.stderr
    Path("out.fits").unlink()
    result = convert(template, source, "--strict")
    assert (result.exit_code, Path("out.fits").exists()) == (1, False), result.output
    assert told.format("error") in result.stderr
    assert NOTE in result.stderr
    assert "warning: " not in result.stderr
    assert result.stderr.rstrip().endswith(("1 error", "2 errors"))


@pytest.mark.usefixtures("here")
def test_all_that_is_doubtful_is_told_at_once() -> None:
    result = convert(
        LOGARITHM + "<<header q>>\n<<data>>\ninput[0].data / 0.\n", "cut.fits", "--strict"
    )
    assert result.stderr.count(": error: ") == result.stderr.count(NOTE) >= 3


@pytest.mark.usefixtures("here")
def test_what_only_verifying_finds_leaves_the_file() -> None:
    result = convert(DEPRECATED, "raw.fits")
    assert (result.exit_code, "out.fits: warning: " in result.stderr) == (0, True)
    before = Path("out.fits").read_bytes()
    result = convert(DEPRECATED, "raw.fits", "--strict", "--overwrite")
    assert result.exit_code == 1
    assert "out.fits: error: HDU 0" in result.stderr
    assert "EPOCH is deprecated" in result.stderr
    assert Path("out.fits").read_bytes() == before


@pytest.mark.usefixtures("here")
def test_notes_and_what_is_right_are_not_touched() -> None:
    plain = convert(GOOD, "raw.fits", "--set", "x=1")
    before = Path("out.fits").read_bytes()
    strict = convert(GOOD, "raw.fits", "--set", "x=1", "--strict", "--overwrite")
    assert (strict.exit_code, strict.stderr) == (0, plain.stderr)
    assert "note: parameter x was given and never read" in strict.stderr
    assert Path("out.fits").read_bytes() == before


@pytest.mark.usefixtures("here")
def test_marked_failures_are_written_all_the_same() -> None:
    result = convert(LOGARITHM, "raw.fits", "--strict", "--on-error", "mark")
    assert (result.exit_code, Path("out.fits").exists()) == (1, True)
    assert "error: p A: divide by zero" in result.stderr


@pytest.mark.usefixtures("here")
def test_check_and_compile() -> None:
    assert invoke(TWICE, "check", "t.gen.txt").exit_code == 0
    strict = invoke(TWICE, "check", "t.gen.txt", "--strict")
    assert (strict.exit_code, strict.stderr.count(": error: ")) == (1, 1)
    told = json.loads(invoke(TWICE, "check", "t.gen.txt", "--strict", "--format", "json").stdout)
    assert [one["severity"] for one in told] == ["error"]
    assert told[0]["notes"][-1]["message"] == NOTE.removeprefix("  note: ")
    assert invoke(TWICE, "compile", "t.gen.txt", "--strict").exit_code == 1
    assert not Path("t.py").exists()
    assert invoke(GOOD, "compile", "t.gen.txt", "--strict").exit_code == 0
    assert Path("t.py").exists()


@pytest.mark.usefixtures("here")
def test_verify() -> None:
    assert convert(DEPRECATED, "raw.fits").exit_code == 0
    command = ("verify", "out.fits", "-t", "t.gen.txt")
    assert invoke(DEPRECATED, *command).exit_code == 0
    strict = invoke(DEPRECATED, *command, "--strict")
    assert (strict.exit_code, "1 error" in strict.stdout) == (1, True)
    (told,) = json.loads(invoke(DEPRECATED, *command, "--strict", "--format", "json").stdout)
    assert (told["errors"], told["problems"][0]["severity"]) == (1, "error")
    assert (
        "error: "
        in invoke(DEPRECATED.replace("<<data", "A = 1\nA = 2\n<<data"), *command, "--strict").stderr
    )


@pytest.mark.usefixtures("here")
def test_a_batch_makes_what_is_right_and_not_what_is_doubtful() -> None:
    command = ("batch", "raw.fits", "cut.fits", "-t", "t.gen.txt", "-o", "out", "-j", "1")
    result = invoke(GOOD, *command, "--strict")
    assert result.exit_code == 1
    assert "made         1\nskipped      0\nfailed       1" in result.stdout
    assert sorted(os.listdir("out")) == ["fitsgen.made", "raw_t.fits"]
    assert "cut.fits: error: 1 bytes of padding" in result.stderr


@pytest.mark.usefixtures("here")
def test_a_batch_makes_again_what_was_made_with_warnings() -> None:
    command = ("batch", "raw.fits", "cut.fits", "-t", "t.gen.txt", "-o", "out", "-j", "1")
    assert invoke(GOOD, *command).exit_code == 0
    before = Path("out/cut_t.fits").read_bytes()
    planned = invoke(GOOD, *command, "--strict", "--dry-run")
    assert "it was made with warnings" in planned.stdout
    result = invoke(GOOD, *command, "--strict")
    assert result.exit_code == 1
    assert "made         0\nskipped      1\nfailed       1" in result.stdout
    # What there was is left as it was, and is made again where it may be.
    assert Path("out/cut_t.fits").read_bytes() == before
    result = invoke(GOOD, *command)
    assert "made         1\nskipped      1\nfailed       0" in result.stdout
    assert "made         0\nskipped      2" in invoke(GOOD, *command).stdout


def test_a_doubtful_proposal_is_not_begun(here: Path) -> None:
    write_raw(here / "a.fits")
    path = write_proposal(here, detector("a.fits"))
    path.write_text(path.read_text().replace("<Proposal>", "<Proposal><Stranger/>"))
    result = invoke(GOOD, "proposal", ".", "--strict", "-j", "1")
    assert result.exit_code == 1
    assert "01234.prop:1: error: Proposal has Observation elements in it" in result.stderr
    assert not list(here.glob("jw*"))
    result = invoke(GOOD, "proposal", ".", "-j", "1", "--no-verify")
    assert (result.exit_code, len(list(here.glob("jw*")))) == (0, 1)


def test_from_python(here: Path) -> None:
    template, out = here / "t.gen.txt", here / "out.fits"
    cases = {TWICE: CompileError, LOGARITHM: GenerateError, DIVIDED: GenerateError}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text, kind in cases.items():
            template.write_text(text)
            with pytest.raises(kind) as error:
                fitsgen.convert("raw.fits", template=template, output=out, strict=True)
            assert all(problem.is_error for problem in error.value.problems)
            assert not out.exists()
        template.write_text(GOOD)
        with pytest.raises(GenerateError, match="padding"):
            fitsgen.convert("cut.fits", template=template, output=out, strict=True)
        fitsgen.convert("raw.fits", template=template, output=out, strict=True)
        template.write_text(DEPRECATED)
        with pytest.raises(VerifyError, match="deprecated"):
            fitsgen.convert("raw.fits", template=template, output=here / "b.fits", strict=True)
        assert fits.getval(here / "b.fits", "EPOCH") == 2000.0
