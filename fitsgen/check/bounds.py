"""Sizes that are known when a template is compiled, refused where nobody can mean them.

What is only known at run time is bounded from outside.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fitsgen.check import policy
from fitsgen.check.constants import is_too_large
from fitsgen.check.faults import Fault
from fitsgen.check.sizes import Sizes

_PADDED = frozenset("center ljust rjust zfill".split())
# Where NumPy's functions take the place of an operator.
_OPERATORS: dict[str, ast.operator] = {
    "float_power": ast.Pow(),
    "left_shift": ast.LShift(),
    "power": ast.Pow(),
}
_PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?")
_LARGE = "an array larger than any file"


def check(tree: ast.expr) -> Iterator[Fault]:
    """Yield a fault for each part of an expression that is larger than anybody can mean."""
    sizes = Sizes()
    for node in ast.walk(tree):
        match node:
            case ast.BinOp():
                yield from _operation(node, sizes)
            case ast.Call():
                yield from _call(node, sizes)
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
                if (steps := sizes.steps(node)) > policy.MAX_STEPS:
                    yield Fault(node, f"a comprehension of {steps} steps")
            case ast.FormattedValue(value=value, format_spec=ast.JoinedStr(values=parts)):
                for part in parts:
                    yield from _format(value, part)


def _operation(node: ast.BinOp, sizes: Sizes) -> Iterator[Fault]:
    left, right = sizes.constants.value(node.left), sizes.constants.value(node.right)
    if is_too_large(left, node.op, right):
        yield Fault(node, _too_large(node.op))
    match node.op:
        case ast.Mult() if sizes.length(node) > policy.MAX_REPEATED:
            yield Fault(node, "a text or list repeated too often")
        case ast.Mod() if isinstance(left, str):
            for width in (width for widths in _PERCENT.findall(left) for width in widths):
                if width == "*" or _number(width) > policy.MAX_WIDTH:
                    yield Fault(node, f"a format wider than {policy.MAX_WIDTH}: {left[:40]!r}")


def _too_large(op: ast.operator) -> str:
    match op:
        case ast.Pow():
            return "a power too large to compute"
        case ast.LShift():
            return "a shift too large to compute"
    return "a number too large to compute"


def _call(node: ast.Call, sizes: Sizes) -> Iterator[Fault]:
    match node.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            yield from _numpy(node, name, sizes)
        case ast.Attribute(attr=name):
            yield from _method(node, name, sizes)
        case ast.Name(id="round") if len(node.args) == 2:
            if abs(sizes.constants.whole(node.args[1])) > policy.MAX_DIGITS:
                yield Fault(node, "a number rounded to more digits than any has")
        case ast.Name(id="range") if sizes.length(node) > policy.MAX_STEPS:
            yield Fault(node, "a range too long to walk")


def _method(node: ast.Call, name: str, sizes: Sizes) -> Iterator[Fault]:
    if name in _PADDED:
        if any(sizes.constants.whole(one) > policy.MAX_TEXT_PADDING for one in node.args):
            yield Fault(node, "a text padded too wide")
    elif sizes.length(node) > policy.MAX_STEPS:
        yield Fault(node, "a text too long")
    elif sizes.elements(node) > policy.MAX_COUNT:
        yield Fault(node, _LARGE)


def _numpy(node: ast.Call, name: str, sizes: Sizes) -> Iterator[Fault]:
    # An array that repeats one value takes no room until it is written.
    most = policy.MAX_ELEMENTS if name in ("full", "ones", "zeros") else policy.MAX_COUNT
    if sizes.elements(node) > most:
        yield Fault(node, _LARGE)
    if name in _OPERATORS and len(node.args) == 2:
        left, right = map(sizes.constants.value, node.args)
        if is_too_large(left, _OPERATORS[name], right):
            yield Fault(node, _too_large(_OPERATORS[name]))
    if sizes.work(node) > policy.MAX_ELEMENTS:
        yield Fault(node, "a computation longer than anybody waits")


def _format(value: ast.expr, part: ast.expr) -> Iterator[Fault]:
    """Check the format of a value, and tell its faults at the value: it has no place of its own."""
    if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
        yield Fault(value, "the format of a value must be constant")
    elif any(_number(width) > policy.MAX_WIDTH for width in re.findall(r"\d+", part.value)):
        yield Fault(value, f"a format wider than {policy.MAX_WIDTH}")
    elif not policy.FORMAT.fullmatch(part.value):
        hint = "of a time: write .isoformat()"
        yield Fault(value, f"{part.value[:40]!r} is no format of text or numbers", hint)


def _number(digits: str) -> int:
    return int(digits[:9] or 0)
