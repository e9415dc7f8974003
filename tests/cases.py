"""Test cases as files: what goes in and what must come out, readable without Python.

A case file has a line that says what it shows, and parts that begin with
`=== NAME`: files, `options`, and last `expected`. Run the tests with
FITSGEN_UPDATE=1 to write what comes out now, and read the difference.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "cases"
_PART = re.compile(r"^=== (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    path: Path
    title: str
    files: dict[str, str]
    options: list[str]
    expected: str

    def write_files(self, directory: Path) -> None:
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def compare(self, found: str) -> None:
        found = found.rstrip("\n") + "\n" if found.strip() else ""
        if os.environ.get("FITSGEN_UPDATE") and found != self.expected:
            text = self.path.read_text(encoding="utf-8")
            start = text.index("=== expected\n") + len("=== expected\n")
            self.path.write_text(text[:start] + found, encoding="utf-8")
        assert found == self.expected


def load(path: Path) -> Case:
    title, *parts = _PART.split(path.read_text(encoding="utf-8"))
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    expected = named.pop("expected")
    options = named.pop("options", "").split()
    return Case(path, title.strip(), named, options, expected)


def cases(kind: str) -> list[Case]:
    return [load(path) for path in sorted((HERE / kind).glob("*.txt"))]


def case_id(case: Case) -> str:
    return case.path.stem
