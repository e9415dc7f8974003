"""A template to a compiled module, a module to a header, and how long whole processes take.

In: a `Bench`. Out: lines of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks import pyparsing_reader
from benchmarks.bench import NAME, PYTHON, Bench, command, remove
from benchmarks.many import assigned
from benchmarks.measure import AtMost, Line, alone, call, compared, prepared, process, told
from fitsgen import compiler, library
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.sources import FitsSource
from fitsgen.runtime import declare
from fitsgen.runtime.build import build
from fitsgen.runtime.declare import FORMAT, HDU, Blank, FileType, Heading, Item
from fitsgen.syntax.nodes import Card, logical

# Prints the milliseconds that the first load of a file type takes, in a process that has
# imported what the command line imports before it.
LOAD = f"""
import sys, time
from fitsgen.compiler import load
from fitsgen.runtime import convert
{{before}}
start = time.perf_counter()
load({NAME!r})
print(time.perf_counter() - start)
found = {{{{"lark", "jinja2"}}}} & set(sys.modules)
assert not found, found
"""


def lines(bench: Bench) -> Iterator[Line]:
    """Give the lines of compiling, loading, one header and whole processes."""
    yield from _compiling(bench)
    yield from _loading()
    yield from _header(bench)
    yield from _processes(bench)


def _compiling(bench: Bench) -> Iterator[Line]:
    """Read and compile with a new reader every time; imports and grammars are there before."""
    roots = [library.includes_directory()]

    def peer() -> list[pyparsing_reader.Card]:
        return pyparsing_reader.read(bench.template, roots)

    def read() -> list[pyparsing_reader.Card]:
        spliced, _ = compiler.reader().splice(bench.template, bench.template.name)
        return [_plain(line.tree, line.node) for line in spliced.lines if type(line.node) is Card]

    if read() != peer():
        raise AssertionError("the two readers find different cards")
    reader = call(lambda: compiler.reader().splice(bench.template, bench.template.name))
    what = f"read {NAME}: pyparsing line parser"
    yield Line(what, partial(compared, reader, call(peer), AtMost(0.2), 15))
    check = call(lambda: compiler.module_text(compiler.check(bench.template, compiler.reader())))
    what = "compile it to module text: pyparsing reading"
    yield Line(what, partial(compared, check, call(peer), AtMost(1.0), 11))


def _plain(tree: Any, card: Card) -> pyparsing_reader.Card:
    texts = [logical(tree, s).text if s else "" for s in (card.keyword, card.value, card.comment)]
    keyword, value, comment = (text.strip() for text in texts)
    return pyparsing_reader.Card(keyword, value, comment[1:].strip(), card.optional)


def _loading() -> Iterator[Line]:
    """Load from a warm cache, the first load of a process."""
    compiler.load(NAME)

    def first(before: str) -> float:
        loading = [PYTHON, "-c", LOAD.format(before=before)]
        return float(told(loading))

    aim = AtMost(5.0)
    yield Line("load it from the cache, new process", partial(alone, partial(first, ""), aim, 9))
    numpy = partial(first, "import numpy")
    yield Line("load it once NumPy is imported", partial(alone, numpy, aim, 9))


def _header(bench: Bench) -> Iterator[Line]:
    """Make the primary header, as the peer does from values that are ready, and of one more file.

    For one more file the cards of constants were rendered with the first, as in a night of
    exposures; the input is opened anew for each, so its cards are parsed again.
    """
    from astropy.io import fits

    primary = FileType(NAME, compiler.load(NAME).file_type.hdus[0], format=FORMAT)

    def make(file: FitsFile) -> bytes:
        return build(primary, {"input": FitsSource(file)}, {}, name="made.fits").parts[0].header

    with FitsFile.open(bench.raw) as file:
        header = fits.Header.fromstring(make(file).decode("ascii"))
    cards = [(card.keyword, card.value, card.comment) for card in header.cards]

    assign = call(lambda: assigned(cards).tostring())
    ours = prepared(lambda: FitsFile.open(bench.raw), make)
    ready = prepared(lambda: _ready(header), lambda one: build(one, {}, {}))
    what = f"make its header of {len(cards)} cards: astropy "
    tenth, assigning = AtMost(0.1), "header[keyword] = ..."
    yield Line(what + assigning, partial(compared, ready, assign, tenth, 31))
    what = "make it with every lookup: astropy "
    yield Line(what + assigning, partial(compared, ours, assign, tenth, 31))
    together = call(lambda: fits.Header([fits.Card(*card) for card in cards]).tostring())
    yield Line(what + "Header(list of cards)", partial(compared, ours, together, AtMost(), 31))


def _ready(header: Any) -> FileType:
    """Return a file type whose values are all known, and none of it rendered before."""
    items = [_item(card) for card in header.cards]
    return FileType("ready", HDU("primary", *items), format=FORMAT)


def _item(card: Any) -> Item:
    if card.keyword:
        return declare.Card(card.keyword, card.value, card.comment)
    return Heading(card.value) if card.value else Blank()


def _processes(bench: Bench) -> Iterator[Line]:
    """Run whole processes: start, imports, work and end."""
    fitsgen = command()
    empty = process([PYTHON, "-c", "pass"])
    helped = process([*fitsgen, "--help"])
    yield Line("fitsgen --help: python -c pass", partial(compared, helped, empty, AtMost(5.0), 15))

    template, raw = bench.headers_only()
    convert = [*fitsgen, "convert", str(raw), "-t", str(template), "-o", str(bench.made)]
    ours = process(convert, partial(remove, [bench.made]))
    astropy = process([PYTHON, "-c", "import astropy.io.fits"])
    what = "convert a header-only file: import astropy.io.fits"
    yield Line(what, partial(compared, ours, astropy, AtMost(1.5), 9))
