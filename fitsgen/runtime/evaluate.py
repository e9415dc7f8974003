"""The values of a file, each made when it is first needed and then kept.

In: a `FileType`, the sources and the parameters. Out: `Values`, which gives the
value of any card and the data of any HDU, and gathers what failed. A card may
so refer to any other, and to data that is made later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any, TypeAlias, TypeVar

from fitsgen.diagnostics import Position, Problem, Severity
from fitsgen.inputs.sources import Absent, Source
from fitsgen.runtime.cards import Value, check_reserved, commentary_texts, plain
from fitsgen.runtime.declare import Card, FileType
from fitsgen.runtime.encoded import Block, Buffer, Demands, Encoded, encode_nothing
from fitsgen.runtime.explain import in_plain_words
from fitsgen.runtime.lookups import Evaluation, Lookup, Parameters
from fitsgen.runtime.output import Output
from fitsgen.runtime.structural import is_structural

Key: TypeAlias = tuple[int, int]
"""An HDU, and an item of its header; past the items stands the data, and then its bytes."""

NOTHING = 1 << 16  # bytes of an array that are not worth a word
COMMENTARY = frozenset({"COMMENT", "HISTORY"})
_ABSENT = Absent()
# What the bytes are of that a thread is making.
_block_of: ContextVar[Key] = ContextVar("_block_of")
Result = TypeVar("Result")


class Failed(Exception):  # noqa: N818 - says what happened to a value whose failure is told elsewhere
    """Something that is needed could not be made; its own failure is among the problems."""


@dataclass(frozen=True, slots=True)
class Made:
    """The value of a card, as it will stand in the header."""

    value: Value
    unit: str = ""
    is_missing: bool = False


MISSING = Made(None, is_missing=True)


class Values:
    """Makes and keeps the values of one file."""

    def __init__(
        self,
        file_type: FileType,
        sources: Mapping[str, Source],
        parameters: Mapping[str, object],
        name: str = "",
    ) -> None:
        self.hdus = file_type.hdus
        self.problems: list[Problem] = []
        self._file_type = file_type
        self._sources: dict[str, Source] = {**sources, "output": Output(self)}
        self._parameters = parameters
        self.parameters_read: set[str] = set()
        self._name_of_file = name
        self._made: dict[Key, Any] = {}
        self._failed: set[Key] = set()
        self.costs: list[tuple[Key, str, int]] = []
        self._reporting = Lock()
        self._warned: set[tuple[Key, str]] = set()
        self._doing: list[Key] = []
        self._positions: list[list[Position]] | None = None

    def card(self, number: int, index: int) -> Made:
        """Return the value of a card; raises `Failed` where it has none."""
        key = (number, index)
        if key in self._made:
            made: Made = self._made[key]
            return made
        with self._making(key) as evaluation:
            made = self._made[key] = self._card(key, evaluation)
        return made

    def texts(self, number: int, index: int) -> tuple[str, ...]:
        """Return the texts of a COMMENT or HISTORY card."""
        card = self.hdus[number].items[index]
        assert isinstance(card, Card)
        with self._making((number, index)) as evaluation:
            value = self._call(card.value, card.reads, evaluation)
            missing = card.optional and (value is None or value == "")
            self._made[number, index] = () if missing else commentary_texts(value)
        texts: tuple[str, ...] = self._made[number, index]
        return texts

    def data(self, number: int) -> Any:
        """Return what the data expression of an HDU gives."""
        hdu = self.hdus[number]
        key = (number, len(hdu.items))
        if key not in self._made:
            with self._making(key) as evaluation:
                self._made[key] = self._call(hdu.data, hdu.reads, evaluation)
        return self._made[key]

    def encoded(self, number: int) -> Encoded:
        """Return the data of an HDU as bytes, with the cards that describe it."""
        hdu = self.hdus[number]
        key = self._bytes_of(number)
        if key in self._failed:
            raise Failed
        if key not in self._made:
            demands = self._demands(number)
            data = self.data(number) if hdu.data else None
            with self._making(key):
                made = _encode(data, demands, primary=number == 0)
                self._made[key] = replace(made, blocks=partial(_blocks, key, made))
        encoded: Encoded = self._made[key]
        return encoded

    def proved(self, number: int, use: Callable[[Encoded], Result]) -> Result:
        """Return what is made of all data of an HDU; raises `Failed` where it can't be made."""
        encoded = self.encoded(number)
        with self._making(self._bytes_of(number)):
            return use(encoded)

    def fail(self, number: int, error: Exception) -> None:
        """Take note that the data of an HDU could not be made."""
        self._failure(self._bytes_of(number), error, ())

    def _bytes_of(self, number: int) -> Key:
        return (number, len(self.hdus[number].items) + 1)

    def failed(self, number: int) -> bool:
        """Whether the data of an HDU could not be made."""
        end = len(self.hdus[number].items)
        return not self._failed.isdisjoint({(number, end), (number, end + 1)})

    def has(self, number: int, keyword: str) -> bool:
        """Whether the header of an HDU will have a keyword."""
        if is_structural(keyword):
            return any(card.keyword == keyword for card in self.encoded(number).cards)
        index = self.hdus[number].index.get(keyword)
        return index is not None and not self.card(number, index).is_missing

    def lookup(self, number: int, keyword: str) -> Value:
        """Return the value that a header will have for a keyword that it has."""
        if is_structural(keyword):
            cards = self.encoded(number).cards
            return next(card.value for card in cards if card.keyword == keyword)
        return self.card(number, self.hdus[number].index[keyword]).value

    def keywords(self, number: int) -> tuple[str, ...]:
        """Return the keywords that the template gives to a header."""
        return tuple(self.hdus[number].index)

    def report(self, key: Key, message: str, **more: Any) -> None:
        """Add a problem with an item of a header, or with the data; any thread may."""
        with self._reporting:
            self.problems.append(Problem(f"{self.name(key)}: {message}", self.place(key), **more))

    def position(self, number: int, keyword: str) -> Position | None:
        """Return where in the templates a card comes from."""
        return self.place((number, self.hdus[number].index[keyword]))

    def comment(self, number: int, keyword: str) -> str:
        """Return the comment that the template gives to a keyword."""
        return self.hdus[number].comments.get(keyword, "")

    def current(self) -> Key | None:
        """Return what is being made now."""
        return _block_of.get(None) or (self._doing[-1] if self._doing else None)

    def _card(self, key: Key, evaluation: Evaluation) -> Made:
        card = self.hdus[key[0]].items[key[1]]
        assert isinstance(card, Card)
        try:
            value = self._call(card.value, card.reads, evaluation)
        except LookupError:
            if not card.optional:
                raise
            value = None
        if card.optional and (value is None or (isinstance(value, str) and not value)):
            return MISSING
        if card.value is None and key[0] == 0 and card.keyword == "FILENAME":
            value = self._name_of_file or None
        made = Made(*plain(value))
        check_reserved(card.keyword, made.value)
        return made

    def _call(self, value: Any, reads: Sequence[str] | None, evaluation: Evaluation) -> Any:
        """Return a constant, or call a lambda with the sources that it reads."""
        if reads is None:
            return value
        return value(*[self._bind(name, evaluation) for name in reads])

    def _bind(self, name: str, evaluation: Evaluation) -> Lookup | Parameters:
        if name == "param":
            return Parameters(self._parameters, self.parameters_read, evaluation)
        return Lookup(name, self._sources.get(name, _ABSENT), evaluation)

    def _demands(self, number: int) -> Demands:
        """Return what the template demands; a lookup that found nothing demands nothing."""
        demands: dict[str, object] = {}
        for keyword, index in self.hdus[number].structural.items():
            value = self.card(number, index).value
            if value is not None and value != "":
                demands[keyword] = value
        return demands

    def _making(self, key: Key) -> _Making:
        """Stand around the making of a value: cycles are found here, and failures reported."""
        if key in self._failed:
            raise Failed
        if key in self._doing:
            self._cycle(key)
        return _Making(self, key)

    def _failure(self, key: Key, error: Exception, fallbacks: Sequence[str]) -> None:
        self._failed.add(key)
        if not isinstance(error, Failed):
            notes = tuple((one, None) for one in fallbacks)
            self.report(key, in_plain_words(error), notes=notes)

    def _cycle(self, key: Key) -> None:
        steps = [*self._doing[self._doing.index(key) :], key]
        self._failed.update(steps)
        self.report(key, "a cycle: " + " needs ".join(map(self.name, steps)))
        raise Failed

    def _keyword(self, key: Key) -> str:
        items = self.hdus[key[0]].items
        item = items[key[1]] if key[1] < len(items) else None
        return item.keyword if isinstance(item, Card) else ""

    def name(self, key: Key) -> str:
        """Return what a card, or data, is called in messages."""
        return f"{self.hdus[key[0]].name} {self._keyword(key) or 'data'}"

    def place(self, key: Key) -> Position | None:
        """Return where in the templates something comes from."""
        if self._positions is None:
            origins = self._file_type.origins
            self._positions = origins.positions() if origins else [[] for _ in self.hdus]
        places = self._positions[key[0]]
        return places[min(key[1], len(places) - 1)] if places else None

    def cost(self, what: str, size: int) -> None:
        """Take note of a whole array of so many bytes that something needs."""
        if size > NOTHING:
            self.costs.append((self.current() or (0, 0), what, size))

    def warn(self, key: Key, message: str) -> None:
        """Add a warning about an item of a header, or about the data, once."""
        if (key, message) not in self._warned:
            self._warned.add((key, message))
            self.report(key, message, severity=Severity.WARNING)


