"""Which HDU of a file is which of its template: by name, and else by its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fitsgen.verification.expected import ExpectedHDU
from fitsgen.verification.findings import Finding, Place, finding
from fitsgen.verification.found import FoundHDU

Pair = tuple[ExpectedHDU, FoundHDU]


@dataclass(frozen=True, slots=True)
class Matched:
    """The HDUs that are there, in the file's order, and what is wrong with them as a whole."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]


def match(expected: Sequence[ExpectedHDU], found: Sequence[FoundHDU]) -> Matched:
    """Find each HDU of a template in a file.

    The primary HDU is the first. An extension goes by its EXTNAME; those that
    are left on both sides belong together where the names are nearly the same,
    and then where they have the same number.
    """
    partner = {0: 0} | dict(_by_name(expected[1:], found[1:]))
    partner |= _by_near_name(expected, found, partner)
    for wanted in expected[1:]:
        if wanted.number not in partner and _is_free(wanted.number, partner, found):
            partner[wanted.number] = wanted.number
    pairs = sorted(
        ((one, found[partner[one.number]]) for one in expected if one.number in partner),
        key=lambda pair: pair[1].number,
    )
    problems = (*_missing(expected, found, partner), *_extra(expected, found, partner))
    return Matched(tuple(pairs), (*problems, *_disorder(pairs)))


def _by_name(
    expected: Sequence[ExpectedHDU], found: Sequence[FoundHDU]
) -> Iterator[tuple[int, int]]:
    """Pair equal names; of several, the first with the first."""
    free = {one.number: one.name.upper() for one in found}
    for wanted in expected:
        if not wanted.extname:
            continue
        name = wanted.extname.strip().upper()
        number = next((number for number, other in free.items() if other == name), None)
        if number is not None:
            del free[number]
            yield wanted.number, number


def _by_near_name(
    expected: Sequence[ExpectedHDU], found: Sequence[FoundHDU], partner: Mapping[int, int]
) -> dict[int, int]:
    taken = set(partner.values())
    free = {one.name.upper(): one.number for one in found if one.name and one.number not in taken}
    near: dict[int, int] = {}
    for wanted in expected:
        if wanted.number not in partner and wanted.extname:
            for name in difflib.get_close_matches(wanted.extname.upper(), free, 1):
                near[wanted.number] = free.pop(name)
    return near


def _is_free(number: int, partner: dict[int, int], found: Sequence[FoundHDU]) -> bool:
    return number < len(found) and number not in partner.values()


def _missing(
    expected: Sequence[ExpectedHDU], found: Sequence[FoundHDU], partner: dict[int, int]
) -> Iterator[Finding]:
    names = [one.name for one in found if one.number not in partner.values()]
    for wanted in expected:
        if wanted.number not in partner:
            near = difflib.get_close_matches(wanted.label, names, 1)
            hint = f"did you mean it by {near[0]}?" if near else ""
            message = f"there is no HDU {wanted.label}"
            place = Place(found[0].file, name=wanted.label)
            yield finding(message, place, wanted.position(), hint)


def _extra(
    expected: Sequence[ExpectedHDU], found: Sequence[FoundHDU], partner: dict[int, int]
) -> Iterator[Finding]:
    names = ", ".join(one.label for one in expected)
    for there in found:
        if there.number not in partner.values():
            yield finding(f"this HDU is none of {names}", there.place())


def _disorder(pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Tell of each HDU that stands before one which should come first."""
    for (before, _), (wanted, there) in pairwise(pairs):
        if wanted.number < before.number:
            message = f"it stands after {before.label}, and should stand before"
            yield finding(message, there.place(), wanted.position())
