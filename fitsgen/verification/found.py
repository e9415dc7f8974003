"""An opened FITS file to what its headers have, wrong cards included.

In: a `FitsFile`. Out: for each HDU its cards with their numbers; a card that
cannot be read has no value, for that is told among the faults against the standard.
"""

from __future__ import annotations

from dataclasses import dataclass

from fitsgen.diagnostics import InputError
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.headers import Header
from fitsgen.verification.findings import Place


class Unreadable:
    """Stands for the value of a card that cannot be read."""


UNREADABLE = Unreadable()


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card of a header: `number` counts from 1."""

    keyword: str
    number: int
    value: object


@dataclass(frozen=True, slots=True)
class FoundHDU:
    """An HDU of a file."""

    file: str
    number: int
    name: str
    cards: tuple[FoundCard, ...]

    def place(self, card: FoundCard | None = None, keyword: str = "") -> Place:
        """Return the place of a card, or of the HDU."""
        name = self.name or ("PRIMARY" if self.number == 0 else "")
        if card is None:
            return Place(self.file, self.number, name, keyword)
        value = None if card.value is UNREADABLE else card.value
        return Place(self.file, self.number, name, card.keyword, card.number, value)


def read(path: str, file: FitsFile) -> tuple[FoundHDU, ...]:
    """Return what the headers of a file have."""
    return tuple(
        FoundHDU(path, number, _extname(hdu.header), _cards(hdu.header))
        for number, hdu in enumerate(file)
    )


def _cards(header: Header) -> tuple[FoundCard, ...]:
    return tuple(
        FoundCard(card.keyword, number, UNREADABLE if wrong else card.value)
        for number, card, wrong in header.attempts()
    )


def _extname(header: Header) -> str:
    try:
        value = header.get("EXTNAME")
    except InputError:
        return ""
    return value.strip() if isinstance(value, str) else ""
