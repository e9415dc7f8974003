"""Arrays that are computed piece by piece, when they are written: see `array`."""

from fitsgen.lazy.array import LazyArray

__all__ = ["LazyArray"]
