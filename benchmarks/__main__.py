"""Prints the table of figures, each line when it is there; the exit status is always 0."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from benchmarks.figures import Bench, figures

HEADINGS = ("what : against what", "ours ms", "peer ms", "ratio", "aim", "")
WIDTHS = (62, 9, 9, 9, 7, 8)


def main() -> None:
    """Measure and print."""
    print(_line(HEADINGS))
    print("-" * sum(WIDTHS))
    with tempfile.TemporaryDirectory(prefix="fitsgen-bench-") as directory:
        try:
            for figure in figures(Bench.prepare(Path(directory))):
                print(_line(figure.row()), flush=True)
        except Exception:
            traceback.print_exc()


def _line(texts: tuple[str, ...]) -> str:
    first, *rest = zip(texts, WIDTHS, strict=True)
    return (f"{first[0]:{first[1]}}" + "".join(f"{t:>{w}}" for t, w in rest)).rstrip()


if __name__ == "__main__":
    main()
