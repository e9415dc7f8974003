"""What strangers may write for the compiler: whole templates, and single expressions.

In: bytes. Out: nothing; an exception that is no answer to a user's mistake is a crash.
"""

from __future__ import annotations

import ast
import functools
import json
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from math import prod

from fitsgen import compiler
from fitsgen.backends.python import emit
from fitsgen.check import dependencies, values
from fitsgen.check.expressions import check_expression
from fitsgen.check.python_syntax import parse_expression
from fitsgen.diagnostics import Position, Problem, Source, errors, render, render_json
from fitsgen.model import HDU, Card, Expression, FileType
from fitsgen.runtime.build import build
from fitsgen.runtime.declare import FileType as Module
from fitsgen.syntax.includes import Reader
from fitsgen.syntax.nodes import Logical, Root, Tree, line_starts
from fuzz.material import INCLUDES, sources, written
from fuzz.watch import WATCH

# What an evaluation may cost: the checks bound what is known to be absurd, not what is slow.
MAX_NODES = 80
MAX_PRODUCT = 2_000
PARAMETERS = {"seed": 1, "name": "text"}


def template(data: bytes) -> None:
    """Read a template, check it, and where it is right emit its module and load that."""
    _compiled("fuzz.gen.txt", data)


def rules(data: bytes) -> None:
    """Do the same with a verification template."""
    _compiled("fuzz.val.txt", data)


def _compiled(name: str, data: bytes) -> None:
    path = written(name, data)
    reader = Reader((Root(INCLUDES, "includes"),))
    with WATCH.over(path, *_includes()), _silence():
        checked = compiler.check(path, reader)
        _told(checked.problems)
        if not errors(checked.problems):
            loaded(compiler.module_text(checked))


@functools.cache
def _includes() -> tuple[str, ...]:
    return tuple(map(str, INCLUDES.iterdir()))


def expression(data: bytes) -> None:
    """Check an expression; what passes is emitted, and where it is small evaluated."""
    text = data.decode("utf-8", "replace").strip()
    if not text or "\r" in text or "\0" in text:
        return
    with WATCH.over(), _silence():
        parsed, problems = parse_expression(_logical(text))
        _told(problems)
        if parsed is None:
            return
        file_type = _file_type(parsed)
        problems = [*check_expression(parsed), *values.check(file_type)]
        problems += dependencies.check(file_type)
        _told(problems)
        if errors(problems):
            return
        made = loaded(emit(file_type, {"fuzz": "fuzz"}))
        if is_small(parsed.tree):
            evaluated(made)


def loaded(text: str) -> Module:
    """Run the text of a module as `compiler` does; it may declare, and do nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(text, "<emitted module>", "exec", dont_inherit=True)
    namespace: dict[str, object] = {"__name__": "fuzz_module"}
    exec(code, namespace)
    made = namespace["FILE"]
    assert isinstance(made, Module)
    return made


def evaluated(file_type: Module) -> None:
    """Make a file's headers and data; whatever fails has to be told as a problem."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _told(build(file_type, sources(), PARAMETERS, thorough=True).problems)


@contextmanager
def _silence() -> Iterator[None]:
    """Take a warning of Python's for a crash: it would be printed among the problems."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    assert not told, told[0]


def is_small(tree: ast.expr) -> bool:
    """Whether an expression cannot take long: few parts, and constants whose product is small."""
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES:
        return False
    sizes = [_size(node) for node in nodes]
    return prod(sizes) <= MAX_PRODUCT


def _size(node: ast.AST) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return max(abs(value), 1)
        case ast.Constant(value=float(value)):
            return 2 if abs(value) < 1000 else MAX_PRODUCT + 1
        case ast.Constant(value=str(value)):
            return max(len(value) // 4, 1)
        # A power and a shift make a number that no product of the constants bounds.
        case ast.BinOp(op=ast.Pow() | ast.LShift(), right=ast.Constant(value=0 | 1 | 2)):
            return 20
        case ast.BinOp(op=ast.Pow() | ast.LShift()):
            return MAX_PRODUCT + 1
        case ast.comprehension() | ast.BinOp(op=ast.Mult()):
            return 4
    return 1


def _file_type(parsed: Expression) -> FileType:
    """Return a model that has the expression for a value, and once more for its data."""
    at = Position(Source("fuzz"), 1, 1)
    card = Card("KEY", parsed, "a comment", False, at)
    optional = Card("HIERARCH OTHER", parsed, "", True, at)
    return FileType("fuzz", (HDU("primary", (card, optional), parsed, at),), at)


def _logical(text: str) -> Logical:
    tree = Tree(Source("fuzz", tuple(text.split("\n"))), text, (), line_starts(text + "\n"))
    return Logical(text, ((0, tree, 0),))


def _told(problems: Iterable[Problem]) -> None:
    """Show problems, the first few of many, as a terminal and as a program get them."""
    found = list(islice(problems, 5))
    if found:
        render(found).encode("utf-8")
        json.loads(render_json(found))
