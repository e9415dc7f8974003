"""APT proposals: what paths find in them, and what a hostile one may try."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from fitsgen.cli import main
from fitsgen.diagnostics import InputError, Source
from fitsgen.inputs import open_inputs
from fitsgen.inputs.apt import AptProposal
from fitsgen.inputs.xml import MAX_ELEMENTS, parse

NAMESPACES = 'xmlns="http://example.org/apt" xmlns:nci="http://example.org/nci"'
PLAIN = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<JwstProposal>
  <ProposalInformation>
    <Title>
      Deep <!-- and wide --> field
    </Title>
    <ID>1234</ID>
    <Empty/>
    <Category><GO><Large>yes</Large></GO></Category>
  </ProposalInformation>
  <Observation kind="first"><Number>1</Number><Filter>F070W</Filter></Observation>
  <Observation kind="second"><Number>2</Number><Filter>F090W &amp; F115W</Filter></Observation>
</JwstProposal>
"""
NAMESPACED = (
    PLAIN.replace("<JwstProposal>", f"<JwstProposal {NAMESPACES}>")
    .replace("<Filter>", "<nci:Filter>")
    .replace("</Filter>", "</nci:Filter>")
)


def proposal(text: str) -> AptProposal:
    return AptProposal(parse(text.encode(), Source("test.xml")))


FOUND = {
    "./ProposalInformation/Title": "Deep  field",
    "ProposalInformation/Title": "Deep  field",
    ".//Title": "Deep  field",
    "/JwstProposal/ProposalInformation/Title": "Deep  field",
    "//Title": "Deep  field",
    "./*/Title": "Deep  field",
    "./ProposalInformation/Category": "GO",
    "ProposalInformation": "Title",
    "/JwstProposal": "ProposalInformation",
    ".": "ProposalInformation",
    ".//Empty": "",
    ".//Filter": "F070W",
    "./Observation[2]/Filter": "F090W & F115W",
    "./Observation[last()]/Number": "2",
    "./Observation[Number='2']/Filter": "F090W & F115W",
    "./Observation[@kind='second']/Filter": "F090W & F115W",
    ".//*[Large='yes']/../../ID": "1234",
    "/Other/ProposalInformation": None,
    "./Missing": None,
    "./ID": None,
    "Missing": None,
    "..": None,
}


@pytest.mark.parametrize("text", [PLAIN, NAMESPACED], ids=["plain", "namespaced"])
@pytest.mark.parametrize("path", FOUND)
def test_paths_without_prefixes_find_elements_of_any_namespace(text: str, path: str) -> None:
    value = FOUND[path]
    assert proposal(text).find(path, 0) == (value is not None, value)


def test_paths_with_namespaces_find_those_only() -> None:
    paths = [".//nci:Filter", ".//{http://example.org/nci}Filter", ".//Observation/nci:Filter"]
    found = proposal(NAMESPACED)
    assert {found.find(path, 0)[1] for path in paths} == {"F070W"}
    for path in (".//nci:Number", ".//undeclared:Filter", ".//{http://other.org}Filter"):
        assert found.find(path, 0) == (False, None)


ODD = {
    "": "is no path of elements",
    " ": "is no path of elements",
    "a b": "is no path of elements",
    "./a/@id": "is no path of elements",
    "./a/text()": "is no path of elements",
    "./a[": "is no path of elements",
    "/": "is no path of elements",
    "a///b": "is no path of elements",
    "./a/" * 500: "is no path of elements",
    "./a[0]": "position >= 1",
    "./a[1 = 2 = 3]": "invalid predicate",
    "./a[count()]": "unsupported function",
    "ID": "such as './ID'",
}


@pytest.mark.parametrize("path", ODD)
def test_an_odd_path_is_a_clear_failure(path: str) -> None:
    with pytest.raises(ValueError, match=r"path") as error:
        proposal(NAMESPACED).find(path, 0)
    assert ODD[path] in str(error.value)
    assert len(str(error.value)) < 200


