"""A detector as a simulation takes it: its parameters, and the maps that they give.

In: the name of a detector, whose file stands in `detectors/` and can be read by anyone. Out:
`Parameters`, and `Maps` of its pixels in the detector's own frame.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen.diagnostics import InputError, Position, Problem, Source
from fitsgen.inputs.datafile import read_data_file
from fitsgen.simulate.linearity import Linearity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIRECTORY = Path(__file__).parent / "detectors"

# Bits of data quality, as the calibration pipeline has them (stdatamodels, dqflags).
DO_NOT_USE = 1 << 0
DEAD = 1 << 10
HOT = 1 << 11
REFERENCE_PIXEL = 1 << 31

BORDER = 4
"""Reference pixels stand in so many rows and columns at the edges of a detector."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a detector does to light. The names are those of its file; DN are raw counts.

    gain
        Electrons a DN.
    read_noise
        Of one read of a pixel, a standard deviation in DN.
    reset_noise
        Of a reset, the same in all reads of an integration, in DN.
    bias, bias_spread
        The level of a pixel in the dark, and how much it differs from pixel to pixel, in DN.
    dark, dark_spread
        Dark current in DN/s, and its relative differences from pixel to pixel.
    full_scale, full_scale_spread
        The signal in DN that non-linearity is measured by, and its relative differences.
    quadratic, cubic
        How a signal u, as a fraction of the full scale, is seen: u + quadratic u^2 + cubic u^3.
    saturation
        The signal above the bias, in DN, that a pixel does not go beyond.
    drift, odd_even
        How much the level of an output differs from frame to frame, and that of its odd from
        its even columns, in DN.
    hot, hot_dark, dead
        The fractions of pixels that are hot and dead, and the dark current of hot ones, in DN/s.

    """

    gain: float
    read_noise: float
    reset_noise: float
    bias: float
    bias_spread: float
    dark: float
    dark_spread: float
    full_scale: float
    full_scale_spread: float
    quadratic: float
    cubic: float
    saturation: float
    drift: float
    odd_even: float
    hot: float
    hot_dark: float
    dead: float


# A file has keywords of eight characters at most.
KEYWORDS = {
    "reset_noise": "RSTNOISE",
    "read_noise": "RDNOISE",
    "bias_spread": "BIASSPRD",
    "dark_spread": "DARKSPRD",
    "full_scale": "FULLSCAL",
    "full_scale_spread": "FULLSPRD",
    "quadratic": "NONLIN2",
    "cubic": "NONLIN3",
    "saturation": "SATURATE",
    "odd_even": "ODDEVEN",
    "hot_dark": "HOTDARK",
}


def read_parameters(path: Path) -> Parameters:
    """Read the parameters of a detector.

    Raises
    ------
    InputError
        The file cannot be read, lacks a parameter or has another; or one is no number, or
        negative where that has no meaning.

    """
    file = read_data_file(path)
    given = {key: value for _, values in file.sections for key, value in values.items()}
    known = {KEYWORDS.get(one.name, one.name.upper()): one for one in fields(Parameters)}
    wrong = [f"{key} is no parameter of a detector" for key in given if key not in known]
    wrong += [f"{key} is missing" for key in known if key not in given]
    values: dict[str, float] = {}
    for key in known.keys() & given.keys():
        value = given[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            wrong.append(f"{key} is {value!r}: expected a number")
        elif value < 0 and not key.startswith("NONLIN"):
            wrong.append(f"{key} is {value}: expected 0 or more")
        else:
            values[known[key].name] = value
    if wrong:
        position = Position(Source(str(path)))
        raise InputError([Problem(message, position) for message in sorted(wrong)])
    return Parameters(**values)


@dataclass(frozen=True, slots=True)
class Maps:
    """The pixels of a detector: arrays of shape (rows, columns), float32 but for the mask.

    bias, read_noise, full_scale, saturation in DN; dark in DN/s; gain in electrons a DN; mask has
    bits of data quality, uint32. `saturation` is what a raw value does not go beyond.
    """

    bias: NDArray[np.float32]
    dark: NDArray[np.float32]
    gain: NDArray[np.float32]
    read_noise: NDArray[np.float32]
    full_scale: NDArray[np.float32]
    saturation: NDArray[np.float32]
    mask: NDArray[np.uint32]
    linearity: Linearity

    @property
    def is_blind(self) -> NDArray[np.bool_]:
        """Which pixels see no light: reference pixels, and dead ones."""
        blind: NDArray[np.bool_] = (self.mask & (REFERENCE_PIXEL | DEAD)) != 0
        return blind

    def part(self, rows: slice, columns: slice = slice(None)) -> Maps:
        """Return the maps of some rows and columns: views, no copies."""
        arrays = {
            one.name: getattr(self, one.name)[rows, columns]
            for one in fields(self)
            if one.name != "linearity"
        }
        return Maps(**arrays, linearity=self.linearity)


def make_maps(
    parameters: Parameters, shape: tuple[int, int], border: tuple[int, int], seed: int
) -> Maps:
    """Make the maps of a full frame; the same for the same seed.

    Parameters
    ----------
    shape
        Rows and columns.
    border
        How many rows, and how many columns, at each edge are reference pixels.

    """
    import numpy as np

    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0)))

    def spread(mean: float, sigma: float) -> NDArray[np.float32]:
        values = random.standard_normal(shape, np.float32)
        return np.float32(mean) + np.float32(sigma) * np.clip(values, -4, 4)

    p = parameters
    bias = spread(p.bias, p.bias_spread)
    dark = np.maximum(spread(p.dark, p.dark * p.dark_spread), 0)
    full_scale = spread(p.full_scale, p.full_scale * p.full_scale_spread)
    mask = np.zeros(shape, np.uint32)
    lot = random.random(shape, np.float32)
    reference = _border(shape, border)
    hot, dead = (lot < p.hot) & ~reference, (lot > 1 - p.dead) & ~reference
    mask[hot] |= HOT | DO_NOT_USE
    mask[dead] |= DEAD | DO_NOT_USE
    mask[reference] |= np.uint32(REFERENCE_PIXEL)
    dark[hot] += np.float32(p.hot_dark)
    dark[reference | dead] = 0
    ceiling = np.minimum(np.floor(bias + np.float32(p.saturation)), 65535)
    return Maps(
        bias=bias,
        dark=dark,
        gain=np.full(shape, p.gain, np.float32),
        read_noise=np.full(shape, p.read_noise, np.float32),
        full_scale=full_scale,
        saturation=ceiling.astype(np.float32),
        mask=mask,
        linearity=Linearity(p.quadratic, p.cubic),
    )


def _border(shape: tuple[int, int], border: tuple[int, int]) -> NDArray[np.bool_]:
    import numpy as np

    inside = np.zeros(shape, bool)
    (rows, columns), (high, wide) = shape, border
    inside[high : rows - high, wide : columns - wide] = True
    return ~inside
