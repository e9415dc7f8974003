"""What a user may write or ask for that is wrong: one case a line, each a clear error.

Every one ends with status 1, says what is wrong and where, and leaves no file
behind, whole or partial. Inputs that are damaged are in `test_damaged.py`.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fitsgen.cli import main

TEMPLATE = """<<file example>>
<<header primary>>
NINTS    = input('NINT') / integrations
<<header science>>
<<data>>
input[0].data
"""


def replace(old: str, new: str) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        path = directory / "t.gen.txt"
        path.write_text(TEMPLATE.replace(old, new), encoding="utf-8")

    return damage


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        (directory / name).write_bytes(content)

    return damage


def outside(directory: Path) -> None:
    (directory.parent / "outside1.gen.inc").write_text("A = 1\n")
    replace("NINTS ", '#include "../outside1.gen.inc"\nNINTS ')(directory)


def linked(directory: Path) -> None:
    (directory.parent / "outside2.gen.inc").write_text("A = 1\n")
    (directory / "link.gen.inc").symlink_to(directory.parent / "outside2.gen.inc")
    replace("NINTS ", '#include "link.gen.inc"\nNINTS ')(directory)


def nothing(_: Path) -> None:
    pass


DATA = "input[0].data\n"
VALUE = "input('NINT')"

CASES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    # name: damage, further arguments, what the error says
    "missing include": (replace("NINTS", '#include "no.inc"\nNINTS'), "", "there is no no.inc"),
    "include outside": (outside, "", "outside the directories of includes"),
    "include by a link": (linked, "", "outside the directories of includes"),
    "no such template": (nothing, "-t nirspec_ifu_leve1b", "did you mean nirspec_ifu_level1b?"),
    "no such path": (nothing, "-t ./no.gen.txt", "cannot be read: No such file"),
    "dunder": (replace(VALUE, "''.__class__"), "", "do not exist here: __class__"),
    "import": (replace(VALUE, "__import__('os')"), "", "do not exist here: __import__"),
    "open": (replace(VALUE, "open('x')"), "", "Python's open is not available"),
    "np.load": (replace(VALUE, "np.load('x')"), "", "np.load is not allowed"),
    "unknown function": (replace(VALUE, "frobnicate(1)"), "", "there is no function frobnicate"),
    "division by zero": (replace(VALUE, "(1 // 0)"), "", "primary NINTS: division by zero"),
    "missing keyword": (replace(VALUE, "2 * (1.5 + input('NO'))"), "", "input('NO') found nothing"),
    "NaN": (replace(VALUE, "np.nan"), "", "NaN has no form in a FITS header"),
    "infinity": (replace(VALUE, "np.inf"), "", "infinity has no form in a FITS header"),
    "huge integer": (replace(VALUE, "10 ** 80"), "", "more than 70 digits"),
    "control character": (replace(VALUE, "'a\\nb'"), "", "printable ASCII"),
    "list": (replace(VALUE, "[1, 2]"), "", "a list cannot be a header value"),
    "array as value": (replace(VALUE, "np.ones(3)"), "", "array of shape (3,) cannot be"),
    "reshape": (replace(DATA, "input[0].data.reshape((7, 7))"), "", "cannot reshape array of size"),
    "complex data": (replace(DATA, "np.ones(3) * 1j"), "", "complex numbers; give .real and .imag"),
    "float16 data": (replace(DATA, "np.ones(3, dtype='float16')"), "", "float32"),
    "logical data": (replace(DATA, "np.ones(3) > 2"), "", "astype('uint8')"),
    "text data": (replace(DATA, "'pixels'"), "", "science data:"),
    "number as data": (replace(DATA, "5"), "", "science data:"),
    "list as data": (replace(DATA, "[1, 2]"), "", "np.array("),
    "does not fit": (
        replace("<<header science>>", "<<header science>>\nBITPIX = 16\nBZERO = 0\n"),
        "--set x=1",
        "",
    ),
    "two FITS inputs": (nothing, "raw.fits", "this is a second FITS file without a name"),
    "input name taken": (nothing, "a=raw.fits a=raw.fits", "a second source called a"),
    "name with a meaning": (nothing, "np=raw.fits", "np cannot be the name of a source"),
    "word of Python": (nothing, "class=raw.fits", "class cannot be the name of a source"),
    "huge name": (nothing, "-o " + "x" * 300, "the name is too long"),
    "EXTNAME": (replace("<<data>>", "EXTNAME = 5\n<<data>>"), "", "EXTNAME is text, not 5"),
    "EXTVER": (replace("<<data>>", "EXTVER = input('DETECTOR', 0)\n<<data>>"), "", "not 'NRS1'"),
    "no input": (nothing, "missing.fits", "missing.fits: error: cannot be read"),
    "output exists": (write("out.fits", b"precious"), "", "exists; --overwrite replaces it"),
    "output is the input": (nothing, "-o raw.fits --overwrite", "is an input"),
    "output is a directory of no one": (nothing, "-o no/out.fits", "directory no does not exist"),
    "output through a link": (
        lambda d: (d / "out.fits").symlink_to(d / "elsewhere.fits"),
        "",
        "exists; --overwrite replaces it",
    ),
}
CASES["does not fit"] = (
    replace("<<data>>\ninput[0].data", "BITPIX = 8\n<<data>>\ninput[0].data"),
    "",
    "which uint8 (BITPIX = 8) cannot hold",
)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_a_clear_error(
    name: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage, more, message = CASES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.gen.txt").write_text(TEMPLATE)
    damage(tmp_path)
    before = snapshot(tmp_path)
    arguments = ["convert", "raw.fits", "-t", "t.gen.txt", "-o", "out.fits", *more.split()]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert message in result.output
    assert "error: " in result.output
    assert snapshot(tmp_path) == before


def snapshot(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }


def test_many_faults_are_all_told(tmp_path: Path) -> None:
    path = tmp_path / "t.gen.txt"
    path.write_text("<<file t>>\n<<header p>>\n" + "A = 'x\n" * 60 + "b = 1\n" * 60)
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.output.count(": error: ") == 120


def test_a_full_disk_leaves_nothing(raw: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the write fails the same way."""
    (tmp_path / "t.gen.txt").write_text(
        "<<file t>>\n<<header p>>\n<<data>>\nnp.zeros(10 ** 6, dtype='int16')\n"
    )
    out = tmp_path / "out"
    out.mkdir()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    result = subprocess.run(
        [sys.executable, "-m", "fitsgen", "convert", str(raw), "-t", "t.gen.txt", "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={**os.environ, "FITSGEN_CACHE": ""},
        check=False,
    )
    assert result.returncode == 1
    assert "error: 2,004,480 bytes are more than" in result.stderr
    assert list(out.iterdir()) == []


def test_wrong_usage_has_status_2(raw: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["convert", str(raw), "--on-error", "hope"]).exit_code == 2
    assert runner.invoke(main, ["frobnicate"]).exit_code == 2
    options = ["convert", str(raw), "-t", "nirspec_ifu_level1b", "--set", "novalue"]
    assert runner.invoke(main, options).exit_code == 2
