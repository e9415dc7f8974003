"""The standard name of an exposure."""

from __future__ import annotations

import re

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from fitsgen.diagnostics import InputError
from fitsgen.inputs.headers import Header, Place
from fitsgen.jwst.names import ExposureId, standard_name

VALUES = {
    "PROGRAM": "01234",
    "OBSERVTN": "005",
    "VISIT": "001",
    "VISITGRP": "02",
    "SEQ_ID": "1",
    "ACT_ID": "01",
    "EXPOSURE": "00003",
    "DETECTOR": "NRS1",
}
NAME = "jw01234005001_02101_00003_nrs1_uncal.fits"


def test_from_texts_numbers_and_headers() -> None:
    assert standard_name(VALUES) == NAME
    numbers = {key: int(value) if value.isdecimal() else value for key, value in VALUES.items()}
    assert standard_name(numbers) == NAME
    header = fits.Header(VALUES)
    assert standard_name(header) == NAME
    text = header.tostring(endcard=False, padding=False).encode()
    assert standard_name(Header(text, Place("a.fits", 0))) == NAME


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("ACT_ID", "0a", "_0210a_"),
        ("ACT_ID", 7, "_02107_"),
        ("DETECTOR", "TFI", "_nis_"),
        ("DETECTOR", "guider1 ", "_guider1_"),
        ("PROGRAM", " 12 ", "jw00012005001_"),
    ],
)
def test_forms_of_a_part(key: str, value: object, part: str) -> None:
    assert part in standard_name(VALUES | {key: value})


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        standard_name({"PROGRAM": "01234", "VISIT": "", "SEQ_ID": None, "ACT_ID": "  "})
    messages = [problem.message for problem in caught.value.problems]
    missing = [re.findall(r"[A-Z_]{5,}", message) for message in messages]
    expected = "OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID EXPOSURE DETECTOR".split()
    assert missing == [[keyword] for keyword in expected]
    assert "OBSERVTN (the observation) is missing" in messages[0]


HOSTILE = [
    "/",
    "..",
    "a/b",
    "\0",
    "1\n",
    "x" * 4000,
    "9" * 4000,
    -1,
    1.5,
    True,
    10**9,
    "\u0661",
    "1 2",
    b"1",
]


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:9])
def test_hostile_values_are_told_shortly(key: str, value: object) -> None:
    if value == "1\n" and key != "DETECTOR":
        # Blanks around a value do not count.
        assert standard_name(VALUES | {key: value}).isprintable()
        return
    with pytest.raises(InputError) as caught:
        standard_name(VALUES | {key: value})
    (problem,) = caught.value.problems
    assert key in problem.message
    assert len(problem.message) < 150
    assert problem.message.isprintable()


@given(st.from_regex(r"[0-9]{14}[0-9A-Z]{2}[0-9]{5}", fullmatch=True).filter(str.isascii))
def test_identifiers_are_taken_apart_and_put_together(text: str) -> None:
    exposure = ExposureId.parse(text)
    assert str(exposure) == text
    name = exposure.file_name("NRS1")
    assert name == (f"jw{text[:11]}_{text[11:14]}{text[14:16].lower()}_{text[16:]}_nrs1_uncal.fits")


def test_the_parts_of_an_identifier() -> None:
    exposure = ExposureId.parse("012340050010210100003")
    assert exposure == ExposureId("01234", "005", "001", "02", "1", "01", "00003")


@pytest.mark.parametrize(
    "text", ["", "1", "01234005001021010000", "0123400500102101000033", "../" * 7]
)
def test_wrong_identifiers_are_told(text: str) -> None:
    with pytest.raises(InputError, match="not 21 characters: program"):
        ExposureId.parse(text)
