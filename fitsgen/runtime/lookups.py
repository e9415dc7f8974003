"""What `input`, `output`, `param` and the data files are to an expression.

In: the sources. Out: for each expression a small view of each source it reads,
which knows which keyword it is asked for and keeps a note of every lookup that
found nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fitsgen.inputs.sources import HDUKey, Source
from fitsgen.namespace import APT


@dataclass(slots=True)
class Evaluation:
    """The evaluation of one expression: for which card it is, and what it did not find."""

    keyword: str
    hdu: int
    fallbacks: list[str] = field(default_factory=list)


class Lookup:
    """A source as one expression sees it: called with a keyword, or indexed by an HDU."""

    __slots__ = ("_evaluation", "_name", "_source")

    def __init__(self, name: str, source: Source, evaluation: Evaluation) -> None:
        self._name = name
        self._source = source
        self._evaluation = evaluation

    def __call__(
        self, keyword: str | None = None, hdu: HDUKey | None = None, default: object = ""
    ) -> object:
        """Return the value of a keyword, or `default` where it is not found.

        Without a keyword: that of the same card in the same-numbered HDU.
        Without an HDU: the same-numbered one, and where that has none the primary.
        """
        if self._name == APT and hdu is not None:
            hdu, default = None, hdu  # a proposal has no HDUs
        own = self._evaluation.hdu
        places: tuple[HDUKey, ...]
        if hdu is not None:
            places = (hdu,)
        elif keyword is None:
            places = (own,)
        else:
            places = (own, 0)
        wanted = self._evaluation.keyword if keyword is None else keyword
        if not isinstance(wanted, str):
            raise TypeError(f"{self._name}({wanted!r}): a keyword is text")
        for place in places:
            found, value = self._source.find(wanted, place)
            if found:
                return value
        where = "" if hdu is None else f", {hdu!r}"
        lookup = f"{self._name}({wanted!r}{where})"
        self._evaluation.fallbacks.append(f"{lookup} found nothing and gave {default!r}")
        return default

    def __getitem__(self, key: HDUKey) -> Any:
        """Return an HDU."""
        try:
            return self._source.hdu(key)
        except LookupError as error:
            raise LookupError(f"{self._name}[{key!r}]: {error}") from None

    def __contains__(self, key: object) -> bool:
        try:
            self._source.hdu(key)  # type: ignore[arg-type]
        except LookupError:
            return False
        return True

    def __iter__(self) -> Iterator[Any]:
        return (self._source.hdu(number) for number in range(len(self._source)))

    def __len__(self) -> int:
        return len(self._source)

    def __repr__(self) -> str:
        return f"<{self._name}>"


class Parameters:
    """`param`: the values given with `--set`, or in the call."""

    __slots__ = ("_evaluation", "_read", "_values")

    def __init__(
        self, values: Mapping[str, object], read: set[str], evaluation: Evaluation
    ) -> None:
        self._values = values
        self._read = read  # the names that were asked for, gathered over the whole file
        self._evaluation = evaluation

    def __call__(self, name: str | None = None, default: object = "") -> object:
        """Return a parameter, or `default` where it was not given."""
        wanted = self._evaluation.keyword if name is None else name
        self._read.add(wanted)
        if wanted in self._values:
            return self._values[wanted]
        self._evaluation.fallbacks.append(f"param({wanted!r}) found nothing and gave {default!r}")
        return default

    def __repr__(self) -> str:
        return "<param>"
