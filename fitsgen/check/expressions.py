"""The pass that decides what an expression may say; the tables are in `policy.py`.

The tree that Python parsed is checked, never rewritten: an expression that
passes is the one that runs.
"""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fitsgen.check import arraytypes, bounds, policy
from fitsgen.diagnostics import Problem, warning
from fitsgen.model import Expression, FileType
from fitsgen.namespace import BUILTINS, CHECKS, FUNCTIONS, KNOWN, LOGICALS, NUMPY, SOURCES

CALLABLE = frozenset((*FUNCTIONS, *CHECKS, *BUILTINS))
# Python's names that are not the language's: never taken for a data file.
PYTHONS_OWN = frozenset(dir(builtins)) - KNOWN | {"exit", "quit", "copyright", "credits", "license"}

# What other languages call a value, and what it is here.
WORDS_OF_OTHERS = {
    "true": "write T",
    "yes": "write T",
    "false": "write F",
    "no": "write F",
    "nan": "FITS headers have no NaN: leave the value out",
    "null": "write None, or leave the value out",
}


@dataclass(frozen=True, slots=True)
class _Fault:
    """Something that an expression may not say, and where."""

    node: ast.expr | ast.keyword
    message: str
    hint: str = ""
    warns: bool = False


def check(file_type: FileType) -> Iterator[Problem]:
    """Check every expression of a file type."""
    for expression in file_type.expressions():
        yield from check_expression(expression)


def check_expression(
    expression: Expression, variables: frozenset[str] = frozenset()
) -> list[Problem]:
    """Return what is wrong with one expression, in the order of its text.

    `variables` are names that stand for values.
    """
    if expression.is_constant and not isinstance(expression.tree, ast.Constant):
        return []
    nodes = sum(1 for _ in ast.walk(expression.tree))
    if nodes > policy.MAX_NODES:
        message = f"an expression of {nodes} parts; {policy.MAX_NODES} are allowed"
        return [Problem(message, expression.position)]
    try:
        tree = expression.tree
        faults = [
            *_Walk(variables).expression(tree),
            *bounds.check(tree, _Fault),
            *arraytypes.check(tree, _Fault),
        ]
    except RecursionError:
        return [Problem("this expression is nested too deeply", expression.position)]
    return sorted(
        (_problem(expression, fault) for fault in faults),
        key=lambda problem: (
            (problem.position.line, problem.position.column) if problem.position else (0, 0)
        ),
    )


