"""What is seen in ramps: where they jump, where they are saturated, and which ones to show.

In: values of pixels in each group, shape (integrations, groups, pixels), float64. Out: flags of
the same shape, and the pixels that are worth a look. This is for a picture: what a calibration
pipeline finds, it finds by what is known of each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fitsgen.preview.page import Flags, Pixel, Values

Numbers: TypeAlias = NDArray[np.float64]

# A difference between groups is a jump where it departs from the median one by more of these.
SIGMAS = 8.0
# How many differences tell what is usual.
LEAST_DIFFERENCES = 3
# The top of a ramp is flat where differences are below this part of all before.
FLAT = 0.05
# Non-linearity makes no more of a difference between differences.
ALIKE = 2.0
# A smaller rise from group to group could be noise: in DN, some ten times that of a read.
LEAST_RISE = 200.0
# So many equal values at the end of an integration are no chance where there is noise; one less,
# if it is so in each of several.
LEAST_EQUAL = 4
# A normal distribution's standard deviation over its median absolute deviation.
_MAD = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found in ramps.

    saturated
        Shape (integrations, groups, pixels).
    jumps
        The same; True at the group after a jump.
    largest
        The largest jump of each pixel; 0 without one. Shape (pixels).

    """

    saturated: Flags
    jumps: Flags
    largest: Numbers


def find(values: Values, limit: float) -> Found:
    """Find jumps and saturation.

    Parameters
    ----------
    limit
        The largest value that the A/D converter can give; infinity where that is not known: then
        nothing is taken for saturated.

    """
    saturated = _saturated(values, limit)
    steps = np.diff(values, axis=1)
    good = np.isfinite(steps) & ~saturated[:, 1:] & ~saturated[:, :-1]
    pixels = values.shape[-1]
    flat, is_good = steps.reshape(-1, pixels), good.reshape(-1, pixels)
    usual = median(flat, is_good)
    departure = np.abs(np.where(is_good, flat - usual, 0.0))
    count = is_good.sum(axis=0)
    enough = count >= LEAST_DIFFERENCES
    # Of few numbers, the scatter about their own median is smaller: for 3, little over a half.
    spread = _MAD * median(departure, is_good) * np.where(enough, count / (count - 1.4), 0.0)
    sigma = np.maximum(spread, _least_sigma(values, usual, spread))
    jumped = is_good & enough & (departure > SIGMAS * sigma)
    jumps = np.zeros(values.shape, bool)
    jumps[:, 1:] = jumped.reshape(steps.shape)
    largest = np.where(jumped, departure, 0.0).max(axis=0, initial=0.0)
    return Found(saturated, jumps, largest)


def median(values: Numbers, counted: Flags) -> Numbers:
    """Return the median of those that count, along the first axis; 0 where none does."""
    if not len(values):
        return np.zeros(values.shape[1:])
    ordered = np.sort(np.where(counted, values, np.inf), axis=0)
    count = counted.sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[np.newaxis] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count, len(values) - 1)[np.newaxis] // 2, axis=0)
    middle: Numbers = np.where(count > 0, low / 2 + high[0] / 2, 0.0)
    return middle


def _least_sigma(values: Values, usual: Numbers, spread: Numbers) -> Numbers:
    """Return below which a scatter is chance: what few groups say of it is little.

    That is the scatter of most pixels together with photon noise, if an electron makes a DN at
    most, and what rounding does.
    """
    known = spread[np.isfinite(spread) & (spread > 0)]
    common = float(np.median(known)) if known.size else 0.0
    finite = np.abs(np.where(np.isfinite(values), values, 0.0))
    rounding = np.maximum(1e-6 * finite.max(axis=(0, 1), initial=0.0), 0.5)
    least: Numbers = np.maximum(np.sqrt(np.maximum(usual, 0.0) + common**2), rounding)
    return least


def _saturated(values: Values, limit: float) -> Flags:
    """Return where the A/D converter is at its end, or the upper half of its range has a top."""
    flags = values >= limit
    # Lower, a flat top is that of a pixel without light after cosmic rays.
    is_high = values[:, -1:] >= limit / 2
    flags |= is_high & _equal_top(values)
    if values.shape[1] >= 5:
        flags |= is_high & _flat_top(values)
    return np.asarray(np.logical_or.accumulate(flags, axis=1), bool)


