"""The faults of a FITS file against the FITS Standard 4.0.

In: an opened file. Out: findings: errors for what the standard forbids, warnings for
what it deprecates or advises against, each with the section that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from fitsgen.blocks import CARD
from fitsgen.diagnostics import Severity
from fitsgen.inputs.content import Window
from fitsgen.inputs.fits import FitsFile, InputHDU
from fitsgen.inputs.rows import all_rows
from fitsgen.inputs.structure import Kind
from fitsgen.verification import cardtext, cells, columns, mandatory, reserved
from fitsgen.verification.cardtext import Cards, Fault
from fitsgen.verification.findings import Finding, Place, finding

Identity = tuple[str | None, str, int, int]
"""XTENSION, EXTNAME in upper case, EXTVER and EXTLEVEL."""


def faults(file: FitsFile) -> Iterator[Finding]:
    """Yield every fault of a file against the standard, in the order of the file.

    Raises
    ------
    InputError
        When the file was closed, or became shorter while it was read.
    """
    headers = [Cards(hdu.header) for hdu in file]
    named: dict[Identity, int] = {}
    for number, (hdu, cards) in enumerate(zip(file, headers, strict=True)):
        found = [*_of_header(hdu, cards), *_of_data(hdu, cards)]
        if number == 0:
            found += _extend(cards, len(headers))
        else:
            found += _same_name(cards, number, named)
        for fault in sorted(found, key=_card_number):
            yield _finding(fault, file.path, number, cards)
    yield from _leftover(file)


def _of_header(hdu: InputHDU, cards: Cards) -> Iterator[Fault]:
    yield from cardtext.faults(cards)
    yield from mandatory.faults(cards, hdu.structure)
    yield from reserved.faults(cards, hdu.structure)
    yield from columns.faults(cards, hdu.structure)
    raw, end = hdu.raw_header(), len(hdu.header.raw)
    if raw[end:].strip(b" ") != b"END":
        where = "after END" if raw[end : end + CARD].strip() != b"END" else "in the padding"
        yield Fault(f"the header has other characters than blanks {where}", "4.4.1, 3.3.1")


def _of_data(hdu: InputHDU, cards: Cards) -> Iterator[Fault]:
    kind, shape = hdu.structure.kind, hdu.structure.axes
    is_ascii = kind is Kind.ASCII_TABLE
    if hdu.padding().strip(b" " if is_ascii else b"\0"):
        expected, section = ("blanks", "3.3.2, 7.2.3") if is_ascii else ("zeros", "3.3.2")
        yield Fault(f"the padding of the data is not all {expected}", section)
    found = columns.columns_of(cards, kind) if kind.is_table else None
    if found and is_ascii:
        rows = Window(hdu.raw_data().part(0, prod(shape)))
        yield from cells.ascii_faults(found, cards, rows, shape[0])
    elif found:
        heap = hdu.structure.size - (cards.integer("THEAP") or prod(shape))
        yield from cells.binary_faults(found, all_rows(hdu.header, hdu.raw_data()), heap)
    yield from _sums(hdu, cards)


def _sums(hdu: InputHDU, cards: Cards) -> Iterator[Fault]:
    """Compare DATASUM and CHECKSUM where they have a value (section 4.4.2.7)."""
    told = (cards.string(keyword) or "" for keyword in ("DATASUM", "CHECKSUM"))
    for keyword, said in hdu.mismatches(*told):
        yield Fault(said, "4.4.2.7", cards.get(keyword))


def _extend(cards: Cards, count: int) -> Iterator[Fault]:
    if cards.value("EXTEND") is False and count > 1:
        message = f"EXTEND is F, but there are {count - 1} extensions: expected T"
        yield Fault(message, "4.4.2.1", cards.get("EXTEND"))


def _same_name(cards: Cards, number: int, named: dict[Identity, int]) -> Iterator[Fault]:
    """Advise against two extensions of one kind, name, version and level (section 4.4.2.6).

    `named` has the extensions before this one, and is given this one.
    """
    name = cards.string("EXTNAME")
    if not name:
        return
    version, level = (
        1 if value is None else value for value in map(cards.integer, ("EXTVER", "EXTLEVEL"))
    )
    other = named.setdefault((cards.string("XTENSION"), name.upper(), version, level), number)
    if other != number:
        message = f"HDU {other} has the same EXTNAME, EXTVER and EXTLEVEL"
        yield Fault(message, "4.4.2.6", cards.get("EXTNAME"), Severity.WARNING)


def _leftover(file: FitsFile) -> Iterator[Finding]:
    place, hint = Place(file.path), "FITS Standard 4.0, section 3"
    if file.leftover > 0:
        message = f"{file.leftover} bytes after the last HDU are no extension"
        yield finding(message, place, hint=hint)
    elif file.leftover < 0:
        message = f"{-file.leftover} bytes of padding are missing at the end"
        yield finding(message, place, hint=hint)


def _card_number(fault: Fault) -> float:
    return fault.card.number if fault.card else float("inf")


def _finding(fault: Fault, path: str, number: int, cards: Cards) -> Finding:
    name = (cards.string("EXTNAME") or "").strip() or ("" if number else "PRIMARY")
    card = fault.card
    if card is None:
        place = Place(path, number, name)
    else:
        place = Place(path, number, name, card.keyword, card.number, card.value)
    hint = f"FITS Standard 4.0, section {fault.section}"
    return finding(fault.message, place, hint=hint, severity=fault.severity)
