"""`fitsgen batch`: what is made of a list, a directory, a glob or a manifest, and what is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from conftest import PEAK
from test_batch import wait_until
from test_proposal import forget, write_raw

from fitsgen.cli import main
from fitsgen.cli.outcomes import MAX_LISTED

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    forget()


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("raw_files")
    for name in "abc":
        write_raw(directory / f"{name}.fits", OBSERVER=name)
    write_raw(directory / "m.fits", "miri_imaging")
    return directory


@pytest.fixture
def here(night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a directory with a directory of raw files."""
    shutil.copytree(night, tmp_path / "raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MADE = [f"{name}_nirspec_level1b.fits" for name in "abc"] + ["m_miri_imaging_level1b.fits"]


def invoke(*arguments: str, text: str | None = None) -> Result:
    jobs = () if "--jobs" in arguments else ("--jobs", "1")
    result = CliRunner().invoke(main, ["batch", *arguments, *jobs], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def run(*arguments: str, text: str | None = None) -> tuple[int, dict[str, str], str]:
    """Give the exit status, what became of each file and why, and the errors."""
    result = invoke("--format", "json", "--no-verify", *arguments, text=text)
    report = json.loads(result.stdout)
    found = {one["name"]: f"{one['outcome']}: {one['why']}" for one in report["files"]}
    counts = {name: report[name] for name in ("made", "skipped", "failed")}
    outcomes = [one["outcome"] for one in report["files"]]
    assert counts == {name: outcomes.count(name) for name in counts}
    told = [
        f"{one['name']}: {problem['message']}"
        for one in report["files"]
        for problem in one["problems"]
        if problem["severity"] == "error"
    ]
    return result.exit_code, found, "\n".join([*told, result.stderr])


def files(directory: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(directory).glob("*.fits"))}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", [["raw"], ["raw/*.fits"], [f"raw/{n}.fits" for n in "abcm"]])
def test_raw_files_are_made_each_as_its_type(what: list[str]) -> None:
    expected = {f"out/{name}": "made: missing" for name in MADE}
    assert run(*what, "-o", "out") == (0, expected, "")
    assert list(files()) == MADE
    assert run(*what, "-o", "out")[1] == dict.fromkeys(expected, "skipped: up to date")
    assert sorted(os.listdir("out")) == sorted([*MADE, "fitsgen.made"])


@pytest.mark.usefixtures("here")
def test_names_come_from_a_list_or_standard_input() -> None:
    names = "raw/b.fits\nraw/none.fits\nraw/a.fits\n"
    Path("names").write_text(names)
    status, found, errors = run("--list", "names", "-o", "out")
    assert (status, list(found)) == (1, [f"out/{MADE[1]}", "none.fits", f"out/{MADE[0]}"])
    assert errors.startswith("none.fits: cannot be read: No such file")
    assert run("-", "-o", "out", text=names)[1][f"out/{MADE[0]}"] == "skipped: up to date"


@pytest.mark.usefixtures("here")
def test_files_are_those_of_convert() -> None:
    result = CliRunner().invoke(main, ["convert", "raw/a.fits", "--checksum", "--frame", "dms"])
    assert result.exit_code == 0
    assert invoke("raw/a.fits", "--checksum", "--frame", "dms", "-o", "out").exit_code == 0
    assert files()[MADE[0]] == Path(MADE[0]).read_bytes()


OWN = """<<file own>>
<<header primary>>
NUMBER = param('number') / a number
WORD = more('OBSERVER') / of another file
FILENAME = input('OBSERVER') + '.fits' / of its own making
<<data>>
input[0].data
"""


@pytest.mark.usefixtures("here")
def test_a_template_may_name_its_files_and_have_parameters_and_further_inputs() -> None:
    Path("own.gen.txt").write_text(OWN)
    options = ("-t", "own.gen.txt", "--set", "number=7", "--with", "more=raw/c.fits", "-o", "out")
    assert run("raw/a.fits", "raw/b.fits", *options)[:2] == (
        0,
        dict.fromkeys(["out/a.fits", "out/b.fits"], "made: missing"),
    )
    header = fits.getheader("out/a.fits")
    assert (header["NUMBER"], header["WORD"], header["FILENAME"]) == (7, "c", "a.fits")
    again = ("raw/a.fits", *options)
    assert run(*again)[1] == {"out/a.fits": "skipped: up to date"}
    assert run(*again, "--set", "number=8")[1] == {
        "out/a.fits": "made: something else is asked for"
    }


@pytest.mark.usefixtures("here")
def test_a_manifest_says_of_each_file_what_is_wanted() -> None:
    Path("raw/own.gen.txt").write_text(OWN)
    entries = [
        {"inputs": ["a.fits"], "output": "deep/a.fits"},
        {
            "inputs": ["b.fits", "more=c.fits"],
            "template": "own.gen.txt",
            "parameters": {"number": 3},
            "output": "b.fits",
        },
        {"inputs": ["c.fits"], "frame": "dms"},
        {"inputs": ["c.fits"], "subaray": "FULL"},
        {"inputs": ["m.fits"], "template": "nonsense"},
    ]
    Path("raw/many.jsonl").write_text("\n".join(map(json.dumps, entries)))
    status, found, errors = run("raw/many.jsonl", "-o", "out")
    assert status == 1
    assert found == {
        "out/deep/a.fits": "made: missing",
        "out/b.fits": "made: missing",
        f"out/{MADE[2]}": "made: missing",
        "raw/many.jsonl:4": "failed: ",
        "m.fits": "failed: ",
    }
    assert "unknown key 'subaray'" in errors
    assert fits.getheader("out/b.fits")["NUMBER"] == 3
    with fits.open("raw/c.fits") as before, fits.open(f"out/{MADE[2]}") as after:
        assert (after[1].data[0] == before[0].data.swapaxes(-1, -2)).all()
    problem = invoke("raw/many.jsonl", "-o", "out").stderr
    assert "raw/many.jsonl:4:24: error: unknown key 'subaray'" in problem
    assert "hint: did you mean subarray?" in problem


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_output_is_made_of_the_first_who_wants_it(jobs: str) -> None:
    for name in "bc":
        write_raw(Path(f"raw/{name}.fits"), SCA_ID=492, DETECTOR="NRS2")
    entries = [{"inputs": [f"{name}.fits"], "output": "x.fits"} for name in "abc"]
    Path("raw/many.jsonl").write_text("\n".join(map(json.dumps, entries)))
    for outcome in ("made", "skipped"):
        result = invoke("raw/many.jsonl", "-o", "out", "--format", "json", "--jobs", jobs)
        rows = json.loads(result.stdout)["files"]
        assert [row["outcome"] for row in rows] == [outcome, "failed", "failed"]
        message = "out/x.fits is the output of raw/many.jsonl:1 too, and is made of that"
        assert rows[2]["problems"][0]["message"] == message
        assert rows[2]["problems"][0]["line"] == 3
        assert fits.getheader("out/x.fits")["DETECTOR"] == "NRS1"


@pytest.mark.usefixtures("here")
def test_outputs_among_raw_files_are_not_taken_for_raw_files() -> None:
    os.chdir("raw")
    assert list(run(".")[1]) == MADE
    assert run(".")[1] == dict.fromkeys(MADE, "skipped: up to date")
    assert run("*.fits")[1] == dict.fromkeys(MADE, "skipped: up to date")


@pytest.mark.usefixtures("here")
def test_a_file_of_someone_else_is_kept_and_a_failure_leaves_no_claim() -> None:
    Path("out").mkdir()
    (Path("out") / MADE[0]).write_text("mine")
    write_raw(Path("raw/b.fits"), NGROUP=5)
    status, found, errors = run("raw", "-o", "out")
    assert (status, found[f"out/{MADE[0]}"]) == (1, "failed: ")
    assert "exists already and was not made by this command" in errors
    assert found[f"out/{MADE[1]}"] == "failed: missing"
    assert (Path("out") / MADE[0]).read_text() == "mine"
    (Path("out") / MADE[1]).write_text("mine")
    assert "was not made by this command" in run("raw/b.fits", "-o", "out")[2]
    _, found, _ = run("raw/a.fits", "-o", "out", "--overwrite")
    assert found == {f"out/{MADE[0]}": "made: not made by this command"}


@pytest.mark.usefixtures("here")
def test_what_changed_or_failed_is_made_again() -> None:
    Path("raw/b.fits").rename("b.fits")
    (Path("raw") / "b.fits").write_text("nonsense")
    assert run("raw", "-o", "out")[0] == 1
    Path("b.fits").rename("raw/b.fits")
    write_raw(Path("raw/a.fits"), OBSERVER="Another")
    os.utime("raw/c.fits", (1, 1))
    assert run("raw", "-o", "out")[:2] == (
        0,
        {
            f"out/{MADE[0]}": "made: a.fits has changed",
            f"out/{MADE[1]}": "made: missing",
            f"out/{MADE[2]}": "skipped: up to date",
            f"out/{MADE[3]}": "skipped: up to date",
        },
    )


@pytest.mark.usefixtures("here")
def test_a_dry_run_touches_nothing() -> None:
    before = sorted(Path().rglob("*"))
    result = invoke("raw", "-o", "out", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        f"make  out/{MADE[0]}  of raw/a.fits as nirspec_level1b: missing"
    )
    assert sorted(Path().rglob("*")) == before


@pytest.mark.usefixtures("here")
def test_the_report_has_a_line_for_each_file_in_their_order() -> None:
    (Path("raw") / "b.fits").write_text("nonsense")
    result = invoke("raw", "-o", "out", "--report", "r.jsonl", "--jobs", "2")
    assert result.exit_code == 1
    rows = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == [f"out/{MADE[0]}", "b.fits"] + [
        f"out/{name}" for name in MADE[2:]
    ]
    assert [row["outcome"] for row in rows] == ["made", "failed", "made", "made"]
    assert rows[1]["problems"][0]["path"].endswith("raw/b.fits")
    assert "  b.fits  (raw/b.fits)\n    is no FITS file" in result.stdout
    # A second one takes its place; other files are kept.
    assert invoke("raw", "-o", "out", "--report", "r.jsonl").exit_code == 1
    rows = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [row["outcome"] for row in rows] == ["skipped", "failed", "skipped", "skipped"]
    result = invoke("raw", "-o", "out", "--report", "raw/a.fits")
    assert result.exit_code == 1
    assert result.stderr == "raw/a.fits: error: is no report of fitsgen, and is not replaced\n"


@pytest.mark.usefixtures("here")
def test_only_the_first_failures_are_listed() -> None:
    Path("names").write_text("".join(f"{number}.fits\n" for number in range(MAX_LISTED + 5)))
    result = invoke("--list", "names")
    table = result.stdout.partition("\n\n")[2]
    assert table.count("cannot be read") == MAX_LISTED
    assert "  and 5 more: --report FILE.jsonl has them all\n" in table


WRONG = {
    (): (2, "name raw files, a directory, a glob, a manifest, or --list FILE"),
    ("nothing*.fits",): (1, "nothing*.fits: no such files"),
    ("raw", "--set", "number"): (2, "--set number: expected NAME=VALUE"),
    ("raw", "--list", "none"): (2, "File 'none' does not exist"),
    ("raw", "--scheduler", "x", "--jobs", "2"): (2, "--jobs is for this machine"),
    ("raw", "-o", "raw/a.fits"): (2, "is a file"),
    ("raw", "--report", "no/r.jsonl"): (1, "no/r.jsonl: error: the directory no does not exist"),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("arguments", WRONG, ids=range(len(WRONG)))
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments)
    status, message = WRONG[arguments]
    assert (result.exit_code, message in result.stderr) == (status, True), result.stderr
    assert result.stdout == ""


def begin(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fitsgen", "batch", *options, "--no-verify"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def many(here: Path) -> dict[str, bytes]:
    """Ten raw files, and what is made of them."""
    for number in range(10):
        shutil.copy("raw/a.fits", f"raw/{number}.fits")
    assert run("raw", "-o", "whole")[0] == 0
    return files("whole")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_and_run_again_it_makes_the_rest(jobs: str, many: dict[str, bytes]) -> None:
    with begin("raw", "-o", "out", "--jobs", jobs) as process:
        while len(files()) < 4 and process.poll() is None:
            made = files()  # Whatever has its name is whole.
            assert made == {name: many[name] for name in made}
        process.kill()
    wait_until(
        lambda: not os.path.exists("out/fitsgen.made-wal") or run("raw", "-o", "out")[0] == 0
    )
    assert run("raw", "-o", "out")[0] == 0
    assert files() == many
    assert sorted(os.listdir("out")) == sorted(os.listdir("whole"))


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(number: signal.Signals) -> None:
    with begin("raw", "-o", "out", "--jobs", "2", "--report", "r.jsonl") as process:
        wait_until(files)
        process.send_signal(number)
        table, errors = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("it was done before it was stopped")
    assert (process.returncode, errors) == (128 + number, "stopped\n")
    assert table.split()[-6:-4] == ["made", str(table.count("made    out/"))]
    assert len(Path("r.jsonl").read_text().splitlines()) == table.count("made    out/")
    assert not [path for path in Path("out").iterdir() if path.name.endswith((".part", "-wal"))]
    assert run("raw", "-o", "out")[0] == 0


MEASURE = f"""
import sys
from fitsgen.cli import main
try:
    main(sys.argv[1:])
finally:
    print({PEAK} // 1024, file=sys.stderr)
"""


@pytest.mark.usefixtures("here")
def test_memory_does_not_grow_with_the_entries() -> None:
    """Neither with those that are right nor with those that are wrong, nor with the report."""

    def peak(count: int) -> int:
        with Path("many.jsonl").open("w") as file:
            for number in range(count):
                output = f"directory_of_outputs/{number:08}.fits"
                entry = {"inputs": ["a.fits"], "output": output, "template": "nirspec_level1b"}
                file.write(json.dumps(entry if number % 2 else {"inputs": number}) + "\n")
        verb = ("batch", "many.jsonl", "--dry-run", "--report", "r.jsonl", "--format", "json")
        command = [sys.executable, "-c", MEASURE, *verb]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert len(Path("r.jsonl").read_text().splitlines()) == count
        return int(done.stderr)

    small, large = peak(100), peak(20_000)
    assert large - small < 8, "MiB"
