"""What a template can bring into the emitted module: checked expressions, and text as text."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from expression_runs import is_allowed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from strategies_expressions import expressions, texts

from fitsgen import compiler
from fitsgen.backends.layout import expression
from fitsgen.diagnostics import CompileError
from fitsgen.runtime.declare import Card, FileType, Heading

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(
    lambda text: f"{text.strip()}."  # a backslash at the end would continue the line
)
HARD = ("it's", '"""', "\\", '"""\nimport os\n"""', "# coding: utf-7", "'''", "{x}", "%s", "a\\")


def module(directory: Path, template: str, name: str = "t.gen.txt") -> str:
    path = directory / name
    path.write_text(template, encoding="utf-8")
    return compiler.module_text(compiler.checked(path))


def loaded(text: str) -> FileType:
    names: dict[str, Any] = {}
    exec(text, names)
    assert isinstance(names["FILE"], FileType)
    return names["FILE"]


def assert_nothing_else(text: str) -> None:
    """Fail unless a module is its docstring, imports from the runtime, and declarations."""
    docstring, *body = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    for statement in body:
        match statement:
            case ast.ImportFrom(module=str(name), level=0):
                assert name.startswith("fitsgen.runtime")
            case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id=name))):
                assert name in ("HDU", "FileType")
                assert_declares(statement.value)
            case _:
                pytest.fail(ast.dump(statement))


def assert_declares(call: ast.Call) -> None:
    """Fail unless a call declares: cards and headings of constants and lambdas."""
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        match value:
            case ast.Call(func=ast.Name(id="Card" | "Heading" | "Blank")):
                assert_declares(value)
            case ast.Lambda(args=arguments):
                assert not arguments.defaults
            case _:
                assert not any(isinstance(one, ast.Call | ast.Lambda) for one in ast.walk(value))


def written(text: str) -> str:
    """Return a string as a template has it: as it stands where that is possible."""
    plain = text.isprintable() and not any(one in text for one in "'\\")
    return f"'{text}'" if plain else repr(text)


@given(strings=st.lists(texts(), min_size=1, max_size=4), summary=texts(), title=ASCII)
@example(strings=list(HARD), summary='"""\\', title='""".')
@example(strings=["\u202e", "\x00"], summary="\u202e", title="\\.")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_text_stays_text(tmp_path: Path, strings: list[str], summary: str, title: str) -> None:
    summary = "".join(one if one >= " " else "?" for one in summary)
    strings = [*dict.fromkeys(strings)]
    lines = [f"# {summary}", "<<file t>>", "<<header primary>>", f"/ {title}"]
    lines += [f"A{n} = map(1, {{1: {written(one)}}}) / {title}" for n, one in enumerate(strings)]
    lines += ["<<header data>>", "<<data>>", f"[{', '.join(map(written, strings))}]"]
    text = module(tmp_path, "\n".join(lines) + "\n")
    assert_nothing_else(text)
    assert text.isascii() or not any(ord(one) in range(0x202A, 0x202F) for one in text)
    primary, data = loaded(text).hdus
    cards = [item for item in primary.items if isinstance(item, Card)]
    assert [card.value() for card in cards] == strings
    assert data.data == strings
    assert all(card.comment == title for card in cards)
    assert [item.text for item in primary.items if isinstance(item, Heading)] == [title]


@pytest.mark.parametrize("name", ['a"""\nimport os\n.gen.txt', "\u202e#.gen.txt", "'\\.gen.txt"])
def test_names_of_files_stay_text(tmp_path: Path, name: str) -> None:
    template = "<<file t>>\n<<header primary>>\n#include 'x\u2028y.gen.inc'\nB = now()\n"
    (tmp_path / "x\u2028y.gen.inc").write_text("A = 1\n")
    text = module(tmp_path, template, name)
    assert_nothing_else(text)
    assert len(loaded(text).hdus[0].items) == 2


@pytest.mark.parametrize("character", ["\x00", "\r", "\x0c", "\x1b", "\u202e", "é", "\n"])
def test_comments_and_headings_hold_what_fits_can(tmp_path: Path, character: str) -> None:
    for line in (f"A = 1 / a{character}b", f"/ a{character}b", f"A = 1{character}"):
        with pytest.raises(CompileError) as caught:
            module(tmp_path, f"<<file t>>\n<<header primary>>\n{line}\nimport os\n")
        assert all(problem.position for problem in caught.value.problems)


@given(expressions(strange=False), st.integers(0, 12), st.integers(0, 60))
@example("({'a': [" + "'abcdefgh'," * 12 + "]},)", 1, 0)
@example("(" + "abs(" * 20 + "1" + ")" * 20 + ",)", 4, 59)
@settings(max_examples=200, deadline=None)
def test_an_expression_is_laid_out_unchanged(text: str, indent: int, room: int) -> None:
    if not is_allowed(text):
        return
    tree = ast.parse(text, mode="eval").body
    laid = expression(tree, " " * 4 * indent, room)
    assert ast.dump(ast.parse(f"({laid}\n)", mode="eval").body) == ast.dump(tree)


def test_nested_brackets_are_laid_out_at_once(tmp_path: Path) -> None:
    nested = "[1, " * 55 + "x('A')" + "]" * 55
    text = module(tmp_path, f"<<file t>>\n<<header primary>>\n<<data>>\n{nested}\n")
    assert_nothing_else(text)
