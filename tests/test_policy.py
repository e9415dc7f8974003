"""What expressions may say: hostile ones are refused when compiled, each at its place."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable

import numpy
import pytest
from conftest import DATA
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_expressions import HOLE, contexts, expressions

from fitsgen.check import expressions as check
from fitsgen.check import policy
from fitsgen.check.python_syntax import parse_expression
from fitsgen.diagnostics import Problem, Source
from fitsgen.namespace import BUILTINS, FUNCTIONS
from fitsgen.runtime import functions, np, random
from fitsgen.syntax.nodes import Span, Tree, line_starts, logical
from fitsgen.syntax.parser import parse

CASES = json.loads((DATA / "expressions.json").read_text())
HOSTILE = CASES["hostile"]
# Refused by the grammar of a line, before it is an expression.
BY_THE_GRAMMAR = {"1 # c"}
# Too large, or too long, only once it runs: bounded from outside (docs/trust.md).
ONLY_WHEN_RUN = (
    "np.zeros(3*10**9)+1",  # takes no room until it is written, and then what was asked for
    "np.arange(input('SIZE'))",
    "'a' * input('SIZE')",
    "[0] * param('size')",
    "input('A') ** input('B')",
    "regex('a' * 40, '(a+)+b')",
    "sum(sum(y for y in range(10**6)) for x in range(10**6))",
    "np.ones((10**4, 10**4)).repeat(input('N'))",
)


def problems(text: str) -> list[Problem]:
    source = Source("t", (text,))
    tree = Tree(source, text, (), line_starts(text))
    expression, found = parse_expression(logical(tree, Span(0, len(text))))
    if expression:
        found = [*found, *check.check_expression(expression)]
    return [problem for problem in found if problem.is_error]


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["expression"][:40])
def test_hostile_expressions_are_refused_at_their_place(case: dict[str, str]) -> None:
    text = case["expression"]
    if text in BY_THE_GRAMMAR:
        assert parse(f"X = {text}\n", Source("t"))[1]
        return
    found = problems(text)
    assert found
    columns = [problem.position.column for problem in found if problem.position]
    assert len(columns) == len(found)
    assert all(1 <= column <= len(text) + 1 for column in columns)
    assert case.get("at", columns[0]) == columns[0], found


def test_there_are_enough_hostile_expressions(
    record_property: Callable[[str, object], None],
) -> None:
    texts = {"".join(case["expression"].split()) for case in HOSTILE}
    assert len(texts) == len(HOSTILE) >= 220
    groups = {case["group"] for case in HOSTILE}
    message = f"{len(HOSTILE)} hostile expressions of {len(groups)} kinds: {len(HOSTILE)} refused"
    record_property("figure", f"{message} when compiled, 0 escapes")


@pytest.mark.parametrize("text", ONLY_WHEN_RUN)
def test_what_is_only_large_once_it_runs_is_bounded_from_outside(text: str) -> None:
    assert problems(text) == []


# What is no value, or no part of an expression by itself, may be fine where it is put.
_ALONE = ("values", "scopes", "syntax", "parser", "types", "sizes", "dos", "builtin")


@given(
    contexts(),
    st.sampled_from([case["expression"] for case in HOSTILE if case["group"] not in _ALONE]),
)
@settings(max_examples=300, deadline=None)
def test_what_is_refused_alone_is_refused_as_a_part(context: str, hostile: str) -> None:
    assert problems(context.replace(HOLE, "1")) == []
    if hostile not in BY_THE_GRAMMAR and not hostile.startswith(("*", "not")):
        assert problems(context.replace(HOLE, f"({hostile})"))


@given(expressions())
@settings(max_examples=300, deadline=None)
def test_the_check_of_any_expression_ends_with_places(text: str) -> None:
    for problem in problems(text):
        assert problem.position
        assert 1 <= problem.position.column <= len(text) + 1 or problem.position.line > 1


@pytest.mark.parametrize(
    "text",
    [
        *(f"[{one}{(64 * 1024 // len(one) - 9) * one}1]" for one in ("aa,", "np.lood,", "x.y,")),
        *(64 * 1024 // len(one) * one + "1" for one in ("1 + ", "1 ", "not ", "(", "-", "'", "f'")),
        "['" + "a','" * 16_000 + "']",
        "[" + "9**9**9," * 2500 + "]",
        "{" + "'a':open('x')," * 1200 + "}",
        "zip(" + "a," * 9000 + ")",
        "[" + ("+".join(["'a'*4000"] * 90) + ",") * 15 + "]",
        "[" * 60 + "x," * 9000 + "]" * 60,
        "'" + " " * 65_000 + "b",
        "f'" + "{open}" * 1500 + "'",
        "(" + " " * 65_000 + ")",
        "'%" + "9" * 60_000 + "d' % 1",
        "1e" + "9" * 60_000,
        "0x" + "f" * 65_000,
        "9" * 65_000,
    ],
    ids=lambda text: text[:12],
)
def test_the_longest_expressions_are_checked_within_a_second(text: str) -> None:
    assert len(text) <= policy.MAX_TEXT + 10
    start = time.process_time()
    found = problems(text)
    assert time.process_time() - start < 1
    assert len(found) <= policy.MAX_FAULTS


LIMITS = [
    ("'" + "a" * (policy.MAX_TEXT - 2) + "'", "'" + "a" * (policy.MAX_TEXT - 1) + "'"),
    ("[" * 60 + "]" * 60, "[" * 61 + "]" * 61),
    ("('(((((((" + "(" * 60 + "')", "(" * 61 + "')'" + ")" * 61),
    ("[" + "1," * 19_000 + "]", "[" + "1," * 20_000 + "]"),
    ("[" + "-1," * 6_000 + "]", "[" + "-x(),".replace("x", "abs") * 6_000 + "]"),
    ("+".join(["1"] * policy.MAX_LEVELS), "+".join(["1"] * (policy.MAX_LEVELS + 1))),
    ("-" * 150 + "1", "-" * 250 + "1"),
    ("not " * 150 + "T", "not " * 250 + "T"),
    ("''" + ".strip()" * 90, "''" + ".strip()" * 110),
    ("1 if T else " * 150 + "1", "1 if T else " * 250 + "1"),
    ("0x" + "f" * 4096, "0x1" + "f" * 4096),
    ("1e308", "1e309"),
    ("'a' * 1000000", "'a' * 1000001"),
    ("1 << 16380", "1 << 16385"),
    ("np.ones(2**33)", "np.ones(2**33 + 1)"),
    ("np.arange(2**28)", "np.arange(2**28 + 1)"),
    ("list(range(10**7))", "list(range(10**7 + 1))"),
    ("f'{1:200d}'", "f'{1:201d}'"),
    ("'%200d' % 1", "'%201d' % 1"),
    ("'a'.ljust(10000)", "'a'.ljust(10001)"),
    ("np.dtype('U4096')", "np.dtype('U4097')"),
]


@pytest.mark.parametrize(("fits", "is_too_much"), LIMITS, ids=lambda text: text[:12])
def test_limits_are_where_the_documentation_has_them(fits: str, is_too_much: str) -> None:
    assert problems(fits) == []
    assert problems(is_too_much)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("np.add(1, 2, \uff4fut=3)", "the argument out= is not allowed", 14),
        ("''.\U0001d487ormat(1)", ".format is not allowed in an expression", 4),
        ("'é' + [].\ufb01ll", ".fill is not allowed in an expression", 10),
        ("1\x00", "the character '\\x00' cannot stand in a template", 2),
        ("(1\r+open)", "the character '\\r' cannot stand in a template", 3),
        ("1\x0c", "the character '\\x0c' cannot stand in a template", 2),
        ("{[1]: 2}", "a list or a dict cannot be a key", 2),
        ("[1, b'a']", "bytes are not allowed in an expression", 5),
        ("[1, 1e999]", "a number too large", 5),
        ("[h.data for h in input]", ".data is not allowed here", 4),
        ("input[0].kind", "an HDU has no .kind", 10),
    ],
)
def test_faults_are_told_in_words(text: str, message: str, column: int) -> None:
    first = problems(text)[0]
    assert first.message == message
    assert first.position
    assert first.position.column == column


def test_every_function_of_the_language_is_defined() -> None:
    for name in FUNCTIONS:
        assert callable(getattr(functions, name))
    for name in BUILTINS:
        assert callable(__builtins__[name])


def test_every_name_of_numpy_on_the_lists_is_there() -> None:
    for name in policy.NUMPY_FUNCTIONS | policy.NUMPY_TYPES:
        assert callable(getattr(np, name))
    for name in policy.NUMPY_CONSTANTS:
        assert not callable(getattr(np, name))
    for name in policy.NUMPY_NESTED:
        module, function = name.split(".")
        assert callable(getattr(getattr(np, module), function))
    assert random.METHODS < policy.METHODS


# Arguments by which a function writes into an array, shows memory, or calls something.
DANGEROUS = ("out", "overwrite_input", "where", "like", "signature", "device", "func", "key")


@pytest.mark.parametrize("name", sorted(policy.NUMPY_FUNCTIONS | {"linalg.norm"}))
def test_no_argument_of_numpy_writes_or_calls(name: str) -> None:
    function = numpy.linalg.norm if name == "linalg.norm" else getattr(numpy, name)
    parameters = list(inspect.signature(function).parameters.values())
    assert policy.ARGUMENTS.isdisjoint(DANGEROUS)
    most = policy.MOST_NUMPY_ARGUMENTS.get(name, len(parameters))
    for number, parameter in enumerate(parameters):
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            continue
        if parameter.name in DANGEROUS:
            assert number >= most, parameter.name
        if parameter.name == "dtype":
            assert policy.TYPE_ARGUMENTS.get(name, number if number >= most else None) == number
