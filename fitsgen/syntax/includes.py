"""A template's path to its spliced lines: every include found, parsed once and put in its place.

In: the path of a template. Out: a `Spliced` of `Line`, each a node with its
tree and the chain of includes that led to it, and the problems of all files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fitsgen.diagnostics import CompileError, Position, Problem
from fitsgen.syntax.nodes import Include, Node, Root, Tree, is_rules
from fitsgen.syntax.parser import parse
from fitsgen.syntax.text import MAX_LINES, read_text

MAX_LEVELS = 64
MAX_INCLUDES = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """A node where it came to stand."""

    node: Node
    tree: Tree
    chain: tuple[Position, ...]

    def position(self, offset: int | None = None) -> Position:
        """Return the position of an offset into the tree's text, or of the node's start."""
        return self.tree.position(self.node.span.start if offset is None else offset, self.chain)


@dataclass(frozen=True, slots=True)
class Spliced:
    """A template with its includes: its lines, its own tree, and every file that was read for it.

    `missed` are the paths at which an include was looked for and not found:
    a file that appears there later changes what the template means.
    """

    lines: tuple[Line, ...]
    tree: Tree | None
    files: tuple[tuple[str, Path], ...]
    missed: tuple[Path, ...]


@dataclass
class Reader:
    """Reads templates, and keeps each parsed file for all that include it."""

    roots: Sequence[Root] = ()
    _trees: dict[Path, tuple[Tree, list[Problem]] | CompileError] = field(default_factory=dict)

    def splice(self, path: Path, name: str | None = None) -> tuple[Spliced, list[Problem]]:
        """Read a template and all that it includes.

        A file that cannot be read is a problem, as is everything the grammar
        does not allow; the lines that could be read are returned all the same.
        """
        splicer = _Splicer(self, inherits=is_rules(path))
        lines = tuple(splicer.file(path, name or path.name, ()))
        tree = None
        if splicer.is_bounded and isinstance(known := self._trees[path], tuple):
            tree, _ = known
        spliced = Spliced(lines, tree, tuple(splicer.files.items()), tuple(splicer.missed))
        return spliced, splicer.problems

    def tree(self, path: Path, name: str) -> tuple[Tree, list[Problem]]:
        """Parse a file, once; raises `CompileError` where it cannot be read."""
        known = self._trees.get(path)
        if known is None:
            try:
                known = parse(*read_text(path, name))
            except CompileError as error:
                known = error
            self._trees[path] = known
        if isinstance(known, CompileError):
            raise known
        return known


class _Splicer:
    """One walk through a template and its includes."""

    def __init__(self, reader: Reader, *, inherits: bool) -> None:
        self.reader = reader
        self.problems: list[Problem] = []
        self.files: dict[str, Path] = {}
        self.missed: list[Path] = []
        self.open: list[Path] = []
        self.reals: dict[Path, str] = {}
        self.found: dict[tuple[Path, str], tuple[Path, str]] = {}
        self.count = self.includes = 0
        self.inherits = inherits

    def file(self, path: Path, name: str, chain: tuple[Position, ...]) -> Iterator[Line]:
        try:
            tree, problems = self.reader.tree(path, name)
        except CompileError as error:
            self.problems += (_chained(problem, chain) for problem in error.problems)
            return
        self.files[name] = path
        self.problems += (_chained(problem, chain) for problem in problems)
        self.open.append(path)
        for node in tree.nodes:
            self.count += 1
            if not self.is_bounded:
                break
            line = Line(node, tree, chain)
            if isinstance(node, Include) and (self.inherits or not node.inherits):
                yield from self.include(node, line, path)
            else:
                yield line
        self.open.pop()
        if not self.is_bounded and not chain:
            message = f"more than {MAX_LINES} lines once its includes are in place"
            if self.includes > MAX_INCLUDES:
                message = f"more than {MAX_INCLUDES} includes"
            self.problems.append(Problem(message, tree.position(0)))

    @property
    def is_bounded(self) -> bool:
        """Whether there are no more lines and includes than are allowed, until now."""
        return self.count <= MAX_LINES and self.includes <= MAX_INCLUDES

    def include(self, node: Include, line: Line, includer: Path) -> Iterator[Line]:
        self.includes += 1
        if len(line.chain) >= MAX_LEVELS:
            self.report(line, f"includes nested more than {MAX_LEVELS} levels deep")
            return
        found = self.find(node.path, line, includer)
        if found is None:
            return
        path, name = found
        if path in self.open:
            self.report(line, f"{node.path} includes itself")
            return
        yield from self.file(path, name, (line.position(), *line.chain))

    def find(self, path: str, line: Line, includer: Path) -> tuple[Path, str] | None:
        """Return where an include is and what it is called in messages; many lines ask the same."""
        if (includer, path) not in self.found:
            found = self.search(path, line, includer)
            if found is None:
                return None
            self.found[includer, path] = found
        return self.found[includer, path]

    def search(self, path: str, line: Line, includer: Path) -> tuple[Path, str] | None:
        """Look for an include beside the file that names it, and then in the roots."""
        if not path:
            self.report(line, "this path is empty")
            return None
        beside = Root(includer.parent, str(Path(line.tree.source.name).parent))
        roots = (beside, *self.reader.roots)
        for root in roots:
            candidate = root.directory / path
            if not os.path.lexists(candidate):
                self.missed.append(candidate)
                continue
            resolved = self.resolved(candidate)
            if not any(_allows(self.real(other.directory), resolved) for other in roots):
                hint = "name its directory with -I if that is meant"
                self.report(line, f"{path} is outside the directories of includes", hint)
                return None
            return Path(resolved), os.path.normpath(os.path.join(root.label, path))
        places = ", ".join(dict.fromkeys(str(root.label) or "." for root in roots))
        self.report(line, f"there is no {path}", f"looked in {places}")
        return None

    def resolved(self, path: Path) -> str:
        """Return a path without symbolic links; that of its directory is known after the first."""
        if os.path.islink(path) or path.name == "..":
            return os.path.realpath(path)
        return os.path.join(self.real(path.parent), path.name)

    def real(self, directory: Path) -> str:
        """Return a directory without symbolic links; every include asks for the same few."""
        if directory not in self.reals:
            self.reals[directory] = os.path.realpath(directory)
        return self.reals[directory]

    def report(self, line: Line, message: str, hint: str = "") -> None:
        start, end = line.node.span
        quote = min(i for i in range(start, end) if line.tree.text[i] in "'\"")
        self.problems.append(Problem(message, line.position(quote), hint))


def _allows(directory: str, path: str) -> bool:
    return path.startswith(directory.rstrip(os.sep) + os.sep)


def _chained(problem: Problem, chain: tuple[Position, ...]) -> Problem:
    at = problem.position
    if at is None or not chain:
        return problem
    at = Position(at.source, at.line, at.column, chain)
    return Problem(problem.message, at, problem.hint, problem.severity, problem.notes)
