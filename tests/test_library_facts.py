"""The shipped file types against the facts of the ground tests: a keyword lost, moved or misread.

Facts in `data/ground_test_facts.json`. Where a template departs from them on purpose, the tables
below say so, with the reason. What is compared is the compiler's model of each file type.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fitsgen import compiler
from fitsgen.model import Card, FileType

ROOT = Path(__file__).parent.parent
FACTS = json.loads(Path(__file__).with_name("data").joinpath("ground_test_facts.json").read_text())

# Placeholders ('#TODO', 'N/A') of which nothing is known on the ground: left out of the file unless
# the input has the keyword, since fitsverify objects to undefined values and to text for numbers.
LEFT_OUT = set(
    "OBSLABEL NXLIGHT LIGHTCOL APERNAME SLIT_OFF SPEC_OFF SPAT_OFF CRPIX1 CRPIX2 CRVAL1 CRVAL2 "
    "CDELT1 CDELT2 PC1_1 PC1_2 PC2_1 PC2_2 CD1_1 CD1_2 CD2_1 CD2_2 CORONMSK TACQNAME OBJ_TYPE "
    "SPEC_NUM SPECNSTP SPECSTEP SPCOFFST SPAT_NUM SPATNSTP SPATSTEP SPTOFFST RMA_POS FCSRLPOS "
    "FAM_LA1 FASTEP1 FAUNIT1 FAPHASE1 FA1VALUE FAM_LA2 FASTEP2 FAUNIT2 FAPHASE2 FA2VALUE "
    "FAM_LA3 FASTEP3 FAUNIT3 FAPHASE3 FA3VALUE "
    "REFSTRFL TACQSLIT TACQ1IMG TACQ2IMG TACNFIMG SCCNFIMG".split()
)
PLACEHOLDERS = {"#TODO", "N/A", 0}  # the zeros are those of wcs.gen.inc: no WCS has them

# Fixed values that are something else here.
CHANGED = {
    ("level1b.gen.inc", "BITPIX"): "",  # 0 is not legal: fitsgen writes what the data demands
    ("level1b.gen.inc", "FILENAME"): "",  # fitsgen knows the name it writes
    ("level1b.gen.inc", "NEXTEND"): "len(output) - 1",
    ("wcs.gen.inc", "RADESYS"): "'ICRS'",  # misspelt in the facts
    # Only with a reference point, and the other two only with WCSAXES.
    **{(f"{name}.gen.inc", "WCSAXES"): None for name in ("wcs", "wcs_parameters")},
    **{(f"{name}.gen.inc", "CTYPE1"): None for name in ("wcs", "wcs_parameters")},
    **{(f"{name}.gen.inc", "CTYPE2"): None for name in ("wcs", "wcs_parameters")},
}

# Keywords that the facts do not have: fitsverify misses a reference pixel for the third axis.
ADDED = {("WCSAXES", 3): "CRPIX3"}

# FOCUSPOS stands in both includes of the facts: once here, with the engineering.
REPLACED = {("tfi_wfs", "tfi_configuration.gen.inc"): "fgs_wheels.gen.inc"}

# The facts name a lookup table and not what is in it: the value is passed on.
NO_TABLE = {("level1a.gen.inc", "DATAMODE"), ("tfi_configuration.gen.inc", "PUPIL")}

# Values that come from the input alone and that nothing else needs.
OPTIONAL = LEFT_OUT | set(
    "WCSAXES CTYPE1 CTYPE2 TSAMPLE FASTAXIS SLOWAXIS DATAMODE CMPLTCND REFPIXEL TREFROW BREFROW "
    "LREFCOL RREFCOL REFIMG NREFIMG NXREFIMG NYREFIMG".split()
)

# A keyword means the same wherever it stands, but for these.
MANY_MEANINGS = {
    "BITPIX",
    "NAXIS",
    "CHANNEL",
    "DETECTOR",
    "EPH_TIME",
    "FOCUSPOS",
    "CDELT1",
    "CDELT2",
}

TYPES = {
    name.removeprefix("level1b_").removesuffix(".gen.txt"): facts
    for name, facts in FACTS["templates"].items()
}
Row = dict[str, Any]


@functools.cache
def _reader() -> Any:
    return compiler.reader()


@functools.cache
def file_type(name: str) -> FileType:
    path = ROOT / "templates" / f"{name}_level1b.gen.txt"
    checked = compiler.check(path, _reader())
    assert checked.problems == ()
    return checked.file_type


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an include that no file type uses is put into one of its own."""
    return tmp_path_factory.mktemp("alone")


