"""Many small files: headers in one process, and the exposures of a proposal in two.

In: a `Bench`. Out: lines of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import PYTHON, Bench, remove, sync
from benchmarks.measure import AtLeast, Figure, Line, call, compared, process
from fitsgen import compile_template
from fitsgen.runtime.convert import Options, convert


def lines(bench: Bench) -> Iterator[Line]:
    """Give the lines of many files."""
    headers, exposures = bench.sizes.headers, bench.sizes.exposures
    what = f"{headers} header-only conversions: astropy, the same cards"
    yield Line(what, partial(_headers, bench))
    what = f"{exposures} small exposures, 2 processes: 1 process"
    yield Line(what, partial(_exposures, bench.directory / "many", exposures))


def _headers(bench: Bench) -> Figure:
    """Convert one raw header again and again; it is opened anew for each file.

    Astropy has the values ready, assigns them one by one, and writes and syncs as we do.
    """
    from astropy.io import fits

    template, raw = bench.headers_only()
    file_type = compile_template(template)
    directory = bench.directory / "headers"
    directory.mkdir()
    made = [directory / f"{number}.fits" for number in range(bench.sizes.headers)]

    def ours() -> None:
        for path in made:
            convert(file_type, (raw,), {}, Options(path))

    convert(file_type, (raw,), {}, Options(made[0]))
    cards = [(card.keyword, card.value, card.comment) for card in fits.getheader(made[0]).cards]

    def peer() -> None:
        for path in made:
            fits.PrimaryHDU(header=assigned(cards)).writeto(path)
            sync(path)

    fresh = partial(remove, made)
    return compared(call(ours, fresh), call(peer, fresh), AtLeast(10.0))


def assigned(cards: list[tuple[str, Any, str]]) -> Any:
    """Return an astropy header to which cards were assigned one by one."""
    from astropy.io import fits

    header = fits.Header()
    for keyword, value, comment in cards:
        header[keyword] = (value, comment)
    return header


def _exposures(directory: Path, count: int) -> Figure:
    """Convert a proposal of small exposures anew, with two processes and with one."""
    _proposal(directory, count)

    def clear() -> None:
        remove([*directory.glob("*_uncal.fits"), *directory.glob("*.made")])

    two, one = (process(_command(directory, jobs), clear) for jobs in (2, 1))
    return compared(two, one, AtLeast(1.8))


def _command(directory: Path, jobs: int) -> list[str]:
    return [PYTHON, "-m", "fitsgen", "proposal", str(directory), "--jobs", str(jobs)]


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
