"""Prints the table of figures, each line when it is there; the exit status is always 0."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import figures, history, many, memory, pixels, simulation
from benchmarks.bench import QUICK, Bench, Sizes
from benchmarks.measure import Figure, Line

COLUMNS = {
    "what : against what": 62,
    "ours, ms": 9,
    "peer, ms": 9,
    "figure": 10,
    "aim": 8,
    "": 7,
    "astropy": 11,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured, and where."""

    directory: Path | None
    only: tuple[str, ...]
    quick: bool

    def has(self, line: Line) -> bool:
        return all(word.casefold() in line.what.casefold() for word in self.only)


def main() -> None:
    """Measure, print, and add a line to the history."""
    wish = _wish()
    with tempfile.TemporaryDirectory(prefix="fitsgen-bench-", dir=wish.directory) as directory:
        known = history.facts(Path(directory), quick=wish.quick)
        print(", ".join(f"{name} {value}" for name, value in known.items()), end="\n\n")
        print(_row(*COLUMNS), _row("---", *["---:"] * (len(COLUMNS) - 1)), sep="\n", flush=True)
        measured = dict(_measured(wish, Path(directory)))
    history.append(known, measured)


def _measured(wish: Wish, directory: Path) -> Iterator[tuple[str, Figure]]:
    """Measure and print one line after another; one that fails stops no other."""
    bench = Bench.prepare(directory, QUICK if wish.quick else Sizes())
    for room in (pixels, memory, many, figures, simulation):
        for line in filter(wish.has, room.lines(bench)):
            try:
                figure = line.measure()
            except Exception as error:
                print(_row(line.what, *[""] * 4, "failed", ""), flush=True)
                print(*traceback.format_exception_only(error), sep="", file=sys.stderr)
                continue
            print(_row(line.what, *_texts(figure)), flush=True)
            yield line.what, figure


def _wish() -> Wish:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--directory", type=Path, help="where to work, such as /dev/shm")
    parser.add_argument("--only", nargs="+", default=(), help="lines with all of these words")
    parser.add_argument("--quick", action="store_true", help="small cubes and few files, to try it")
    given = parser.parse_args()
    return Wish(given.directory, tuple(given.only), given.quick)


def _texts(figure: Figure) -> tuple[str, ...]:
    """Return the texts of all columns but the first."""
    met = {None: "", True: "met", False: "not met"}[figure.aim.is_met(figure.value)]
    times = (_milliseconds(figure.ours), _milliseconds(figure.peer))
    value, other = _value(figure.value, figure.unit), _value(figure.astropy, figure.unit)
    return (*times, value, str(figure.aim), met, other)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.{2 if seconds < 0.1 else 0}f}"


def _value(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.{1 if unit else 2}f} {unit}".rstrip()


def _row(first: str, *others: str) -> str:
    """Return a line of a Markdown table, its columns of the same width for the terminal."""
    width, *widths = COLUMNS.values()
    cells = [f"{first:{width}}", *(f"{t:>{w}}" for t, w in zip(others, widths, strict=True))]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
