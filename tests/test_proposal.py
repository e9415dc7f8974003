"""`fitsgen proposal`: what is made of a directory, what is made again, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from test_batch import wait_until

import fitsgen
from fitsgen import library, tasks
from fitsgen.cli import main
from fitsgen.records import Records
from fitsgen.simulate.raw import Exposure, raw

SMALL = Exposure(integrations=1, groups=2, rows=16, columns=8)
STEM = "jw01234001001_01101_0000"


@pytest.fixture(autouse=True)
def _same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    forget()


def detector(base: str, exp_type: str = "NRS_IFU", rest: str = "") -> str:
    return f'<Detector base="{base}" exp_type="{exp_type}" {rest}/>'


def write_proposal(directory: Path, *exposures: str, name: str = "01234.prop") -> Path:
    names = ("Proposal", *"Observation Visit VisitGroup ParallelSequenceID Activity".split())
    inner = "".join(f"<Exposure>{one}</Exposure>\n" for one in exposures)
    text = "".join(f"<{n}>" for n in names) + inner + "".join(f"</{n}>" for n in names[::-1])
    path = directory / name
    path.write_text(text)
    return path


def write_raw(path: Path, kind: str = "nirspec_ifu", **changed: object) -> None:
    hdulist = raw(kind, SMALL)
    for key, value in changed.items():
        hdulist[0].header[key] = value
    hdulist.writeto(path, overwrite=True)


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three exposures, the second one of two detectors."""
    directory = tmp_path_factory.mktemp("night")
    write_raw(directory / "a.fits")
    write_raw(directory / "b.fits")
    write_raw(directory / "c.fits", SCA_ID=492, DETECTOR="NRS2")
    write_raw(directory / "d.fits", "miri_imaging")
    write_proposal(
        directory,
        detector("a.fits"),
        detector("b.fits") + detector("c.fits"),
        detector("d.fits", "MIR_MRS"),
    )
    return directory


MADE = [
    f"{STEM}1_nrs1_uncal.fits",
    f"{STEM}2_nrs1_uncal.fits",
    f"{STEM}2_nrs2_uncal.fits",
    f"{STEM}3_mirimage_uncal.fits",
]


@pytest.fixture
def here(night: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(night, tmp_path / "night"))


def run(directory: Path, *options: str) -> tuple[int, dict[str, str], str]:
    """Give the exit status, what became of each file and why, and the errors."""
    result = invoke(directory, "--format", "json", "--no-verify", *options)
    report = json.loads(result.stdout)
    found = {one["name"]: f"{one['outcome']}: {one['why']}" for one in report["files"]}
    told = [p["message"] for one in report["files"] for p in one["problems"]]
    return result.exit_code, found, "\n".join([*told, result.stderr])


