"""The checks of a verification template, asked of the values that a file has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.sources import FitsSource
from fitsgen.namespace import VALUE
from fitsgen.runtime.declare import Card, FileType
from fitsgen.runtime.explain import in_plain_words
from fitsgen.runtime.lookups import Evaluation, Lookup
from fitsgen.verification.expected import Places
from fitsgen.verification.findings import Finding, Place, finding, shown
from fitsgen.verification.found import UNREADABLE, FoundCard
from fitsgen.verification.hdus import Pair


def ask(checks: FileType, file: FitsFile, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Yield what the checks of a verification template find wrong."""
    asking = _Asking(checks, file)
    by_name = {wanted.name: (wanted, there) for wanted, there in pairs}
    for number, hdu in enumerate(checks.hdus):
        if hdu.name in by_name:
            yield from asking.hdu(number, by_name[hdu.name])
        elif near := difflib.get_close_matches(hdu.name, by_name, 1, 0.8):
            message = f"the checks of {hdu.name} were not asked"
            position, hint = asking.places.of(number), f"did you mean <<header {near[0]}>>?"
            yield finding(message, Place(file.path), position, hint)


class _Asking:
    """The asking of one template's checks of one file."""

    def __init__(self, checks: FileType, file: FitsFile) -> None:
        self.checks = checks
        self.places = Places(checks)
        self.source = FitsSource(file)

    def hdu(self, number: int, pair: Pair) -> Iterator[Finding]:
        wanted, found = pair
        there: dict[str, FoundCard] = {}
        for card in found.cards:
            there.setdefault(card.keyword, card)
        made = {card.keyword for card in wanted.cards() if card.required}
        for index, item in enumerate(self.checks.hdus[number].items):
            if not isinstance(item, Card):
                continue
            card_there = there.get(item.keyword)
            message = ""
            if card_there is None:
                if not item.optional and item.keyword not in made:
                    message = f"{item.keyword} is missing"
            elif item.reads is not None and card_there.value is not UNREADABLE:
                message = self.answer(item, card_there.value, found.number)
            if message:
                place = found.place(card_there, item.keyword)
                yield finding(message, place, self.places.of(number, index))

    def answer(self, rule: Card, value: object, hdu: int) -> str:
        """Return what a check has against a value, or ''."""
        given = {
            VALUE: value,
            "output": Lookup("output", self.source, Evaluation(rule.keyword, hdu)),
        }
        try:
            right = bool(rule.value(*[given[name] for name in rule.reads or ()]))  # type: ignore[operator]
        except Exception as error:
            reason = in_plain_words(error)
            return f"{rule.keyword} is {shown(value)}: the check could not be made: {reason}"
        return "" if right else f"{rule.keyword} is {shown(value)}, which this check refuses"
