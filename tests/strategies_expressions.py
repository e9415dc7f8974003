"""Hypothesis strategies for the text of expressions.

`expressions()` mixes what is allowed with what is not, `contexts()` are allowed expressions with
a place for another one, and `texts()` are strings that are hard to write down.
"""

from __future__ import annotations

import json
from pathlib import Path
from string import Formatter

from hypothesis import strategies as st

from fitsgen.check import policy
from fitsgen.namespace import BUILTINS, CHECKS, FUNCTIONS

CASES = json.loads((Path(__file__).parent / "data" / "expressions.json").read_text())
HOLE = "HOLE"

_HOSTILE_NAMES = "open eval print __import__ __builtins__ type np input output param apt x _ len"
_HOSTILE_ATTRIBUTES = (
    "__class__ __globals__ _file data base flat ctypes sort fill append pop update tofile format "
    "encode strftime view raw_data cards node kind gi_frame"
)
_HOSTILE_ARGUMENTS = "out where key like subok signature overwrite_input dtype"
_HOSTILE_NUMPY = "load save f2py empty vectorize copyto object_ linalg random fromfile"

_NUMBERS = (
    *map(str, range(-3, 13)),
    *("0.5", "1e3", "2j", "10 ** 12", "1 << 70", "np.pi", "np.nan", "np.inf"),
)
_STRINGS = ("", "A", "a b", "%s", "%5d", "%(a)s", "{}", "f4", "O", "2020-01-01", "é\n", '"', "\\")
_SOURCES = (
    *("input('A')", "input('NOTHERE')", "input[0].data", "input[1].data", "input[0].header"),
    *("input['EVENTS'].data", "input['EVENTS'].data['F']", "input[0]", "param('seed', 1)"),
    *("obsid('KEY')", "np.random.default_rng(1)", "fromfitstime('2020-01-01')", "now()"),
    *("np.ones((2, 3))", "np.arange(4)", "np.dtype('f4')", "len(input)", "output[0].name"),
)
_ATOMS = (_NUMBERS, tuple(map(repr, _STRINGS)), _SOURCES, ("T", "F", "None", "x", "y", "..."))
_HOSTILE = (
    *(case["expression"] for case in CASES["hostile"] if len(case["expression"]) < 80),
    *("lambda: 1", "*x", "(y := 1)", "{1, 2}"),
)
_OPERATORS = (
    *"+ - * / // % ** << >> & | ^ == != < <= > >= and or in is".split(),
    *("not in", "is not", "@"),
)
_FUNCTIONS = (*FUNCTIONS, *CHECKS, *BUILTINS)
_NUMPY = tuple(sorted(policy.NUMPY_FUNCTIONS | policy.NUMPY_TYPES))
_FORMATS = ("", ":5d", ":.2f", ":>9", "!r", "!a:5", ":%c", ":999999999", ":{x}")
# A letter stands for a part of its own.
_FORMS = (
    *("(-{a})", "(not {a})", "({a} if {b} else {c})", "[{a}, {b}]", "({a}, {b})", "{{{a}: {b}}}"),
    *("({a})[{b}]", "({a})[{b}:{c}]", "({a}){attribute}", "({a}){attribute}", "({a} {op} {b})"),
    *("({a} {op} {b})", "({a}){method}({b})", "({a}){method}({b}, {name}={c})", "{f}({a})"),
    *("{f}({a}, {b})", "np.{np}({a})", "np.{np}({a}, {b})", "np.{np}({a}, {name}={b})"),
    *("({a}){method}()", "[{a} for {v} in {b}]", "[{a} for {v} in [{b}] if {c}]"),
    *("{{{a}: {c} for {v} in ({b},)}}", "sum({a} for {v} in [{b}])", "({a} for {v} in [{b}])"),
    *("list(zip([{a}], {b}))", "f'{{({a}){format}}}'", "sorted({a}, {name}={b})", "{rare}"),
)


