"""Cards, read and written again: bytes to values, to text, and to the same values.

In: bytes, taken for the cards of a header. Out: nothing; a difference is a crash.
"""

from __future__ import annotations

from fitsgen.blocks import CARD
from fitsgen.inputs.cards import CardText
from fitsgen.inputs.headers import Header, Place, read_header
from fitsgen.runtime.cards import (
    CardError,
    commentary_texts,
    fits_comment,
    pad,
    plain,
    render_card,
    render_commentary,
)
from fuzz.watch import WATCH

PLACE = Place("fuzz.fits", 1)
COMMENTARY = frozenset({"COMMENT", "HISTORY", ""})


def cards(data: bytes) -> None:
    """Read cards, write each that could be read, and read it again."""
    whole = -(-len(data) // CARD) * CARD
    with WATCH.over():
        for _, card, wrong in Header(data.ljust(whole), PLACE).attempts():
            if not wrong:
                _again(card)


def _again(card: CardText) -> None:
    if card.keyword in COMMENTARY:
        _commentary(card)
        return
    if not _is_keyword(card.keyword):
        return
    value, unit = plain(card.value)
    assert (value, unit) == (card.value, "")
    try:
        text = render_card(card.keyword, value, card.comment)
    except CardError:
        return
    assert len(text) % CARD == 0
    header, end = read_header(pad([text]), 0, PLACE)
    (found,) = header.cards()
    assert end == len(text) + CARD
    assert found.keyword == card.keyword, (found, card)
    assert type(found.value) is type(card.value), (found, card)
    assert found.value == card.value, (found, card)
    if fits_comment(card.keyword, value, card.comment):
        assert found.comment.split() == card.comment.split(), (found, card)


def _commentary(card: CardText) -> None:
    texts = commentary_texts(card.value)
    written = "".join(render_commentary(card.keyword, text) for text in texts)
    header, _ = read_header(pad([written]), 0, PLACE)
    found = " ".join(str(one.value) for one in header.cards())
    assert found.split() == str(card.value).split()


def _is_keyword(keyword: str) -> bool:
    """Whether a template can name it: END and CONTINUE mean something else in a header."""
    if keyword.startswith("HIERARCH "):
        return len(keyword) > 17
    return keyword not in ("END", "CONTINUE", "HIERARCH") and "=" not in keyword
