"""The arguments of calls: nothing is written into, no function is called, no memory is shown.

And what a call is for: whether it looks something up, goes through its arguments, or has a seed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fitsgen.check import policy
from fitsgen.check.faults import Fault
from fitsgen.diagnostics import counted


def check(tree: ast.expr) -> Iterator[Fault]:
    """Yield a fault for each argument that a call must not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _named(node)
            yield from _placed(node)


def _named(call: ast.Call) -> Iterator[Fault]:
    """Check arguments by their names; those of `dict` are keys."""
    is_dict = isinstance(call.func, ast.Name) and call.func.id == "dict"
    before: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is None:
            yield Fault(keyword, "** is not allowed in an expression")
            continue
        # Python's parser lets it pass: its compiler would find it, in the module.
        if keyword.arg in before:
            yield Fault(keyword, f"the argument {keyword.arg}= stands there twice")
        before.add(keyword.arg)
        if is_dict:
            continue
        if (
            keyword.arg not in policy.ARGUMENTS
            or (_numpy_function(call), keyword.arg) in policy.REFUSED_ARGUMENTS
        ):
            yield Fault(keyword, f"the argument {keyword.arg}= is not allowed")


def _placed(call: ast.Call) -> Iterator[Fault]:
    """Check how many arguments there are, and what is chosen by one."""
    name = _numpy_function(call)
    if name == "pad":
        yield from _pad_mode(call)
    match call.func:
        case ast.Name(id=function):
            most, shown = policy.MOST_ARGUMENTS.get(function), function
        case ast.Attribute() if name:
            most, shown = policy.MOST_NUMPY_ARGUMENTS.get(name), f"np.{name}"
        case ast.Attribute(attr=method):
            most, shown = policy.MOST_METHOD_ARGUMENTS.get(method), f".{method}"
        case _:
            return
    if most is not None and len(call.args) > most:
        message = f"{shown} takes at most {counted(most, 'argument')} here"
        yield Fault(call.args[most], message, "more would be written into, or have names")


def _pad_mode(call: ast.Call) -> Iterator[Fault]:
    modes = [*call.args[2:3], *(k.value for k in call.keywords if k.arg == "mode")]
    for mode in modes:
        if not (isinstance(mode, ast.Constant) and mode.value in policy.PAD_MODES):
            hint = f"there are {', '.join(sorted(policy.PAD_MODES))}"
            yield Fault(mode, "np.pad needs one of its modes, in quotes", hint)


def _numpy_function(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            return name
    return ""


def is_view(node: ast.Call) -> bool:
    """Whether a call gives a view of a dict."""
    return isinstance(node.func, ast.Attribute) and node.func.attr in policy.VIEWS


def entered(node: ast.Call) -> int:
    """Return how many of the first arguments of a call are gone through at once."""
    match node.func:
        case ast.Name(id="zip"):
            return len(node.args)
        case ast.Name(id="max" | "min"):
            return int(len(node.args) == 1)
        case ast.Name(id=name):
            return int(name in policy.ITERATED or is_len(node))
        case ast.Attribute(attr=name):
            return int(name == "join")
    return 0


def is_len(node: ast.Call) -> bool:
    """Whether a call counts what its argument has."""
    return isinstance(node.func, ast.Name) and node.func.id == "len"


def has_seed(node: ast.Call) -> bool:
    """Whether a call of np.random.default_rng has a seed, as far as the text tells."""
    seeds = [*node.args, *(k.value for k in node.keywords if k.arg == "seed")]
    return bool(seeds) and not _may_be_none(seeds[0])


def _may_be_none(node: ast.expr) -> bool:
    """Whether a value is None, or falls back to None, which would seed with the clock."""
    match node:
        case ast.Constant(value=value):
            return value is None
        case ast.IfExp(body=one, orelse=other):
            return _may_be_none(one) or _may_be_none(other)
        case ast.BoolOp(values=values):
            return any(map(_may_be_none, values))
        case ast.Call(args=arguments, keywords=keywords):
            return any(map(_may_be_none, (*arguments, *(keyword.value for keyword in keywords))))
    return False


def is_lookup(node: ast.Call) -> bool:
    """Whether a call looks like a data file's: no keyword, or one, an HDU and a default."""
    if len(node.args) > 2 or any(k.arg not in ("default", "hdu") for k in node.keywords):
        return False
    match node.args[:1]:
        case [ast.Constant(value=value)]:
            return isinstance(value, str)
        case [ast.Tuple() | ast.List() | ast.Dict()]:
            return False
    return True
