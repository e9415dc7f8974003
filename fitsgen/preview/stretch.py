"""How the values of an image become shades.

In: pixels of any type, with any values. Out: a `Stretch` or `Levels`, which give shades from 0 to
1 and the values to write beside a bar of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of the finite values; what lies beyond has the first or the last shade.
LOWEST, HIGHEST = 1.0, 99.5
# Where the highest value is so many times farther from the lowest than most are, those few are
# what one wants to see, and the many too.
FAR = 4.0
# The part of the shades for most of the values, where there are such few.
_MOST = 0.5
# So many values tell what all are like.
_SAMPLE = 1 << 20
# So many values, in so wide a range for each, are those of a mask.
_MAX_LEVELS, _SPARSE = 32, 4
# So many at a time are computed with twice the bits.
_ROWS = 128
# Differences and squares of such values are still numbers.
_LARGEST = 1e150


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values of the first and the last shade; `bend` is 0 for shades in proportion.

    Else the shade grows with asinh of the value over `bend`, counted from `low`: at first in
    proportion, later with its logarithm.
    """

    low: float
    high: float
    bend: float = 0.0

    @property
    def name(self) -> str:
        """What it is called."""
        return "asinh" if self.bend else "linear"

    def shades(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return a shade from 0 to 1 for each pixel, NaN where it is not finite."""
        made = np.empty(pixels.shape, np.float32)
        for start in range(0, len(pixels), _ROWS):
            made[start : start + _ROWS] = self._shades(pixels[start : start + _ROWS])
        return made

    def _shades(self, pixels: NDArray[Any]) -> NDArray[Any]:
        values = pixels.astype(np.float64)
        values[~np.isfinite(values)] = np.nan
        np.clip(values, self.low, self.high, out=values)
        values -= self.low
        span = self.high - self.low
        if self.bend:
            values = np.arcsinh(values / self.bend)
            span = math.asinh(span / self.bend)
        values /= span
        return values

    def value(self, shade: float) -> float:
        """Return the value that has a shade."""
        span = self.high - self.low
        if not self.bend:
            return self.low + shade * span
        return self.low + self.bend * math.sinh(shade * math.asinh(span / self.bend))

    def ticks(self, count: int = 6) -> list[tuple[float, str]]:
        """Return shades to mark, and the values there as text: round ones, each once."""
        if not self.bend:
            return _round_steps(self.low, self.high, count)
        marks: dict[str, float] = {}
        for number in range(count):
            shade = number / (count - 1)
            step = abs(self.value(min(1.0, shade + 0.1)) - self.value(max(0.0, shade - 0.1)))
            marks.setdefault(_text(self.value(shade), step / 4), shade)
        return [(shade, text) for text, shade in marks.items()]


@dataclass(frozen=True, slots=True)
class Levels:
    """A shade for each of a few values, in steps of one size: those of masks are far apart."""

    values: tuple[int, ...]
    name: str = "stepwise"

    def shades(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return a shade from 0 to 1 for each pixel."""
        places = np.searchsorted(np.array(self.values, pixels.dtype), pixels)
        return (places / (len(self.values) - 1)).astype(np.float32)

    def ticks(self, count: int = 6) -> list[tuple[float, str]]:
        """Return shades to mark, and the values there as text."""
        last = len(self.values) - 1
        places = range(0, last + 1, -(-(last + 1) // (2 * count)))
        return [(place / last, str(self.values[place])) for place in places]


def _levels(pixels: NDArray[Any]) -> Levels | None:
    """Return the values of integers, where they are few and far apart."""
    if pixels.dtype.kind not in "iu":
        return None
    # Most images have many in any of their rows.
    for part in (pixels[0], pixels[-1], pixels):
        values = np.unique(part)
        if len(values) > _MAX_LEVELS:
            return None
    low, high = int(values[0]), int(values[-1])
    is_sparse = high - low >= _SPARSE * len(values)
    return Levels(tuple(map(int, values))) if is_sparse and low < high else None


def stretch(pixels: NDArray[Any]) -> Stretch | Levels | None:
    """Return a stretch in which most pixels can be told apart.

    None where all finite pixels are the same, or there are none.
    """
    if levels := _levels(pixels):
        return levels
    values = pixels.reshape(-1)[:: max(1, -(-pixels.size // _SAMPLE))].astype(np.float64)
    values = np.clip(values[np.isfinite(values)], -_LARGEST, _LARGEST)
    if not values.size:
        return None
    low, middle, high = (float(one) for one in np.percentile(values, (LOWEST, 50, HIGHEST)))
    least, most = _extremes(pixels)
    if not _is_span(low, high):  # Nearly all are the same: the others are what is to be seen.
        return Stretch(least, most) if _is_span(least, most) else None
    if most - low <= FAR * (high - low):
        return Stretch(low, high)
    return Stretch(low, most, _bend(high - low or middle - low, most - low))


def extremes_text(pixels: NDArray[Any]) -> str:
    """Return what to say of pixels that have no stretch."""
    least, most = _extremes(pixels)
    if math.isnan(least):
        return "no pixel has a finite value"
    digits = 7 if pixels.dtype == np.float32 else 10
    return f"every pixel is {least:.{digits}g}" if least == most else f"all are about {least:.6g}"


def _extremes(pixels: NDArray[Any]) -> tuple[float, float]:
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if not finite.size:
        return math.nan, math.nan
    least, most = float(finite.min()), float(finite.max())
    return max(least, -_LARGEST), min(most, _LARGEST)


def _is_span(low: float, high: float) -> bool:
    """Whether there are values between two, that can be counted from the first."""
    return high - low > 1e-12 * max(abs(low), abs(high)) and high - low > 1 / _LARGEST


def _bend(most_span: float, span: float) -> float:
    """Return the bend that gives most values their part of the shades, by halving."""
    least, largest = span * 1e-12, span
    for _ in range(60):
        bend = math.sqrt(least) * math.sqrt(largest)
        if math.asinh(most_span / bend) > _MOST * math.asinh(span / bend):
            least = bend
        else:
            largest = bend
    return bend


def _round_steps(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return the multiples of a round step between two values."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [number * step for number in range(first, min(last, first + 2 * count) + 1)]
    return [((value - low) / (high - low), _text(value, step)) for value in values]


def _text(value: float, step: float) -> str:
    """Return a value, as exact as its distance to the next one asks for."""
    size = max(abs(value), abs(step))
    if not 1e-4 <= size < 1e7:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(abs(step)))) if step else 0
    return f"{value:.{min(decimals, 8)}f}"
