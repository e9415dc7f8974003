"""DATASUM and CHECKSUM of a header that is written (FITS Standard 4.0, section 4.4.2.7).

In: a header and the sum of its data. Out: the header with the values of the two cards.
"""

from __future__ import annotations

from fitsgen.blocks import CARD, padded
from fitsgen.checksum import MODULUS, add, word_sum

UNSET = "0" * 16


def seal(header: bytes, data: int) -> bytes:
    """Return a header with its DATASUM and CHECKSUM filled in, or added where it has none.

    Parameters:
        header: padded to a multiple of 2880 bytes; a card of these that it has must hold a
            string of sixteen zeros.
        data: what `data_sum` gave; 0 where there is no data.

    Raises:
        ValueError: where a card of these holds anything else, or there is no END.
    """
    header = _with_card(header, "DATASUM", "unsigned sum of the data's 32-bit words")
    header = _with_card(header, "CHECKSUM", "brings the HDU's sum to minus zero")
    at = _place(header, "DATASUM")
    # The number takes the place of the zeros; blanks make up for the quote that moves.
    header = header[: at + 10] + f"'{data}'".ljust(18).encode() + header[at + 28 :]
    at = _place(header, "CHECKSUM")
    total = add(data, word_sum(header))
    return header[: at + 11] + ascii_sum(MODULUS ^ total).encode() + header[at + 27 :]


def _with_card(header: bytes, keyword: str, comment: str) -> bytes:
    end = _place(header, "END")
    if _place(header, keyword) >= 0:
        return header
    if end < 0:
        raise ValueError("the header has no END card")
    # astropy writes the card anew before it sums, so the comment must stand where it puts it.
    card = f"{keyword:8}= '{UNSET}'   / {comment}".ljust(CARD).encode()
    cards = header[:end] + card + b"END".ljust(CARD)
    return cards.ljust(padded(len(cards)))


def _place(header: bytes, keyword: str) -> int:
    """Return where a card begins, or -1; refuse a checksum that is filled in already."""
    name = f"{keyword:8}".encode()
    at = next((i for i in range(0, len(header), CARD) if header.startswith(name, i)), -1)
    if at >= 0 and keyword != "END" and header[at + 8 : at + 28] != f"= '{UNSET}'".encode():
        raise ValueError(f"the header's {keyword} card does not hold sixteen zeros")
    return at


def ascii_sum(value: int) -> str:
    """Return a 32-bit number as the sixteen letters and digits of a CHECKSUM card.

    Each of the four bytes becomes four characters that add up to it and to four times '0';
    pairs are moved apart until none is punctuation.
    """
    columns = [_four(value >> shift & 0xFF) for shift in (24, 16, 8, 0)]
    text = "".join(chr(columns[i % 4][i // 4]) for i in range(16))
    return text[-1] + text[:-1]


def _four(byte: int) -> list[int]:
    quarter, rest = divmod(byte, 4)
    made = [quarter + ord("0")] * 4
    made[0] += rest
    while any(_is_punctuation(code) for code in made):
        for i in (0, 2):
            if _is_punctuation(made[i]) or _is_punctuation(made[i + 1]):
                made[i] += 1
                made[i + 1] -= 1
    return made


def _is_punctuation(code: int) -> bool:
    return 0x3A <= code <= 0x40 or 0x5B <= code <= 0x60
