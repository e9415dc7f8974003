"""A template or a FITS file as text to read: templates spliced, FITS files as templates.

In: a path. Out: lines. A template made from a FITS file makes that file again
from the file itself.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path

from fitsgen.inputs.cards import CardText
from fitsgen.inputs.fits import FitsFile, InputHDU, Kind
from fitsgen.runtime.structural import is_checksum
from fitsgen.syntax.includes import Spliced
from fitsgen.syntax.nodes import Section

# What the data says of itself: a template that leaves it open fits other exposures too.
_OPEN = re.compile(
    r"NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|THEAP|(TFORM|TBCOL|TDIM|TZERO|TSCAL|ZNAXIS|ZTILE)\d+"
)
_COMPRESSION = re.compile(
    r"ZIMAGE|ZSIMPLE|ZEXTEND|ZTENSION|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZNAME\d+|ZVAL\d+|ZPCOUNT|ZGCOUNT|"
    r"ZHECKSUM|ZDATASUM|ZQUANTIZ|ZDITHER0|ZBLANK|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|"
    r"THEAP|(TTYPE|TFORM|TUNIT|TNULL)\d+"
)


def spliced_lines(spliced: Spliced) -> Iterator[str]:
    """Give the lines of a template with its includes in place, each after its origin."""
    places = [str(line.position()).rpartition(":")[0] for line in spliced.lines]
    width = max(map(len, places), default=0)
    for place, line in zip(places, spliced.lines, strict=True):
        start, end = line.node.span
        first, *more = line.tree.text[start:end].split("\n")
        if isinstance(line.node, Section):
            yield ""
        yield f"{place:{width}} | {first}".rstrip()
        yield from (f"{'':{width}} | {text}".rstrip() for text in more)


def fits_as_template(path: Path) -> Iterator[str]:
    """Give the lines of a template that makes a FITS file again from the file itself.

    Raises
    ------
    InputError
        The file cannot be read.

    """
    with FitsFile.open(path) as file:
        yield f"# The cards of {path.name} as they were; its data come from the input."
        yield f"<<file {_name(path.name.split('.')[0])}>>"
        names: list[str] = []
        for number, hdu in enumerate(file):
            name = _name(hdu.name.lower() or ("primary" if number == 0 else f"extension_{number}"))
            while name in names:
                name += "_"
            names.append(name)
            yield ""
            yield f"<<header {name}>>"
            yield from _header(hdu)
            if hdu.kind is not Kind.OTHER and hdu.shape:
                yield ""
                yield "<<data>>"
                yield f"input[{number}].data"


def _header(hdu: InputHDU) -> Iterator[str]:
    seen: set[str] = set()
    compressed = hdu.kind is Kind.COMPRESSED
    for card in hdu.header.cards():
        if compressed and _COMPRESSION.fullmatch(card.keyword):
            continue
        if card.keyword in seen and card.keyword not in ("COMMENT", "HISTORY", ""):
            yield f"# a second {card.keyword}, which a header cannot have: {card.value!r}"
            continue
        seen.add(card.keyword)
        yield _line(card)


def _line(card: CardText) -> str:
    comment = f" / {card.comment}".rstrip("\\ ") if card.comment else ""
    match card.keyword:
        case "":
            return f"/ {str(card.value).rstrip(chr(92))}" if str(card.value).strip() else ""
        case "COMMENT" | "HISTORY":
            return f"{card.keyword:8} = {card.value!r}"
        case name if _OPEN.fullmatch(name) or is_checksum(name):
            return f"{name:8} ={comment}"
    return f"{card.keyword:8} = {_literal(card.value)}".rstrip() + comment


def _literal(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "T" if value else "F"
    return repr(value)


def _name(text: str) -> str:
    """Return a text as a name: letters, digits and _, not beginning with a digit."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if not name or name[0].isdigit() or keyword.iskeyword(name):
        name = f"_{name}"
    return name
