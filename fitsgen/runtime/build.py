"""A file type and its sources to the parts of a file: header text and encoded data.

In: a `FileType` and the sources. Out: `Built`: every HDU, and everything that
failed or was doubtful on the way.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fitsgen.diagnostics import Position, Problem, in_order
from fitsgen.inputs.sources import Source
from fitsgen.lazy.cost import costs_told
from fitsgen.runtime.cards import (
    CardError,
    fits_comment,
    pad,
    render_card,
    render_commentary,
)
from fitsgen.runtime.declare import Card, FileType, Heading
from fitsgen.runtime.encoded import Encoded, StructuralCard, encode_nothing
from fitsgen.runtime.evaluate import COMMENTARY, Failed, Values
from fitsgen.runtime.functions import frozen_clock
from fitsgen.runtime.structural import is_checksum, is_leading
from fitsgen.runtime.writing import Part, Unmade

# Filled in when all else of the HDU is known.
CHECKSUM_UNSET = "0" * 16


@dataclass(frozen=True, slots=True)
class Built:
    """The parts of a file. Where a problem is an error, what failed is left undefined."""

    parts: tuple[Part, ...]
    values: Values

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What failed or was doubtful until now."""
        return tuple(in_order(self.values.problems))

    @property
    def parameters_read(self) -> frozenset[str]:
        """The parameters that were asked for."""
        return frozenset(self.values.parameters_read)

    @property
    def filename(self) -> object:
        """What the primary header has for FILENAME, if anything."""
        with contextlib.suppress(Failed):
            if self.values.hdus and self.values.has(0, "FILENAME"):
                return self.values.lookup(0, "FILENAME")
        return None

    def filename_at(self) -> Position | None:
        """Return where FILENAME comes from."""
        return self.values.position(0, "FILENAME")

    def prove(self) -> None:
        """Make the data that may yet fail, so that all that is wrong is among the problems."""
        with _watched(self.values):
            for number in range(len(self.parts)):
                with contextlib.suppress(Failed):
                    self.values.proved(number, _tried)

    def write(self, writer: Callable[[Sequence[Part]], None]) -> bool:
        """Have the parts written, and tell whether the data of all could be made."""
        try:
            with _watched(self.values):
                writer(self.parts)
        except Unmade as unmade:
            self.values.fail(unmade.number, unmade.why)
            return False
        return True


def build(
    file_type: FileType,
    sources: Mapping[str, Source],
    parameters: Mapping[str, object],
    *,
    name: str = "",
    checksum: bool = False,
    thorough: bool = False,
    history: Sequence[str] = (),
) -> Built:
    """Make all headers and data of a file.

    Parameters
    ----------
    sources
        By name: `input` and the data files that were given.
    name
        What the file will be called; fills in a FILENAME that has no expression.
    checksum
        Whether every HDU gets CHECKSUM and DATASUM.
    thorough
        Whether data that may fail when it is written is made before, to find out.
    history
        Texts of HISTORY cards that follow the template's cards in the primary header.

    """
    values = Values(file_type, sources, parameters, name)
    added = [render_commentary("HISTORY", text) for text in history]
    with frozen_clock(), costs_told(values.cost), _watched(values):
        parts = [
            _part(values, one, () if one else added, checksum=checksum, thorough=thorough)
            for one in range(len(file_type.hdus))
        ]
    return Built(tuple(parts), values)


@contextlib.contextmanager
def _watched(values: Values) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: _warned(values, str(message))
        yield


def _warned(values: Values, message: str) -> None:
    """Take a warning of a library for one about what is being made now."""
    values.warn(values.current() or (0, 0), message)


def _part(
    values: Values, number: int, added: Sequence[str], *, checksum: bool, thorough: bool
) -> Part:
    checksum = checksum or any(map(is_checksum, values.keywords(number)))
    total = 0
    try:
        encoded = values.encoded(number)
        if checksum:
            total = values.proved(number, _sum)
        elif thorough:
            values.proved(number, _tried)
    except Failed:
        encoded = encode_nothing({}, primary=number == 0)
    header = pad((*_header(values, number, encoded), *added))
    if checksum:
        from fitsgen.runtime.checksum import seal

        header = seal(header, total)
    return Part(header, encoded)


def _sum(encoded: Encoded) -> int:
    from fitsgen.checksum import data_sum

    return data_sum(encoded.pieces(), encoded.fill)


def _tried(encoded: Encoded) -> None:
    """Make data for nothing but its failures."""
    if not encoded.is_certain:
        for _ in encoded.pieces():
            pass


def _header(values: Values, number: int, encoded: Encoded) -> Iterator[str]:
    """Give the texts of a header: the cards that must lead, and then the template's order."""
    items, comments = values.hdus[number].items, values.hdus[number].comments
    structure = {card.keyword: card for card in encoded.cards}
    for card in encoded.cards:
        if is_leading(card.keyword) or card.keyword not in comments:
            yield _structural(card, comments)
    for index, item in enumerate(items):
        if item.image is not None:
            yield item.image
        elif not (isinstance(item, Card) and item.is_structural):
            yield _item(values, number, index, item)
        elif item.keyword in structure and not is_leading(item.keyword):
            yield _structural(structure[item.keyword], comments)
        elif is_checksum(item.keyword):
            yield render_card(item.keyword, CHECKSUM_UNSET, item.comment)
        elif item.keyword not in structure and not values.failed(number):
            _not_made(values, number, index)


def _not_made(values: Values, number: int, index: int) -> None:
    """Warn of a demand for what the data does not have, such as a TTYPE1 for an image."""
    with contextlib.suppress(Failed):
        if values.card(number, index).value not in (None, ""):
            values.warn((number, index), "the data has none of this, so the card is left out")


def _structural(card: StructuralCard, comments: Mapping[str, str]) -> str:
    return render_card(card.keyword, card.value, comments.get(card.keyword, card.comment))


def _item(values: Values, number: int, index: int, item: Heading | Card) -> str:
    if isinstance(item, Heading):
        item.image = render_commentary("", item.text)
        return item.image
    try:
        text = _card(values, number, index, item)
    except Failed:
        undefined = not (item.optional or item.keyword in COMMENTARY)
        return render_card(item.keyword, None, item.comment) if undefined else ""
    # A card without a value is not kept: it may be the FILENAME that is filled in.
    if item.reads is None and item.value is not None:
        item.image = text
    return text


def _card(values: Values, number: int, index: int, card: Card) -> str:
    if card.keyword in COMMENTARY:
        texts = values.texts(number, index)
        return "".join(render_commentary(card.keyword, text) for text in texts)
    made = values.card(number, index)
    if made.is_missing:
        return ""
    comment = f"[{made.unit}] {card.comment}".rstrip() if made.unit else card.comment
    try:
        text = render_card(card.keyword, made.value, comment)
    except CardError as error:
        values.report((number, index), str(error))
        raise Failed from None
    # Nearly every comment is where it should be; only the rest is measured again.
    whole = card.reads is None or text.rstrip().endswith(comment)
    if not whole and not fits_comment(card.keyword, made.value, comment):
        message = f"the comment does not fit beside the value and is cut: {comment!r}"
        values.warn((number, index), message)
    return text