def invoke(directory: Path, *options: str) -> Result:
    jobs = () if "--jobs" in options else ("--jobs", "1")
    result = CliRunner().invoke(main, ["proposal", str(directory), *jobs, *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def outputs(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.glob("*_uncal.fits"))}


def test_every_exposure_is_made_beside_its_proposal(here: Path) -> None:
    status, found, errors = run(here)
    assert (status, errors) == (0, "")
    assert found == dict.fromkeys(MADE, "made: missing")
    assert list(outputs(here)) == MADE
    assert run(here)[:2] == (0, dict.fromkeys(MADE, "skipped: up to date"))


def test_headers_say_what_the_proposal_says(here: Path) -> None:
    run(here)
    header = fits.getheader(here / MADE[2])
    numbers = "PROGRAM OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID EXPOSURE"
    assert [header[key] for key in numbers.split()] == "01234 001 001 01 1 01 00002".split()
    assert (header["OBS_ID"], header["VISIT_ID"]) == ("012340010010110100002", "01234001001")
    assert (header["FILENAME"], header["DETECTOR"]) == (MADE[2], "NRS2")
    assert header["EXP_TYPE"] == "NRS_IFU"


def test_the_exposure_type_of_the_proposal_wins(here: Path) -> None:
    """The raw file is an image by what it says itself."""
    run(here)
    assert fits.getheader(here / MADE[3])["EXP_TYPE"] == "MIR_MRS"
    report = json.loads(invoke(here, "--dry-run", "--format", "json").stdout)
    assert report["files"][3]["file_type"] == "miri_ifu_level1b"


def test_pixels_are_in_the_science_frame(here: Path) -> None:
    run(here)
    with fits.open(here / "a.fits") as before, fits.open(here / MADE[0]) as after:
        assert after[1].data.shape == (1, 2, 8, 16)
        assert (after[1].data[0] == before[0].data.swapaxes(-1, -2)).all()


def test_a_window_is_cut(tmp_path: Path) -> None:
    full = Exposure(integrations=1, groups=1, rows=1024, columns=1032)
    raw("miri_imaging", full).writeto(tmp_path / "a.fits")
    write_proposal(tmp_path, detector("a.fits", "MIR_IMAGE", 'subarray="SUB64"'))
    assert run(tmp_path)[0] == 0
    with fits.open(tmp_path / f"{STEM}1_mirimage_uncal.fits") as made:
        assert made["SCI"].data.shape == (1, 1, 64, 68)
        assert made[0].header["SUBARRAY"] == "SUB64"


def rewrite(here: Path) -> None:
    write_raw(here / "a.fits", OBSERVER="Another")


def touch(here: Path) -> None:
    os.utime(here / "a.fits", (1, 1))


def remove(here: Path) -> None:
    (here / MADE[0]).unlink()


def damage(here: Path) -> None:
    with (here / MADE[0]).open("r+b") as file:
        file.truncate(2880)


def retype(here: Path) -> None:
    prop = here / "01234.prop"
    prop.write_text(prop.read_text().replace("NRS_IFU", "NRS_LAMP", 1))


def tear(here: Path) -> None:
    records = Records(here / "01234.prop.made")
    records.begin(MADE[0])
    records.close()


CHANGES = {
    rewrite: "made: a.fits has changed",
    touch: "skipped: up to date",  # the same bytes at another time
    remove: "made: missing",
    damage: "made: the file itself has changed",
    retype: "made: something else is asked for",
    tear: "made: its making was cut off",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_only_what_is_stale_is_made_again(change, here: Path) -> None:  # type: ignore[no-untyped-def]
    run(here)
    first = outputs(here)
    times = {name: (here / name).stat().st_mtime_ns for name in MADE[1:]}
    change(here)
    status, found, _ = run(here)
    assert status == 0
    assert found == {MADE[0]: CHANGES[change], **dict.fromkeys(MADE[1:], "skipped: up to date")}
    assert {name: (here / name).stat().st_mtime_ns for name in MADE[1:]} == times
    assert (outputs(here) == first) == (change not in (rewrite, retype))
    assert set(run(here)[1].values()) == {"skipped: up to date"}


def test_another_version_makes_everything_anew(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(here)
    monkeypatch.setattr(tasks, "__version__", "9.9")
    _, found, _ = run(here, "--dry-run")
    assert set(found.values()) == {f"made: made by fitsgen {fitsgen.__version__}"}


def test_another_template_makes_what_is_of_its_type(here: Path, tmp_path: Path) -> None:
    run(here)
    own = tmp_path / "own"
    own.mkdir()
    include = "program_information.gen.inc"
    text = library.includes_directory().joinpath(include).read_text()
    (own / include).write_text(text + "PLANNER  = 'Ada'\n")
    tasks.loaded_once.cache_clear()
    _, found, _ = run(here, "-I", str(own))
    reasons = ["nirspec_level1b"] * 3 + ["miri_ifu_level1b"]
    assert list(found.values()) == [f"made: the template {one} has changed" for one in reasons]
    assert fits.getheader(here / MADE[0])["PLANNER"] == "Ada"


def test_another_check_makes_what_it_is_asked_of(here: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(library.templates_directory(), own, ignore=shutil.ignore_patterns("*.py"))
    assert set(run(here, "--verify", "-I", str(own))[1].values()) == {"made: missing"}
    forget()
    assert set(run(here, "--verify", "-I", str(own))[1].values()) == {"skipped: up to date"}
    with (own / "miri.val.txt").open("a") as file:
        file.write("# another word\n")
    forget()
    _, found, _ = run(here, "--verify", "-I", str(own))
    changed = "made: the template miri_ifu_level1b has changed"
    assert list(found.values()) == ["skipped: up to date"] * 3 + [changed]


def forget() -> None:
    """Forget what was compiled, as a new process does."""
    for cached in (tasks.loaded_once, tasks.fingerprint, tasks._expected_once):
        cached.cache_clear()


def test_a_failed_exposure_stops_no_other(here: Path) -> None:
    (here / "b.fits").write_bytes(b"nonsense")
    result = invoke(here, "--no-verify")
    assert result.exit_code == 1
    assert list(outputs(here)) == [MADE[0], *MADE[2:]]
    table = result.stdout.partition("\n\n")[2]
    assert table.split()[:6] == ["made", "3", "skipped", "0", "failed", "1"]
    assert f"{STEM}2  (b.fits, {here}/01234.prop:2)\n    is no FITS file: expected" in table
    assert result.stderr.startswith(f"{here.resolve()}/b.fits: error: is no FITS file")


def test_a_failed_conversion_leaves_no_claim(here: Path) -> None:
    """A file that appears under the name later is none of ours."""
    write_raw(here / "a.fits", NGROUP=5)
    status, found, _ = run(here)
    assert (status, found[MADE[0]]) == (1, "failed: missing")
    (here / MADE[0]).write_text("mine")
    status, _, errors = run(here)
    assert (status, "was not made by this command" in errors) == (1, True)
    assert (here / MADE[0]).read_text() == "mine"


def test_a_dry_run_touches_nothing(here: Path) -> None:
    before = sorted(here.iterdir())
    result = invoke(here, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        f"make  {MADE[0]}  of a.fits as nirspec_level1b: missing"
    )
    assert sorted(here.iterdir()) == before


def test_a_file_of_someone_else_is_kept(here: Path) -> None:
    (here / MADE[0]).write_text("mine")
    status, found, errors = run(here)
    assert (status, found[MADE[0]]) == (1, "failed: ")
    assert "exists already and was not made by this command" in errors
    assert (here / MADE[0]).read_text() == "mine"
    assert run(here, "--overwrite")[1][MADE[0]] == "made: not made by this command"
    assert run(here)[0] == 0


def test_two_exposures_of_one_name_are_refused_before_anything_is_made(here: Path) -> None:
    pair = detector("a.fits") + detector("b.fits")
    write_proposal(here, pair, detector("c.fits"), pair)
    (here / "below").mkdir()
    shutil.copy(here / "d.fits", here / "below")
    write_proposal(here / "below", detector("d.fits"), name="00002.prop")
    status, found, errors = run(here)
    assert status == 1
    assert errors.count("a.fits and b.fits are of the same detector, and would both make") == 2
    assert outputs(here) == {}
    # Another proposal has nothing to do with it.
    assert found["jw00002001001_01101_00001_mirimage_uncal.fits"] == "made: missing"


def test_a_raw_file_is_never_written_over(here: Path) -> None:
    (here / "a.fits").rename(here / MADE[0])
    write_proposal(here, detector(MADE[0]))
    before = (here / MADE[0]).read_bytes()
    status, _, errors = run(here, "--overwrite")
    assert (status, "would be written over a raw file" in errors) == (1, True)
    assert (here / MADE[0]).read_bytes() == before


def test_two_jobs_make_the_same_bytes(here: Path, night: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(night, tmp_path / "other"))
    run(here)
    status, found, _ = run(other, "--jobs", "2")
    assert (status, set(found.values())) == (0, {"made: missing"})
    assert outputs(other) == outputs(here)


HOSTILE = {
    # attributes of the detector, keywords of the raw file: what is told
    'base="../a.fits" exp_type="A"': "is no path below the directory",
    'base="/etc/passwd" exp_type="A"': "is no path below the directory",
    'base="up/a.fits" exp_type="A"': "leads out of the directory",
    'base="a.fits" exp_type="../../A"': "exp_type '../../A': expected up to 40 letters",
    'base="a.fits" exp_type="A\'/*"': "expected up to 40 letters",
    f'base="a.fits" exp_type="{"A" * 4000}"': "expected up to 40 letters",
    'base="a.fits" exp_type="A" subarray="a/../b"': "subarray 'a/../b': expected up to 40",
}


@pytest.mark.parametrize("attributes", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_proposals_are_refused(attributes: str, here: Path) -> None:
    (here / "up").symlink_to("..")
    shutil.copy(here / "a.fits", here.parent)
    write_proposal(here, f"<Detector {attributes}/>")
    around = sorted(here.parent.rglob("*"))
    status, _, errors = run(here)
    assert status == 1
    assert HOSTILE[attributes] in errors
    assert len(errors) < 1000
    assert sorted(here.parent.rglob("*")) == around


HEADERS = [{"SCA_ID": value} for value in ("../../x", "/tmp/x", "A" * 4000, "", "9" * 4000)]
HEADERS += [{"SCA_ID": "", "DETECTOR": value} for value in ("../NRS1", "NRS1/..", "N" * 4000)]


@pytest.mark.parametrize("keywords", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.filterwarnings("ignore:.*card is too long|.*Card is too long")
def test_hostile_header_values_name_no_file(keywords: dict[str, str], here: Path) -> None:
    write_raw(here / "a.fits", **keywords)
    with (here / "a.fits").open("r+b") as file:
        head = file.read(2880)
        file.seek(head.index(b"DETECTOR"))
        if "DETECTOR" not in keywords:
            file.write(b"COMMENT ")
    write_proposal(here, detector("a.fits"))
    around = sorted(here.parent.rglob("*"))
    status, _, errors = run(here)
    if keywords == {"SCA_ID": ""}:
        assert "nothing says which detector it is of" in errors
    assert (status, len(errors) < 1000) == (1, True), errors
    assert sorted(here.parent.rglob("*")) == around


def test_a_nul_in_a_header_value_is_an_error(here: Path) -> None:
    path = here / "a.fits"
    path.write_bytes(path.read_bytes().replace(b"'NRS1    '", b"'NR\0S1   '"))
    status, found, errors = run(here)
    assert (status, found[f"{STEM}1_nrs1_uncal.fits"]) == (1, "failed: missing")
    assert "byte 0x00" in errors


def test_links_are_not_followed(here: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    here.rename(away)
    here.mkdir()
    (here / "linked").symlink_to(away)
    (here / "01234.prop").symlink_to(away / "01234.prop")
    status, found, errors = run(here)
    assert (status, found) == (1, {})
    assert "01234.prop: error: is a symbolic link, and is not followed" in errors
    (here / "01234.prop").unlink()
    assert "there are no proposals" in run(here)[2]


def test_records_are_not_written_through_a_link(here: Path) -> None:
    (here / "01234.prop.made").symlink_to(here.parent / "elsewhere")
    status, _, errors = run(here)
    assert (status, "is a symbolic link" in errors) == (1, True)
    assert not (here.parent / "elsewhere").exists()
    assert outputs(here) == {}


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("many")
    for number in range(12):
        write_raw(directory / f"{number}.fits")
    write_proposal(directory, *(detector(f"{number}.fits") for number in range(12)))
    return directory


def begin(directory: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fitsgen", "proposal", str(directory), "--no-verify"]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *options], stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_and_run_again_it_makes_the_rest(jobs: str, many: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(many, tmp_path / "whole"))
    here = Path(shutil.copytree(many, tmp_path / "here"))
    assert run(whole)[0] == 0
    expected = outputs(whole)
    with begin(here, "--jobs", jobs) as process:
        while len(outputs(here)) < 4 and process.poll() is None:
            made = outputs(here)  # Whatever has its name is whole.
            assert made == {name: expected[name] for name in made}
        process.kill()
    time.sleep(0.3)  # the workers end on their own
    made = outputs(here)
    assert made == {name: expected[name] for name in made}
    status, found, _ = run(here)
    assert (status, len(found)) == (0, 12)
    assert outputs(here) == expected
    assert sorted(path.name for path in here.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(jobs: str, number: signal.Signals, many: Path, tmp_path: Path) -> None:
    here = Path(shutil.copytree(many, tmp_path / "here"))
    with begin(here, "--jobs", jobs) as process:
        wait_until(lambda: outputs(here))
        process.send_signal(number)
        table, errors = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("it was done before it was stopped")
    assert (process.returncode, errors) == (128 + number, "stopped\n")
    assert table.split()[-6:-4] == ["made", str(table.count("made    jw"))]
    assert not [path for path in here.iterdir() if path.name.endswith(".part")]
    assert run(here)[0] == 0
