"""How well the pipeline gave back what was put in.

In: a `Run`. Out: numbers, each with the formula it follows in its docstring. Arrays are in the
science frame, rates in DN/s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from acceptance.cases import Pipeline
from acceptance.running import Run
from fitsgen.simulate.detector import DEAD, DO_NOT_USE, HOT, REFERENCE_PIXEL
from fitsgen.simulate.irs2 import LAYOUT
from fitsgen.simulate.modes import BY_NAME

# Bits of data quality (stdatamodels, dqflags).
SATURATED, JUMP_DET = 1 << 1, 1 << 2

Array = NDArray[Any]


def _array(path: Path, name: str) -> Array:
    with fits.open(path, memmap=False) as found:
        return np.asarray(found[name].data)


def _mask(run: Run) -> Array:
    """Return the bits of data quality that the pixels of the detector have of their own."""
    mask = _array(run.product("maps"), "MASK").astype(np.uint32)
    if mask.shape == _array(run.product("maps"), "GAIN").shape:
        return mask
    # With IRS2, reference pixels that are read in between: these are no pixels of the rates.
    turn = BY_NAME[run.case.mode].detector.turn
    return np.asarray(turn.pixels(LAYOUT.normal_pixels(turn.undone(mask))))


def common_error(run: Run) -> float:
    """Return the noise of reference pixels, which their correction gives to all pixels, in DN/s.

    From each group the pipeline takes the mean of reference pixels, whose noise is sigma / sqrt(R)
    with sigma that of a group and R their number. A median over the whole image sees that of all
    of them. The slope of N groups with independent errors s is off by at most
    s sqrt(2) / ((N - 1) t), which is that of the line from first to last group: a weighting for
    strong signals comes near it, one for weak signals is below it. I integrations are averaged.
    """
    reference = _correcting_pixels(run)
    if not reference:
        return 0.0
    header = fits.getheader(run.product("uncal"))
    read_noise = fits.getval(run.product("truth"), "RDNOISE")
    group = read_noise / math.sqrt(header["NFRAMES"] * reference)
    length = (header["NGROUPS"] - 1) * header["TGROUP"]
    return float(group * math.sqrt(2 / header["NINTS"]) / length)


def _correcting_pixels(run: Run) -> int:
    """Return the number of reference pixels by which the pipeline corrects all others.

    MIRI's subarrays and darks are not corrected. Full frames of the near infrared are by those of
    the rows that are read first and last, and windows that have some of these rows by all they
    have (jwst, refpix).
    """
    header = fits.getheader(run.product("uncal"))
    reference = (_mask(run) & REFERENCE_PIXEL) != 0
    if header["INSTRUME"] == "MIRI":
        is_corrected = run.case.is_full and run.case.pipeline is Pipeline.DETECTOR1
        return int(reference.sum()) if is_corrected else 0
    rows = (reference if abs(header["SLOWAXIS"]) == 2 else reference.T).all(axis=1)
    if not rows.any():
        return 0
    return int(rows.sum() * header["SUBSIZE1"] if run.case.is_full else reference.sum())


@dataclass(frozen=True)
class Ramps:
    """What the pipeline made of the ramps of an exposure, beside what was put in."""

    run: Run

    @cached_property
    def header(self) -> fits.Header:
        """The primary header of the exposure."""
        return fits.getheader(self.run.product("uncal"))

    @cached_property
    def put_in(self) -> Array:
        """The rates of the scene."""
        return _array(self.run.product("truth"), "RATE").astype(float)

    @cached_property
    def rate(self) -> Array:
        """The rates that came back."""
        return _array(self.run.product("rate"), "SCI").astype(float)

    @cached_property
    def error(self) -> Array:
        """The standard deviations that the pipeline gives for them."""
        return _array(self.run.product("rate"), "ERR").astype(float)

    @cached_property
    def quality(self) -> Array:
        """The bits of data quality of the rates."""
        return _array(self.run.product("rate"), "DQ").astype(np.uint32)

    @cached_property
    def groups(self) -> Array:
        """The bits of data quality of each group."""
        return _array(self.run.product("ramp"), "GROUPDQ")

    @cached_property
    def mask(self) -> Array:
        """The bits of data quality that the detector has of its own."""
        return _mask(self.run)

    @cached_property
    def dark(self) -> Array:
        """The dark current in DN/s."""
        return _array(self.run.product("maps"), "DARK").astype(float)

    @cached_property
    def saturated(self) -> Array:
        """Which groups are saturated, by the truth: (integrations, groups, rows, columns)."""
        before = _array(self.run.product("truth"), "SATURATED").astype(int)
        return np.arange(self.groups.shape[1])[None, :, None, None] >= before[:, None]

    @cached_property
    def good(self) -> Array:
        """The pixels without any flag."""
        good: Array = self.quality == 0
        return good

    @property
    def offset(self) -> float:
        """The median of what came back less what was put in, of the good pixels, in DN/s.

        The median of Poisson's law is about a sixth of an electron below its mean, which is not
        taken out: of millions of pixels, as in full frames, it makes up to 2 standard errors.
        """
        return float(np.median((self.rate - self.put_in)[self.good]))

    @property
    def standard_error(self) -> float:
        """The standard error of that median, in DN/s.

        The median of n values with normal errors sigma_i of their own has the variance
        n / (2 sum f_i(0))^2, where f_i(0) = 1 / (sigma_i sqrt(2 pi)) is the density of value i at
        its centre: sqrt(pi / 2) sqrt(n) / sum(1 / sigma_i); for equal errors that is the well
        known 1.2533 sigma / sqrt(n). What the pixels have in common is added in quadrature.
        """
        weights = 1 / self.error[self.good]
        own = math.sqrt(math.pi / 2 * len(weights)) / weights.sum()
        return math.hypot(own, common_error(self.run))

    @property
    def chi_squared(self) -> float:
        """The mean of the squares of what is off, in the pipeline's errors, of the good pixels."""
        off = (self.rate - self.put_in)[self.good] / self.error[self.good]
        return float(np.mean(off**2))

    @cached_property
    def rays(self) -> Rays:
        """The cosmic rays that can be seen, and whether they were."""
        return _rays(self)

    @property
    def bad_pixels(self) -> Array:
        """Which pixels are bad, by the maps."""
        bad: Array = (self.mask & (DEAD | HOT | DO_NOT_USE)) != 0
        return bad


