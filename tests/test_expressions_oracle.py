"""What the names on the lists do, and what random expressions do: nothing but compute."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Record = Callable[[str, object], None]


def run(program: str, *arguments: object) -> Any:
    """Run a program of this directory, which reports as JSON."""
    path = Path(__file__).with_name(program)
    command = [sys.executable, path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_name_on_the_lists_only_computes(record_property: Record) -> None:
    """Whatever it is called on, and with: no file, no way out, nothing written, nothing called."""
    report = run("expression_oracle.py")
    for fault in ("events", "escapes", "changed", "called", "addresses"):
        assert report[fault] == []
    assert report["returned"] > 10_000
    message = f"{report['calls']} calls of the methods, attributes and functions of expressions"
    record_property("figure", f"{message}: no file, no way out, nothing written")


def test_random_expressions_that_compile_only_compute(record_property: Record) -> None:
    report = run("expression_runs.py", 30, 1)
    assert report["wrong"] == []
    assert report["evaluated"] > 200
    message = f"{report['made']} random expressions, {report['compiled']} compiled and run"
    record_property("figure", f"{message}: no event, and no error but those that are told")