def _choices(strange: bool) -> dict[str, tuple[str, ...]]:
    """Return what stands for each word in a form: with `strange`, one in three is refused."""

    def some(allowed: tuple[str, ...], refused: str) -> tuple[str, ...]:
        share = refused.split() * (1 + len(allowed) // (2 * len(refused.split())))
        return (*allowed, *share) if strange else allowed

    return {
        "attribute": tuple(
            f".{one}" for one in some(tuple(sorted(policy.ATTRIBUTES)), _HOSTILE_ATTRIBUTES)
        ),
        "method": tuple(
            f".{one}" for one in some(tuple(sorted(policy.METHODS)), _HOSTILE_ATTRIBUTES)
        ),
        "f": some(_FUNCTIONS, _HOSTILE_NAMES),
        "np": some(_NUMPY, _HOSTILE_NUMPY),
        "name": some(tuple(sorted(policy.ARGUMENTS)), _HOSTILE_ARGUMENTS),
        "v": some(("x", "y", "key"), "input np _ open"),
        "op": _OPERATORS if strange else _OPERATORS[:-1],
        "format": _FORMATS if strange else _FORMATS[:6],
        "rare": (*_HOSTILE, *_HOSTILE_NAMES.split()) if strange else ("x",),
    }


_CHOICES = {strange: _choices(strange) for strange in (False, True)}


def _grown(draw: st.DrawFn, strange: bool, depth: int) -> str:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(draw(st.sampled_from(_ATOMS))))
    form = draw(st.sampled_from(_FORMS))
    words = {}
    for _, word, _, _ in Formatter().parse(form):
        if word in ("a", "b", "c"):
            words[word] = _grown(draw, strange, depth - 1)
        elif word:
            words[word] = draw(st.sampled_from(_CHOICES[strange][word]))
    if form.startswith("f'") and any(character in words["a"] for character in "'\"\\{}\n"):
        return words["a"]  # f-strings of some Pythons cannot have it
    return form.format(**words)


@st.composite
def expressions(draw: st.DrawFn, *, strange: bool = True) -> str:
    """Return texts of expressions; without `strange` most of them are allowed."""
    return _grown(draw, strange, draw(st.integers(1, 4)))


_AROUND = (
    *("(HOLE) + 1", "[HOLE, 1]", "{'a': HOLE}['a']", "str(HOLE)", "np.sqrt(HOLE)", "-(HOLE)"),
    *("(HOLE) if T else 1", "1 if (HOLE) else 2", "[(HOLE) for i in [1]]", "not (HOLE)"),
    *("[1 for i in [1] if (HOLE)]", "[1 for i in [HOLE]]", "np.zeros(3)[HOLE]", "dict(a=HOLE)"),
    *("np.zeros(3)[(HOLE):2]", "input('A', default=HOLE)", "map(HOLE, {1: 2})", "(HOLE) < 1 < 2"),
    *("1 in [HOLE]", "(HOLE) ** 2", "np.full((2,), HOLE)", "np.array([HOLE]).sum()", "{1: (HOLE)}"),
    *("max([HOLE], default=0)", "round((HOLE), 2)", "','.join([HOLE])", "(HOLE).real"),
    *("T and (HOLE)", "np.pad([1], (HOLE))", "x('A', default=HOLE)", "output[(HOLE)].name"),
)


def contexts() -> st.SearchStrategy[str]:
    """Return texts of allowed expressions in which `HOLE` stands for a part."""
    around = st.sampled_from(_AROUND)
    return st.lists(around, min_size=1, max_size=4).map(_nested)


def _nested(parts: list[str]) -> str:
    text = HOLE
    for part in parts:
        text = part.replace(HOLE, text)
    return text


def texts() -> st.SearchStrategy[str]:
    """Return strings with quotes, backslashes, line breaks and letters that show as others."""
    hard = st.sampled_from(
        (
            *('"""', "'''", "\\", '\\"', "\n", "\r", "\t", "\x00", "\x1b[2J", "{", "}", "{{", "#"),
            *("\u202e", "\u2066", "\u2028", "\ufeff", "\xa0", "\U0001f600", "coding: utf-7"),
            *("lambda: 0", "\\N{BULLET}", "%s", "é", "\ud7ff"),
        )
    )
    return st.lists(st.one_of(hard, st.text(max_size=4)), max_size=6).map("".join)
