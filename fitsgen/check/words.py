"""Names that an expression should not use, and what to say of them."""

from __future__ import annotations

import ast
import builtins
import difflib
import functools
from collections.abc import Iterator

from fitsgen.check import policy
from fitsgen.check.faults import Fault
from fitsgen.namespace import KNOWN

PYTHONS_OWN = frozenset(dir(builtins)) - KNOWN | {"exit", "quit", "copyright", "credits", "license"}
"""Python's names that are not the language's: never taken for a data file."""

# What other languages call a value, and what it is here.
_WORDS_OF_OTHERS = {
    "true": "write T",
    "yes": "write T",
    "false": "write F",
    "no": "write F",
    "nan": "FITS headers have no NaN: leave the value out",
    "null": "write None, or leave the value out",
}


def unknown(node: ast.Name, bound: frozenset[str], *, called: bool) -> Fault:
    """Say that a name is not known; `bound` are the variables that are, where it stands."""
    name = node.id
    near = _near(name, KNOWN | bound, 0.7)
    if name.lower() in KNOWN:
        near = name.lower()
    hint = f"did you mean {near}?" if near else ""
    if name.startswith("_"):
        return Fault(node, f"names that begin with _ do not exist here: {name}")
    if name in PYTHONS_OWN:
        return Fault(node, f"Python's {name} is not available in a template", hint)
    if called and name in policy.NUMPY_FUNCTIONS:
        return Fault(node, f"there is no function {name}", f"did you mean np.{name}?")
    if called:
        hint = hint or f"a data file is called as {name}('KEY') or {name}('KEY', 'HDU')"
        return Fault(node, f"there is no function {name}", hint)
    if name.lower() in _WORDS_OF_OTHERS:
        hint = _WORDS_OF_OTHERS[name.lower()]
    hint = hint or f"text stands in quotes; a data file is called: {name}('KEY')"
    return Fault(node, f"there is no name {name}", hint)


def attribute(node: ast.Attribute, allowed: frozenset[str]) -> Fault:
    """Say that an attribute is not on the list that holds where it stands."""
    if node.attr.startswith("_"):
        return Fault(node, f"attributes that begin with _ do not exist here: {node.attr}")
    if node.attr in policy.METHODS and allowed is not policy.METHODS:
        return Fault(node, f".{node.attr} can only be called", f"write .{node.attr}(...)")
    if node.attr == "data":
        hint = "say of which HDU where its data is read: input[1].data"
        return Fault(node, ".data is not allowed here", hint)
    near = _near(node.attr, policy.METHODS | policy.ATTRIBUTES, 0.8)
    hint = f"did you mean .{near}?" if near else ""
    return Fault(node, f".{node.attr} is not allowed in an expression", hint)


def numpy(node: ast.Attribute, name: str) -> Fault:
    """Say that something of NumPy is not on the lists."""
    near = _near(name, policy.NUMPY_FUNCTIONS | policy.NUMPY_TYPES, 0.8)
    hint = f"did you mean np.{near}?" if near else ""
    return Fault(node, f"np.{name} is not allowed in an expression", hint)


def nearly_known(node: ast.Name) -> Iterator[Fault]:
    """Warn of a source whose name may be a misspelling."""
    if near := [known for known in KNOWN if _one_edit_apart(node.id, known)]:
        hint = f"did you mean {min(near)}?"
        yield Fault(node, f"{node.id} is taken for a data file", hint, warns=True)


@functools.lru_cache(maxsize=1024)
def _near(name: str, names: frozenset[str], cutoff: float) -> str:
    """Return the name that is most like another; '' where none is."""
    # Names that nobody would type cost time.
    found = difflib.get_close_matches(name[:80], sorted(names), 1, cutoff)
    return found[0] if found else ""


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
