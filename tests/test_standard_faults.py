"""Files that break the FITS Standard: each damage is found, and whatever fitsverify finds is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA, FITSVERIFY, fitsverify
from hypothesis import given
from hypothesis import strategies as st
from standard_damages import (
    BINARY,
    DAMAGES,
    HDU,
    IMAGE,
    PRIMARY,
    add,
    both,
    card,
    edit,
    header,
    put,
    whole,
)
from test_library import made
from test_library_facts import TYPES

from fitsgen.diagnostics import InputError, Problem
from fitsgen.inputs.fits import FitsFile
from fitsgen.verification.findings import Finding
from fitsgen.verification.standard import faults

# What fitsverify calls an error and we do not, and why.
NO_ERROR = {
    "undefined EXTNAME": "section 4.1.2.3: any value may be undefined",
    "TDIM smaller": "section 7.3.2: the product is TFORM's count or less",
    "number without point": "section 7.2.5 says what it means; we warn",
}


def found_in(path: Path) -> list[Finding]:
    with FitsFile.open(path) as file:
        return list(faults(file))


def save(content: bytes, directory: Path) -> Path:
    path = directory / "file.fits"
    path.write_bytes(content)
    return path


def problems(path: Path) -> list[Problem]:
    """Return what is wrong, also where the file cannot be opened."""
    try:
        return list(found_in(path))
    except InputError as error:
        return list(error.problems)


# ---- damages


@pytest.mark.parametrize("name", DAMAGES)
def test_damage(name: str, tmp_path: Path) -> None:
    damage, expected = DAMAGES[name]
    found = problems(save(damage(whole()), tmp_path))
    part = expected.removeprefix("W:")
    if not expected:
        assert found == []
    elif part != expected:
        assert [problem for problem in found if problem.is_error] == []
        assert any(part in problem.message for problem in found)
    else:
        assert any(part in problem.message for problem in found if problem.is_error), found


@pytest.mark.skipif(not FITSVERIFY, reason="needs fitsverify")
@pytest.mark.parametrize("name", DAMAGES)
def test_what_fitsverify_calls_an_error_is_one(name: str, tmp_path: Path) -> None:
    path = save(DAMAGES[name][0](whole()), tmp_path)
    theirs = [line for line in fitsverify(path) if line.startswith("Error")]
    ours = any(problem.is_error for problem in problems(path))
    assert ours or not theirs or name in NO_ERROR, theirs


def test_the_file_that_is_damaged_is_right(tmp_path: Path) -> None:
    path = save(whole(), tmp_path)
    assert found_in(path) == []
    if FITSVERIFY:
        said = fitsverify(path)
        assert len(said) == 2
        assert "has a null value" in said[0]
        assert "long string keyword convention" in said[1]


def test_a_finding_says_where_it_is(tmp_path: Path) -> None:
    damage = edit(IMAGE, "EXTVER", card("EXTVER", "1.5"))
    (found,) = found_in(save(damage(whole()), tmp_path))
    place = found.place
    assert (place.hdu, place.name, place.card) == (1, "SCI", 8)
    assert (place.keyword, place.value) == ("EXTVER", 1.5)
    assert place.file.endswith("file.fits")
    assert found.hint == "FITS Standard 4.0, section 4.4.2"


def test_of_cards_that_stand_twice_the_second_value_is_told(tmp_path: Path) -> None:
    damage = add(PRIMARY, "NOTE    no value", card("NOTE", "1"), card("NOTE", "2"))
    found = found_in(save(damage(whole()), tmp_path))
    twice = [problem.place for problem in found if "2 times" in problem.message]
    assert [(place.card, place.value) for place in twice] == [(17, 2)]


def test_of_extensions_that_have_one_name_each_tells_of_the_first(tmp_path: Path) -> None:
    cards = [card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), card("NAXIS", "0")]
    cards += [card("PCOUNT", "0"), card("GCOUNT", "1"), card("EXTNAME", "'SCI     '")]
    parts = [header(cards), header([*cards, card("EXTVER", "2")]), header(cards)]
    first = header([card("SIMPLE", "T"), card("BITPIX", "8"), card("NAXIS", "0")])
    (found,) = found_in(save(b"".join([first, *parts]), tmp_path))
    assert (found.place.hdu, "HDU 1 has the same EXTNAME" in found.message) == (3, True)


def test_every_fault_is_found_in_the_order_of_the_file(tmp_path: Path) -> None:
    damage = both(
        edit(BINARY, "TFORM2", card("TFORM2", "'2d      '")),
        put(HDU + HDU - 1, b"x"),
        add(PRIMARY, "note    = 1", "NOTE    = 'open", "NOTE    = 1.5e3"),
        lambda file: file + b"rest",
    )
    found = found_in(save(damage(whole()), tmp_path))
    places = [(problem.place.hdu, problem.place.card) for problem in found]
    # Card 16 is a second NOTE, and the first; each is a fault of its own.
    assert places[:2] == [(0, 15), (0, 16)]
    assert places[-3:] == [(1, None), (2, 14), (None, None)]
    assert all(problem.is_error for problem in found if problem.place.card != 16)


@given(st.integers(0, len(whole()) - 1), st.binary(min_size=1, max_size=12))
def test_no_bytes_are_too_wrong_to_tell(
    tmp_path_factory: pytest.TempPathFactory, at: int, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "poked.fits"
    path.write_bytes(put(at, content)(whole())[: len(whole())])
    assert all(problem.message for problem in problems(path))


# ---- sums


@pytest.fixture
def summed(tmp_path: Path) -> Path:
    """A file with an image, a table with a heap and a compressed image, all with checksums."""
    pixels = np.arange(3000, dtype="int16").reshape(50, 60)
    rows = np.array([np.arange(3), np.arange(5)], dtype=object)
    columns = [fits.Column("LIST", "PJ()", array=rows), fits.Column("NAME", "4A", array=["a", "b"])]
    path = tmp_path / "summed.fits"
    fits.HDUList(
        [
            fits.PrimaryHDU(pixels),
            fits.BinTableHDU.from_columns(columns, name="ROWS"),
            fits.CompImageHDU(pixels, name="SMALL"),
        ]
    ).writeto(path, checksum=True)
    return path


def test_sums_that_are_right(summed: Path) -> None:
    assert found_in(summed) == []


@pytest.mark.parametrize(
    ("at", "content", "expected"),
    [
        (2880, b"\x7f", ["CHECKSUM", "DATASUM"]),
        (2880 + 6000, b"\x01", ["", "CHECKSUM", "DATASUM"]),
        (160 + 40, b"another comment", ["CHECKSUM"]),
    ],
    ids=["data", "padding", "header"],
)
def test_sums_that_are_wrong(summed: Path, at: int, content: bytes, expected: list[str]) -> None:
    summed.write_bytes(put(at, content)(summed.read_bytes()))
    assert sorted(problem.place.keyword for problem in found_in(summed)) == expected


# ---- files that are right


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.filterwarnings("ignore:.*obsid was asked for and not given")
def test_what_the_library_makes_is_right(name: str, tmp_path: Path) -> None:
    _, path = made(name, tmp_path)
    assert found_in(path) == []
    if FITSVERIFY:
        assert fitsverify(path) == []


def test_a_flight_file_is_right() -> None:
    assert found_in(DATA / "jw01075001001_03105_00009_nrca3_uncal.fits") == []


def test_headers_are_checked_without_heavy_libraries(tmp_path: Path) -> None:
    cards = [card("SIMPLE", "T"), card("BITPIX", "8"), card("NAXIS", "0"), card("NOTE", "1")]
    path = save(header(cards), tmp_path)
    code = (
        "import sys; from fitsgen.inputs.fits import FitsFile;"
        "from fitsgen.verification.standard import faults;"
        "assert not list(faults(FitsFile.open(sys.argv[1])));"
        "print([m for m in ('numpy', 'astropy', 'lark', 'jinja2') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, path]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
