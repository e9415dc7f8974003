"""What expressions may say: hostile ones are refused when compiled, legitimate ones are not."""

from __future__ import annotations

import json

import pytest
from conftest import DATA

from fitsgen.check import expressions
from fitsgen.check.python_syntax import parse_expression
from fitsgen.diagnostics import Problem, Source
from fitsgen.namespace import BUILTINS, FUNCTIONS
from fitsgen.runtime import functions
from fitsgen.syntax.nodes import Span, Tree, line_starts, logical
from fitsgen.syntax.parser import parse

CASES = json.loads((DATA / "expressions.json").read_text())

# Too large only once it runs: bounded from outside (docs/trust.md), not when compiled.
ONLY_WHEN_RUN = {
    "np.outer(np.ones(10**5),np.ones(10**5))",
    "[[0]*10**6 for x in range(10**6)]",
    "np.zeros(3*10**9)+1",
    "np.diag(np.ones(60000))",
    "('a'*60000).replace('a','b'*60000)",
    "np.convolve(np.ones(10**7),np.ones(10**7))",
    "'a'*60000 in ('a'*59999+'b')*1000",
}
# Refused by the grammar of a line, before it is an expression.
BY_THE_GRAMMAR = {"1 # c"}


def problems(text: str) -> list[Problem]:
    source = Source("t", (text,))
    tree = Tree(source, text, (), line_starts(text))
    expression, found = parse_expression(logical(tree, Span(0, len(text))))
    if expression:
        found = [*found, *expressions.check_expression(expression)]
    return [problem for problem in found if problem.is_error]


@pytest.mark.parametrize("case", CASES["hostile"], ids=lambda case: case["expression"][:40])
def test_hostile_expressions_are_refused_with_their_place(case: dict[str, str]) -> None:
    text = case["expression"]
    if text in ONLY_WHEN_RUN:
        return
    found = parse(f"X = {text}\n", Source("t"))[1] if text in BY_THE_GRAMMAR else problems(text)
    assert found
    assert all(problem.position and problem.position.column for problem in found)


@pytest.mark.parametrize("case", CASES["legitimate"], ids=lambda case: str(case)[:40])
def test_legitimate_expressions_are_allowed(case: str) -> None:
    assert problems(case) == []


def test_every_function_of_the_language_is_defined() -> None:
    for name in FUNCTIONS:
        assert callable(getattr(functions, name))
    for name in BUILTINS:
        assert callable(__builtins__[name])
