"""What is fuzzed: each target a function that takes bytes, and what finds a way into it.

In: nothing. Out: `TARGETS`. A target returns where the bytes were read or refused as a user
is told; whatever else it raises is a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz import compiling, headers, mutate, reading

CORPUS = Path(__file__).with_name("corpus")
WORDS = CORPUS.with_name("words")


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes bytes.

    words
        The dictionaries of what its texts are made of, in the directory `words`.
    mutate
        Changes a text or file as a whole, keeping it near to a right one.
    shares
        The target whose corpus it has, where it reads the same kind of thing.
    weight
        How many times as long as others it is fuzzed.
    """

    name: str
    run: Callable[[bytes], None]
    max_length: int
    words: tuple[str, ...] = ()
    mutate: mutate.Mutate | None = None
    shares: str = ""
    weight: int = 1

    @property
    def corpus(self) -> Path:
        """The directory of its inputs."""
        return CORPUS / (self.shares or self.name)

    def dictionary(self) -> str:
        """Return the words as the fuzzer reads them."""
        return "".join(WORDS.joinpath(f"{name}.dict").read_text("ascii") for name in self.words)

    def inputs(self) -> list[Path]:
        """Return the files of the corpus in order."""
        return sorted(path for path in self.corpus.iterdir() if path.is_file())


TARGETS = (
    Target(
        "template", compiling.template, 1000, ("template", "expression"), mutate.lines, weight=3
    ),
    Target("rules", compiling.rules, 700, ("template", "expression"), mutate.lines),
    Target("expression", compiling.expression, 1000, ("expression",), mutate.expression, weight=3),
    Target("datafile", reading.data_file, 1000, ("template",), mutate.lines, weight=3),
    Target("fits", reading.fits, 6 * 2880, ("fits",), mutate.fits, weight=3),
    Target("standard", reading.standard, 6 * 2880, ("fits",), mutate.fits, "fits"),
    Target("cards", headers.cards, 10 * 80, ("fits",), mutate.cards),
    Target("proposal", reading.proposal, 2500, ("xml",), mutate.archive),
    Target("path", reading.path_in_xml, 400, ("path",)),
    Target("exposures", reading.exposures, 3000, ("xml", "exposures"), mutate.elements),
    Target("record", reading.record, 2500, ("manifest",), mutate.lines),
    Target("manifest", reading.manifest, 1500, ("manifest",), mutate.lines),
)
