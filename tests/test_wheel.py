"""The wheel carries the library: installed in an empty environment, it converts from there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import assert_conforms

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    # A copy, so that building leaves nothing among the sources.
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "demo")
    source = shutil.copytree(ROOT, directory / "source", ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(directory), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = directory.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_templates_includes_grammar_and_layout(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for path in [*(ROOT / "templates").glob("*.txt"), *(ROOT / "includes").glob("*.inc")]:
        assert f"fitsgen/{path.parent.name}/{path.name}" in names
    for name in ("syntax/template.lark", "backends/module.py.jinja", "py.typed"):
        assert f"fitsgen/{name}" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/"))]


@pytest.mark.slow
def test_an_empty_environment_converts(wheel: Path, raw: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    bin_ = tmp_path / "env" / "bin"
    install = [bin_ / "pip", "install", "--quiet", "--disable-pip-version-check", wheel]
    subprocess.run(install, check=True, capture_output=True)
    command = [bin_ / "fitsgen", "convert", raw, "-t", "nirspec_ifu_level1b", "-o", "out.fits"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert_conforms(tmp_path / "out.fits")
    listed = subprocess.run([bin_ / "fitsgen", "list"], capture_output=True, text=True, check=True)
    assert "nircam_level1b" in listed.stdout
    # A compiled module needs no more than the installed runtime.
    compile_ = [bin_ / "fitsgen", "compile", "nirspec_ifu_level1b"]
    subprocess.run(compile_, cwd=tmp_path, check=True, capture_output=True)
    code = (
        "import sys, nirspec_ifu_level1b as m; print(len(m.FILE.generate('raw.fits')));"
        "print([x for x in ('lark', 'jinja2', 'fitsgen.check') if x in sys.modules])"
    )
    made = subprocess.run(
        [bin_ / "python", "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.split("\n")[:2] == ["4", "[]"]
