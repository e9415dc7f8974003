"""What computations cost that need a whole array at once, told to whoever wants to know."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeAlias

Teller: TypeAlias = Callable[[str, int], None]
"""Takes what needed a whole array, and how many bytes that takes."""

_teller: ContextVar[Teller] = ContextVar("_teller")


@contextlib.contextmanager
def costs_told(teller: Teller) -> Iterator[None]:
    """Tell of each whole array that is made within."""
    token = _teller.set(teller)
    try:
        yield
    finally:
        _teller.reset(token)


def tell(what: str, size: int) -> None:
    """Tell of a whole array of so many bytes."""
    if teller := _teller.get(None):
        teller(what, size)
