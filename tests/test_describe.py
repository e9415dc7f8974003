"""Descriptions: every keyword with its comment, its value and its place, in every format."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from docutils.core import publish_doctree
from docutils.nodes import system_message

from fitsgen.cli import main

CHROMIUM = shutil.which("chromium")
TEMPLATE = """# Files <for> testing & more
<<file small>>
<<header primary>>
TELESCOP = 'JWST' / a | telescope
NINTS    = int(input('NINT') or 1) / *integrations*
FILENAME = / its name

/ Exposure <times>

EXPTIME ?= input('NINT') * 1.5 / [s] & more
<<header science>>
EXTNAME  = 'SCI'
BITPIX   = / bits
<<data>>
np.ones((2,
         3))
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "small.gen.txt"
    path.write_text(TEMPLATE)
    return path


def describe(template: Path | str, form: str) -> str:
    result = CliRunner().invoke(main, ["describe", str(template), "--format", form])
    assert result.exit_code == 0, result.output
    return result.output


def test_json_has_all_that_is_known(template: Path) -> None:
    found = json.loads(describe(template, "json"))
    assert (found["name"], found["sources"]) == ("small", ["input"])
    primary, science = found["hdus"]
    assert [section["heading"] for section in primary["sections"]] == ["", "Exposure <times>"]
    nints, exptime = primary["sections"][0]["keywords"][1], primary["sections"][1]["keywords"][0]
    assert nints == {
        "keyword": "NINTS",
        "comment": "*integrations*",
        "type": "integer",
        "value": "int(input('NINT') or 1)",
        "allowed": "",
        "reads": ["input"],
        "optional": False,
        "defined": "small.gen.txt:5",
    }
    assert exptime["optional"]
    assert (science["extname"], science["data"]) == ("SCI", "np.ones((2,\n3))")


@pytest.mark.parametrize(
    ("check", "type_", "allowed"),
    [
        ("is_integer(x) and in_range(x, 1, 65535)", "integer", "1 to 65535"),
        ("is_empty(x) or x in ('A', 'B')", "integer", "no value or 'A', 'B'"),
        ("is_empty(x) or is_float(x)", "integer", "no value or any float"),
        ("regex(x, '[A-Z]|b')", "integer", "matching [A-Z]|b"),
        ("x > output('NGROUPS')", "integer", "x > output('NGROUPS')"),
        ("x != 2 and (x == 1 or x == 3)", "integer", "x != 2 and (1 or 3)"),
    ],
)
def test_allowed_values_come_from_the_checks(
    template: Path, check: str, type_: str, allowed: str
) -> None:
    rules = f"<<file small>>\n<<header primary>>\nNINTS = {check}\nEXPTIME ?= is_float(x)\n"
    template.with_name("small.val.txt").write_text(rules)
    sections = json.loads(describe(template, "json"))["hdus"][0]["sections"]
    nints, exptime = sections[0]["keywords"][1], sections[1]["keywords"][0]
    assert (nints["type"], nints["allowed"]) == (type_, allowed)
    assert exptime["type"] == "float"
    for form in ("md", "rst", "html"):
        assert allowed.replace("|", "\\|" if form == "md" else "|") in html.unescape(
            describe(template, form)
        )


@pytest.mark.parametrize("form", ["md", "rst", "html"])
def test_every_keyword_of_the_library_is_described(form: str) -> None:
    text = html.unescape(describe("nirspec_ifu_level1b", form))
    for record in json.loads(describe("nirspec_ifu_level1b", "json"))["hdus"]:
        for section in record["sections"]:
            assert section["heading"] in text
            for keyword in section["keywords"]:
                assert keyword["keyword"] in text
                assert keyword["defined"] in text
                assert keyword["value"].split("\n")[0] in text


def test_markdown_tables_stay_tables(template: Path) -> None:
    rows = [line for line in describe(template, "md").splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)


def test_restructured_text_is_read_without_a_complaint(template: Path) -> None:
    marked = template.with_name("marked.gen.txt")
    marked.write_text(TEMPLATE.replace("a | telescope", "see it_ and `that"))
    assert "see it\\_ and \\`that" in describe(marked, "rst")
    for name in (template, marked, "nirspec_ifu_level1b"):
        tree = publish_doctree(describe(name, "rst"), settings_overrides={"report_level": 5})
        assert list(tree.findall(system_message)) == []


def test_html_escapes_what_a_template_says(template: Path) -> None:
    page = describe(template, "html")
    assert "Files &lt;for&gt; testing &amp; more" in page
    assert "<times>" not in page


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("words", ["", "Exposure obsid", "nosuchword"])
def test_the_search_box_finds_keywords(words: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(describe("nirspec_ifu_level1b", "html"))
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    )
    address = f"{page.as_uri()}?q={words.replace(' ', '%20')}"
    command = [str(CHROMIUM), *options.split(), f"--user-data-dir={tmp_path}/browser", "--dump-dom"]
    result = subprocess.run(
        [*command, address], capture_output=True, text=True, check=True, timeout=60
    )
    rows = re.findall(r'<tr class="keyword"([^>]*)>(.*?)</tr>', result.stdout, re.DOTALL)
    shown = [text for attributes, text in rows if "hidden" not in attributes]
    texts = [re.sub("<[^>]*>", "", text).lower() for _, text in rows]
    expected = [text for text in texts if all(word in text for word in words.lower().split())]
    assert len(shown) == len(expected)
    if words:
        assert f"{len(shown)} of {len(rows)} keywords shown." in result.stdout
