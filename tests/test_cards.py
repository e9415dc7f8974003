"""Values become cards that astropy writes alike and that every reader reads back."""

import datetime
import math
import subprocess
import sys
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fitsgen.inputs.headers import Place, read_header
from fitsgen.runtime.cards import (
    BLANK,
    CardError,
    blank_card,
    commentary_texts,
    fits_comment,
    pad,
    plain,
    render_card,
    render_commentary,
)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=300)
KEYWORDS = st.from_regex(r"[A-Z][A-Z0-9_-]{0,7}", fullmatch=True).filter(
    lambda key: key not in ("COMMENT", "HISTORY", "CONTINUE", "END", "HIERARCH")
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(1 - 10**69, 10**69),
    FLOATS,
    st.builds(complex, FLOATS, FLOATS),
)


def ours(text: str) -> tuple[object, str]:
    """Read one card as our reader does, after a card that must not disturb it."""
    header, _ = read_header(pad([render_card("FIRST", 1), text, BLANK]), 0, Place("x.fits", 0))
    card = list(header.cards())[1]
    assert len(header) == 3
    return card.value, card.comment


def astropys(text: str) -> tuple[object, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        card = fits.Header.fromstring(text).cards[0]
        value = None if isinstance(card.value, fits.card.Undefined) else card.value
        return value, card.comment


@pytest.mark.parametrize(
    ("keyword", "value", "comment"),
    [
        ("TELESCOP", "JWST", "telescope used to acquire the data"),
        ("A", "", ""),
        ("A", "", "an empty string"),
        ("OBSERVER", "O'Neill", "quotes are doubled"),
        ("A", "x" * 17, "c"),
        ("A", "x" * 60, ""),
        ("A", "x" * 68, ""),
        ("A", " leading", "c"),
        ("A", None, ""),
        ("A", None, "not known"),
        ("A", True, ""),
        ("A", False, "c"),
        ("A", 0, "c"),
        ("A", -(2**63), "c"),
        ("A", 2**200, "c"),
        ("A", 1.0, "c"),
        ("A", -0.0, "c"),
        ("A", 1.5e-12, "c"),
        ("A", 123456.789, ""),
        ("A", 1 + 2j, "c"),
        ("HIERARCH ESO DET ID", 5, "c"),
        ("HIERARCH ESO DET ID", "ab", "c"),
        ("HIERARCH ESO DET ID", 1.5, ""),
        ("A", "words of a long string " * 9 + "end", "and its comment"),
        ("A", "words of a long string " * 9 + "end", "and a long comment of many words " * 7),
        ("A", "y" * 200, "c"),
        ("HIERARCH ESO DET ID", "words of a long string " * 9 + "end", "c"),
    ],
)
def test_image_is_astropys(keyword, value, comment):
    text = render_card(keyword, value, comment)
    assert text == fits.Card(keyword, value, comment).image
    assert len(text) % 80 == 0


@given(
    KEYWORDS,
    st.one_of(
        st.booleans(),
        st.integers(-(10**60), 10**60),
        PRINTABLE.filter(lambda s: len(s) < 60 and "&" not in s),
    ),
)
def test_ordinary_image_is_astropys(keyword, value):
    # astropy reads 'word: 1.5' as a record-valued card, which nothing here writes.
    assume(not isinstance(value, str) or (": " not in value and value.count("'") < 4))
    assert render_card(keyword, value) == fits.Card(keyword, value).image


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1.0E-05"),
        (1e22, "1.0E+22"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-1.2345678901234568e-300, "-1.2345678901234568E-300"),
        (5e-324, "5.0E-324"),
        (1e-7 + 1j, "(1.0E-07, 1.0)"),
    ],
)
def test_number_keeps_every_digit(value, text):
    card = render_card("A", value, "c")
    assert card[10:].split(" / ")[0].strip() == text
    assert card[:30].endswith(text) or len(text) > 20
    assert ours(card) == (value, "c")


