"""A template and its verification template, compiled, to what a file is verified against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fitsgen import compiler, library
from fitsgen.diagnostics import Problem
from fitsgen.runtime.declare import FileType


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a file is verified against, and the warnings that compiling it gave."""

    file_type: FileType
    checks: FileType | None
    problems: tuple[Problem, ...]


def expectations(
    template: str, rules: Path | None = None, include: Sequence[Path] = ()
) -> Expectations:
    """Load a template and its checks: those given, or those beside the template.

    Raises
    ------
    CompileError
        With every problem of the one or the other.

    """
    return with_checks(compiler.load(template, include), rules, include)


def with_checks(
    loaded: compiler.Loaded, rules: Path | None = None, include: Sequence[Path] = ()
) -> Expectations:
    """Load the checks for a template that was loaded: those given, or those beside it."""
    path = rules or library.rules_beside(loaded.path)
    if path is None:
        return Expectations(loaded.file_type, None, loaded.problems)
    checks = compiler.load_rules(path, include)
    return Expectations(loaded.file_type, checks.file_type, (*loaded.problems, *checks.problems))
