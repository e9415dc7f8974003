"""What is measured, and against what: each function gives lines of the table.

In: a `Bench`, a directory with a raw exposure. Out: `Figure`s.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import pyparsing_reader
from benchmarks.measure import Figure, alone, call, compared, prepared, process
from fitsgen import compiler, library
from fitsgen.inputs.fits import FitsFile
from fitsgen.inputs.sources import FitsSource
from fitsgen.runtime import declare
from fitsgen.runtime.build import build
from fitsgen.runtime.declare import FORMAT, HDU, Blank, FileType, Heading, Item
from fitsgen.syntax.nodes import Card, logical

NAME = "nirspec_ifu_level1b"
PYTHON = sys.executable

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


@dataclass(frozen=True, slots=True)
class Bench:
    """A directory that is gone afterwards, a raw exposure, and the template."""

    directory: Path
    raw: Path
    template: Path

    @classmethod
    def prepare(cls, directory: Path) -> Bench:
        """Make a raw exposure of few pixels; compiled modules are kept in the directory."""
        from fitsgen.simulate.raw import Exposure, nirspec_ifu

        os.environ["FITSGEN_CACHE"] = str(directory / "cache")
        raw = directory / "raw.fits"
        nirspec_ifu(Exposure(rows=8, columns=8)).writeto(raw)
        return cls(directory, raw, library.find(NAME))


def figures(bench: Bench) -> Iterator[Figure]:
    """Measure everything, one line of the table after another."""
    yield from _compiling(bench)
    yield from _loading()
    yield from _header(bench)
    yield from _processes(bench)
    yield from _many(bench)


def _compiling(bench: Bench) -> Iterator[Figure]:
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
    yield compared(f"read {NAME}: pyparsing line parser", reader, call(peer), 0.2, 15)
    check = call(lambda: compiler.module_text(compiler.check(bench.template, compiler.reader())))
    yield compared("compile it to module text: pyparsing reading", check, call(peer), 1.0, 11)


def _plain(tree: Any, card: Card) -> pyparsing_reader.Card:
    texts = [logical(tree, s).text if s else "" for s in (card.keyword, card.value, card.comment)]
    keyword, value, comment = (text.strip() for text in texts)
    return pyparsing_reader.Card(keyword, value, comment[1:].strip(), card.optional)


def _loading() -> Iterator[Figure]:
    """Load from a warm cache, the first load of a process."""
    compiler.load(NAME)

    def first(before: str) -> float:
        command = [PYTHON, "-c", LOAD.format(before=before)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    yield alone("load it from the cache, new process", lambda: first(""), 5.0, 9)
    yield alone("... once NumPy is imported", lambda: first("import numpy"), 5.0, 9)


def _header(bench: Bench) -> Iterator[Figure]:
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

    def assign() -> None:
        made = fits.Header()
        for keyword, value, comment in cards:
            made[keyword] = (value, comment)
        made.tostring()

    ours = prepared(lambda: FitsFile.open(bench.raw), make)
    what = f"make its header of {len(cards)} cards: astropy header[keyword] = ..."
    ready = prepared(lambda: _ready(header), lambda one: build(one, {}, {}))
    yield compared(what, ready, call(assign), 0.1, 31)
    yield compared("... with every lookup in the input", ours, call(assign), 0.1, 31)
    build_list = call(lambda: fits.Header([fits.Card(*card) for card in cards]).tostring())
    yield compared("... astropy Header(list of cards)", ours, build_list, None, 31)


def _ready(header: Any) -> FileType:
    """Return a file type whose values are all known, and none of it rendered before."""
    items = [_item(card) for card in header.cards]
    return FileType("ready", HDU("primary", *items), format=FORMAT)


def _item(card: Any) -> Item:
    if card.keyword:
        return declare.Card(card.keyword, card.value, card.comment)
    return Heading(card.value) if card.value else Blank()


def _processes(bench: Bench) -> Iterator[Figure]:
    """Run whole processes: start, imports, work and end."""
    script = Path(sysconfig.get_path("scripts"), "fitsgen")
    fitsgen = [PYTHON, str(script)] if script.exists() else [PYTHON, "-m", "fitsgen"]
    empty = process([PYTHON, "-c", "pass"])
    yield compared("fitsgen --help: python -c pass", process([*fitsgen, "--help"]), empty, 5.0, 15)

    made = bench.directory / "made.fits"
    template, raw = _header_only(bench)
    convert = [*fitsgen, "convert", str(raw), "-t", str(template), "-o", str(made), "--overwrite"]
    astropy = process([PYTHON, "-c", "import astropy.io.fits"])
    what = "convert a header-only file: import astropy.io.fits"
    yield compared(what, process(convert), astropy, 1.5, 9)


def _header_only(bench: Bench) -> tuple[Path, Path]:
    """Write the template's primary header as a file type, and the raw header without pixels."""
    from astropy.io import fits

    text = bench.template.read_text(encoding="utf-8")
    template = bench.directory / "headers.gen.txt"
    primary = text[: text.index("#include 'science.gen.inc'")]
    template.write_text(primary.replace(NAME, "headers"))
    raw = bench.directory / "raw_header.fits"
    fits.PrimaryHDU(header=fits.getheader(bench.raw)).writeto(raw)
    return template, raw


def _many(bench: Bench) -> Iterator[Figure]:
    """Convert a proposal of 200 small exposures anew, with two jobs and with one."""
    directory = bench.directory / "many"
    _proposal(directory, 200)
    run = [PYTHON, "-m", "fitsgen", "proposal", str(directory), "--jobs"]

    def clear() -> None:
        for path in (*directory.glob("*_uncal.fits"), *directory.glob("*.made")):
            path.unlink()

    two, one = (process([*run, jobs], clear) for jobs in ("2", "1"))
    yield compared("200 exposures of a proposal, --jobs 2: --jobs 1", two, one, 0.59, 5)


def _proposal(directory: Path, count: int) -> None:
    """Write raw exposures of 64 rows and columns, and the proposal that plans them."""
    from fitsgen.simulate.raw import Exposure, nirspec_ifu

    directory.mkdir()
    for number in range(count):
        nirspec_ifu(Exposure(seed=number)).writeto(directory / f"{number}.fits")
    levels = "Proposal Observation Visit VisitGroup ParallelSequenceID Activity".split()
    exposures = [
        f'<Exposure><Detector base="{number}.fits" exp_type="NRS_IFU"/></Exposure>'
        for number in range(count)
    ]
    begin, end = (f"<{level}>" for level in levels), (f"</{level}>" for level in reversed(levels))
    (directory / "01234.prop").write_text("".join((*begin, *exposures, *end)))
