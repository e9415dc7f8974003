"""`np.random`, as expressions see it: seeded generators, and nothing that draws from a shared one.

In: a seed. Out: `Generator`, whose numbers are those of NumPy's for that seed.
"""

from __future__ import annotations

from typing import Any

METHODS = frozenset(
    "binomial choice exponential gamma integers lognormal normal permutation poisson random "
    "standard_normal triangular uniform".split()
)
"""What a generator is asked for: the rest writes into arrays, or leads to how it works."""


class Generator:
    """A generator of NumPy; its text does not depend on where it is in memory."""

    __slots__ = ("_generator",)

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(f"a random generator has no {name}")
        return getattr(self._generator, name)

    def __repr__(self) -> str:
        return "<random generator>"


def default_rng(seed: Any) -> Generator:
    """Return NumPy's generator for a seed: a whole number, or a list of them.

    Raises
    ------
    ValueError
        There is no seed: the file could not be made again.

    """
    if seed is None or seed == "":
        raise ValueError(f"np.random.default_rng needs a seed, and got {seed!r}")
    import numpy

    return Generator(numpy.random.default_rng(seed))