@dataclass(frozen=True, slots=True)
class Rays:
    """Cosmic rays by what became of them: a hit of a pixel in a group counts once.

    first
        Hit before the first group, so that there is no jump.
    last
        Hit in MIRI's last group, which the step `lastframe` leaves out.
    bad
        Hit bad pixels or reference pixels.
    saturated
        Hit pixels that are saturated by then, or that have a neighbour which is: the step
        `saturation` flags both.
    weak
        Are below 10 sigma.
    strong, found
        How many are left, and how many of them the pipeline flagged.

    """

    first: int = 0
    last: int = 0
    bad: int = 0
    saturated: int = 0
    weak: int = 0
    strong: int = 0
    found: int = 0

    def __str__(self) -> str:
        return (
            f"{self.found}/{self.strong} rays flagged (not counted: {self.first} before the first "
            f"group, {self.last} in the last, {self.bad} in bad pixels, {self.saturated} "
            f"saturated, {self.weak} weak)"
        )


def _rays(ramps: Ramps) -> Rays:
    """Count cosmic rays.

    A hit shows as a jump from the group before it to its own. Sigma is the noise of that
    difference in electrons: the light and dark current of a group time, and two read noises, each
    that of a mean of NFRAMES frames. While such frames are read a hit shows in part, and the rest
    of it in the group after: it is found in either.
    """
    truth, nframes = ramps.run.product("truth"), ramps.header["NFRAMES"]
    table, told = _array(truth, "RAYS"), fits.getheader(truth)
    light = (ramps.put_in + ramps.dark) * told["GAIN"] * ramps.header["TGROUP"]
    sigma = np.sqrt(light + 2 * (told["RDNOISE"] * told["GAIN"]) ** 2 / nframes)
    saturated = _grown(ramps.saturated)
    blind = ramps.bad_pixels | ((ramps.mask & REFERENCE_PIXEL) != 0)
    jump = (ramps.groups & JUMP_DET) != 0
    names = ("INTEGRATION", "GROUP", "ROW", "COLUMN")
    places, order = np.unique(
        np.stack([table[name] for name in names]), axis=1, return_inverse=True
    )
    electrons = np.bincount(order.ravel(), table["ELECTRONS"])
    i, g, y, x = places
    last_group = ramps.groups.shape[1] - 1
    left_out = {
        "first": g == 0,
        "last": (g == last_group) & (ramps.header["INSTRUME"] == "MIRI"),
        "bad": blind[y, x],
        "saturated": saturated[i, g, y, x],
        "weak": electrons <= 10 * sigma[y, x],
    }
    strong, counts = np.ones(len(g), bool), {}
    for why, which in left_out.items():
        counts[why] = int((strong & which).sum())
        strong &= ~which
    after = np.minimum(g + (nframes > 1), last_group)
    found = jump[i, g, y, x] | jump[i, after, y, x]
    return Rays(**counts, strong=int(strong.sum()), found=int((strong & found).sum()))


