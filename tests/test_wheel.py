"""What is handed on: the wheel works in an empty environment, the source distribution is whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import assert_conforms

ROOT = Path(__file__).parents[1]
LIBRARY = (ROOT / "templates", ROOT / "includes")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a source distribution, and the wheel that was built from it."""
    directory = tmp_path_factory.mktemp("built")
    # A copy, so that building leaves nothing among the sources.
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "demo")
    source = shutil.copytree(ROOT, directory / "source", ignore=ignored)
    command = [sys.executable, "-m", "build", "--outdir", str(directory), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_library_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    there = {
        *(f"fitsgen/{path.name}/{file.name}" for path in LIBRARY for file in path.glob("*.*")),
        *(str(file.relative_to(ROOT)) for file in (ROOT / "fitsgen").rglob("*.*")),
    }
    there = {name for name in there if "__pycache__" not in name}
    assert {"fitsgen/syntax/template.lark", "fitsgen/py.typed"} <= there
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == there
    assert any(name.endswith("licenses/LICENSE") for name in about)


@pytest.mark.slow
def test_the_source_distribution_holds_all_that_is_kept(built: Path) -> None:
    """Tests, documents and benchmarks too: who packages fitsgen runs the tests from it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone")
    kept = {name for name in listed.stdout.splitlines() if not name.startswith(".")}
    kept = {name for name in kept if (ROOT / name).exists()}
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert kept - names == set()
    more = {name for name in names - kept if not name.startswith(("fitsgen.egg-info/", "PKG-INFO"))}
    # What is new and not yet committed is there too.
    assert not [name for name in more if name.endswith((".pyc", ".orig", "~"))]


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
