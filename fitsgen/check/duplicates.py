"""The pass that finds keywords defined twice, and the step that lets the later one win."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from fitsgen.diagnostics import Problem, warning
from fitsgen.model import COMMENTARY, HDU, Card, FileType, Item


def check(file_type: FileType) -> Iterator[Problem]:
    """Warn of each keyword that an earlier line of the same header defines."""
    for hdu in file_type.hdus:
        seen: dict[str, Card] = {}
        for card in hdu.cards():
            first = seen.get(card.keyword)
            if first and card.keyword not in COMMENTARY:
                message = f"{card.keyword} is defined again; this line counts"
                yield warning(message, card.position, notes=(("first defined", first.position),))
            seen[card.keyword] = card


def settle(file_type: FileType) -> FileType:
    """Keep one card a keyword: the later definition, at the place of the first."""
    return dataclasses.replace(file_type, hdus=tuple(map(_settle, file_type.hdus)))


def _settle(hdu: HDU) -> HDU:
    items: dict[object, Item] = {}
    for number, item in enumerate(hdu.items):
        single = isinstance(item, Card) and item.keyword not in COMMENTARY
        items[item.keyword if single and isinstance(item, Card) else number] = item
    return dataclasses.replace(hdu, items=tuple(items.values()))