def _grown(saturated: Array) -> Array:
    """Return which pixels are saturated or have one of their eight neighbours saturated."""
    grown = saturated.copy()
    for axis in (-2, -1):
        one, other = np.swapaxes(grown, axis, -1), np.swapaxes(grown.copy(), axis, -1)
        one[..., 1:] |= other[..., :-1]
        one[..., :-1] |= other[..., 1:]
    return grown


@dataclass(frozen=True)
class DarkRamps:
    """What the pipeline made of a dark exposure."""

    run: Run

    @cached_property
    def ramps(self) -> np.ma.MaskedArray[Any, Any]:
        """The groups in DN; bad pixels, reference pixels and flagged groups are masked."""
        path = self.run.product("darkpipeline")
        data, flags = _array(path, "SCI").astype(float), _array(path, "GROUPDQ")
        blind = _array(self.run.product("maps"), "MASK") != 0
        return np.ma.MaskedArray(data, (flags != 0) | blind)

    @cached_property
    def steps(self) -> np.ma.MaskedArray[Any, Any]:
        """Groups less the groups before them and less the dark current in between, in DN."""
        time = fits.getval(self.run.product("uncal"), "TGROUP")
        return np.ma.MaskedArray(np.diff(self.ramps, axis=1) - self.dark * time)

    @property
    def level(self) -> float:
        """The mean square of the first groups without their dark current, over their variance.

        That is of the read noise, the reset noise and the dark current of a frame.
        """
        told = fits.getheader(self.run.product("truth"))
        collected = self.dark * told["TFRAME"]
        variance = told["RDNOISE"] ** 2 + told["RSTNOISE"] ** 2 + collected / told["GAIN"]
        return float(((self.ramps[:, 0] - collected) ** 2 / variance).mean())

    @cached_property
    def dark(self) -> Array:
        """The dark current that was put in, in DN/s."""
        return _array(self.run.product("maps"), "DARK").astype(float)

    @property
    def offset(self) -> tuple[float, float]:
        """How far the mean dark current is off, and its standard error, in DN/s.

        The standard error is the scatter of the pixels by the root of their number, and the noise
        of reference pixels.
        """
        time = fits.getval(self.run.product("uncal"), "TGROUP")
        pixels = (self.steps.mean(axis=1) / time).compressed()
        own = pixels.std() / math.sqrt(len(pixels))
        return float(pixels.mean()), math.hypot(own, common_error(self.run))

    @property
    def chi_squared(self) -> float:
        """The mean square of the steps over their variance, twice the read noise and the dark.

        The dark current of a group time, as Poisson's law has it, is divided by the gain.
        """
        told = fits.getheader(self.run.product("truth"))
        time = fits.getval(self.run.product("uncal"), "TGROUP")
        variance = 2 * told["RDNOISE"] ** 2 + self.dark * time / told["GAIN"]
        return float((self.steps**2 / variance).mean())


def guided(run: Run) -> tuple[float, float, float]:
    """Return the mean rate of a guide-star exposure, its standard error, and what is expected.

    That is the rate put in; of FGS_ID the pipeline gives the smaller of two differences, which of
    two normal values of one mean with standard deviations sigma is sigma / sqrt(pi) less in the
    mean. Sigma follows from the light and two read noises.
    """
    with fits.open(run.product("cal"), memmap=False) as found:
        seen = _array(run.product("maps"), "MASK") == 0
        rates = np.asarray(found["SCI"].data)[:, seen].astype(float)
    put_in = float(np.median(_array(run.product("truth"), "RATE")[seen]))
    told, time = (fits.getheader(run.product(name)) for name in ("truth", "uncal"))
    sigma = math.sqrt(put_in * time["TGROUP"] / told["GAIN"] + 2 * told["RDNOISE"] ** 2)
    less = sigma / time["TGROUP"] / math.sqrt(math.pi) if run.case.mode == "guider_id" else 0.0
    return float(rates.mean()), float(rates.std() / math.sqrt(rates.size)), put_in - less