@given(KEYWORDS, NUMBERS, PRINTABLE)
def test_number_reads_back(keyword, value, comment):
    comment = comment[:20].strip()
    card = render_card(keyword, value, comment)
    whole = comment if fits_comment(keyword, value, comment) else ours(card)[1]
    assert ours(card) == (value, whole)
    assert type(ours(card)[0]) is type(value)
    assert astropys(card) == (value, whole)
    assert comment.startswith(whole)


@given(KEYWORDS, PRINTABLE, PRINTABLE)
@example("A", "&" * 200, "")
@example("A", "'" * 200, "")
@example("A", "ends in &", "")
@example("A", "x" * 67 + "&", "c")
@example("A", "x" * 66 + "'&", "")
@example("A", " " * 100, "c")
@example("A", "x & " + " " * 70, "")
def test_string_reads_back(keyword, value, comment):
    comment = " ".join(comment.split())
    card = render_card(keyword, value, comment)
    read, remark = ours(card)
    assert len(card) % 80 == 0
    assert read == value.rstrip()
    if fits_comment(keyword, value, comment):
        assert remark.replace(" ", "") == comment.replace(" ", "")
    else:
        assert comment.startswith(remark)
    assert ours(card)[0] == astropys_string(card, value)


def astropys_string(card: str, value: str) -> object:
    # astropy takes the last quote before a blank, a slash or the end for the closing one, though
    # it stand in the comment, and 'word: 1' for a record.
    if "'" in value or "'" in card[11 + len(value) + 1 :] or ": " in value:
        return value.rstrip()
    return astropys(card)[0]


@given(st.integers(0, 50), PRINTABLE)
def test_hierarch_reads_back(length, value):
    keyword = "HIERARCH ESO " + "X" * length + "A"
    card = render_card(keyword, value, "c")
    header, _ = read_header(pad([card]), 0, Place("x.fits", 0))
    assert header[keyword] == value.rstrip()
    assert header["ESO " + "X" * length + "A"] == value.rstrip()


def test_comment_of_words_is_split_and_joined_again():
    comment = "a comment of many words that goes on and on " * 5 + "to its end"
    assert ours(render_card("A", "x" * 100, comment)) == ("x" * 100, comment)
    assert astropys(render_card("A", "x" * 100, comment)) == ("x" * 100, comment)


def test_no_pair_of_quotes_is_split():
    for card in fits_lines(render_card("A", "a" * 66 + "'" + "b" * 100)):
        assert card.rstrip().count("'") % 2 == 0


def fits_lines(text: str) -> list[str]:
    return [text[start : start + 80] for start in range(0, len(text), 80)]


@pytest.mark.parametrize(
    ("value", "comment", "whole"),
    [
        (1, "x" * 47, True),
        (1, "x" * 48, False),
        (1, "", True),
        ("v" * 65, "no room", False),
        ("v" * 69, "it goes on in a CONTINUE card", True),
        ("ends in &", "x" * 70, True),
    ],
)
def test_comment_is_cut_only_beside_a_value(value, comment, whole):
    assert fits_comment("KEY", value, comment) is whole
    assert (ours(render_card("KEY", value, comment))[1] == comment) is whole or len(comment) > 64


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("KEY", 10**70, "80"),
        pytest.param("KEY", 10**5000, "70 digits", id="5000 digits"),
        ("HIERARCH " + "X" * 60, 10**20, "80"),
        ("HIERARCH " + "X" * 70, "value", "80"),
        ("HIERARCH " + "X" * 72, None, "80"),
    ],
)
def test_what_does_not_fit_is_an_error(keyword, value, words):
    with pytest.raises(CardError, match=words):
        render_card(keyword, value)


def test_comment_must_be_printable():
    with pytest.raises(CardError, match=r"character 2 .*U\+00E9"):
        render_card("KEY", 1, "hé")


