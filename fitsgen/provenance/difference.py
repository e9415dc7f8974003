"""Two FITS files to the first place in which they differ.

In: a file that was just made, and one that should be the same. Out: a `Problem` that tells the
HDU, and the card or the byte of the data; None where all bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fitsgen.blocks import CARD, padded
from fitsgen.diagnostics import Position, Problem, Source
from fitsgen.inputs.content import OpenFile
from fitsgen.inputs.fits import FitsFile, InputHDU, Kind
from fitsgen.inputs.opening import open_file

PIECE = 1 << 20
# They follow from all else, so what else differs says more.
_SUMS = ("CHECKSUM", "DATASUM ")


def difference(other: Path, made: Path) -> Problem | None:
    """Compare two files; `made` is whole.

    Raises
    ------
    InputError
        One cannot be read.

    """
    mine, theirs = open_file(str(made)), open_file(str(other))
    with FitsFile.open(made) as hdus:
        found = next(_differences(hdus, mine, theirs), None)
    if found is None and mine.size != theirs.size:
        found = f"it has {theirs.size:,} bytes, and {mine.size:,} when it is made again", ()
    if found is None:
        return None
    message, lines = found
    notes = tuple((line, None) for line in lines)
    return Problem(f"is not the same: {message}", Position(Source(str(other))), notes=notes)


Difference = tuple[str, Sequence[str]]
"""Where it is, and what stands in the one and in the other."""


def _differences(hdus: FitsFile, mine: OpenFile, theirs: OpenFile) -> Iterator[Difference]:
    """Yield what differs, what says most first."""
    start, sums = 0, list[Difference]()
    for number, hdu in enumerate(hdus):
        name = f"HDU {number}" + (f" ({hdu.name})" if hdu.name else "")
        data = start + len(hdu.raw_header())
        for at in range(start, data, CARD):
            cards = [_card(file, at) for file in (theirs, mine)]
            if cards[0] != cards[1]:
                where = f"{name}, card {(at - start) // CARD + 1}"
                found = where, (f"there: {cards[0]}", f"again: {cards[1]}")
                if not cards[1].startswith(_SUMS):
                    yield found
                    return
                sums.append(found)
        start = data + padded(hdu.structure.size)
        place = _first_byte(mine, theirs, data, start)
        if place is not None:
            yield f"{name}, {_data_place(hdu, place - data)}, byte {place:,} of the file", ()
            return
    yield from sums


def _card(file: OpenFile, at: int) -> str:
    """Return a card in printable characters, what there is of it."""
    text = file.read(min(at, file.size), min(at + CARD, file.size)).decode("latin-1")
    return "".join(c if " " <= c <= "~" else "?" for c in text).rstrip()


def _first_byte(mine: OpenFile, theirs: OpenFile, start: int, stop: int) -> int | None:
    """Return the first byte between two that differs; the end of the shorter file differs."""
    for at in range(start, stop, PIECE):
        end = min(at + PIECE, stop)
        ours, other = mine.read(at, end), theirs.read(min(at, theirs.size), min(end, theirs.size))
        if ours != other:
            pairs = enumerate(zip(ours, other, strict=False))
            return at + next((n for n, (a, b) in pairs if a != b), len(other))
    return None


def _data_place(hdu: InputHDU, offset: int) -> str:
    """Say where in the data a byte is: of an image the pixel, counted from 1, NAXIS1 first."""
    structure = hdu.structure
    where = f"byte {offset:,} of the data"
    if structure.kind not in (Kind.PRIMARY, Kind.IMAGE) or offset >= structure.size:
        return where
    index, pixel = offset // (abs(structure.bitpix) // 8), []
    for axis in structure.axes:
        index, place = divmod(index, axis)
        pixel.append(place + 1)
    return f"{where} (pixel {', '.join(map(str, pixel))})"
