"""From a line of an emitted module back to the template: what the comments in the module say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitsgen.diagnostics import Position, Source

_PLACE = re.compile(r"\s*# (.+):(\d+)$")
_FROM = re.compile(r"\s*# included from (.+)$")


@dataclass(frozen=True, slots=True)
class Origins:
    """The text of a module, and where the templates that it was made from may be read.

    `files` maps a template's name, as the module's comments have it, to its
    path; a name that is not there is looked for in `directories`.
    """

    module: str
    files: Mapping[str, Path]
    directories: Sequence[Path] = ()

    def positions(self) -> list[list[Position]]:
        """Return, for each HDU, the positions of its items, and after them that of its data."""
        lines = self.module.split("\n")
        hdus = [
            [item.lineno for item in _items(node)]
            for node in ast.parse(self.module).body
            if _is_hdu(node)
        ]
        return [list(self._hdu(lines, starts)) for starts in hdus]

    def values(self) -> list[list[ast.expr | None]]:
        """Return, for each HDU, the expressions of its items, and after them that of its data."""
        nodes = [node for node in ast.parse(self.module).body if _is_hdu(node)]
        return [[_value(item) for item in _items(node)] for node in nodes]

    def _hdu(self, lines: list[str], starts: list[int]) -> Iterator[Position]:
        """Read the comments above the lines on which an HDU's items start.

        "Included from" holds for the lines of one file, until another is named.
        """
        file, chain = "", tuple[Position, ...]()
        for start in starts:
            match = _PLACE.match(lines[start - 2])
            if not match:
                yield Position(Source("?"))
                continue
            if included := _FROM.match(lines[start - 3]):
                chain = tuple(self._place(*_split(one)) for one in included[1].split(", "))
            elif match[1] != file:
                chain = ()
            file = match[1]
            place = self._place(file, int(match[2]))
            yield Position(place.source, place.line, _column(place.text), chain)

    def _place(self, name: str, line: int) -> Position:
        return Position(Source(name, self._read(name)), line)

    def _read(self, name: str) -> tuple[str, ...]:
        candidates = [directory / name for directory in self.directories]
        for path in (*filter(None, [self.files.get(name)]), *candidates):
            try:
                return tuple(path.read_text(encoding="utf-8-sig").split("\n"))
            except (OSError, ValueError):
                continue
        return ()


def _is_hdu(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(value=ast.Call(func=ast.Name(id="HDU"))):
            return True
    return False


def _items(node: ast.stmt) -> list[ast.expr | ast.keyword]:
    """Return an HDU's items, and its data."""
    assert isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)  # noqa: PT018
    return [*node.value.args[1:], *node.value.keywords]


def _value(item: ast.expr | ast.keyword) -> ast.expr | None:
    """Return what stands for the value of a card, or the data: without its lambda."""
    match item:
        case ast.Call(func=ast.Name(id="Card"), args=[_, value, *_]) | ast.keyword(value=value):
            return value.body if isinstance(value, ast.Lambda) else value
    return None


def _split(place: str) -> tuple[str, int]:
    name, _, line = place.rpartition(":")
    return name, int(line)


def _column(text: str) -> int:
    """Return the column at which the expression of a template line starts."""
    match = re.match(r"\s*[^=/'\"(\[{]*?\??=\s*(?=\S)|\s*", text)
    return match.end() + 1 if match else 1