def user_of(include: str, alone: Path) -> FileType:
    """Return a file type that uses an include."""
    for name, facts in TYPES.items():
        if include in facts["includes"] and (name, include) not in REPLACED:
            return file_type(name)
    path = alone / include.replace(".gen.inc", ".gen.txt")
    path.write_text(f"<<file alone>>\n<<header primary>>\n#include '{include}'\n")
    return compiler.check(path, _reader()).file_type


def owners(card: Card) -> list[str]:
    """Return the includes that a card came through, the outermost first."""
    places = (card.position, *card.position.chain)
    return [Path(place.source.name).name for place in reversed(places)][1:]


def owner(card: Card) -> str:
    """Return the include of the facts that a card belongs to."""
    return next((name for name in owners(card) if name in FACTS["includes"]), "")


def cards_of(include: str, alone: Path) -> dict[str, Card]:
    found = user_of(include, alone)
    return {c.keyword: c for hdu in found.hdus for c in hdu.cards() if include in owners(c)}


def primary(include: str, alone: Path) -> dict[str, Card]:
    """Return all that the cards of an include may look up in the output."""
    return {c.keyword: c for c in user_of(include, alone).hdus[0].cards()}


def expression(card: Card) -> str:
    return card.expression.text.text if card.expression else ""


def tree(card: Card) -> ast.expr:
    return card.expression.tree if card.expression else ast.Constant("")


def lookups(card: Card, cards: dict[str, Card]) -> Iterator[str]:
    """Yield `source:KEYWORD` for each lookup of a card, through `output` to where that reads."""
    for node in ast.walk(tree(card)):
        match node:
            case ast.Call(func=ast.Name(id="input" | "obsid" | "output" as source), args=arguments):
                first = arguments[0] if arguments else ast.Constant(card.keyword)
                match first:
                    case ast.Constant(value=str(key)) if source == "output":
                        if key in cards:
                            yield from lookups(cards[key], cards)
                    case ast.Constant(value=str(key)):
                        yield f"{source}:{key}"


def reach(card: Card, cards: dict[str, Card]) -> Iterator[Card]:
    """Yield a card and those that it takes from the output."""
    yield card
    for key in re.findall(r"output\('([A-Z0-9_-]+)'\)", expression(card)):
        if key in cards:
            yield from reach(cards[key], cards)


def words(card: Card) -> set[str]:
    """Return the constants, names and table marks of an expression, as the facts write them."""
    found = set()
    for node in ast.walk(tree(card)):
        match node:
            case ast.Constant(value=value):
                found.add(str(value))
            case ast.Name(id=name):
                found.add(name)
            case ast.Dict():
                found.add("lookup table")
    return found


def expected_cards(name: str) -> list[str]:
    """Return the keywords that the facts give the primary header of a file type, in order."""
    found = []
    for include in TYPES[name]["includes"]:
        if "extension" in include:
            continue
        rows = FACTS["includes"][include]
        if (name, include) in REPLACED:
            rows = [row for row in rows if row["keyword"] != "FOCUSPOS"]
        keywords = [row["keyword"] for row in rows]
        for row in rows:
            if added := ADDED.get((row["keyword"], row.get("value"))):
                keywords.insert(keywords.index("CRPIX2") + 1, added)
        found += keywords
    return found


def rows(fixed: bool) -> list[Any]:
    """Return the include and the facts of each keyword that has, or has not, a fixed value."""
    return [
        pytest.param(name, row, id=f"{name.removesuffix('.gen.inc')}-{row['keyword']}")
        for name, facts in FACTS["includes"].items()
        for row in facts
        if ("value" in row) == fixed
    ]


def test_there_are_the_file_types_of_the_facts() -> None:
    paths = ROOT.glob("templates/*_level1b.gen.*")
    found = {path.name.removesuffix("_level1b.gen.txt") for path in paths}
    assert found == set(TYPES)
    assert {path.name for path in ROOT.glob("includes/*.gen.inc")} >= set(FACTS["includes"])


@pytest.mark.parametrize("name", TYPES)
def test_file_type_has_the_hdus_and_includes_in_order(name: str) -> None:
    found = file_type(name)
    assert found.name == f"{name}_level1b"
    assert 10 < len(found.summary) <= 60
    assert [hdu.name for hdu in found.hdus] == TYPES[name]["hdus"]
    assert [bool(hdu.data) for hdu in found.hdus] == [False] + [True] * (len(found.hdus) - 1)
    text = (ROOT / "templates" / f"{name}_level1b.gen.txt").read_text(encoding="ascii")
    included = [i for i in re.findall(r"#include '(.*)'", text) if "science" not in i]
    wanted = [REPLACED.get((name, i), i) for i in TYPES[name]["includes"]]
    assert included[: len(wanted) - 1] == wanted[:-1]
    assert wanted[-1] in {owner(card) for card in found.hdus[1].cards()}


