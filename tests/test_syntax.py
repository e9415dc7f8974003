"""The grammar, by property: what is written is what is read, whatever it is."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from fitsgen.backends.layout import expression
from fitsgen.diagnostics import Source
from fitsgen.syntax.nodes import Card, Node, Tree, logical
from fitsgen.syntax.parser import parse

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
KEYWORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=8)
COMMENTS = st.text(PRINTABLE.filter(lambda c: c != "\\"), max_size=40).map(str.strip)
TEXTS = st.text(PRINTABLE, max_size=30).map(repr)
NUMBERS = st.integers().map(repr) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
NAMES = st.sampled_from(["input('A')", "np.pi", "T", "obsid()"])
ATOMS = TEXTS | NUMBERS | NAMES


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return (
        pairs.map(lambda p: f"({p[0]} / {p[1]})")
        | pairs.map(lambda p: f"[{p[0]}, {p[1]}]")
        | pairs.map(lambda p: f"{{{p[0]}: {p[1]}}}")
        | pairs.map(lambda p: f"{p[0]} or {p[1]}")
        | pairs.map(lambda p: f"max({p[0]}, key={p[1]})")
        | inner.map(lambda one: f"({one}).upper()[0]")
        | pairs.map(lambda p: f"input[0].data[:, {p[0]}:, ::-1].reshape(({p[0]}, {p[1]}))[..., 0]")
    )


EXPRESSIONS = st.recursive(ATOMS, compound, max_leaves=8)


def read(text: str) -> tuple[Tree, tuple[Node, ...]]:
    tree, problems = parse(text, Source("t", tuple(text.split("\n"))))
    assert problems == []
    return tree, tree.nodes


@given(KEYWORDS, EXPRESSIONS, COMMENTS)
def test_a_card_is_read_as_it_was_written(keyword: str, value: str, comment: str) -> None:
    tree, nodes = read(f"{keyword:8} = {value} / {comment}\n")
    (card,) = nodes
    assert isinstance(card, Card)
    assert card.value
    assert card.comment
    assert tree.text[slice(*card.keyword)] == keyword
    assert tree.text[slice(*card.value)].strip() == value
    assert tree.text[slice(*card.comment)][1:].strip() == comment


@given(st.lists(EXPRESSIONS, min_size=2, max_size=4), st.sampled_from(["\\", "\\  ", "\\\t"]))
def test_a_continued_line_is_one_expression_with_its_places(
    values: list[str], continuation: str
) -> None:
    tree, nodes = read(f"A = [{f',{continuation}{chr(10)}  '.join(values)}] / c\n")
    (card,) = nodes
    assert isinstance(card, Card)
    assert card.value
    text = logical(tree, card.value)
    parsed = ast.parse(text.text.strip(), mode="eval").body
    assert isinstance(parsed, ast.List)
    assert len(parsed.elts) == len(values)
    for line, (element, value) in enumerate(zip(parsed.elts, values, strict=True), 1):
        assert text.position(element.col_offset).line == line
        assert ast.dump(element) == ast.dump(ast.parse(value, mode="eval").body)


@given(st.lists(st.text(PRINTABLE, max_size=60), max_size=12))
def test_any_text_is_read_or_refused_and_never_a_crash(lines: list[str]) -> None:
    text = "\n".join(lines)
    tree, problems = parse(text, Source("t", tuple(lines)))
    assert len(tree.nodes) <= len(lines) + 2
    for problem in problems:
        assert problem.position
        assert 1 <= problem.position.line <= len(lines) + 1


@given(st.lists(st.text(PRINTABLE, max_size=60), min_size=1, max_size=8), KEYWORDS)
def test_a_broken_line_does_not_hide_the_ones_around_it(lines: list[str], keyword: str) -> None:
    """Whatever stands between two cards, both are found, unless it continues into them."""
    middle = [line.replace("\\", "") for line in lines]
    text = f"{keyword} = 1\n" + "\n".join(middle) + f"\n{keyword} = 2\n"
    tree, _ = parse(text, Source("t", tuple(text.split("\n"))))
    cards = [node for node in tree.nodes if isinstance(node, Card)]
    for card, line in ((cards[0], 1), (cards[-1], len(middle) + 2)):
        assert tree.position(card.span.start).line == line
        assert tree.text[slice(*card.keyword)] == keyword


@given(EXPRESSIONS)
def test_layout_keeps_the_meaning(text: str) -> None:
    node = ast.parse(text, mode="eval").body
    laid_out = expression(node, " " * 60)
    assert ast.dump(ast.parse(f"({laid_out})", mode="eval").body) == ast.dump(node)