def _blocks(key: Key, encoded: Encoded) -> Iterator[Buffer | Block]:
    """Give the blocks of data, each of which knows whose it is when it is made."""
    for block in encoded.blocks():
        if isinstance(block, Block) and block.make:
            yield Block(block.size, partial(_pieces, key, block))
        else:
            yield block


def _pieces(key: Key, block: Block) -> Iterator[Buffer]:
    token = _block_of.set(key)
    try:
        yield from block.pieces()
    finally:
        _block_of.reset(token)


class _Making:
    """The making of one value, as a context; a generator would take three times as long."""

    __slots__ = ("_evaluation", "_key", "_values")

    def __init__(self, values: Values, key: Key) -> None:
        self._values = values
        self._key = key
        self._evaluation = Evaluation(values._keyword(key), key[0])

    def __enter__(self) -> Evaluation:
        self._values._doing.append(self._key)
        return self._evaluation

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._values._doing.pop()
        if isinstance(error, Exception):
            self._values._failure(self._key, error, self._evaluation.fallbacks)
            raise Failed from None


def _encode(data: object, demands: Demands, *, primary: bool) -> Encoded:
    if data is None:
        return encode_nothing(demands, primary=primary)
    from fitsgen.runtime.arrays import encode

    return encode(data, demands, primary=primary)
