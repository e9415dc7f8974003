"""Where templates are: the file types found by name, and the directories of includes.

In: names and directories the user gave. Out: paths, and `Root`s for includes.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fitsgen.includes
import fitsgen.templates
from fitsgen.diagnostics import CompileError, Position, Problem, Source
from fitsgen.syntax.nodes import RULES_SUFFIX, Root, is_rules

SUFFIX = ".gen.txt"
SHIPPED = "fitsgen"

_HEAD = 16 * 1024
_FILE_LINE = re.compile(r"^[ \t]*<<[ \t]*file[ \t]+(\w+)[ \t]*>>", re.MULTILINE)
_REMARK = re.compile(r"^[ \t]*#(?!include\b)[ \t]*(\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file type that was found: its name, its first template comment, and where it is."""

    name: str
    summary: str
    path: Path
    origin: str


def templates_directory() -> Path:
    """Return the directory of the shipped file types."""
    return Path(fitsgen.templates.__path__[0])


def includes_directory() -> Path:
    """Return the directory of the shipped includes."""
    return Path(fitsgen.includes.__path__[0])


def path_directories() -> list[Path]:
    """Return the directories that the environment variable FITSGEN_PATH names."""
    return [Path(part) for part in os.environ.get("FITSGEN_PATH", "").split(os.pathsep) if part]


def roots(include_directories: Sequence[Path]) -> tuple[Root, ...]:
    """Return where includes are looked up, after the directory of the including file."""
    given = [Root(directory, str(directory)) for directory in include_directories]
    named = [Root(directory, str(directory)) for directory in path_directories()]
    return (*given, *named, Root(includes_directory(), includes_directory().name))


def find(template: str, include_directories: Sequence[Path] = ()) -> Path:
    """Return the path of a template given by path or by name.

    Raises
    ------
    CompileError
        There is no such file type; the message names the nearest.

    """
    path = Path(template)
    is_file = path.exists() and not path.is_dir()
    if is_file or path.suffix in (".txt", ".py") or path.name != template:
        return path
    for directory in (*include_directories, *path_directories(), templates_directory()):
        candidate = directory / (template + SUFFIX)
        if candidate.exists():
            return candidate
    known = [entry.name for entry in entries(include_directories)]
    near = difflib.get_close_matches(template, known, 1)
    hint = f"did you mean {near[0]}?" if near else "fitsgen list shows the file types there are"
    position = Position(Source(template))
    raise CompileError(Problem("there is no file type and no file of this name", position, hint))


def rules_beside(path: Path) -> Path | None:
    """Return the verification template beside a template or its module, if there is one."""
    stem = path.name.removesuffix(SUFFIX).removesuffix(".py")
    rules = path.with_name(stem + RULES_SUFFIX)
    return rules if rules.exists() and not is_rules(path) else None


def shown(path: Path) -> str:
    """Return what a template is called in messages: a shipped one has a short name."""
    directory = templates_directory()
    return f"{directory.name}/{path.name}" if path.parent == directory else str(path)


def entries(include_directories: Sequence[Path] = ()) -> Iterator[Entry]:
    """Find file types, in the order in which a name finds them."""
    here = [
        (directory, str(directory)) for directory in (*include_directories, *path_directories())
    ]
    for directory, origin in (*here, (templates_directory(), SHIPPED)):
        for path in sorted(directory.glob("*" + SUFFIX)):
            yield from _entry(path, origin)


def _entry(path: Path, origin: str) -> Iterator[Entry]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.read(_HEAD)
    except OSError:
        return
    if name := _FILE_LINE.search(head):
        yield Entry(name[1], summary(head), path, origin)


def summary(text: str) -> str:
    """Return the first template comment before the file line: what the file type is for."""
    file_line = _FILE_LINE.search(text)
    remark = _REMARK.search(text, 0, file_line.start() if file_line else len(text))
    return remark[1].strip() if remark else ""
