"""Data goes one way: which room may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fitsgen"

# A room, and the rooms that it may import; every room may import itself.
MAY_IMPORT = {
    "__init__": {"compiler", "diagnostics", "jwst", "provenance", "runtime", "verification"},
    "__main__": {"cli"},
    "blocks": set(),
    "checksum": {"blocks"},
    "diagnostics": set(),
    "limits": set(),
    "literals": set(),
    "namespace": set(),
    "signals": set(),
    "valuetypes": set(),
    "syntax": {"diagnostics"},
    "model": {"diagnostics", "namespace", "syntax.nodes"},
    "check": {
        *("diagnostics", "model", "namespace", "syntax"),
        *("runtime.cards", "runtime.structural"),
    },
    "backends": {
        *("diagnostics", "model", "namespace", "runtime.declare", "runtime.structural"),
        "valuetypes",
    },
    "lazy": set(),
    "inputs": {
        *("blocks", "checksum", "diagnostics", "lazy", "limits", "namespace", "model", "check"),
        "syntax",
    },
    "jwst": {"blocks", "diagnostics", "inputs"},
    "runtime": {
        *("__init__", "blocks", "checksum", "diagnostics", "lazy", "namespace", "inputs"),
        "signals",
    },
    "library": {"diagnostics", "includes", "templates", "syntax.nodes"},
    "cache": {
        *("__init__", "diagnostics", "runtime.declare", "runtime.files", "runtime.writing"),
        "syntax.nodes",
    },
    "compiler": {
        *("backends", "cache", "check", "diagnostics", "library", "model", "syntax"),
        *("runtime.declare", "runtime.origins"),
    },
    "records": {"diagnostics"},
    "batch": {"diagnostics", "records"},
    "workers": {"batch", "limits", "signals"},
    "cluster": {"__init__", "batch", "diagnostics"},
    "tasks": {
        *("__init__", "batch", "compiler", "diagnostics", "inputs.sources", "library", "records"),
        *("jwst.view", "provenance", "runtime.convert", "runtime.declare", "verification"),
    },
    "manifest": {"diagnostics", "inputs.split_name", "inputs.xml", "jwst.view"},
    "listing": {"diagnostics", "manifest"},
    "targets": {
        *("diagnostics", "inputs", "jwst.kinds", "jwst.view", "library", "limits", "manifest"),
        *("runtime.build", "runtime.convert", "runtime.declare", "tasks"),
    },
    "show": {"inputs", "runtime.structural", "syntax"},
    "verification": {
        *("blocks", "checksum", "compiler", "diagnostics", "inputs", "library", "namespace"),
        *("runtime", "valuetypes"),
    },
    "provenance": {
        *("__init__", "blocks", "compiler", "diagnostics", "inputs", "jwst.view", "library"),
        *("literals", "records", "runtime"),
    },
    "simulate": {"blocks", "compiler", "diagnostics", "inputs", "jwst", "runtime"},
    "preview": {"diagnostics", "inputs", "lazy"},
    "cli": {
        *("__init__", "backends", "compiler", "diagnostics", "inputs.sources", "jwst"),
        *("library", "provenance", "runtime", "show", "verification"),
        *("batch", "cluster", "limits", "listing", "manifest", "records", "targets", "tasks"),
        *("literals", "preview", "signals", "simulate", "workers"),
    },
}


def room(module: str) -> str:
    return module.split(".")[0]


def imports(path: Path) -> set[str]:
    """What a file imports of fitsgen: 'room' or 'room.module'."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            head, _, rest = name.partition(".")
            if head == "fitsgen":
                parts = rest.split(".")
                is_room = parts[0] in MAY_IMPORT or parts[0] in ("includes", "templates")
                found.add(".".join(parts[:2]) if is_room else "__init__")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_imports_go_one_way(path: Path) -> None:
    relative = path.relative_to(PACKAGE).with_suffix("")
    own = relative.parts[0]
    for imported in imports(path):
        if room(imported) == own:
            continue
        allowed = MAY_IMPORT[own]
        assert room(imported) in allowed or any(
            imported == one or imported.startswith(one + ".") for one in allowed
        ), f"{relative} imports {imported}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import fitsgen.cli", "lark jinja2 numpy astropy rich"),
        ("import fitsgen.compiler", "lark jinja2 numpy astropy rich click"),
        ("import fitsgen.runtime.convert", "lark jinja2 numpy astropy rich click"),
        ("import fitsgen.cli.batch, fitsgen.cli.proposal", "numpy astropy sqlite3 distributed"),
        ("import fitsgen.tasks, fitsgen.targets, fitsgen.workers", "numpy astropy distributed"),
    ],
)
def test_heavy_libraries_wait_until_they_are_needed(statement: str, absent: str) -> None:
    code = f"{statement}; import sys; print([m for m in {absent.split()} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
