"""The pass that decides what an expression may say; the tables are in `policy.py`.

The tree that Python parsed is checked, never rewritten: an expression that
passes is the one that runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from fitsgen.check import arraytypes, bounds, calls, policy, words
from fitsgen.check.faults import Fault
from fitsgen.diagnostics import Problem, warning
from fitsgen.model import Expression, FileType
from fitsgen.namespace import BUILTINS, CHECKS, FUNCTIONS, KNOWN, LOGICALS, NUMPY, SOURCES

CALLABLE = frozenset((*FUNCTIONS, *CHECKS, *BUILTINS))


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
    if expression.is_constant:
        return []
    tree = expression.tree
    faults = chain(
        _Walk(variables, _assigned(tree)).expression(tree),
        calls.check(tree),
        arraytypes.check(tree),
        bounds.check(tree),
    )
    problems = [_problem(expression, fault) for fault in islice(faults, policy.MAX_FAULTS)]
    return sorted(
        problems,
        key=lambda problem: (
            (problem.position.line, problem.position.column) if problem.position else (0, 0)
        ),
    )


def _problem(expression: Expression, fault: Fault) -> Problem:
    if isinstance(fault.node, ast.Attribute):
        at = expression.locate_name(fault.node)
    else:
        at = expression.locate(fault.node)
    if fault.warns:
        return warning(fault.message, at, fault.hint)
    return Problem(fault.message, at, fault.hint)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk down an expression.

    `bound` are the variables of the comprehensions around it, `assigned` those of all
    comprehensions: the emitted function has no argument of such a name.
    """

    bound: frozenset[str]
    assigned: frozenset[str]

    def expression(self, node: ast.expr) -> Iterator[Fault]:
        """Check what is used as a value."""
        if not isinstance(node, policy.SYNTAX):
            what = policy.REFUSED_SYNTAX.get(type(node), f"{type(node).__name__} syntax")
            yield Fault(node, f"{what} is not allowed in an expression")
            return
        match node:
            case ast.Constant(value=bytes()):
                yield Fault(node, "bytes are not allowed in an expression", "write text: '...'")
            case ast.Name():
                yield from self.value_name(node)
            case ast.Attribute():
                yield from self.attribute(node, policy.ATTRIBUTES)
            case ast.Call():
                if calls.is_view(node):
                    hint = "write list(...), or go through it in a comprehension"
                    yield Fault(node.func, "what this gives is no value", hint)
                yield from self.call(node)
            case ast.Subscript(value=value, slice=index):
                yield from self.container(value)
                yield from self.expression(index)
            case ast.Compare():
                yield from self.comparison(node)
            case ast.ListComp() | ast.DictComp():
                yield from self.comprehension(node)
            case _:
                yield from self.plain(node)

    def plain(self, node: ast.expr) -> Iterator[Fault]:
        """Check syntax whose parts are values and nothing more."""
        match node:
            case ast.Dict(keys=keys):
                if None in keys:
                    yield Fault(node, "** is not allowed in an expression")
                for key in keys:
                    if isinstance(key, ast.List | ast.Dict):
                        yield Fault(key, "a list or a dict cannot be a key")
            case ast.GeneratorExp():
                yield Fault(node, "a generator is no value", "write a list: [x for x in ...]")
            case ast.BinOp(op=ast.MatMult()):
                yield Fault(node, "the operator @ is not allowed", "write np.matmul(a, b)")
        if not isinstance(node, ast.GeneratorExp):
            yield from self.parts(ast.iter_child_nodes(node))

    def iterated(self, node: ast.expr) -> Iterator[Fault]:
        """Check what is gone through at once, where alone an iterator can stand."""
        match node:
            case ast.GeneratorExp():
                yield from self.comprehension(node)
            case ast.Call(func=ast.Name(id=name)) if name in policy.ITERATORS:
                yield from self.arguments(node)
            case _:
                yield from self.container(node)

    def container(self, node: ast.expr) -> Iterator[Fault]:
        """Check what is looked into: it may be a source, or a view of a dict."""
        match node:
            case ast.Name(id="input" | "output"):
                pass
            case ast.Call() if calls.is_view(node):
                yield from self.call(node)
            case _:
                yield from self.expression(node)

    def typed(self, node: ast.expr) -> Iterator[Fault]:
        """Check what may be an array's type, which is else no value."""
        match node:
            case ast.Name(id=name) if name in policy.TYPE_NAMES:
                pass
            case ast.Attribute() if _numpy_name(node) in policy.NUMPY_TYPES:
                pass
            case ast.IfExp(test=test, body=one, orelse=other):
                yield from self.expression(test)
                yield from self.typed(one)
                yield from self.typed(other)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                for part in parts:
                    yield from self.typed(part)
            case _:
                yield from self.expression(node)

    def parts(self, nodes: Iterable[ast.AST]) -> Iterator[Fault]:
        for node in nodes:
            if isinstance(node, ast.expr):
                yield from self.expression(node)

    def value_name(self, node: ast.Name) -> Iterator[Fault]:
        """Check a name that is used as a value."""
        if node.id in self.bound or node.id in LOGICALS:
            return
        if node.id == NUMPY:
            yield Fault(node, "np is no value: its functions are called, as in np.sqrt(2.0)")
        elif node.id in CALLABLE:
            yield Fault(node, f"{node.id} can only be called: it is no value")
        elif node.id in SOURCES:
            yield Fault(node, f"{node.id} is a source, no value", policy.SOURCE_HINTS[node.id])
        else:
            yield words.unknown(node, self.bound, called=False)

    def may_be_source(self, name: str) -> bool:
        """Whether a name that is called or indexed can be a data file or a further FITS file."""
        return not (
            name in KNOWN
            or name in self.bound
            or name in self.assigned
            or name in words.PYTHONS_OWN
            or name.startswith("_")
        )

    def attribute(self, node: ast.Attribute, allowed: frozenset[str]) -> Iterator[Fault]:
        if name := _numpy_name(node):
            yield from self.numpy_value(node, name)
            return
        if isinstance(node.value, ast.Name) and node.value.id in SOURCES:
            hint = policy.SOURCE_HINTS[node.value.id]
            yield Fault(node, f"{node.value.id} has no .{node.attr}", hint)
            return
        match node.value:
            case ast.Subscript(value=ast.Name() as source, slice=index) if source.id in (
                "input",
                "output",
            ) or self.may_be_source(source.id):
                yield from self.hdu_attribute(node, source, allowed)
                yield from self.expression(index)
                return
            case (
                ast.Attribute(attr="dtype")
                | ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="dtype"))
            ) if allowed is policy.ATTRIBUTES:
                allowed = policy.DTYPE_ATTRIBUTES
        if node.attr not in allowed:
            yield words.attribute(node, allowed)
        yield from self.container(node.value)

    def hdu_attribute(
        self, node: ast.Attribute, source: ast.Name, allowed: frozenset[str]
    ) -> Iterator[Fault]:
        """Check an attribute of an HDU that is named where it is asked for."""
        if node.attr.startswith("_"):
            yield words.attribute(node, allowed)
        elif node.attr not in policy.HDU_ATTRIBUTES or allowed is policy.METHODS:
            hint = "it has .data, .header, .name and .shape"
            yield Fault(node, f"an HDU has no .{node.attr}", hint)
        if source.id not in SOURCES:
            yield from words.nearly_known(source)

    def numpy_value(self, node: ast.Attribute, name: str) -> Iterator[Fault]:
        if name in policy.NUMPY_CONSTANTS:
            return
        if name in policy.NUMPY_TYPES:
            hint = f"it is called, or the type of an array: dtype=np.{name}"
            yield Fault(node, f"np.{name} is a type, no value", hint)
        elif name in policy.NUMPY_FUNCTIONS or name in policy.NUMPY_NESTED:
            yield Fault(node, f"np.{name} can only be called: it is no value")
        else:
            yield words.numpy(node, name)

    def call(self, node: ast.Call) -> Iterator[Fault]:
        match node.func:
            case ast.Name() as function:
                yield from self.called_name(node, function)
            case ast.Attribute() as function if name := _numpy_name(function):
                yield from self.numpy_call(node, function, name)
            case ast.Attribute() as function:
                yield from self.attribute(function, policy.METHODS)
            case function:
                faults = list(self.expression(function))
                yield from faults or [Fault(node, "only a name or a method can be called")]
        yield from self.arguments(node)

    def arguments(self, node: ast.Call) -> Iterator[Fault]:
        """Check the arguments of a call."""
        entered = calls.entered(node)
        looks = self.container if calls.is_len(node) else self.iterated
        for argument in node.args[:entered]:
            yield from looks(argument)
        types = arraytypes.type_arguments(node)
        for argument in (*node.args[entered:], *(keyword.value for keyword in node.keywords)):
            if argument in types:
                yield from self.typed(argument)
            else:
                yield from self.expression(argument)

    def called_name(self, node: ast.Call, function: ast.Name) -> Iterator[Fault]:
        name = function.id
        if name in policy.ITERATORS and name not in self.bound:
            hint = f"write list({name}(...)), or go through it in a comprehension"
            yield Fault(function, f"what {name} gives is no value", hint)
            return
        if (name in CALLABLE and name not in self.bound) or name in SOURCES:
            return
        if name in self.bound or name in LOGICALS or name == NUMPY:
            yield Fault(function, f"{name} is no function")
        elif not (self.may_be_source(name) and calls.is_lookup(node)):
            yield words.unknown(function, self.bound, called=True)
        else:
            yield from words.nearly_known(function)

    def numpy_call(self, node: ast.Call, function: ast.Attribute, name: str) -> Iterator[Fault]:
        callable_ = policy.NUMPY_FUNCTIONS | policy.NUMPY_NESTED | policy.NUMPY_TYPES
        if name.startswith("random.") and name not in policy.NUMPY_NESTED:
            hint = "write np.random.default_rng(seed).normal(...)"
            yield Fault(function, f"np.{name} has no seed: the file could not be made again", hint)
        elif name not in callable_:
            yield words.numpy(function, name)
        elif name == "random.default_rng" and not calls.has_seed(node):
            message = "np.random.default_rng needs a seed: without one no file can be made again"
            yield Fault(function, message, "write np.random.default_rng(1)")

    def comparison(self, node: ast.Compare) -> Iterator[Fault]:
        yield from self.typed(node.left)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            looked_into = isinstance(operator, ast.In | ast.NotIn)
            if looked_into and not isinstance(right, ast.List | ast.Tuple):
                yield from self.container(right)
            else:
                yield from self.typed(right)

    def comprehension(
        self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp
    ) -> Iterator[Fault]:
        inner = self
        for generator in node.generators:
            if generator.is_async:
                yield Fault(node, "async is not allowed in an expression")
            yield from inner.iterated(generator.iter)
            names = _targets(generator.target)
            if names is None:
                yield Fault(generator.target, "the variable of a comprehension is a name")
            for name in names or ():
                if name in KNOWN or name in words.PYTHONS_OWN or name.startswith("_"):
                    yield Fault(generator.target, f"a variable cannot be called {name}")
            inner = _Walk(inner.bound | frozenset(names or ()), self.assigned)
            yield from inner.parts(generator.ifs)
        match node:
            case ast.DictComp(key=key, value=value):
                yield from inner.parts((key, value))
            case _:
                yield from inner.expression(node.elt)


def _assigned(tree: ast.expr) -> frozenset[str]:
    """Return the variables of all comprehensions of an expression."""
    return frozenset(
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


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