@pytest.mark.parametrize("name", TYPES)
def test_the_primary_header_has_its_keywords_in_order(name: str) -> None:
    found = [card.keyword for card in file_type(name).hdus[0].cards()]
    assert found == expected_cards(name)


@pytest.mark.parametrize("name", FACTS["includes"])
def test_keywords_come_in_order(name: str, alone: Path) -> None:
    added = set(ADDED.values())
    keywords = [keyword for keyword in cards_of(name, alone) if keyword not in added]
    assert keywords == [row["keyword"] for row in FACTS["includes"][name]]


@pytest.mark.parametrize(("name", "row"), rows(fixed=True))
def test_fixed_value(name: str, row: Row, alone: Path) -> None:
    card = cards_of(name, alone)[row["keyword"]]
    if card.optional and (name, card.keyword) not in CHANGED:
        assert card.keyword in LEFT_OUT
        value = row["value"]
        assert (value.strip() if isinstance(value, str) else value) in PLACEHOLDERS
        assert f"input:{card.keyword}" in lookups(card, primary(name, alone))
    elif (changed := CHANGED.get((name, card.keyword), row)) is None:
        assert card.optional
        assert str(row["value"]) in words(card)
    elif changed is not row:
        assert expression(card) == changed
    else:
        assert card.expression
        assert card.expression.is_constant
        value = card.expression.constant
        assert (type(value), value) == (type(row["value"]), row["value"])


@pytest.mark.parametrize(("name", "row"), rows(fixed=False))
def test_sources_functions_and_default(name: str, row: Row, alone: Path) -> None:
    card = cards_of(name, alone)[row["keyword"]]
    cards = primary(name, alone)
    assert set(row.get("reads", ())) <= set(lookups(card, cards))
    uses = set(row.get("uses", ())) - (
        {"lookup table"} if (name, card.keyword) in NO_TABLE else set()
    )
    assert uses <= set().union(*map(words, reach(card, cards)))
    assert {row.get("default")} - {None} <= words(card)


@pytest.mark.parametrize("name", FACTS["includes"])
def test_only_what_nothing_requires_is_optional(name: str, alone: Path) -> None:
    optional = {c.keyword for c in cards_of(name, alone).values() if c.optional}
    assert optional <= OPTIONAL


def all_cards() -> list[Card]:
    found = {
        str(card.position): card
        for name in TYPES
        for hdu in file_type(name).hdus
        for card in hdu.cards()
    }
    return list(found.values())


def test_a_comment_fits_on_its_card() -> None:
    for card in all_cards():
        width = len("KEYWORD = ") + value_width(card) + len(" / ") + len(card.comment)
        assert width <= 80, card.position


def value_width(card: Card) -> int:
    """Return the columns that a value may take: text of the input has 26 characters and quotes."""
    if card.expression and card.expression.is_constant:
        return max(20, len(expression(card)))
    return 28 if card.expression else 20


def test_a_keyword_has_one_comment() -> None:
    comments: dict[str, set[str]] = {}
    for card in all_cards():
        if card.keyword not in MANY_MEANINGS:
            comments.setdefault(card.keyword, set()).add(card.comment)
    assert {key: found for key, found in comments.items() if len(found) > 1} == {}


def test_no_expression_is_written_twice() -> None:
    """A computed value stands in one include; short ones may repeat: they say nothing."""
    seen: dict[tuple[str, str], str] = {}
    for card in all_cards():
        text = expression(card)
        if card.expression and not card.expression.is_constant and len(text) > 24:
            assert seen.setdefault((card.keyword, text), str(card.position)) == str(card.position)


LIBRARY = [*ROOT.glob("templates/*.gen.txt"), *ROOT.glob("includes/*.gen.inc")]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_text_is_ascii_in_one_style(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert "\t" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "TODO" not in text
    for line in text.splitlines():
        if card := re.match(r"[A-Z0-9_-]+ *\??= ", line):
            assert re.fullmatch(r"[A-Z0-9_-]+ *", card[0][:9].removesuffix("?")), line
            assert card[0][9:] in ("= ", "?= "), line


def test_every_include_is_used_or_in_the_facts() -> None:
    texts = "".join(path.read_text(encoding="ascii") for path in LIBRARY)
    used = set(re.findall(r"#include '(.*)'", texts))
    names = {path.name for path in ROOT.glob("includes/*.gen.inc")}
    assert names <= used | set(FACTS["includes"])
