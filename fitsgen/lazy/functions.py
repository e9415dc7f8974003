"""Which of NumPy's functions a lazy array can go through piece by piece, as visible tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Function = Callable[..., Any]

VIEWS: frozenset[Function] = frozenset(
    (
        *(np.broadcast_to, np.expand_dims, np.flip, np.fliplr, np.flipud, np.moveaxis),
        *(np.rollaxis, np.rot90, np.squeeze, np.swapaxes, np.transpose),
    )
)
"""Functions of an array, and more that is no array, that give a view of it."""

LIKE: frozenset[Function] = frozenset((np.full_like, np.ones_like, np.zeros_like))
"""Functions that give one value in the shape and type of an array."""

ELEMENTWISE: frozenset[Function] = frozenset(
    (np.around, np.clip, np.imag, np.nan_to_num, np.real, np.round, np.where)
)
"""Functions that take arrays element by element, besides the ufuncs."""


def _of_results(function: Function) -> Function:
    def join(results: Iterable[Any]) -> Any:
        return function(list(results))

    return join


REDUCTIONS: dict[Function, Function] = {
    np.all: _of_results(np.all),
    np.any: _of_results(np.any),
    np.max: _of_results(np.max),
    np.min: _of_results(np.min),
    np.count_nonzero: sum,
}
"""Functions of all elements, with what makes one result of those of the pieces.

Only those are here whose result does not depend on how the array was cut.
"""

METHODS = frozenset(
    "all any argmax argmin argsort choose compress conj conjugate copy cumprod cumsum diagonal dot "
    "flatten item max mean min nonzero prod repeat searchsorted std sum take tolist "
    "trace var".split()
)
"""What else an array in memory is asked for; a lazy one becomes one for it."""
