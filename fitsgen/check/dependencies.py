"""The pass that checks what values of the output need one another, as far as the template tells."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

from fitsgen.diagnostics import Position, Problem, warning
from fitsgen.model import COMMENTARY, HDU, Expression, FileType
from fitsgen.runtime.structural import is_structural

DATA = ""
Need = tuple[int, str]
"""An HDU's number with a keyword, or with `DATA`."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """What an expression says it needs of the output."""

    keyword: str
    hdu: object
    node: ast.expr


@dataclass
class _Graph:
    file_type: FileType
    needs: dict[Need, list[Need]] = field(default_factory=dict)
    places: dict[Need, Position] = field(default_factory=dict)


def check(file_type: FileType) -> Iterator[Problem]:
    """Check that what is referred to exists, and that nothing needs itself."""
    graph = _Graph(file_type)
    for number, hdu in enumerate(file_type.hdus):
        for card in hdu.cards():
            if card.keyword not in COMMENTARY:
                need = (number, card.keyword)
                graph.places[need] = card.position
                yield from _follow(graph, need, card.expression)
                if is_structural(card.keyword):
                    graph.needs.setdefault(need, []).append((number, DATA))
        graph.places[number, DATA] = hdu.data.position if hdu.data else hdu.position
        yield from _follow(graph, (number, DATA), hdu.data)
    yield from _cycles(graph)


def _follow(graph: _Graph, need: Need, expression: Expression | None) -> Iterator[Problem]:
    """Add what one expression refers to."""
    graph.needs[need] = []
    if expression is None or "output" not in expression.text.text:
        return
    for reference in _references(expression.tree, need[1]):
        at = expression.locate(reference.node)
        target = _hdu_number(graph.file_type, reference.hdu, need[0])
        if target is None:
            names = ", ".join(hdu.name for hdu in graph.file_type.hdus)
            message = f"the file type has no HDU {reference.hdu!r}"
            yield Problem(message, at, f"it has {names}")
            continue
        number, found = _resolve(graph.file_type, target, reference)
        if found:
            graph.needs[need].append((number, reference.keyword))
        elif not is_structural(reference.keyword):
            yield _unknown(graph.file_type.hdus[target], reference.keyword, at)
        else:
            graph.needs[need].append((number, DATA))


def _resolve(file_type: FileType, target: int, reference: _Reference) -> tuple[int, bool]:
    """Return the HDU that answers: without one named, the primary stands in."""
    places = (target, 0) if reference.hdu is None else (target,)
    for number in places:
        keyword = reference.keyword
        if keyword == DATA or file_type.hdus[number].find(keyword):
            return number, True
    return target, False


def _unknown(hdu: HDU, keyword: str, at: Position) -> Problem:
    known = [card.keyword for card in hdu.cards()]
    near = difflib.get_close_matches(keyword, known, 1)
    hint = f"did you mean {near[0]}?" if near else ""
    return warning(f"header {hdu.name} has no {keyword}: this gives ''", at, hint)


def _references(tree: ast.expr, keyword: str) -> Iterator[_Reference]:
    """Find what an expression reads of `output` where that is constant."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="output"), args=arguments, keywords=named):
                key = _constant(arguments[0]) if arguments else keyword
                if isinstance(key, str):
                    hdu = [*arguments[1:2], *(k.value for k in named if k.arg == "hdu")]
                    yield _Reference(key, _constant(hdu[0]) if hdu else None, node)
            case ast.Attribute(value=ast.Subscript() as hdu, attr="data" | "shape") if _of(hdu):
                yield _Reference(DATA, _constant(hdu.slice), node)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Subscript() as hdu, attr="header"),
                slice=ast.Constant(value=str(key)),
            ) if _of(hdu):
                yield _Reference(key, _constant(hdu.slice), node)


def _of(node: ast.Subscript) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "output"


class _Unknown:
    """The value of what is only known when a file is made."""


def _constant(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _Unknown


def _hdu_number(file_type: FileType, hdu: object, own: int) -> int | None:
    """Return the number of an HDU that an expression names; None where there is none."""
    match hdu:
        case None:
            return own
        case int() if -len(file_type.hdus) <= hdu < len(file_type.hdus):
            return hdu % len(file_type.hdus)
        case str(name) | (str(name), int()):
            return find_hdu(file_type, name)
        case type():
            return own
    return None


def find_hdu(file_type: FileType, name: str) -> int | None:
    """Return the number of the HDU with a name: the template's, or a constant EXTNAME."""
    for number, hdu in enumerate(file_type.hdus):
        extname = hdu.find("EXTNAME")
        known = extname and extname.expression and extname.expression.is_constant
        names = [hdu.name.upper(), "PRIMARY" if number == 0 else ""]
        if extname and extname.expression and known:
            names.append(str(extname.expression.constant).upper())
        elif extname:
            return number  # may be any name: only making the file tells
        if name.upper() in names:
            return number
    return None


def _cycles(graph: _Graph) -> Iterator[Problem]:
    """Report each cycle once, with every step of it."""
    done: set[Need] = set()
    for start in graph.needs:
        path: list[Need] = []
        stack = [(start, iter(graph.needs[start]))] if start not in done else []
        while stack:
            need, rest = stack[-1]
            if need not in path:
                path.append(need)
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.pop()
                done.add(need)
            elif following in path:
                yield _cycle(graph, path[path.index(following) :])
                done.update(path)
            elif following not in done and following in graph.needs:
                stack.append((following, iter(graph.needs[following])))


def _cycle(graph: _Graph, path: list[Need]) -> Problem:
    names = [describe(graph.file_type.hdus[number].name, keyword) for number, keyword in path]
    message = " needs ".join([*names, names[0]])
    notes = tuple(
        (name, graph.places.get(need)) for name, need in zip(names[1:], path[1:], strict=True)
    )
    return Problem(f"a cycle: {message}", graph.places.get(path[0]), notes=notes)


def describe(hdu: str, keyword: str) -> str:
    """Return how a value of the output is called in messages."""
    return f"{hdu} {keyword}" if keyword else f"{hdu} data"
