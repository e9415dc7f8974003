"""The shipped file types against the facts of the ground tests: a keyword lost, moved or misread.

Facts in `data/ground_test_facts.json`. Where a template departs from them on purpose, `LEFT_OUT`
and `CHANGED` say so, with the reason.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FACTS = json.loads(Path(__file__).with_name("data").joinpath("ground_test_facts.json").read_text())

# Placeholders ('#TODO', 'N/A') of which nothing is known on the ground: left out of the file unless
# the input has the keyword, since fitsverify objects to undefined values and to text for numbers.
LEFT_OUT = set(
    "OBSLABEL NXLIGHT APERNAME SLIT_OFF SPEC_OFF SPAT_OFF CRPIX1 CRPIX2 CRVAL1 CRVAL2 "
    "CDELT1 CDELT2 PC1_1 PC1_2 PC2_1 PC2_2".split()
)

# Fixed values that are something else here.
CHANGED = {
    ("level1b.gen.inc", "BITPIX"): "",  # 0 is not legal: fitsgen writes what the data demands
    ("level1b.gen.inc", "FILENAME"): "",  # fitsgen knows the name it writes
    ("level1b.gen.inc", "NEXTEND"): "len(output) - 1",
    ("wcs_parameters.gen.inc", "WCSAXES"): None,  # only with a reference point
    ("wcs_parameters.gen.inc", "CTYPE1"): None,  # only with WCSAXES
    ("wcs_parameters.gen.inc", "CTYPE2"): None,
}

# Numbers that come from the input alone and that nothing else needs.
OPTIONAL = LEFT_OUT | {"WCSAXES", "CTYPE1", "CTYPE2", "TSAMPLE", "FASTAXIS", "SLOWAXIS"}

CONSTANT = re.compile(r"T|F|-?[0-9.]+|'[^']*'")
PART = re.compile(r"""'[^']*'|"[^"]*"|[(\[{]|[)\]}]|/|[^'"()\[\]{}/]+""")


@dataclass(frozen=True, slots=True)
class Card:
    keyword: str
    optional: bool
    expression: str
    comment: str

    @property
    def tree(self) -> ast.expr:
        return ast.parse(self.expression, mode="eval").body

    @property
    def is_constant(self) -> bool:
        return bool(CONSTANT.fullmatch(self.expression))

    @property
    def constant(self) -> object:
        if self.expression in ("T", "F"):
            return self.expression == "T"
        return ast.literal_eval(self.expression)


@functools.cache
def read_cards(path: Path) -> list[Card]:
    """Read the cards of a template's text, in order; all other lines are passed over."""
    text = re.sub(r"[ \t]*\\[ \t]*\n[ \t]*", " ", path.read_text(encoding="ascii"))
    cards = []
    for line in text.splitlines():
        if found := re.match(r"([A-Z0-9_-]+) *(\??)= *(.*)", line):
            expression, comment = split_comment(found[3])
            cards.append(Card(found[1], bool(found[2]), expression, comment))
    return cards


def split_comment(text: str) -> tuple[str, str]:
    depth = 0
    for part in PART.finditer(text):
        depth += (part[0] in "([{") - (part[0] in ")]}")
        if part[0] == "/" and not depth:
            return text[: part.start()].strip(), text[part.end() :].strip()
    return text.strip(), ""


def lookups(card: Card, cards: dict[str, Card]) -> Iterator[str]:
    """Yield `source:KEYWORD` for each lookup of a card, through `output` to where that reads."""
    for node in ast.walk(card.tree):
        match node:
            case ast.Call(func=ast.Name(id="input" | "obsid" | "output" as source), args=arguments):
                first = arguments[0] if arguments else ast.Constant(card.keyword)
                match first:
                    case ast.Constant(value=str(key)) if source == "output":
                        yield from lookups(cards[key], cards)
                    case ast.Constant(value=str(key)):
                        yield f"{source}:{key}"


def words(card: Card) -> set[str]:
    """Return the constants, names and table marks of an expression, as the facts write them."""
    found = set()
    for node in ast.walk(card.tree):
        match node:
            case ast.Constant(value=value):
                found.add(str(value))
            case ast.Name(id=name):
                found.add(name)
            case ast.Dict():
                found.add("lookup table")
    return found


