"""Every case under `cases/`: problems of templates, emitted modules, and conversions."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import Case, case_id, cases
from click.testing import CliRunner
from conftest import assert_conforms

from fitsgen.cli import main

TEMPLATE = "template.gen.txt"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return result.exit_code, result.output


@pytest.mark.parametrize("case", cases("check"), ids=case_id)
def test_problems_of_a_template(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case.write_files(tmp_path)
    template = next(name for name in case.files if name.startswith("template."))
    status, output = run("check", template, *case.options)
    case.compare(output)
    assert status == (1 if ": error: " in output else 0)


@pytest.mark.parametrize("case", cases("module"), ids=case_id)
def test_emitted_module(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case.write_files(tmp_path)
    assert run("compile", TEMPLATE, "-o", "module.py", *case.options)[0] == 0
    case.compare((tmp_path / "module.py").read_text())


@pytest.mark.parametrize("case", cases("convert"), ids=case_id)
def test_conversion(case: Case, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file as a template, or the problems and no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    case.write_files(tmp_path)
    data_files = [name for name in case.files if name.endswith(".dat")]
    status, output = run(
        "convert", "raw.fits", *data_files, "-t", TEMPLATE, "-o", "out.fits", *case.options
    )
    if (tmp_path / "out.fits").exists():
        assert_conforms(tmp_path / "out.fits", undefined_values=True)
        _, shown = run("show", "out.fits")
        output += shown
    else:
        assert status == 1
    case.compare(output)


@pytest.mark.parametrize("case", cases("verify"), ids=case_id)
def test_verification(
    case: Case, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `made.gen.txt` makes, verified against `template.gen.txt`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    case.write_files(tmp_path)
    status, output = run("convert", "raw.fits", "-t", "made.gen.txt", "-o", "out.fits")
    assert status == 0, output
    status, output = run("verify", "out.fits", "-t", TEMPLATE, *case.options)
    case.compare(f"{output}status {status}\n")
