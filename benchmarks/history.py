"""A run to one line of `history.jsonl`, beside this module.

In: the figures, and the directory that they were measured in. Out: a line of JSON: when, which
commit, on what kind of machine, and every figure. No names of machines, people or paths.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Figure, told

HERE = Path(__file__).parent
HISTORY = HERE / "history.jsonl"

Facts = dict[str, str | int | bool]


def facts(directory: Path, *, quick: bool) -> Facts:
    """Return what a figure depends on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        # The line of the run before is no change of what is measured.
        "dirty": bool(_git("status", "--porcelain", "--", ".", f":!{HERE.name}/{HISTORY.name}")),
        "quick": quick,
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "astropy")},
        "file system": _if_told(["df", "--output=fstype", str(directory)]).split("\n")[-1],
    }


def append(known: Facts, figures: Mapping[str, Figure]) -> None:
    """Add a line."""
    measured = [
        {
            "what": what,
            "value": _short(figure.value),
            "unit": figure.unit,
            "aim": str(figure.aim),
            "ours": _short(figure.ours),
            "peer": _short(figure.peer),
            "astropy": _short(figure.astropy),
        }
        for what, figure in figures.items()
    ]
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**known, "figures": measured}) + "\n")


def _short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")


def _git(*arguments: str) -> str:
    return _if_told(["git", "--no-optional-locks", "-C", str(HERE.parent), *arguments])


def _if_told(command: list[str]) -> str:
    """Return what a command prints, '' where there is no such command or no repository."""
    try:
        return told(command)
    except (OSError, subprocess.CalledProcessError):
        return ""
