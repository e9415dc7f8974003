"""The corpus of the fuzzer, replayed: what it holds is read or refused, and does nothing else."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.targets import CORPUS, TARGETS, Target
from fuzz.warm import warm_up
from fuzz.watch import WATCH, Forbidden

ROOT = CORPUS.parents[1]
MOST_FILES, MOST_BYTES = 400, 1_000_000

# Inputs that once ended in an exception, and what it was.
FOUND = {
    "fits/crash-long-ascii": "ValueError: thousands of digits for the width of an ASCII column",
    "fits/crash-long-maximum": "ValueError: thousands of digits for the longest array",
    "fits/crash-long-repeat": "ValueError: thousands of digits for the repeat count of a column",
    "fits/crash-long-width": "ValueError: thousands of digits for the width of a text",
    "manifest/crash-long-name": "OSError: a template's name that is too long for a file's",
    "record/crash-parameter-path": "AssertionError: an empty parameter called path was lost",
    "template/crash-argument-twice": "SyntaxError in the module: an argument given twice",
    "template/crash-deep-comment": "MemoryError: a comment that begins like a deep expression",
    "template/crash-deep-value": "RecursionError: a deep expression with text after it",
    "template/crash-stray-warning": "Python's warning of 1or 2 was printed among the problems",
}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm_up()


def reading(name: str) -> list[Target]:
    """Return the targets that read what is in a directory of the corpus."""
    return [target for target in TARGETS if target.corpus.name == name]


def replayed(target: Target, path: Path) -> None:
    try:
        target.run(path.read_bytes())
    except BaseException as error:
        error.add_note(f"with {path.relative_to(ROOT)}")
        raise


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_corpus_is_read_or_refused(target: Target) -> None:
    inputs = target.inputs()
    assert inputs
    for path in inputs:
        replayed(target, path)


@pytest.mark.parametrize("name", FOUND, ids=FOUND.get)
def test_what_crashed_once_is_answered_now(name: str) -> None:
    for target in reading(name.partition("/")[0]):
        replayed(target, CORPUS / name)


def test_all_that_crashed_is_named() -> None:
    there = {f"{path.parent.name}/{path.name}" for path in CORPUS.glob("*/crash-*")}
    assert there == set(FOUND)


def test_the_corpus_stays_small(record_property: pytest.RecordProperty) -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    record_property("figure", f"corpus of the fuzzer: {len(files)} inputs, {size:,} bytes")
    assert len(files) < MOST_FILES
    assert size < MOST_BYTES


# ---- the watch


def swallowed(tmp_path: Path) -> None:
    try:
        (tmp_path / "new").write_bytes(b"")
    except BaseException:
        return


FORBIDDEN: dict[str, Callable[[Path], object]] = {
    "open for writing": lambda path: (path / "new").write_bytes(b""),
    "open of a file that was not given": lambda path: (path / "there").read_bytes(),
    "remove": lambda path: (path / "there").unlink(),
    "rename": lambda path: (path / "there").rename(path / "new"),
    "a process": lambda path: subprocess.run(["true"], check=False),
    "import": lambda path: __import__("antigravity"),
    "eval": lambda path: eval("1"),
    "swallowed": swallowed,
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_reading_must_never_do_is_a_crash(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"")
    with pytest.raises(Forbidden), WATCH.over():
        FORBIDDEN[name](tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    # Once it is over, all is allowed again.
    (tmp_path / "there").write_bytes(b"more")


def test_what_was_given_may_be_read(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(b"text")
    with WATCH.over(path), open(path, "rb") as file:
        assert file.read() == b"text"


# ---- the fuzzer itself


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_fuzzer_runs_and_tells_what_it_did() -> None:
    command = [sys.executable, "-m", "fuzz", "template", "--runs", "500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "executions over 1 targets" in done.stdout
    assert "0 crashes" in done.stdout


def test_without_atheris_it_says_so() -> None:
    code = (
        "import sys; sys.modules['atheris'] = None; sys.argv[1:] = ['path'];"
        "from fuzz.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "atheris, which is not installed" in done.stderr
