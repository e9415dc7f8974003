"""FITS files that are damaged in their structure and in their cards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from damages import (
    CONVERT,
    Damage,
    Make,
    changed,
    refused,
    unharmed,
    warned,
    written,
)

CARD, BLOCK = 80, 2880
SCI, EVENTS, PACKED = 1, 2, 3
IN = "in.fits: error: "
WARNING = "in.fits: warning: "


def headers(content: bytes) -> list[int]:
    """Return where the headers of a good file begin: each is a block."""
    starts = [at for at in range(0, len(content), BLOCK) if content[at:].startswith(b"XTENSION")]
    return [0, *starts]


def card(keyword: str, value: str) -> bytes:
    return f"{keyword:8}= {value:>20}".ljust(CARD).encode("latin-1")


def in_header(number: int, change: Callable[[list[bytes]], list[bytes]]) -> Make:
    """Change the cards of an HDU, END among them; blank ones at its end are left out."""

    def edit(content: bytes) -> bytes:
        start = headers(content)[number]
        text = content[start : start + BLOCK].rstrip(b" ").ljust(BLOCK)
        cards = [text[at : at + CARD] for at in range(0, BLOCK, CARD)]
        cards = change([one for one in cards if one.strip()])
        made = b"".join(cards)
        made = made.ljust(-(-len(made) // BLOCK) * BLOCK)
        return content[:start] + made + content[start + BLOCK :]

    return changed("in.fits", edit)


def setting(number: int, **values: str | None) -> Make:
    """Give keywords of an HDU other values, or take them out, or put them in."""

    def change(cards: list[bytes]) -> list[bytes]:
        for keyword, value in values.items():
            places = [i for i, one in enumerate(cards) if one[:8].decode().rstrip() == keyword]
            new = [card(keyword, value)] if value is not None else []
            if places:
                cards[places[0] : places[0] + 1] = new
            else:
                assert new, keyword
                cards[-1:-1] = new
        return cards

    return in_header(number, change)


def raw_card(number: int, keyword: str, text: bytes) -> Make:
    """Put bytes in the place of a card."""

    def change(cards: list[bytes]) -> list[bytes]:
        place = next(i for i, one in enumerate(cards) if one[:8].decode().rstrip() == keyword)
        cards[place] = text.ljust(CARD)
        return cards

    return in_header(number, change)


def adding(number: int, *cards: bytes) -> Make:
    new = [one.ljust(CARD) for one in cards]
    return in_header(number, lambda old: [*old[:-1], *new, old[-1]])


def cut(size: int) -> Make:
    return changed("in.fits", lambda content: content[:size])


def many_hdus(directory: Path) -> None:
    path = directory / "in.fits"
    more = extension(b"'IMAGE   '", "NAXIS", "0")
    path.write_bytes(path.read_bytes() + more * 20_000)


def extension(kind: bytes, *pairs: str) -> bytes:
    cards = [b"XTENSION= " + kind, card("BITPIX", "8")]
    cards += [card(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    cards += [card("PCOUNT", "0"), card("GCOUNT", "1"), b"END"]
    return b"".join(one.ljust(CARD) for one in cards).ljust(BLOCK)


def sparse(size: int) -> Make:
    """Make a file that begins as FITS does, and goes on with nothing."""

    def make(directory: Path) -> None:
        with (directory / "in.fits").open("wb") as file:
            file.write(card("SIMPLE", "T"))
            file.truncate(size)

    return make


def long_header(count: int, one: bytes) -> Make:
    def change(cards: list[bytes]) -> list[bytes]:
        return [*cards[:-1], *[one.ljust(CARD)] * count, cards[-1]]

    return in_header(0, change)


def continued(count: int) -> Make:
    """Let TARGET go on in very many cards."""
    card = b"CONTINUE  '" + b"x" * 60 + b"&'"

    def change(cards: list[bytes]) -> list[bytes]:
        place = next(i for i, one in enumerate(cards) if one.startswith(b"TARGET"))
        cards[place] = b"TARGET  = 'Vega&'".ljust(CARD)
        return [*cards[: place + 1], *[card.ljust(CARD)] * count, *cards[place + 1 :]]

    return in_header(0, change)


def at(number: int) -> str:
    return f"{IN}HDU {number}"


ALL = CONVERT.replace("t.gen.txt", "all.gen.txt")

STRUCTURE: dict[str, Damage] = {
    "empty": refused(written("in.fits", b""), IN, "empty"),
    "a byte": refused(cut(1), IN),
    "half a header": refused(cut(400), at(0), "the header", "no END"),
    "half a header of an extension": refused(cut(3200), at(SCI), "the header", "byte 2880"),
    "the last byte of data is missing": refused(
        cut(14400 + BLOCK + 2354), at(PACKED), "the data are cut short: expected 2355"
    ),
    "the header alone": refused(cut(5760), at(SCI), "the data are cut short"),
    "zeros": refused(written("in.fits", bytes(8640)), IN, "SIMPLE"),
    "zeros for 200 MB after SIMPLE": refused(sparse(200_000_000), at(0), "the header", "no END"),
    "data of 100 GB": refused(setting(SCI, NAXIS1="25000000000"), at(SCI), "cut short"),
    "data of 2^93 bytes": refused(
        setting(SCI, NAXIS="3", NAXIS1="2147483647", NAXIS2="2147483647", NAXIS3="2147483647"),
        at(SCI),
    ),
    "NAXIS1 of 10^12": refused(setting(SCI, NAXIS1="1000000000000"), at(SCI), "cut short"),
    "no END": refused(raw_card(PACKED, "END", b""), at(PACKED), "the header", "no END"),
    "no END in the primary header": refused(
        raw_card(0, "END", b""), "no HDU named EVENTS", "0 SCI", command=ALL
    ),
    "END with a value": unharmed(raw_card(PACKED, "END", b"END     = T")),
    "BITPIX 7": refused(setting(SCI, BITPIX="7"), at(SCI), "BITPIX is 7"),
    "BITPIX 'x'": refused(setting(SCI, BITPIX="'x'"), at(SCI), "BITPIX is 'x'"),
    "no BITPIX": refused(setting(SCI, BITPIX=None), at(SCI), "BITPIX"),
    "NAXIS -1": refused(setting(SCI, NAXIS="-1"), at(SCI), "NAXIS is -1"),
    "NAXIS of 2^31": refused(setting(SCI, NAXIS="2147483648"), at(SCI), "NAXIS is 2147483648"),
    "no NAXIS2": refused(setting(SCI, NAXIS2=None), at(SCI), "NAXIS2"),
    "NAXIS1 -20": refused(setting(SCI, NAXIS1="-20"), at(SCI), "NAXIS1 is -20"),
    "PCOUNT -1": refused(setting(SCI, PCOUNT="-1"), at(SCI), "PCOUNT is -1"),
    "PCOUNT of 10^15": refused(setting(EVENTS, PCOUNT="1000000000000000"), at(EVENTS), "the data"),
    "GCOUNT 0": refused(setting(SCI, GCOUNT="0"), at(SCI)),
    "GCOUNT 2 of a table": refused(setting(EVENTS, GCOUNT="2"), at(EVENTS), "GCOUNT"),
    "SIMPLE = F": refused(setting(0, SIMPLE="F"), at(0), "SIMPLE is not T"),
    "no SIMPLE": refused(setting(0, SIMPLE=None), IN, "SIMPLE  ="),
    "XTENSION is a number": refused(
        setting(SCI, XTENSION="5"), "HDU 1", "unknown extension 5", "error: "
    ),
    "XTENSION has no closing quote": refused(
        raw_card(SCI, "XTENSION", b"XTENSION= 'IMAGE"), at(SCI), "card 1 (XTENSION)"
    ),
    "an unknown extension that is read": refused(
        setting(SCI, XTENSION="'FOREIGN '"), "HDU 1", "unknown extension 'FOREIGN'", "error: "
    ),
    "an unknown extension": warned(
        changed("in.fits", lambda c: c + extension(b"'FOREIGN '", "NAXIS", "0")),
        WARNING,
        "HDU 4",
        "is an unknown extension, 'FOREIGN'",
    ),
    "random groups": refused(
        setting(0, NAXIS="2", NAXIS1="0", NAXIS2="3", GROUPS="T", PCOUNT="0", GCOUNT="1"),
        "SCI",
        command=ALL,
    ),
    "garbage between HDUs": refused(
        changed("in.fits", lambda c: c[:14400] + b"garbage" * 1000 + c[14400:]),
        "PACKED",
        command=ALL,
    ),
    "line ends of another system": refused(
        changed("in.fits", lambda c: c.replace(b"\n", b"\r\n").replace(b"\0", b"\0\r\n", 3)),
        "PACKED",
        command=ALL,
    ),
    "garbage at the end": warned(
        changed("in.fits", lambda c: c + b"garbage" * 1000),
        WARNING,
        "7000 bytes after the last HDU",
    ),
    "missing padding": warned(cut(14400 + BLOCK + 2355), WARNING, "525 bytes of padding"),
    "20,000 HDUs": unharmed(many_hdus),
    "EXTEND = F": unharmed(setting(0, EXTEND="F")),
    "a directory": refused(
        lambda d: (d / "dir").mkdir(),
        "dir: error: not a regular file",
        command="convert dir -t t.gen.txt -o out.fits",
    ),
    "a FIFO": refused(
        lambda d: os.mkfifo(d / "pipe"),
        "pipe: error: not a regular file",
        command="convert pipe -t t.gen.txt -o out.fits",
    ),
    "a device": refused(
        lambda d: None,
        "/dev/zero: error: not a regular file",
        command="convert /dev/zero -t t.gen.txt -o out.fits",
    ),
}

WHERE = "t.gen.txt:3:12: error: primary TARGET: "
TIME = "t.gen.txt:4:12: error: primary EXPTIME: "
NAN = "which has no form in a FITS header"

CARDS: dict[str, Damage] = {
    "a keyword that is read stands twice": warned(
        adding(0, card("TARGET", "'Deneb'")), "warning: ", "TARGET", "HDU 0"
    ),
    "a keyword that nobody reads stands twice": unharmed(
        adding(0, card("OTHER", "1"), card("OTHER", "2"))
    ),
    "a keyword that is read in lower case": warned(
        raw_card(0, "TARGET", b"target  = 'Vega'"),
        WARNING,
        "HDU 0, card 5 (TARGET), byte 320:",
        "'target'",
    ),
    "a keyword that nobody reads in lower case": unharmed(adding(0, b"other   = 5")),
    "non-ASCII in a card that is read": refused(
        raw_card(0, "TARGET", b"TARGET  = 'V\xe9ga'"), WHERE, "HDU 0", "card 5 (TARGET)", "0xE9"
    ),
    "non-ASCII in a card that nobody reads": unharmed(adding(0, b"OTHER   = 'V\xe9ga'")),
    "NUL in a card that is read": refused(
        raw_card(0, "TARGET", b"TARGET  = 'V\0ga'"), WHERE, "HDU 0", "0x00"
    ),
    "an escape sequence in a card that is read": refused(
        raw_card(0, "TARGET", b"TARGET  = '\x1b[2J'"), WHERE, "HDU 0", "0x1B"
    ),
    "no closing quote": refused(
        raw_card(0, "TARGET", b"TARGET  = 'Vega"), WHERE, "HDU 0", "card 5 (TARGET)", "quote"
    ),
    "no closing quote in a card that nobody reads": unharmed(adding(0, b"OTHER   = 'Vega")),
    "two values": refused(
        raw_card(0, "EXPTIME", b"EXPTIME = 1 2"), TIME, "HDU 0", "card 6 (EXPTIME)", "`1 2`"
    ),
    "no blank after the =": refused(
        raw_card(0, "EXPTIME", b"EXPTIME =12"), TIME, "HDU 0", "column 10"
    ),
    "NaN": refused(setting(0, EXPTIME="NaN"), TIME, "HDU 0", "card 6 (EXPTIME)", NAN),
    "1e999": refused(setting(0, EXPTIME="1e999"), TIME, "HDU 0", "1e999 is beyond"),
    "NaN in a card that nobody reads": unharmed(adding(0, card("OTHER", "NaN"))),
    "100,000 CONTINUE cards": unharmed(long_header(100_000, b"CONTINUE  'and on &'")),
    "a string of 6 MB": unharmed(continued(100_000)),
    "200,000 cards": unharmed(long_header(200_000, b"COMMENT and on")),
    "EXTNAME is a number": refused(
        setting(SCI, EXTNAME="5"), WARNING, "HDU 1", "EXTNAME is 5", "no HDU named SCI"
    ),
    "EXTNAME is missing": refused(
        setting(SCI, EXTNAME=None), "has no HDU named SCI", "t.gen.txt:8:1: error: "
    ),
    "BZERO 1e999": refused(setting(SCI, BZERO="1e999"), "HDU 1", "BZERO", "1e999"),
    "BLANK 'x'": refused(
        setting(SCI, BITPIX="32", BLANK="'x'", BSCALE="2.0"), "HDU 1", "BLANK is 'x'"
    ),
}

HEADERS: dict[str, Damage] = {**STRUCTURE, **CARDS}
