"""Proposal files: how exposures are numbered, and everything that can be wrong with one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fitsgen.diagnostics import InputError, render
from fitsgen.inputs import open_inputs
from fitsgen.jwst.proposal import is_proposal_name, read_proposal

LEVELS = ("Observation", "Visit", "VisitGroup", "ParallelSequenceID", "Activity", "Exposure")

TWO_DETECTORS = """<?xml version="1.0"?>
<Proposal>
<Observation><Visit><VisitGroup><ParallelSequenceID>
  <Activity>
    <Exposure>
      <Detector>
        <base>nrs1.fits</base>
        <subarray>FULL</subarray>
        <exp_type>NRS_IFU</exp_type>
      </Detector>
      <Detector base="raw/nrs2.fits" exp_type=" NRS_IFU "/>
    </Exposure>
    <Exposure><Detector base="b.fits" subarray="SUB256" exp_type="NRS_IMAGE"/></Exposure>
  </Activity>
  <Activity>
    <Exposure><Detector base="c.fits" subarray="" exp_type="NRS_IMAGE"/></Exposure>
  </Activity>
</ParallelSequenceID></VisitGroup></Visit></Observation>
</Proposal>
"""


def around(text: str, outer: int = 0) -> str:
    """Put the levels from one on around a text, as a proposal on one line if from the first."""
    names = ("Proposal", *LEVELS)[outer:]
    return "".join(f"<{n}>" for n in names) + text + "".join(f"</{n}>" for n in names[::-1])


def detector(base: str, rest: str = "") -> str:
    return f'<Detector base="{base}" exp_type="NRS_IFU" {rest}/>'


def write(directory: Path, text: str, name: str = "01234.prop") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def failure(directory: Path, text: str, name: str = "01234.prop") -> str:
    with pytest.raises(InputError) as error:
        read_proposal(write(directory, text, name))
    return str(error.value).replace(f"{directory}/", "")


def test_exposures_are_numbered_from_one_in_each_level(tmp_path: Path) -> None:
    proposal = read_proposal(write(tmp_path, TWO_DETECTORS))
    assert proposal.program == "01234"
    assert proposal.problems == ()
    found = [
        (e.stem, e.base.relative_to(tmp_path.resolve()).as_posix(), e.subarray, e.exp_type)
        for e in proposal.exposures
    ]
    assert found == [
        ("jw01234001001_01101_00001", "nrs1.fits", "FULL", "NRS_IFU"),
        ("jw01234001001_01101_00001", "raw/nrs2.fits", "", "NRS_IFU"),
        ("jw01234001001_01101_00002", "b.fits", "SUB256", "NRS_IMAGE"),
        ("jw01234001001_01102_00001", "c.fits", "", "NRS_IMAGE"),
    ]
    assert [e.position.line for e in proposal.exposures] == [6, 11, 13, 16]


@pytest.mark.parametrize("level", range(6))
def test_every_level_is_counted(level: int, tmp_path: Path) -> None:
    """Three of each level, one after another: only its own number counts up."""
    inner = "".join(around(detector(f"{n}.fits"), level + 1) for n in "abc")
    outer = ("Proposal", *LEVELS)[: level + 1]
    text = "".join(f"<{n}>" for n in outer) + inner + "".join(f"</{n}>" for n in outer[::-1])
    exposures = read_proposal(write(tmp_path, text)).exposures
    for number, exposure in enumerate(exposures, 1):
        numbers = [1] * 6
        numbers[level] = number
        attributes = ("observation", "visit", "visit_group", "sequence", "activity", "exposure")
        assert [getattr(exposure, one) for one in attributes] == numbers
    assert len(exposures) == 3


def test_identifiers_have_leading_zeros(tmp_path: Path) -> None:
    twelve = "".join(around(detector(f"{n}.fits"), 6) for n in range(12))
    text = around("HERE").replace("<Exposure>HERE</Exposure>", twelve)
    (*_, last) = read_proposal(write(tmp_path, text)).exposures
    assert last.keywords == {
        "PROGRAM": "01234",
        "OBSERVTN": "001",
        "VISIT": "001",
        "VISITGRP": "01",
        "SEQ_ID": "1",
        "ACT_ID": "01",
        "EXPOSURE": "00012",
    }
    assert last.identifier == "012340010010110100012"
    assert last.stem == "jw01234001001_01101_00012"


def test_a_namespace_does_not_matter(tmp_path: Path) -> None:
    text = TWO_DETECTORS.replace("<Proposal>", '<Proposal xmlns="http://example.org">')
    assert len(read_proposal(write(tmp_path, text)).exposures) == 4


NAMES = {
    "01234.prop": True,
    "00000.prop": True,
    ".01234.prop": False,
    "._01234.prop": False,
    "1234.prop": False,
    "012345.prop": False,
    "01234.prop~": False,
    "01234.PROP": False,
    "01234.prop\n": False,
    "٠١٢٣٤.prop": False,
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_proposals(name: str, tmp_path: Path) -> None:
    assert is_proposal_name(name) == NAMES[name]
    path = write(tmp_path, TWO_DETECTORS, name)
    if NAMES[name]:
        assert read_proposal(path).program == name[:5]
    else:
        with pytest.raises(InputError, match="named by five digits"):
            read_proposal(path)


def link(name: str, target: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).symlink_to(target)


def nothing(_: Path) -> None:
    pass


BELOW = "is no path below the directory of the proposal"
OUT = "leads out of the directory of the proposal"
CLIMBING = {
    # base: what is on the disk, what the error says
    "/etc/passwd": (nothing, BELOW),
    "../a.fits": (nothing, BELOW),
    "a/../../b.fits": (nothing, BELOW),
    "a/..": (nothing, BELOW),
    "..": (nothing, BELOW),
    "..\\a.fits": (nothing, BELOW),
    "C:\\a.fits": (nothing, BELOW),
    "C:a.fits": (nothing, BELOW),
    "\\\\host\\share\\a.fits": (nothing, BELOW),
    "a.fits": (link("a.fits", "/etc/passwd"), OUT),
    "up/a.fits": (link("up", ".."), OUT),
    "loop": (link("loop", "loop"), OUT),
}


@pytest.mark.parametrize("base", CLIMBING)
def test_a_base_outside_the_directory_is_an_error(base: str, tmp_path: Path) -> None:
    prepare, message = CLIMBING[base]
    (tmp_path / "p").mkdir()
    prepare(tmp_path / "p")
    error = failure(
        tmp_path / "p", around(f"\n<Detector exp_type='A'>\n<base> {base} </base></Detector>")
    )
    assert error.startswith(f"01234.prop:3: error: base {base!r} {message}")


def test_a_base_that_looks_like_a_named_input_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, around(detector("x=/etc/passwd")))
    (exposure,) = read_proposal(Path("01234.prop")).exposures
    with pytest.raises(InputError, match="x=/etc/passwd: error: cannot be read"):
        open_inputs([exposure.base])


def test_links_within_the_directory_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a.fits").symlink_to("b/c.fits")
    (exposure,) = read_proposal(write(tmp_path, around(detector("a.fits")))).exposures
    assert exposure.base == tmp_path.resolve() / "b" / "c.fits"


FAULTS = {
    # text, what the errors say
    "nothing": ("", "01234.prop:1:1: error: the XML is wrong: no element found"),
    "not closed": (
        "<Proposal>\n<Observation>\n</Proposal>",
        "01234.prop:3:3: error: the XML is wrong",
    ),
    "another root": ("<JwstProposal/>", "expected Proposal as the outermost element"),
    "empty": ("<Proposal/>", "01234.prop:1: error: the proposal has no exposures"),
    "no detector": (around(""), "the proposal has no exposures"),
    "no base": (around("\n<Detector exp_type='A'/>"), "01234.prop:2: error: Detector has no base"),
    "blank base": (
        around("<Detector exp_type='A'>\n<base> </base></Detector>"),
        "01234.prop:2: error: Detector has no base",
    ),
    "no exposure type": (around("<Detector base='a'/>"), "Detector has no exp_type"),
    "two bases": (
        around("<Detector base='a' exp_type='A'>\n<base>b</base></Detector>"),
        "01234.prop:2: error: Detector has more than one base",
    ),
    "misspelt element": (
        around(detector("a") + "\n<Detecter/>"),
        "01234.prop:2: error: Exposure has Detector elements in it, found Detecter\n"
        "  hint: did you mean Detector?",
    ),
    "misspelt field": (
        around("<Detector base='a' exp_type='A' sub_array='B'/>"),
        "Detector has no sub_array\n  hint: did you mean subarray?",
    ),
    "case": (around(detector("a") + "<detector/>"), "did you mean Detector?"),
    "a level left out": (
        f"<Proposal><Visit>{around(detector('a'), 3)}</Visit></Proposal>",
        "Proposal has Observation elements in it, found Visit",
    ),
    "twice in an exposure": (
        around(detector("a.fits") + "\n" + detector("./a.fits")),
        "01234.prop:2: error: a.fits is in this exposure twice: both would make the same file\n"
        "  note: first named (01234.prop:1)",
    ),
    "ten sequences": (
        f"<Proposal><Observation><Visit><VisitGroup>\n"
        f"{''.join(around(detector(str(n)), 4) for n in range(12))}"
        f"</VisitGroup></Visit></Observation></Proposal>",
        "01234.prop:2: error: ParallelSequenceID 10: identifiers count to 9",
    ),
    "entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + around(detector("&x;")),
        "has a document type (DTD): refused",
    ),
    "many": ("<Proposal>" + "<Observation/>" * 200_001 + "</Proposal>", "more than 200,000"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_told_with_their_line(name: str, tmp_path: Path) -> None:
    text, message = FAULTS[name]
    error = failure(tmp_path, text)
    assert message in error
    assert error.count(": error: ") == 1


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    faults = ["<Detector/>", detector("../a"), detector("/b"), "<Detectr/>", "<base>c</base>"]
    error = failure(tmp_path, around(detector("a") + "\n" + "\n".join(faults)), "1.prop")
    lines = [line.partition(": error: ")[0] for line in error.splitlines() if ": error: " in line]
    places = ["1.prop", *(f"1.prop:{n}" for n in (2, 2, 3, 4, 5))]
    assert lines == places
    assert "1.prop:6: warning: Exposure has Detector elements in it, found base" in error


def test_many_faults_end_the_reading(tmp_path: Path) -> None:
    error = failure(tmp_path, around("\n<Detector exp_type='A'/>" * 60_000))
    assert error.count(": error: ") == 100
    assert error.endswith("error: there are 100 errors: the rest is not looked at")


def test_a_long_name_is_cut_in_messages(tmp_path: Path) -> None:
    long = "x" * 2**20
    text = around(f"<Detector exp_type='A' base='../{long}' {long}='1'/>")
    assert len(failure(tmp_path, text)) < 1000


def test_what_is_doubtful_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "same.fits").symlink_to("a.fits")
    text = around(detector("a.fits"), 1) + "\n<Observation/>\n<Title>Sky</Title><Title/>\n"
    text += around(detector("same.fits"), 1) + around(detector("./a.fits"), 1)
    proposal = read_proposal(write(tmp_path, f"<Proposal>{text}</Proposal>"))
    assert [e.observation for e in proposal.exposures] == [1, 3, 4]
    assert render(proposal.problems).replace(f"{tmp_path}/", "").splitlines() == [
        "01234.prop:2: warning: Observation has no Visit: it plans nothing",
        "01234.prop:3: warning: Proposal has Observation elements in it, found Title: "
        "it is not read",
        "01234.prop:4: warning: a.fits is the base of 3 exposures",
        "  note: first named (01234.prop:1)",
    ]


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe"])
def test_what_is_no_file_is_an_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "01234.prop"
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    with pytest.raises(InputError, match=r"cannot be read|not a regular file"):
        read_proposal(path)