def _problem(expression: Expression, fault: _Fault) -> Problem:
    at = expression.locate(fault.node)
    if isinstance(fault.node, ast.Attribute) and fault.node.end_col_offset is not None:
        at = expression.locate_end(fault.node, len(fault.node.attr))
    if fault.warns:
        return warning(fault.message, at, fault.hint)
    return Problem(fault.message, at, fault.hint)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk down an expression; `bound` are the variables of the comprehensions around it."""

    bound: frozenset[str] = frozenset()

    def expression(self, node: ast.expr) -> Iterator[_Fault]:
        if not isinstance(node, policy.SYNTAX):
            what = policy.REFUSED_SYNTAX.get(type(node), f"{type(node).__name__} syntax")
            yield _Fault(node, f"{what} is not allowed in an expression")
            return
        match node:
            case ast.Constant(value=bytes()):
                yield _Fault(node, "bytes are not allowed in an expression", "write text: '...'")
            case ast.Name():
                yield from self.value_name(node)
            case ast.Attribute():
                yield from self.attribute(node, policy.ATTRIBUTES)
            case ast.Call():
                yield from self.call(node)
            case ast.Subscript(value=value, slice=index):
                yield from self.source_or(value)
                yield from self.expression(index)
            case ast.Compare():
                yield from self.comparison(node)
            case ast.ListComp() | ast.DictComp():
                yield from self.comprehension(node)
            case _:
                yield from self.plain(node)

    def plain(self, node: ast.expr) -> Iterator[_Fault]:
        """Check syntax whose parts are values and nothing more."""
        match node:
            case ast.Dict(keys=keys) if None in keys:
                yield _Fault(node, "** is not allowed in an expression")
            case ast.GeneratorExp():
                yield _Fault(node, "a generator is no value", "write a list: [x for x in ...]")
            case ast.BinOp(op=ast.MatMult()):
                yield _Fault(node, "the operator @ is not allowed", "write np.matmul(a, b)")
        if not isinstance(node, ast.GeneratorExp):
            yield from self.parts(ast.iter_child_nodes(node))

    def iterated(self, node: ast.expr) -> Iterator[_Fault]:
        """Check what is gone through at once, where alone an iterator can stand."""
        match node:
            case ast.GeneratorExp():
                yield from self.comprehension(node)
            case ast.Call(func=ast.Name(id=name)) if name in policy.ITERATORS:
                yield from self.arguments(node)
            case _:
                yield from self.source_or(node)

    def parts(self, nodes: Iterable[ast.AST]) -> Iterator[_Fault]:
        for node in nodes:
            if isinstance(node, ast.expr):
                yield from self.expression(node)

    def value_name(self, node: ast.Name) -> Iterator[_Fault]:
        """Check a name that is used as a value."""
        if node.id in self.bound or node.id in LOGICALS:
            return
        if node.id == NUMPY:
            yield _Fault(node, "np is no value: its functions are called, as in np.sqrt(2.0)")
        elif node.id in CALLABLE:
            yield _Fault(node, f"{node.id} can only be called: it is no value")
        elif node.id in SOURCES:
            yield _Fault(node, f"{node.id} is a source, no value", policy.SOURCE_HINTS[node.id])
        else:
            yield self.unknown(node, called=False)

    def unknown(self, node: ast.Name, *, called: bool) -> _Fault:
        near = difflib.get_close_matches(node.id, [*KNOWN, *self.bound], 1, 0.7)
        if node.id.lower() in KNOWN:
            near = [node.id.lower()]
        hint = f"did you mean {near[0]}?" if near else ""
        if node.id.startswith("_"):
            return _Fault(node, f"names that begin with _ do not exist here: {node.id}")
        if node.id in PYTHONS_OWN:
            return _Fault(node, f"Python's {node.id} is not available in a template", hint)
        if called and node.id in policy.NUMPY_FUNCTIONS:
            return _Fault(node, f"there is no function {node.id}", f"did you mean np.{node.id}?")
        if called:
            hint = hint or f"a data file is called as {node.id}('KEY') or {node.id}('KEY', 'HDU')"
            return _Fault(node, f"there is no function {node.id}", hint)
        if node.id.lower() in WORDS_OF_OTHERS:
            hint = WORDS_OF_OTHERS[node.id.lower()]
        hint = hint or f"text stands in quotes; a data file is called: {node.id}('KEY')"
        return _Fault(node, f"there is no name {node.id}", hint)

    def source_or(self, node: ast.expr) -> Iterator[_Fault]:
        """Check what may be a source: the value of a subscript, an argument of len."""
        if not (isinstance(node, ast.Name) and node.id in ("input", "output")):
            yield from self.expression(node)

    def may_be_source(self, name: str) -> bool:
        """Whether a name that is called or indexed can be a data file or a further FITS file."""
        return not (
            name in KNOWN or name in self.bound or name in PYTHONS_OWN or name.startswith("_")
        )

    def nearly_known(self, node: ast.Name) -> Iterator[_Fault]:
        """Warn of a source whose name may be a misspelling."""
        if near := [known for known in KNOWN if _one_edit_apart(node.id, known)]:
            hint = f"did you mean {min(near)}?"
            yield _Fault(node, f"{node.id} is taken for a data file", hint, warns=True)

    def attribute(self, node: ast.Attribute, allowed: frozenset[str]) -> Iterator[_Fault]:
        if name := _numpy_name(node):
            yield from self.numpy_value(node, name)
            return
        if isinstance(node.value, ast.Name) and node.value.id in SOURCES:
            hint = policy.SOURCE_HINTS[node.value.id]
            yield _Fault(node, f"{node.value.id} has no .{node.attr}", hint)
            return
        match node.value:
            case ast.Subscript(value=ast.Name() as source, slice=index) if (
                node.attr in policy.HDU_ATTRIBUTES
                and (source.id in ("input", "output") or self.may_be_source(source.id))
            ):
                if source.id not in SOURCES:
                    yield from self.nearly_known(source)
                yield from self.expression(index)
                return
        if node.attr.startswith("_"):
            yield _Fault(node, f"attributes that begin with _ do not exist here: {node.attr}")
        elif node.attr not in allowed:
            yield self.refused_attribute(node, allowed)
        yield from self.expression(node.value)

    def refused_attribute(self, node: ast.Attribute, allowed: frozenset[str]) -> _Fault:
        if node.attr in policy.METHODS and allowed is policy.ATTRIBUTES:
            return _Fault(node, f".{node.attr} can only be called", f"write .{node.attr}(...)")
        near = difflib.get_close_matches(node.attr, policy.METHODS | policy.ATTRIBUTES, 1, 0.8)
        hint = f"did you mean .{near[0]}?" if near else ""
        return _Fault(node, f".{node.attr} is not allowed in an expression", hint)

    def numpy_value(self, node: ast.Attribute, name: str) -> Iterator[_Fault]:
        if name in policy.NUMPY_CONSTANTS or name in policy.NUMPY_TYPES:
            return
        if name in policy.NUMPY_FUNCTIONS or name in policy.NUMPY_NESTED:
            yield _Fault(node, f"np.{name} can only be called: it is no value")
            return
        yield _unknown_numpy(node, name)

    def call(self, node: ast.Call) -> Iterator[_Fault]:
        match node.func:
            case ast.Name() as function:
                yield from self.called_name(node, function)
            case ast.Attribute() as function if name := _numpy_name(function):
                yield from self.numpy_call(node, function, name)
            case ast.Attribute() as function:
                yield from self.attribute(function, policy.METHODS)
            case function:
                faults = list(self.expression(function))
                yield from faults or [_Fault(node, "only a name or a method can be called")]
        yield from self.arguments(node)

    def arguments(self, node: ast.Call) -> Iterator[_Fault]:
        """Check the arguments of a call."""
        for keyword in node.keywords:
            if keyword.arg is None:
                yield _Fault(keyword, "** is not allowed in an expression")
            elif keyword.arg in policy.REFUSED_KEYWORDS:
                yield _Fault(keyword, f"the argument {keyword.arg}= is not allowed")
            yield from self.expression(keyword.value)
        match node.func:
            case ast.Name(id=name) if name in policy.ITERATED:
                check = self.iterated
            case ast.Name(id="len"):
                check = self.source_or
            case ast.Attribute(attr="join"):
                check = self.iterated
            case _:
                check = self.expression
        for argument in node.args:
            yield from check(argument)

    def called_name(self, node: ast.Call, function: ast.Name) -> Iterator[_Fault]:
        name = function.id
        if name in policy.ITERATORS and name not in self.bound:
            hint = f"write list({name}(...)), or go through it in a comprehension"
            yield _Fault(function, f"what {name} gives is no value", hint)
            return
        if (name in CALLABLE and name not in self.bound) or name in SOURCES:
            return
        if name in self.bound or name in LOGICALS or name == NUMPY:
            yield _Fault(function, f"{name} is no function")
        elif not (self.may_be_source(name) and _is_lookup(node)):
            yield self.unknown(function, called=True)
        else:
            yield from self.nearly_known(function)

    def numpy_call(self, node: ast.Call, function: ast.Attribute, name: str) -> Iterator[_Fault]:
        callable_ = policy.NUMPY_FUNCTIONS | policy.NUMPY_NESTED | policy.NUMPY_TYPES
        if name.startswith("random.") and name not in policy.NUMPY_NESTED:
            hint = "write np.random.default_rng(seed).normal(...)"
            yield _Fault(function, f"np.{name} has no seed: the file could not be made again", hint)
        elif name not in callable_:
            yield _unknown_numpy(function, name)
        elif name == "random.default_rng" and not _has_seed(node):
            message = "np.random.default_rng needs a seed: without one no file can be made again"
            yield _Fault(function, message, "write np.random.default_rng(1)")

    def comparison(self, node: ast.Compare) -> Iterator[_Fault]:
        yield from self.expression(node.left)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                yield from self.source_or(right)
            else:
                yield from self.expression(right)

    def comprehension(
        self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp
    ) -> Iterator[_Fault]:
        inner = self
        for generator in node.generators:
            if generator.is_async:
                yield _Fault(node, "async is not allowed in an expression")
            yield from inner.iterated(generator.iter)
            names = _targets(generator.target)
            if names is None:
                yield _Fault(generator.target, "the variable of a comprehension is a name")
            for name in names or ():
                if name in KNOWN or name in PYTHONS_OWN or name.startswith("_"):
                    yield _Fault(generator.target, f"a variable cannot be called {name}")
            inner = _Walk(inner.bound | frozenset(names or ()))
            yield from inner.parts(generator.ifs)
        match node:
            case ast.DictComp(key=key, value=value):
                yield from inner.parts((key, value))
            case _:
                yield from inner.expression(node.elt)


def _targets(node: ast.expr) -> tuple[str, ...] | None:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Tuple(elts=parts) if all(isinstance(part, ast.Name) for part in parts):
            return tuple(part.id for part in parts if isinstance(part, ast.Name))
    return None


def _numpy_name(node: ast.Attribute) -> str:
    """Return 'linalg.norm' for np.linalg.norm, and '' for what is no attribute of np."""
    match node.value:
        case ast.Name(id="np"):
            return node.attr
        case ast.Attribute() as inner if outer := _numpy_name(inner):
            return f"{outer}.{node.attr}"
    return ""


def _unknown_numpy(node: ast.Attribute, name: str) -> _Fault:
    near = difflib.get_close_matches(name, policy.NUMPY_FUNCTIONS | policy.NUMPY_TYPES, 1, 0.8)
    hint = f"did you mean np.{near[0]}?" if near else ""
    return _Fault(node, f"np.{name} is not allowed in an expression", hint)


def _has_seed(node: ast.Call) -> bool:
    seeds = [*node.args, *(k.value for k in node.keywords if k.arg == "seed")]
    return bool(seeds) and _is_seed(seeds[0])


def _is_seed(node: ast.expr) -> bool:
    """Whether a value cannot be None, which would seed with the clock."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int)
        case ast.Call(func=ast.Name(), args=arguments, keywords=keywords):
            given = (*arguments, *(keyword.value for keyword in keywords))
            return not any(isinstance(one, ast.Constant) and one.value is None for one in given)
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return _is_seed(one) and _is_seed(other)
        case ast.BoolOp(op=ast.Or(), values=values):
            return _is_seed(values[-1])
    return False


def _is_lookup(node: ast.Call) -> bool:
    """Whether a call looks like a data file's: no keyword, or one, an HDU and a default."""
    if len(node.args) > 2 or any(k.arg not in ("default", "hdu") for k in node.keywords):
        return False
    match node.args[:1]:
        case [ast.Constant(value=value)]:
            return isinstance(value, str)
        case [ast.Tuple() | ast.List() | ast.Dict()]:
            return False
    return True


def _one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter added, left out, changed or swapped makes one name the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    tails = one[start:], other[start:]
    return (
        tails[0][1:] == tails[1][1:]
        or tails[0][1:] == tails[1]
        or tails[0] == tails[1][1:]
        or (tails[0][:2] == tails[1][1::-1] and tails[0][2:] == tails[1][2:])
    )
