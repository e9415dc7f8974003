"""Headers are read as astropy reads them; a wrong card is reported when it is read, not before."""

import contextlib
import warnings

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from fitsgen.diagnostics import InputError
from fitsgen.inputs.headers import Header, MissingKeyword, Place, read_header

PLACE = Place("raw.fits", 1, 2880)


def header(*cards: str) -> Header:
    text = "".join(card.ljust(-(-len(card) // 80) * 80) for card in cards) + "END".ljust(80)
    return read_header(text.encode("latin-1").ljust(2880), 0, PLACE)[0]


@pytest.mark.parametrize(
    "card",
    [
        "A       = 'JWST    '           / telescope",
        "A       = 'JWST'",
        "A       = ''",
        "A       = '        '           / all blank",
        "A       = '  leading and trailing  '",
        "A       = 'it''s' / c",
        "A       = 'a / in it' / and / in the comment",
        "A       = 'ends in &'",
        "A       =",
        "A       =                      / undefined",
        "A       =                    T / c",
        "A       = T",
        "A       =                   12",
        "A       = -0012 / c",
        "A       = +5",
        "A       = 123456789012345678901234567890",
        "A       = 1.",
        "A       = .5",
        "A       = 1.5E3 / c",
        "A       = 1.5D-3",
        "A       = 1e5",
        "A       = -1.0E-300",
        "A       = (1.5, -2)",
        "A       = (1, 2) / c",
        "HIERARCH ESO DET ID = 5 / c",
        "HIERARCH ESO DET NAME='it''s' / c",
        "COMMENT a comment = 'x' / y",
        "COMMENT = 5",
        "HISTORY   indented",
        "        a heading",
    ],
)
def test_card_is_read_as_astropy_reads_it(card):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = fits.Card.fromstring(card.ljust(80))
        value = None if isinstance(expected.value, fits.card.Undefined) else expected.value
    found = next(header(card).cards())
    assert (found.value, found.comment) == (value, expected.comment)
    assert type(found.value) is type(value)
    assert found.keyword.removeprefix("HIERARCH ") == expected.keyword
    assert found.raw == card.ljust(80)


@pytest.mark.parametrize(
    ("cards", "value", "comment"),
    [
        (["A       = 'abc&'", "CONTINUE  'def'"], "abcdef", ""),
        (["A       = 'abc &'", "CONTINUE  'def' / c"], "abc def", "c"),
        (
            ["A       = 'a&' / one", "CONTINUE  'b&' / two", "CONTINUE  '' / three"],
            "ab",
            "one two three",
        ),
        (["A       = 'a&&'", "CONTINUE  ''"], "a&", ""),
        (["A       = 'a''&'", "CONTINUE  '''b'"], "a''b", ""),
        (["HIERARCH ESO A = 'a&'", "CONTINUE  'b'"], "ab", ""),
        (["A       = 'no mark'", "CONTINUE  'alone'"], "no mark", ""),
        (["A       = 'a&'", "CONTINUE  'b&'", "B       = 1"], "ab&", ""),
        (["A       = 5 / 'x&'", "CONTINUE  'alone'"], 5, "'x&'"),
    ],
)
def test_continued_string(cards, value, comment):
    first = next(header(*cards, "B       = 2").cards())
    assert (first.value, first.comment) == (value, comment)
    assert header(*cards, "LAST    = 2")["LAST"] == 2


SOME = header(
    "SIMPLE  =                    T / conforms",
    "NINTS   =                    5 / integrations",
    "COMMENT one",
    "COMMENT two",
    "        heading",
    "TWICE   =                    1",
    "TWICE   =                    2",
    "HIERARCH ESO DET ID = 7 / hierarch",
    "LONG    = 'abc&'",
    "CONTINUE  'def'",
    "NOTHING =",
)


def test_header_is_a_mapping_of_cards():
    keys = ("SIMPLE", "NINTS", "COMMENT", "COMMENT", "", "TWICE", "TWICE")
    keys += ("HIERARCH ESO DET ID", "LONG", "NOTHING")
    assert SOME.keys() == tuple(SOME) == keys
    assert len(SOME) == len(SOME.values()) == len(keys)
    assert SOME.values()[-3:] == (7, "abcdef", None)
    assert SOME.items()[1] == ("NINTS", 5)
    assert "NINTS" in SOME
    assert "nints" not in SOME
    assert 5 not in SOME
    assert SOME.get("NINTS") == 5
    assert SOME.get("NONE") is None
    assert SOME.get("NONE", 3) == 3
    assert SOME["NOTHING"] is None
    assert SOME.comment("NINTS") == "integrations"
    assert repr(SOME) == str(SOME) == "<header of HDU 1>"


def test_first_of_several_is_given():
    assert SOME["TWICE"] == 1
    assert SOME.count("TWICE") == 2
    assert SOME.count("NONE") == 0
    assert SOME.duplicates == ("TWICE",)
    assert SOME["COMMENT"] == ["one", "two"]
    assert SOME[""] == ["heading"]


def test_hierarch_card_answers_with_and_without_prefix():
    assert SOME["ESO DET ID"] == SOME["HIERARCH ESO DET ID"] == 7
    assert SOME.comment("ESO DET ID") == "hierarch"
    assert SOME.count("ESO DET ID") == 1


def test_missing_keyword_is_said_in_plain_words():
    with pytest.raises(KeyError) as caught:
        SOME["NINT"]
    assert isinstance(caught.value, MissingKeyword)
    assert str(caught.value) == "HDU 1 of raw.fits has no keyword NINT; did you mean NINTS?"
    with pytest.raises(MissingKeyword, match=r"no keyword QQQQQ$"):
        SOME.comment("QQQQQ")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("BAD     = 5x", "`5x` is no string, logical or number"),
        ("BAD     = 'open", "no closing quote"),
        ("BAD     = 'a' b / c", "text between"),
        ("BAD     =5", "column 10"),
        ("BAD     = NaN", "NaN, which has no form"),
        ("BAD     = -inf", "-inf, which has no form"),
        ("BAD     = 1e999", "beyond what a double holds"),
        ("BAD     = (1.0, 1D400)", "beyond what a double holds"),
        ("BAD     = 1_000", "no string"),
        ("BAD     = 5\x00", r"`5\x00` is no string"),
        ("BAD  = 5", "'BAD  = 5' is not"),
    ],
)
def test_wrong_card_is_reported_when_read_only(card, words):
    wrong = header("GOOD    = 1", card, "LAST    = 2")
    assert (wrong["GOOD"], wrong["LAST"], len(wrong)) == (1, 2, 3)
    assert "BAD" in wrong
    for read in (wrong.values, lambda: wrong["BAD"], lambda: wrong.get("BAD")):
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value).startswith("raw.fits: error: HDU 1, card 2 (BAD), byte 2960: ")
        assert words in str(caught.value)


