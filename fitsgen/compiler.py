"""A template's path to a checked model, to module text, to a `FileType` that makes files.

This is the line through all rooms: `syntax` reads, `check` checks, a backend
writes, the runtime loads. Lark and Jinja2 are imported only when something has
to be read or written anew; compiled modules are kept by `cache`.
"""

from __future__ import annotations

import dataclasses
import os
import stat
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from fitsgen import cache, library
from fitsgen.diagnostics import (
    CompileError,
    Position,
    Problem,
    Source,
    errors,
    in_order,
    strictly,
)
from fitsgen.runtime.declare import FileType
from fitsgen.runtime.origins import Origins
from fitsgen.syntax.nodes import is_rules

if TYPE_CHECKING:
    from fitsgen import model
    from fitsgen.syntax.includes import Reader


@dataclass(frozen=True, slots=True)
class Checked:
    """A template that was read: its model, whole only where no problem is an error."""

    file_type: model.FileType
    problems: tuple[Problem, ...]
    files: tuple[tuple[str, Path], ...]
    missed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file type ready to make files, and the warnings its compilation gave."""

    file_type: FileType
    problems: tuple[Problem, ...]
    path: Path


def check(path: Path, reader: Reader) -> Checked:
    """Read and check a template."""
    from fitsgen.check import check as check_template
    from fitsgen.check.rules import check_rules

    # Of a link to itself `Path.resolve` makes an exception, and this what cannot be read.
    spliced, problems = reader.splice(Path(os.path.realpath(path)), library.shown(path))
    if spliced.tree is None:
        start = Position(Source(str(path)))
        return Checked(_nothing(start), _told(tuple(problems)), (), spliced.missed)
    check_lines = check_rules if is_rules(path) else check_template
    file_type, found = check_lines(spliced.lines, spliced.tree.position(0))
    file_type = dataclasses.replace(file_type, summary=library.summary(spliced.tree.text))
    ordered = tuple(in_order([*problems, *found]))
    return Checked(file_type, _told(ordered), spliced.files, spliced.missed)


def _told(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return problems, or where there are very many errors the first, and that there are more."""
    from fitsgen.check import MAX_ERRORS

    places = [place for place, problem in enumerate(problems) if problem.is_error]
    if len(places) <= MAX_ERRORS:
        return problems
    end = places[MAX_ERRORS]
    return (*problems[:end], Problem("there are more problems", problems[end].position))


def reader(include_directories: Sequence[Path] = ()) -> Reader:
    """Return what reads templates; one reader parses an include once, however often it is used."""
    from fitsgen.syntax.includes import Reader

    return Reader(library.roots(include_directories))


def checked(path: Path, include_directories: Sequence[Path] = ()) -> Checked:
    """Read and check a template; raises `CompileError` where it has errors."""
    result = check(path, reader(include_directories))
    if errors(result.problems):
        raise CompileError(result.problems)
    return result


def module_text(checked: Checked) -> str:
    """Return the module for a checked template; raises `CompileError` where it has errors."""
    from fitsgen.backends.python import emit

    if errors(checked.problems):
        raise CompileError(checked.problems)
    return emit(checked.file_type, labels(checked))


def labels(checked: Checked) -> dict[str, str]:
    """Return what a module calls each file: the same wherever the templates are.

    Two files that would be called alike have their whole names.
    """
    base = str(Path(checked.files[0][0]).parent)
    short = {name: _label(name, base) for name, _ in checked.files}
    often = Counter(short.values())
    return {name: label if often[label] == 1 else name for name, label in short.items()}


def require_no_warnings(problems: Sequence[Problem]) -> None:
    """Raise `CompileError` where a compilation gave warnings, which are to be taken for errors."""
    found = strictly(problems)
    if errors(found):
        raise CompileError(found)


def load(template: str, include_directories: Sequence[Path] = ()) -> Loaded:
    """Return the file type of a template, given by name, path, or as a compiled module.

    Raises
    ------
    CompileError
        With every problem of the template.

    """
    path = library.find(template, include_directories)
    if path.suffix == ".py":
        return Loaded(load_module(path), (), path)
    if is_rules(path):
        message = "a verification template makes no files"
        raise CompileError(Problem(message, Position(Source(str(path)))))
    return _load(path, include_directories)


def load_rules(path: Path, include_directories: Sequence[Path] = ()) -> Loaded:
    """Return the checks of a verification template; raises `CompileError` as `load` does."""
    if not is_rules(path):
        message = "this is no verification template: its name does not end in .val.txt"
        raise CompileError(Problem(message, Position(Source(str(path)))))
    return _load(path, include_directories)


def _load(path: Path, include_directories: Sequence[Path]) -> Loaded:
    roots = library.roots(include_directories)
    entry = cache.read(path, roots)
    if entry is None:
        checked = check(path, reader(include_directories))
        text = module_text(checked)
        sources = dict(_sources(checked))
        entry = cache.Entry(text, _compiled(text, path.name), sources, checked.problems)
        cache.write(path, roots, entry, [p for _, p in checked.files], checked.missed)
    file_type = _executed(entry.code)
    origins = Origins(entry.text, entry.sources)
    return Loaded(file_type.with_origins(origins), entry.problems, path)


def load_module(path: Path) -> FileType:
    """Return the file type of a compiled module. This runs the module: trust it as any program."""
    try:
        # Looked at before it is opened: opening a FIFO waits for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("not a regular file")
        text = path.read_text(encoding="utf-8")
        file_type = _executed(_compiled(text, str(path)))
    except (Exception, SystemExit) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error) or repr(error)
        raise CompileError(
            Problem(
                f"this is no module that fitsgen compiled: {reason}", Position(Source(str(path)))
            )
        ) from None
    directories = (path.parent, Path(), library.includes_directory().parent)
    return file_type.with_origins(Origins(text, {}, directories))


def _compiled(text: str, name: str) -> CodeType:
    with warnings.catch_warnings():
        # Doubtful Python in an expression was told with its place in the template.
        warnings.simplefilter("ignore", SyntaxWarning)
        return compile(text, f"<compiled {name}>", "exec", dont_inherit=True)


def _executed(code: CodeType) -> FileType:
    namespace: dict[str, Any] = {"__name__": "fitsgen_module"}
    exec(code, namespace)
    file_type = namespace.get("FILE")
    if not isinstance(file_type, FileType):
        raise ValueError("it defines no FILE")
    return file_type


def _sources(checked: Checked) -> list[tuple[str, Path]]:
    names = labels(checked)
    return [(names[name], path) for name, path in checked.files]


def _label(name: str, base: str) -> str:
    relative = os.path.relpath(name, base)
    if not relative.startswith(".."):
        return Path(relative).as_posix()
    if not os.path.isabs(name) and ".." not in Path(name).parts:
        return Path(name).as_posix()
    return "/".join(Path(name).parts[-2:])


def _nothing(start: Position) -> model.FileType:
    from fitsgen import model

    return model.FileType("", (), start)
