"""Runs random expressions that compile, and tells what they did besides computing.

Run as a program, for hooks of `sys.addaudithook` stay until the end. It prints, as JSON, how many
were made, compiled and evaluated, and what went wrong.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy
from astropy.io import fits
from expression_oracle import Watch, is_harmless
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from strategies_expressions import expressions

from fitsgen import compiler
from fitsgen.check.expressions import check_expression
from fitsgen.check.python_syntax import parse_expression
from fitsgen.diagnostics import Source
from fitsgen.inputs import open_inputs
from fitsgen.runtime.evaluate import Failed, Values
from fitsgen.syntax.nodes import Span, Tree, line_starts, logical
from fitsgen.syntax.parser import parse

MOST_MEMORY = 4 << 30


def is_allowed(text: str) -> bool:
    """Whether a template can have an expression in a line of data."""
    tree = Tree(Source("t"), text, (), line_starts(text))
    expression, problems = parse_expression(logical(tree, Span(0, len(text))))
    found = [*problems, *(check_expression(expression) if expression else ())]
    return not any(problem.is_error for problem in found)


def is_one_line(text: str) -> bool:
    """Whether the grammar takes a text for one line of data."""
    _, problems = parse(f"<<file t>>\n<<header a>>\n<<data>>\n{text}\n", Source("t"))
    return "\n" not in text and not problems


class Runs:
    """What became of the expressions that were made."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made = self.compiled = self.evaluated = 0
        self.wrong: set[str] = set()
        self.watch = Watch()
        events = fits.BinTableHDU.from_columns(
            [fits.Column("F", "D", array=[1.0, 2.0]), fits.Column("N", "3A", array=["a", "b"])],
            name="EVENTS",
        )
        image = fits.PrimaryHDU(numpy.arange(6, dtype="u2").reshape(2, 3))
        image.header["A"] = "value"
        science = fits.ImageHDU(numpy.ones((2, 2), "f4"))
        fits.HDUList([image, science, events]).writeto(directory / "in.fits")

    def run(self, texts: list[str]) -> None:
        self.made += len(texts)
        texts = [text for text in texts if is_allowed(text) and is_one_line(text)]
        lines = ["<<file cases>>", "<<header primary>>", "A = 1"]
        for number, text in enumerate(texts):
            lines += [f"<<header d{number}>>", "<<data>>", text]
        template = self.directory / "cases.gen.txt"
        template.write_text("\n".join(lines) + "\n")
        file_type = compiler.load(str(template)).file_type
        self.compiled += len(texts)
        with open_inputs([self.directory / "in.fits"]) as inputs:
            values = Values(file_type, inputs.sources, {"seed": 1})
            values.place((0, 0))  # reads the template, as it does for the first failure
            for number, text in enumerate(texts, 1):
                self.evaluate(values, number, text)

    def evaluate(self, values: Values, number: int, text: str) -> None:
        self.watch.what = text
        result: Any = None
        try:
            result = values.data(number)
            self.evaluated += 1
        except Failed:
            pass
        except Exception as error:
            self.wrong.add(f"{text}: {type(error).__name__}: {error}"[:300])
        finally:
            self.watch.what = ""
        if not is_harmless(result):
            self.wrong.add(f"{text} gives {type(result).__name__}")


def main(examples: int, number: int) -> None:
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    with tempfile.TemporaryDirectory() as directory:
        runs = Runs(Path(directory))
        mixed = st.one_of(expressions(strange=False), expressions())

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(mixed, min_size=30, max_size=30))
        def run(texts: list[str]) -> None:
            runs.run(texts)

        run()
    wrong = sorted({*runs.wrong, *runs.watch.events})
    figures = {"made": runs.made, "compiled": runs.compiled, "evaluated": runs.evaluated}
    print(json.dumps({**figures, "wrong": wrong}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