ODD = (
    ("KEY     = 'caf\xe9'", "caf\xe9", "byte 2974: byte 0xE9 in column 15"),
    ("KEY     = 1 / \x00", 1, "byte 2974: byte 0x00 in column 15"),
    ("KEY     = 'a\x00b' / a\nb", "a\x00b", "byte 2972: byte 0x00 in column 13"),
    (
        "KEY     = 'a&'".ljust(80) + "CONTINUE  'b\x7f'",
        "ab\x7f",
        "byte 3052: byte 0x7F in column 13",
    ),
    ("key     = 5", 5, "byte 2960: the keyword is not in upper case: 'key'"),
    (
        "KEY     = 5".ljust(80) + "KEY     = 'x'",
        5,
        "byte 2960: the keyword stands again in card 3:",
    ),
    ("KEY     = 5".ljust(80) + "KEY     = x", 5, "5 is used, not x"),
)


@pytest.mark.parametrize(("cards", "value", "words"), ODD)
def test_odd_card_that_can_be_read_is_a_warning_when_it_is_read(cards, value, words):
    doubts = {}
    text = ("GOOD    = 1".ljust(80) + cards).encode("latin-1")
    odd = Header(text.ljust(-(-len(text) // 80) * 80), PLACE, doubts)
    assert (odd["GOOD"], len(doubts), "KEY" in odd) == (1, 0, True)
    for _ in range(2):
        assert odd["KEY"] == odd.lookup("KEY")[1] == odd.get("KEY") == value
        (doubt,) = doubts
        assert not doubt.is_error
        assert str(doubt.position) == "raw.fits"
        assert doubt.message.startswith("HDU 1, card 2 (KEY), byte ")
        assert words in doubt.message


def test_only_a_few_of_many_repeats_are_told():
    doubts = {}
    many = Header(b"".join(b"KEY     = %-70d" % n for n in range(1000)), PLACE, doubts)
    assert many["KEY"] == 0
    assert 1 <= len(doubts) <= 5


def test_a_header_that_is_rewritten_warns_in_the_same_place():
    doubts = {}
    text = b"A       = 1".ljust(80) * 2
    first = Header(text, PLACE, doubts)
    assert first.rewritten(text)["A"] == first["A"] == 1
    assert len(doubts) == 1


@given(st.text(st.characters(max_codepoint=255), min_size=80, max_size=240))
def test_no_text_raises_anything_else(text):
    odd = Header(text[: len(text) // 80 * 80].encode("latin-1"), PLACE)
    for key in odd:
        with contextlib.suppress(InputError):
            odd[key], odd.comment(key)


@given(st.text(st.sampled_from("'&/ =TE(1.,5)-+D"), max_size=70))
def test_no_value_raises_anything_else(field):
    try:
        value = header(f"KEY     = {field}")["KEY"]
    except InputError:
        return
    assert value is None or isinstance(value, (str, bool, int, float, complex))


def test_header_ends_with_its_end_card():
    blocks = ("A       = 'END     '".ljust(80) * 40 + "END".ljust(80)).encode().ljust(5760)
    found, end = read_header(b"x" * 2880 + blocks, 2880, PLACE)
    assert len(found) == 40
    assert end == 2880 + 41 * 80
    with pytest.raises(InputError, match=r"begins at byte 2880 has no END card before the file"):
        read_header(b"x" * 2880 + blocks[:3200], 2880, PLACE)


def test_endless_header_is_given_up(monkeypatch):
    monkeypatch.setattr("fitsgen.inputs.headers.MAX_HEADER", 2**20)
    with pytest.raises(InputError, match="no END card before 1 MiB were read"):
        read_header(b" " * 2**21, 0, PLACE)