def _equal_top(values: Values) -> Flags:
    """Return where values are the same to the end: so they are where they are clipped."""
    same = values == values[:, -1:]
    to_end = np.logical_and.accumulate(same[:, ::-1], axis=1)[:, ::-1]
    count = to_end.sum(axis=1, keepdims=True)
    always = (count >= LEAST_EQUAL - 1).all(axis=0) & (len(values) > 1)
    return np.asarray(to_end & (always | (count >= LEAST_EQUAL)), bool)


def _flat_top(values: Values) -> Flags:
    """Return where differences are small to the end, in each integration, after large ones.

    The difference before the first small one may be anything: in it the top was reached. One
    alone that is large, or two that are not alike, could be jumps.
    """
    with np.errstate(invalid="ignore"):
        steps = np.diff(values, axis=1)
        before = np.minimum.accumulate(steps, axis=1)[:, 1:-2]
        alike = np.maximum.accumulate(steps, axis=1)[:, 1:-2] <= ALIKE * before
        after = np.maximum.accumulate(np.abs(steps)[:, ::-1], axis=1)[:, ::-1][:, 3:]
        flat = (before >= LEAST_RISE) & alike & (after <= FLAT * before)
        least = np.where(flat, before, np.inf).min(axis=1, initial=np.inf, keepdims=True)
        top = values >= values[:, -1:] - FLAT * np.where(np.isfinite(least), least, 0.0)
    return np.asarray(top & np.isfinite(least).all(axis=0), bool)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What is known of pixels among which to choose; arrays of one length.

    rise
        From the first to the last group of the last integration; NaN where it is not finite.
    largest
        The largest jump, 0 without one.
    saturated
        The part of the groups that are saturated, from 0 to 1.

    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    rise: Numbers
    largest: Numbers
    saturated: Numbers


def sampled(values: Values, found: Found, x: NDArray[np.int64], y: int) -> Sample:
    """Return what is known of the pixels of a row."""
    last = values[-1]
    with np.errstate(invalid="ignore"):
        rise = last[-1] - last[0] if len(last) > 1 else last[0]
    rise = np.where(np.isfinite(rise), rise, np.nan)
    part = found.saturated.mean(axis=(0, 1))
    return Sample(x, np.full(x.shape, y), rise, found.largest, part)


def joined(samples: list[Sample]) -> Sample:
    """Return one sample of several."""
    names = ("x", "y", "rise", "largest", "saturated")
    return Sample(*(np.concatenate([getattr(one, name) for one in samples]) for name in names))


def choose(sample: Sample) -> tuple[Pixel, ...]:
    """Choose pixels to show: the brightest, a usual one, one that jumps, one that is saturated.

    Where several would do, it is that in their middle.
    """
    chosen: dict[int, Pixel] = {}
    for why, number in _candidates(sample):
        if number not in chosen:
            place = int(sample.x[number]), int(sample.y[number])
            chosen[number] = Pixel(*place, why)
    return tuple(chosen.values())


def _candidates(sample: Sample) -> Iterator[tuple[str, int]]:
    there = np.isfinite(sample.rise) & (sample.saturated == 0)
    calm = there & (sample.largest == 0)
    usual = calm if calm.any() else there
    if usual.any():
        yield "brightest", _least(np.where(usual, -sample.rise, np.inf))
        middle = np.median(sample.rise[usual])
        yield "median", _least(np.where(usual, np.abs(sample.rise - middle), np.inf))
    if (sample.largest > 0).any():
        yield "largest jump", _least(-sample.largest)
    if (sample.saturated > 0).any():
        # Half a ramp shows most of it.
        far = np.where(sample.saturated > 0, np.abs(sample.saturated - 0.5), np.inf)
        yield "saturated", _least(far)
    if not there.any() and not (sample.saturated > 0).any() and len(sample.x):
        yield "first", 0


def _least(numbers: Numbers) -> int:
    """Return where the least number is: of equal ones, that in their middle."""
    places = np.flatnonzero(numbers == numbers.min())
    return int(places[len(places) // 2])