@given(st.text("./*[]()@={}'\" \\:!|a1Title-") | st.text())
def test_any_path_gives_text_or_a_clear_failure(path: str) -> None:
    try:
        is_there, value = proposal(NAMESPACED).find(path, 0)
    except ValueError:
        return
    assert isinstance(value, str) == is_there


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two entries of one name
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


APTX = zipped(("manifest", b"1234.xml"), ("1234.xml", NAMESPACED.encode()), ("more/a.xml", b"<a/>"))

FORMS = {
    "archive": ("1234.aptx", APTX),
    "archive of another name": ("1234.bin", APTX),
    "XML": ("1234.xml", PLAIN.encode()),
    "XML with a byte-order mark": ("1234.txt", b"\xef\xbb\xbf" + PLAIN.encode()),
    "XML without a declaration": ("1234", PLAIN.partition("\n")[2].encode()),
    "XML that begins with a comment": ("1234.xml", b"\n<!-- x -->" + b"<a><ID>1234</ID></a>"),
    "XML in Latin-1": (
        "1234.xml",
        b"<?xml version='1.0' encoding='latin-1'?><a><b>\xe9</b><ID>1234</ID></a>",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_proposal_is_told_by_its_content(form: str, tmp_path: Path) -> None:
    name, content = FORMS[form]
    (tmp_path / name).write_bytes(content)
    with open_inputs([tmp_path / name]) as inputs:
        assert inputs.sources["apt"].find(".//ID", 0) == (True, "1234")
    with open_inputs([{"other": tmp_path / name}]) as inputs:
        assert inputs.sources["other"].find(".//ID", 0) == (True, "1234")


def convert(directory: Path, lines: str, *inputs: str) -> Result:
    template = f"<<file t>>\n<<header primary>>\n{lines}\n<<header second>>\nB = apt('.//Number')\n"
    (directory / "t.gen.txt").write_text(template)
    (directory / "1234.aptx").write_bytes(APTX)
    paths = [str(directory / one) for one in inputs]
    arguments = ["-t", str(directory / "t.gen.txt"), "-o", str(directory / "out.fits")]
    return CliRunner().invoke(main, ["convert", *paths, *arguments])


VALUES = """
TITLE    = apt('./ProposalInformation/Title') / title
CATEGORY = apt('.//Category')
DEFAULT  = apt('./No', default='y')
SECOND   = apt('./No', 'y')
MISSING  = apt('./No')
NUMBER   = int(apt('.//Observation[2]/Number'))
LEFT    ?= apt('./No')
"""


def test_templates_look_up_paths(tmp_path: Path) -> None:
    result = convert(tmp_path, VALUES, "1234.aptx")
    assert result.exit_code == 0, result.output
    assert "not given" not in result.output
    header = fits.getheader(tmp_path / "out.fits")
    found = {key: header[key] for key in header if key not in ("SIMPLE", "BITPIX", "NAXIS")}
    del found["EXTEND"]
    assert found == {
        "TITLE": "Deep  field",
        "CATEGORY": "GO",
        "DEFAULT": "y",
        "SECOND": "y",
        "MISSING": "",
        "NUMBER": 2,
    }
    assert fits.getheader(tmp_path / "out.fits", 1)["B"] == "1"


def test_a_proposal_that_was_not_given_is_noted(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_text("<<file d>>\n")
    result = convert(tmp_path, "A = apt('./No', 'y')", "d.dat")
    assert result.exit_code == 0, result.output
    assert "apt was asked for and not given" in result.output
    assert fits.getheader(tmp_path / "out.fits")["A"] == "y"


FAILING = {
    "apt()": "primary FIRST: apt needs the path of an element, such as './FIRST'",
    "apt('./a[')": "primary FIRST: './a[' is no path of elements",
    "apt(1)": "primary FIRST: apt(1): a keyword is text",
    "int(apt('./No'))": "apt('./No') found nothing and gave ''",
}


@pytest.mark.parametrize("expression", FAILING)
def test_a_wrong_lookup_fails_its_card_alone(expression: str, tmp_path: Path) -> None:
    result = convert(tmp_path, f"FIRST = {expression}\nOTHER = (1 // 0)", "1234.aptx")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert FAILING[expression] in result.output
    assert "t.gen.txt:3:" in result.output
    assert "primary OTHER: division by zero" in result.output


def test_a_proposal_has_no_hdus() -> None:
    assert len(proposal(PLAIN)) == 0
    with pytest.raises(LookupError, match="an APT proposal has no HDUs"):
        proposal(PLAIN).hdu(0)


def test_two_proposals_need_names(tmp_path: Path) -> None:
    result = convert(tmp_path, "A = 1", "1234.aptx", "1234.aptx")
    assert "this is a second source called apt" in result.output


# What follows is hostile, damaged or a mistake. The name of the file is 1234.aptx.

XML = b"<a><b/></a>"
BILLION = (
    b'<!DOCTYPE a [<!ENTITY x0 "ha">'
    + b"".join(b'<!ENTITY x%d "%s">' % (n + 1, b"&x%d;" % n * 10) for n in range(9))
    + b"]><a>&x9;</a>"
)
MANY = MAX_ELEMENTS + 1
BOMB = zipped(("1234.xml", b"<a>" + b" " * 20 * 2**20 + b"</a>"))


def entity(where: str) -> bytes:
    return (
        f'<?xml version="1.0"?>\n<!DOCTYPE a [\n<!ENTITY x SYSTEM "{where}">]>\n<a>&x;</a>'.encode()
    )


def entry(name: str) -> bytes:
    return zipped(("1234.xml", XML), (name, XML))


def patched(old: bytes, new: bytes, content: bytes = b"") -> bytes:
    content = content or zipped(("1234.xml", XML), method=zipfile.ZIP_STORED)
    assert old in content
    assert len(old) == len(new)
    return content.replace(old, new)


def with_field(offset: int, value: bytes, central: int) -> bytes:
    """Change a field of the local header, and the same of the central directory."""
    content = bytearray(zipped(("1234.xml", XML)))
    directory = content.index(b"PK\1\2")
    content[offset : offset + len(value)] = value
    content[directory + central : directory + central + len(value)] = value
    return bytes(content)


def many_entries() -> bytes:
    return zipped(("1234.xml", XML), *((f"{n}", b"") for n in range(1100)))


def overlapping() -> bytes:
    """Two entries that share their bytes: how a small archive holds a large one many times."""
    content = bytearray(zipped(("1234.xml", XML), ("4321.xml", XML)))
    second = content.rindex(b"PK\1\2")
    content[second + 42 : second + 46] = bytes(4)
    return bytes(content).replace(b"4321.xml", b"1234.xml")


DTD = "has a document type (DTD): refused"
LEADS_OUT = "a path that leads out of the archive"
DAMAGED = "1234.aptx: error: the zip archive is damaged: "
HOSTILE: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    # name: content, what the error says
    "billion laughs": (BILLION, DTD),
    "quadratic blowup": (
        b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 2**20 + b'">]><a>' + b"&x;" * 1000 + b"</a>",
        DTD,
    ),
    "entity of a file": (entity("file:///etc/passwd"), "1234.aptx:2: error: " + DTD),
    "entity of a host": (entity("http://127.0.0.1:9/x"), DTD),
    "DTD of a file": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', DTD),
    "DTD of a host": (b'<!DOCTYPE a PUBLIC "-//X" "http://127.0.0.1:9/x"><a/>', DTD),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/x">%x;]><a/>', DTD),
    "DTD in UTF-16": (
        b"<?xml version='1.0'?><a>" + BILLION.decode().encode("utf-16") + b"</a>",
        "the XML is wrong",
    ),
    "DTD alone": (b"<!DOCTYPE html>", DTD),
    "DTD in an archive": (zipped(("1234.xml", BILLION)), "1234.aptx/1234.xml:1: error: " + DTD),
    "undefined entity": (b"<a>\n&x;</a>", "1234.aptx:2:1: error: the XML is wrong: undefined"),
    "elements": (lambda: b"<a>" + b"<b></b>" * MANY + b"</a>", "more than 200,000 elements"),
    "empty elements": (lambda: b"<a>\n" + b"<b/>" * MANY + b"</a>", "1234.aptx:2: error: has more"),
    "4,000,000 elements": (lambda: b"<a>" + b"<b/>" * 4_000_000, "more than 200,000 elements"),
    "element names": (
        lambda: zipped(("1234.xml", b"<a>" + b"".join(b"<b%d/>" % n for n in range(MANY)))),
        "1234.aptx/1234.xml:1: error: has elements of more than 10,000 names: refused",
    ),
    "attributes": (
        lambda: b"<a " + b" ".join(b'x%d=""' % n for n in range(200_001)) + b"/>",
        "more than 200,000 attributes",
    ),
    "long namespace": (
        lambda: b'<a xmlns="' + b"x" * 2**23 + b'">' + b"<b/>" * 200_000 + b"</a>",
        "namespace of more than 250 characters",
    ),
    "long name": (lambda: b"<" + b"x" * 2**20 + b"/>", "name of more than 250 characters"),
    "long undefined entity": (lambda: b"<a>&" + b"x" * 2**20 + b";</a>", "XML is wrong: undefined"),
    "nesting": (b"<a>" * 100_000, "1234.aptx:1: error: has elements more than 200 deep"),
    "nesting to the end": (b"<a>" * 201 + b"</a>" * 201, "more than 200 deep"),
    "much text": (lambda: b"<a>" + b"x" * 2**25 + b"</a>", "more than 32 MiB of XML"),
    "a large file": (lambda: b"<a>" + bytes(2**26), "is larger than 64 MiB"),
    "a long open token": (lambda: b"<a b='" + b"x" * (2**25 - 10), "the XML is wrong: unclosed"),
    "not closed": (b"<a>\n  <b>\n</a>", "1234.aptx:3:3: error: the XML is wrong: mismatched tag"),
    "cut short": (b"<a><b>", "1234.aptx:1:7: error: the XML is wrong: no element found"),
    "two roots": (b"<a/>\n<b/>", "1234.aptx:2:1: error: the XML is wrong: junk after"),
    "NUL": (b"<a>\0</a>", "the XML is wrong"),
    "not UTF-8": (b"<a>\xff</a>", "the XML is wrong"),
    "unknown encoding": (b"<?xml version='1.0' encoding='x-no'?><a/>", "the XML is wrong"),
    "encoding of Python": (b"<?xml version='1.0' encoding='rot13'?><a/>", "the XML is wrong"),
    "encoding of many bytes": (b"<?xml version='1.0' encoding='utf-7'?><a/>", "XML is wrong"),
    "zip bomb": (BOMB, "unpacks from 20,4"),
    "zip bomb of claims": (
        patched(struct.pack("<LL", 11, 11), struct.pack("<LL", 11, 2**31)),
        "to 2,147,483,648 bytes: refused",
    ),
    "zip that holds more than it says": (
        patched(struct.pack("<LL", 11, 11), struct.pack("<LL", 11, 5)),
        DAMAGED,
    ),
    "path for a name": (zipped(("a/1234.xml", XML)), "without 1234.xml"),
    "path that climbs": (entry("../1234.xml"), "holds '../1234.xml', " + LEADS_OUT),
    "path that climbs inside": (entry("a/../../b"), LEADS_OUT),
    "absolute name": (entry("/etc/1234.xml"), "holds '/etc/1234.xml', " + LEADS_OUT),
    "drive": (entry("C:\\1234.xml"), LEADS_OUT),
    "backslashes": (entry("..\\1234.xml"), LEADS_OUT),
    "long name in an archive": (entry("../" + "x" * 4000), "x...', " + LEADS_OUT),
    "NUL in a name": (patched(b"abc_xml", b"a\0c_xml", entry("abc_xml")), "with a NUL in it"),
    "two of one name": (zipped(("1234.xml", XML), ("1234.xml", XML)), "holds 2 files of the name"),
    "two of another name": (zipped(("1234.xml", XML), ("a", b""), ("a", b"")), "2 files of the"),
    "two in one": (overlapping, "holds 2 files of the name '1234.xml'"),
    "two names of one file": (
        zipped(("1234.xml", XML)).replace(b"1234.xml", b"4321.xml", 1),
        DAMAGED + "File name in directory '1234.xml' and header",
    ),
    "encrypted": (with_field(6, b"\1\0", 8), "1234.xml is encrypted"),
    "strongly encrypted": (with_field(6, b"\x40\0", 8), "1234.xml is encrypted"),
    "LZMA": (zipped(("1234.xml", XML), method=zipfile.ZIP_LZMA), "other than deflate"),
    "unknown method": (with_field(8, b"\x63\0", 10), "other than deflate"),
    "bad CRC": (patched(b"<a><b/></a>", b"<a><c/></a>"), DAMAGED + "Bad CRC-32"),
    "bad deflate": (zipped(("1234.xml", XML * 2)).replace(b"\xb3", b"\xff", 1), DAMAGED),
    "many files": (many_entries, "more than 1000 files"),
    "an empty archive": (zipped(), "without 1234.xml"),
    "another archive": (zipped(("setup.py", b"")), "this holds 'setup.py'"),
    "another proposal": (zipped(("4321.xml", XML)), "this holds '4321.xml'"),
    "archive cut short": (APTX[:-30], DAMAGED + "File is not a zip file"),
    "archive without a directory": (b"PK\3\4" + bytes(200), DAMAGED),
    "directory beyond the file": (
        lambda: APTX[:-6] + struct.pack("<L", 2**31) + APTX[-2:],
        DAMAGED,
    ),
    "no XML in it": (zipped(("1234.xml", b"hello")), "1234.aptx/1234.xml:1:1: error: the XML is"),
    "empty XML in it": (zipped(("1234.xml", b"")), "1234.aptx/1234.xml:1:1: error: the XML is"),
    "an archive in it": (zipped(("1234.xml", APTX)), "1234.aptx/1234.xml:1:3: error: the XML is"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_proposals_are_clear_errors(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, message = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", None)
    Path("1234.aptx").write_bytes(content() if callable(content) else content)
    start = time.process_time()
    with pytest.raises(InputError) as error:
        open_inputs(["1234.aptx"])
    assert time.process_time() - start < 2
    assert str(error.value).startswith("1234.aptx")
    assert message in str(error.value)
    assert len(str(error.value)) < 500
    assert os.listdir() == ["1234.aptx"]


LARGE = ("4,000,000 elements", "empty elements", "long namespace", "a long open token", "zip bomb")


@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    content, _ = HOSTILE[name]
    (tmp_path / "1234.aptx").write_bytes(content() if callable(content) else content)
    code = (
        "import resource; from fitsgen.inputs import open_inputs, InputError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))\n"
        "try: open_inputs(['1234.aptx'])\n"
        "except InputError: print('refused')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_status_of_a_hostile_proposal(tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(BILLION)
    result = convert(tmp_path, "A = apt('./a')", "bad.xml")
    assert result.exit_code == 1
    assert f"bad.xml:1: error: {DTD}" in result.output
    assert not (tmp_path / "out.fits").exists()


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(APTX) - 1), st.integers(0, 255)), max_size=4), st.data()
)
def test_damage_is_an_input_error_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    content = bytearray(APTX)
    for index, byte in changes:
        content[index] = byte
    end = data.draw(st.integers(0, 40).map(lambda n: len(APTX) - n))
    path = tmp_path_factory.getbasetemp() / "1234.aptx"
    path.write_bytes(content[:end])
    try:
        with open_inputs([path]) as inputs:
            assert inputs.sources["apt"].find(".//ID", 0) == (True, "1234")
    except InputError:
        return