@given(st.sampled_from(["COMMENT", "HISTORY", ""]), PRINTABLE)
def test_commentary_loses_only_blanks_at_breaks(keyword, text):
    cards = fits_lines(render_commentary(keyword, text))
    assert all(card[:8] == f"{keyword:8}" for card in cards)
    left = text.rstrip()
    for card in cards:
        part = card[8:].rstrip()
        assert left.startswith(part)
        left = left[len(part) :]
        left = left[1:] if len(part) < 72 else left.removeprefix(" ")
    assert not left.strip()


def test_commentary_breaks_between_words():
    text = "word " * 30 + "x" * 100
    cards = fits_lines(render_commentary("HISTORY", text))
    assert [card[8:].strip() for card in cards] == [
        " ".join(["word"] * 14),
        " ".join(["word"] * 14),
        "word word",
        "x" * 72,
        "x" * 28,
    ]
    assert render_commentary("COMMENT", "  indented") == f"{'COMMENT   indented':80}"
    assert render_commentary("", "Exposure parameters") == f"{'        Exposure parameters':80}"


def test_a_list_makes_commentary_cards():
    assert commentary_texts(["a", "b\nc", None]) == ("a", "b", "c")
    assert commentary_texts("one") == ("one",)
    assert commentary_texts(None) == ()
    with pytest.raises(CardError, match="a commentary card holds text, not a dict"):
        commentary_texts([{}])
    with pytest.raises(CardError, match=r"U\+00E9"):
        commentary_texts("é")


def test_header_fills_blocks():
    cards = [render_card(f"KEY{n}", n) for n in range(35)]
    assert pad(cards).endswith(b"END".ljust(80))
    assert len(pad(cards)) == 2880
    assert len(pad([*cards, blank_card()])) == 5760
    assert len(fits.Header.fromstring(pad(cards))) == 35


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (np.str_("text"), "text"),
        (np.bool_(True), True),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.1), 0.10000000149011612),
        (np.float64(0.1), 0.1),
        (np.complex64(1 + 2j), 1 + 2j),
        (np.array(7), 7),
        (np.array("x"), "x"),
        (np.ma.masked, None),
        (np.datetime64("2020-01-02T03:04:05.678"), "2020-01-02T03:04:05.678"),
        (None, None),
        (datetime.datetime(2020, 1, 2, 3, 4, 5, 678999), "2020-01-02T03:04:05.678"),
        (
            datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2019-12-31T22:00:00.000",
        ),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (Time("2020-01-02T03:04:05"), "2020-01-02T03:04:05.000"),
        (Time(58849.0, format="mjd"), "2020-01-01T00:00:00.000"),
    ],
)
def test_plain_value(value, expected):
    result, unit = plain(value)
    assert (result, unit) == (expected, "")
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5 * u.m / u.s**2, (5.0, "m s-2")),
        (np.float32(2) * u.Angstrom, (2.0, "Angstrom")),
        (3 * u.dimensionless_unscaled, (3.0, "")),
    ],
)
def test_quantity_gives_its_unit(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "NaN has no form"),
        (-math.inf, "infinity has no form"),
        (np.float32("nan"), "NaN has no form"),
        (complex(0, math.inf), "infinity has no form"),
        (b"x", "a bytes object cannot"),
        ([1], "a list cannot"),
        ({}, "a dict cannot"),
        (np.arange(3), r"an array of shape \(3,\)"),
        ([1, 2] * u.m, "Quantity"),
        (np.timedelta64(1, "s"), "timedelta64"),
        (object(), "an object cannot"),
        ("tab\there", r"character 4 .*U\+0009"),
        ("é", r"U\+00E9"),
        (5 * u.Unit(2 * u.m), "no form in FITS"),
    ],
)
def test_what_cannot_be_a_value_says_what_it_is(value, words):
    with pytest.raises(CardError, match=words):
        plain(value)


def test_rendering_needs_no_library():
    code = (
        "import sys, fitsgen.runtime.cards as c;"
        "c.render_card('A', c.plain(1.5)[0], 'x');"
        "sys.exit('astropy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
