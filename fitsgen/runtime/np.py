"""NumPy, as expressions see it.

Arrays that repeat one value take the room of one where they are large. NumPy is loaded when
something of it is first used: a file of headers alone never does.
"""

from __future__ import annotations

import math
from typing import Any

from fitsgen.runtime import random as random

# Up to here an array in memory costs nothing that matters.
SMALL = 1 << 20


def ones(shape: Any, dtype: Any = None, order: Any = "C") -> Any:
    """Return an array of ones, as NumPy does: float64 where no type is given."""
    return full(shape, 1, float if dtype is None else dtype, order)


def zeros(shape: Any, dtype: Any = None, order: Any = "C") -> Any:
    """Return an array of zeros, as NumPy does: float64 where no type is given."""
    return full(shape, 0, float if dtype is None else dtype, order)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    """Return an array that repeats a value, of the type that the value has or is given."""
    import numpy

    from fitsgen.lazy.array import LazyArray

    value = numpy.asarray(fill_value, dtype)
    lengths = tuple(shape) if numpy.ndim(shape) else (shape,)
    if math.prod(lengths) * value.itemsize <= SMALL:
        return numpy.full(shape, value, order=order)
    return LazyArray.repeating(value, lengths)


def __getattr__(name: str) -> Any:
    import numpy

    return getattr(numpy, name)