def cards_of(file_type: str) -> dict[str, Card]:
    includes = FACTS["templates"][file_type]["includes"]
    primary = (name for name in includes if "extension" not in name)
    return {c.keyword: c for name in primary for c in read_cards(ROOT / "includes" / name)}


Row = dict[str, Any]


def rows(fixed: bool) -> list[Any]:
    """Return the include and the facts of each keyword that has, or has not, a fixed value."""
    return [
        pytest.param(name, row, id=f"{name.removesuffix('.gen.inc')}-{row['keyword']}")
        for name, facts in FACTS["includes"].items()
        for row in facts
        if ("value" in row) == fixed
    ]


def find(name: str, keyword: str) -> Card:
    return next(c for c in read_cards(ROOT / "includes" / name) if c.keyword == keyword)


@pytest.mark.parametrize("name", FACTS["templates"])
def test_file_type_has_the_hdus_and_includes_in_order(name: str) -> None:
    facts = FACTS["templates"][name]
    text = (ROOT / "templates" / name).read_text(encoding="ascii")
    assert re.findall(r"<<file (\w+)>>", text) == [facts["name"]]
    assert re.findall(r"<<header (\w+)>>", text) == facts["hdus"]
    assert re.findall(r"#include '(.*)'", text) == facts["includes"]
    assert text.count("<<data>>") == len(facts["hdus"]) - 1


@pytest.mark.parametrize("name", FACTS["includes"])
def test_keywords_come_in_order(name: str) -> None:
    keywords = [card.keyword for card in read_cards(ROOT / "includes" / name)]
    assert keywords == [row["keyword"] for row in FACTS["includes"][name]]


@pytest.mark.parametrize(("name", "row"), rows(fixed=True))
def test_fixed_value(name: str, row: Row) -> None:
    card = find(name, row["keyword"])
    if card.keyword in LEFT_OUT:
        assert card.optional
        assert f"input:{card.keyword}" in lookups(card, cards_of_any(name))
    elif (changed := CHANGED.get((name, card.keyword), row)) is None:
        assert card.optional
        assert str(row["value"]) in words(card)
    elif changed is not row:
        assert card.expression == changed
    else:
        assert (type(card.constant), card.constant) == (type(row["value"]), row["value"])


@pytest.mark.parametrize(("name", "row"), rows(fixed=False))
def test_sources_functions_and_default(name: str, row: Row) -> None:
    card = find(name, row["keyword"])
    reached = reach(card, cards_of_any(name))
    assert set(row.get("reads", ())) <= set(lookups(card, cards_of_any(name)))
    assert set(row.get("uses", ())) <= set().union(*map(words, reached))
    assert {row.get("default")} - {None} <= words(card)


def reach(card: Card, cards: dict[str, Card]) -> Iterator[Card]:
    """Yield a card and those that it takes from the output."""
    yield card
    for key in re.findall(r"output\('([A-Z0-9_-]+)'\)", card.expression):
        yield from reach(cards[key], cards)


def cards_of_any(include: str) -> dict[str, Card]:
    """Return the primary header of a file type that uses an include."""
    return cards_of(next(n for n, t in FACTS["templates"].items() if include in t["includes"]))


@pytest.mark.parametrize("name", FACTS["includes"])
def test_only_what_nothing_requires_is_optional(name: str) -> None:
    optional = {card.keyword for card in read_cards(ROOT / "includes" / name) if card.optional}
    assert optional <= OPTIONAL


LIBRARY = [*ROOT.glob("templates/*.gen.txt"), *ROOT.glob("includes/*.gen.inc")]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_comment_fits_on_its_card(path: Path) -> None:
    for card in read_cards(path):
        assert len("KEYWORD = ") + value_width(card) + len(" / ") + len(card.comment) <= 80, card


def value_width(card: Card) -> int:
    """Return the columns that a value may take: text of the input has 26 characters and quotes."""
    if card.is_constant:
        return max(20, len(card.expression))
    return 28 if card.expression else 20


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_text_is_ascii_in_one_style(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert "\t" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "TODO" not in text
    for card in read_cards(path):
        assert re.search(rf"^{card.keyword:8} \??= ", text, re.MULTILINE), card
