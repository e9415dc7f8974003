"""The verification templates of the shipped file types: what they cover, and how they are written.

What is compared is the compiler's model of each: no file is made here.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path

import pytest
from test_library_facts import ROOT, TYPES, file_type

from fitsgen import compiler
from fitsgen.model import FileType

RULES = [*ROOT.glob("templates/*.val.txt"), *ROOT.glob("includes/*.val.inc")]
INCLUDES = [path for path in RULES if path.suffix == ".inc"]

# Written by fitsgen for the data, whatever a template says of them.
OF_THE_DATA = {"NAXIS1", "NAXIS2", "NAXIS3", "NAXIS4"}

# What differs from HDU to HDU: one include has what holds for all, another what is of its own.
OF_AN_HDU = {"BITPIX", "EXTNAME", "NAXIS", "NEXTEND"}


@functools.cache
def rules(name: str) -> FileType:
    path = ROOT / "templates" / f"{name}_level1b.val.txt"
    checked = compiler.check(path, compiler.reader())
    assert checked.problems == ()
    return checked.file_type


def keywords(found: FileType) -> dict[str, list[str]]:
    return {hdu.name: [card.keyword for card in hdu.cards()] for hdu in found.hdus}


@pytest.mark.parametrize("name", TYPES)
def test_every_keyword_has_a_rule(name: str) -> None:
    ruled, written = keywords(rules(name)), keywords(file_type(name))
    assert set(ruled) == set(written)
    missing = [(hdu, key) for hdu in written for key in written[hdu] if key not in ruled[hdu]]
    assert missing == []


@pytest.mark.parametrize("name", TYPES)
def test_rules_have_the_name_of_the_file_type(name: str) -> None:
    assert rules(name).name == file_type(name).name
    assert rules(name).summary == f"Checks of {file_type(name).summary}"


def test_every_rule_is_of_a_keyword_that_some_file_type_writes() -> None:
    """A misspelt keyword would never be asked about."""
    ruled = {key for name in TYPES for keys in keywords(rules(name)).values() for key in keys}
    written = {key for name in TYPES for keys in keywords(file_type(name)).values() for key in keys}
    assert ruled - written - OF_THE_DATA == set()


@pytest.mark.parametrize("name", TYPES)
def test_presence_is_left_to_the_file_type(name: str) -> None:
    cards = [card for hdu in rules(name).hdus for card in hdu.cards()]
    assert [card.keyword for card in cards if not card.optional] == []
    assert [card.keyword for card in cards if not card.expression] == []


def test_a_keyword_is_in_one_include() -> None:
    found = Counter(
        keyword
        for path in INCLUDES
        for keyword in set(re.findall(r"^[A-Z0-9_-]+", path.read_text(), re.MULTILINE))
    )
    assert {keyword for keyword, count in found.items() if count > 1} <= OF_AN_HDU


def test_every_part_is_used() -> None:
    texts = "".join(path.read_text(encoding="ascii") for path in RULES)
    used = set(re.findall(r"^(?:#include '|<<inherit \")([^'\"]*)", texts, re.MULTILINE))
    of_types = {path.name.replace(".gen.", ".val.") for path in ROOT.glob("templates/*.gen.txt")}
    assert {path.name for path in RULES} == used | of_types


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_text_is_ascii_in_one_style(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert "\t" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("# ")
    for line in text.splitlines():
        if re.match(r"[A-Z]", line):
            assert re.match(r"[A-Z0-9_-]+ *(?<=.{9})\?= ", line), line
