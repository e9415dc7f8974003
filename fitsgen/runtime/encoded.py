"""Data made ready for a FITS file, as the other modules pass it on.

In: what a template demands of the structural keywords. Out: `Encoded`, the structural
cards of one HDU with the means to get its data bytes, and the HDU that has no data.
NumPy is not needed here, so that a file of headers alone never loads it.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview
CardValue: TypeAlias = str | bool | int | float | None
Demands: TypeAlias = Mapping[str, object]


class DataError(ValueError):
    """Data that cannot be stored as it is, or as the template demands; says why in plain words."""


@dataclass(frozen=True, slots=True)
class StructuralCard:
    """A card that describes the data; the comment is a default that a template may replace."""

    keyword: str
    value: CardValue
    comment: str


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that are yet to be made, at any time and by any thread.

    make: gives them in pieces that add up to `size`; None stands for zeros.
    """

    size: int
    make: Callable[[], Iterable[Buffer]] | None = None

    def pieces(self) -> Iterator[Buffer]:
        """Make the bytes."""
        if self.make:
            yield from self.make()
            return
        for start in range(0, self.size, len(_ZEROS)):
            yield memoryview(_ZEROS)[: self.size - start]


_ZEROS = bytes(1 << 16)


class Route(enum.Enum):
    """How data comes to its place in the file."""

    COPIED = "the bytes of the input, copied"
    COMPUTED = "read, computed and written in pieces"
    REPEATED = "one value, repeated"
    MEMORY = "an array in memory"
    ROWS = "rows of a table, in pieces"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One HDU's data.

    cards: in the order that FITS Standard 4.0, sections 4.4.1 and 7 demand.
    size: bytes of data, without the padding to a multiple of 2880.
    fill: the byte that the data is padded with.
    blocks: gives the data in blocks of any size that add up to `size`, made or yet to be made;
        may be called again.
    is_certain: whether no block fails, nor is doubtful, for what its values are.
    """

    cards: tuple[StructuralCard, ...]
    size: int = 0
    fill: bytes = b"\0"
    blocks: Callable[[], Iterator[Buffer | Block]] = lambda: iter(())
    is_certain: bool = True
    route: Route = Route.MEMORY

    def pieces(self) -> Iterator[Buffer]:
        """Make the data, in pieces that follow each other."""
        for block in self.blocks():
            if isinstance(block, Block):
                yield from block.pieces()
            else:
                yield block


def encode_nothing(demands: Demands, *, primary: bool) -> Encoded:
    """Return an HDU without data: a primary header, an empty image or an empty table.

    Demands for BITPIX and NAXIS are passed over, since the compiler has warned of them.

    Raises:
        DataError: where XTENSION is unknown, or columns are demanded.
    """
    kind = extension_kind(demands)
    if primary or kind in ("", "IMAGE"):
        scaling = tuple(c for k in ("BSCALE", "BZERO") for c in demanded_card(demands, k))
        return Encoded(leading_cards("IMAGE", 8, (), primary=primary) + scaling)
    if demanded_integer(demands, "TFIELDS") or any(k.startswith("TFORM") for k in demands):
        raise DataError(
            f"the template asks for columns, but the {kind} has no data;"
            " a dict of columns without rows will do: {'TIME': np.zeros(0)}"
        )
    fields = StructuralCard("TFIELDS", 0, "number of columns")
    fill = b" " if kind == "TABLE" else b"\0"
    return Encoded((*leading_cards(kind, 8, (0, 0), primary=False), fields), fill=fill)


def leading_cards(
    kind: str, bitpix: int, shape: Sequence[int], *, primary: bool, heap: int = 0
) -> tuple[StructuralCard, ...]:
    """Return the cards from SIMPLE or XTENSION up to EXTEND or GCOUNT.

    Parameters:
        kind: IMAGE, BINTABLE or TABLE; means nothing for a primary HDU.
        shape: in NumPy's order, so that the last axis is NAXIS1.
        heap: bytes that follow a table's rows.

    Source: FITS Standard 4.0, section 4.4.1.
    """
    first = (
        StructuralCard("SIMPLE", True, "conforms to the FITS standard")
        if primary
        else StructuralCard("XTENSION", kind, _KINDS[kind])
    )
    size_of = _TABLE_AXES if kind in TABLE_KINDS else ()
    axes = [
        StructuralCard(f"NAXIS{n}", length, size_of[n - 1] if size_of else f"length of axis {n}")
        for n, length in enumerate(reversed(shape), 1)
    ]
    last = [
        StructuralCard("PCOUNT", heap, "bytes after the rows" if size_of else "no parameters"),
        StructuralCard("GCOUNT", 1, "one group"),
    ]
    if primary:
        last = [StructuralCard("EXTEND", True, "extensions may follow")]
    return (
        first,
        StructuralCard("BITPIX", bitpix, _BITPIX[bitpix]),
        StructuralCard("NAXIS", len(shape), "number of axes"),
        *axes,
        *last,
    )


TABLE_KINDS = ("BINTABLE", "TABLE")
_KINDS = {"IMAGE": "image extension", "BINTABLE": "binary table", "TABLE": "ASCII table"}
_TABLE_AXES = ("length of a row in bytes", "number of rows")
_BITPIX = {
    8: "8 bits",
    16: "16-bit integers",
    32: "32-bit integers",
    64: "64-bit integers",
    -32: "32-bit floating point",
    -64: "64-bit floating point",
}


def extension_kind(demands: Demands) -> str:
    """Return the demanded XTENSION, without trailing blanks, or '' where none is."""
    kind = demands.get("XTENSION")
    if kind is None:
        return ""
    name = kind.rstrip() if isinstance(kind, str) else ""
    if name not in _KINDS:
        raise DataError(f"XTENSION = {kind!r} is none of 'IMAGE', 'BINTABLE', 'TABLE'")
    return name


def demanded_integer(demands: Demands, keyword: str) -> int | None:
    """Return the integer demanded for a keyword, or None where there is no demand."""
    value = demands.get(keyword)
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise DataError(f"{keyword} = {value!r} is not an integer")
    return operator.index(value)


def demanded_number(demands: Demands, keyword: str) -> int | float | None:
    """Return the number demanded for a keyword, or None where there is no demand."""
    value = demands.get(keyword)
    if value is None:
        return None
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        return operator.index(value)
    if not isinstance(value, bool) and hasattr(value, "__float__") and not isinstance(value, str):
        return float(value)
    raise DataError(f"{keyword} = {value!r} is not a number")


def demanded_card(demands: Demands, keyword: str) -> tuple[StructuralCard, ...]:
    """Return the card of a demanded number (BZERO, BSCALE), or nothing."""
    value = demanded_number(demands, keyword)
    return () if value is None else (StructuralCard(keyword, value, SCALING_COMMENTS[keyword]),)


SCALING_COMMENTS = {"BSCALE": "scale of the stored values", "BZERO": "offset of the stored values"}


def check_demands(
    cards: Sequence[StructuralCard], demands: Demands, keywords: Sequence[str]
) -> None:
    """Raise DataError for the first of `keywords` that is demanded unlike the card made.

    A keyword that ends in `n` stands for all its numbered forms.
    """
    found = {card.keyword: card.value for card in cards}
    for keyword, value in demands.items():
        stem = keyword.rstrip("0123456789")
        named = keyword in keywords or (stem != keyword and f"{stem}n" in keywords)
        if value is None or not named:
            continue
        if keyword not in found:
            raise DataError(f"{keyword} = {value!r} is demanded, but the data has none")
        if not _same(value, found[keyword]):
            raise DataError(
                f"{keyword} = {value!r} is demanded, but the data has {found[keyword]!r}"
            )


def _same(demanded: object, found: CardValue) -> bool:
    if isinstance(demanded, str) and isinstance(found, str):
        return demanded.rstrip() == found.rstrip()
    return demanded == found and isinstance(demanded, bool) == isinstance(found, bool)
