"""NIRSpec's IRS2 readout: where its frames hold reference pixels, how these drift, what undoes it.

In: the columns of a detector. Out: `Layout`, by which frames become wider and narrow again; the
drift of a frame in the order in which it is read; and the weights of frequencies with which the
calibration pipeline takes it off. The order is that in which the pipeline takes frames apart (jwst
3.0.0, the step refpix), which follows Rauscher et al. 2017, PASP 129, 105003.

All outputs drift alike but for a little of their own: they share voltages. So the reference
output, read at the same time, knows what they have in common, with the noise of all its pixels;
and the reference pixels that an output reads in between know all of it, with the noise of those
few. In a frame the level of an output wanders from row to row, with a power that falls with the
frequency (1/f); from frame to frame it jumps. The jump the pipeline finds from the reference
pixels at the edges, and so far no weights are needed. `weights` are for the wandering: those that
leave the least (Wiener), which follow from the powers of drift and noise that were simulated.

The pipeline takes a count that is just the mean of its ramp for one that is missing, and leaves its
level as it is. By that, and by the noise of the reference pixels, the pixels of a group stay off
together: 0.04 DN (a standard deviation) with 4 groups and the parameters of NRS1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fitsgen.simulate.detector import REFERENCE_PIXEL, Maps, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PATTERNS = {"NRSIRS2RAPID": 1, "NRSIRS2": 5}
"""Readout patterns, and the frames that are averaged to a group."""

FRAME_TIME = 14.58889
"""In s, of a full frame."""

JUMP, PAUSE = 1, 8
"""Steps of 10 us for going to reference pixels, for coming back from them, and after a row."""

COMMON, OWN = 1.0, 0.1
"""How much all outputs wander together in a frame, and each by itself, as parts of `drift`."""


@dataclass(frozen=True)
class Layout:
    """Where the columns of a row are in a frame.

    A row begins with the reference output; then come the others, a stripe of columns each. All of
    them read reference pixels in between: `reference` after every `normal` pixels, for the first
    time after half as many. Neighbouring outputs are read towards each other; the reference output
    from its last column to its first, the first of the others from its first to its last.

    columns
        Of the detector, reference pixels at its edges included.
    normal, reference
        NRS_NORM and NRS_REF; both are even.
    outputs
        Without the reference output.

    """

    columns: int = 2048
    normal: int = 16
    reference: int = 4
    outputs: int = 4

    @property
    def jumps(self) -> int:
        """How often an output goes to its reference pixels in a row."""
        return self.columns // self.outputs // self.normal

    @property
    def stripe(self) -> int:
        """The columns of a frame that an output reads."""
        return self.jumps * (self.normal + self.reference)

    @property
    def width(self) -> int:
        """The columns of a frame."""
        return (self.outputs + 1) * self.stripe

    @property
    def steps(self) -> int:
        """The time of a row, in steps of 10 us."""
        return self.stripe + 2 * JUMP * self.jumps + PAUSE

    @cached_property
    def _in_between(self) -> NDArray[np.bool_]:
        """Which pixels of an output are reference pixels, in either direction."""
        import numpy as np

        period, first = self.normal + self.reference, self.normal // 2
        found: NDArray[np.bool_] = (np.arange(self.stripe) - first) % period < self.reference
        return found

    @cached_property
    def science(self) -> NDArray[np.int64]:
        """The column of a frame of each column of the detector."""
        import numpy as np

        output = np.arange(self.outputs + 1)[:, None]
        is_science = (output > 0) & ~self._in_between
        return np.flatnonzero(is_science)

    @cached_property
    def number(self) -> NDArray[np.int64]:
        """The column of the detector of each column of a frame; -1 for what is read in between."""
        import numpy as np

        number = np.full(self.width, -1)
        number[self.science] = np.arange(len(self.science))
        return number

    @cached_property
    def time(self) -> NDArray[np.float32]:
        """When pixels of a row are read, as a part of the row's time; shape (outputs, stripe)."""
        import numpy as np

        place = np.arange(self.stripe)
        jumped = (place + self.normal // 2) // (self.normal + self.reference)
        step = place + JUMP * (2 * jumped + self._in_between)
        backwards = np.arange(self.outputs + 1)[:, None] % 2 == 0
        time = np.where(backwards, step[::-1], step) / self.steps
        return time.astype(np.float32)

    def interleaved(self, pixels: NDArray[Any], fill: NDArray[Any] | float) -> NDArray[Any]:
        """Return pixels (..., rows, columns) as (..., rows, width).

        Parameters
        ----------
        fill
            What is read in between: a number, or an array of the result's shape.

        """
        import numpy as np

        frame = np.empty((*pixels.shape[:-1], self.width), pixels.dtype)
        frame[...] = fill
        frame[..., self.science] = pixels
        return frame

    def normal_pixels(self, frame: NDArray[Any]) -> NDArray[Any]:
        """Return frames (..., rows, width) without what is read in between."""
        return frame[..., self.science]

    def maps(self, maps: Maps, parameters: Parameters, seed: int) -> Maps:
        """Return maps of frames: a detector's own, and between them those of reference pixels.

        Each read in between is taken for a pixel of its own, with a bias of its own.
        """
        import numpy as np

        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 1)))
        spread = random.standard_normal((len(maps.bias), self.width), np.float32)
        p = parameters
        return Maps(
            bias=self.interleaved(maps.bias, p.bias + p.bias_spread * np.clip(spread, -4, 4)),
            dark=self.interleaved(maps.dark, 0),
            gain=self.interleaved(maps.gain, p.gain),
            read_noise=self.interleaved(maps.read_noise, p.read_noise),
            full_scale=self.interleaved(maps.full_scale, p.full_scale),
            saturation=self.interleaved(maps.saturation, 65535),
            mask=self.interleaved(maps.mask, REFERENCE_PIXEL),
            linearity=maps.linearity,
        )


LAYOUT = Layout()
"""That of NIRSpec's detectors: 2048 columns, in frames of 3200."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the levels of outputs are off in the frames of an integration, in DN.

    levels
        Of frames, float32, shape (frames, outputs).
    wander
        Besides, at the begin of each row, float32, shape (frames, rows, outputs); within a row
        it goes on evenly to that of the next, and from the last row's to the first's.

    """

    layout: Layout
    levels: NDArray[np.float32]
    wander: NDArray[np.float32]

    def __call__(self, frame: int, rows: slice) -> NDArray[np.float32]:
        """Return how far pixels are off, float32, shape (rows, width)."""
        import numpy as np

        wander = self.wander[frame]
        begin = wander[rows, :, None] + self.levels[frame, :, None]
        change = np.roll(wander, -1, axis=0)[rows, :, None] - wander[rows, :, None]
        off = begin + change * self.layout.time
        found: NDArray[np.float32] = off.reshape(len(off), self.layout.width)
        return found


def make_drift(
    layout: Layout, random: np.random.Generator, frames: int, rows: int, sigma: float
) -> Drift:
    """Draw the drift of an integration; `sigma` is the standard deviation of levels, in DN."""
    import numpy as np

    outputs = layout.outputs + 1
    levels = random.standard_normal((frames, outputs), np.float32) * np.float32(sigma)
    amplitude = rows * np.sqrt(power(rows)[: rows // 2 + 1] / 2)
    # The highest frequency of an even number of rows has no imaginary part.
    amplitude[-1] *= 1 if rows % 2 else 2**0.5

    def waves(count: int) -> NDArray[np.float64]:
        parts = random.standard_normal((2, frames, len(amplitude), count))
        spectrum = (parts[0] + 1j * parts[1]) * amplitude[:, None]
        return np.fft.irfft(spectrum, rows, axis=1)

    wander = sigma * (COMMON * waves(1) + OWN * waves(outputs))
    return Drift(layout, levels, wander.astype(np.float32))


def power(rows: int) -> NDArray[np.float64]:
    """Return the power of the rows' wandering by frequency, shape (rows,): all of it is 1."""
    import numpy as np

    frequency = np.abs(np.fft.fftfreq(rows)) * rows
    found = np.zeros(rows)
    found[1:] = 1 / frequency[1:]
    found /= found.sum()
    return found


def weights(
    layout: Layout, rows: int, sigma: float, noise: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights by which the pipeline finds the drift of an output.

    Both go with the frequencies of a discrete Fourier transform of all steps of a frame, float32,
    shape (rows * steps,); they are real, for neither is read later than the other.

    Parameters
    ----------
    sigma
        The standard deviation of levels, in DN, as `make_drift` has it.
    noise
        The standard deviation of a read, in DN.

    Returns
    -------
    alpha, beta
        Of the reference output, and of the reference pixels in between, which the pipeline leaves
        0 where nothing is read.

    """
    import numpy as np

    count = rows * layout.steps
    frequency = np.rint(np.fft.fftfreq(count) * count).astype(np.int64)
    # Straight lines between the begins of rows repeat the rows' powers at higher frequencies; the
    # transform of their triangle is a squared sinc, and its power the fourth.
    wandering = power(rows)
    # The level of a frame is known from few pixels at the edges; what is left of it is slow.
    wandering[0] = wandering[1]
    wandering = wandering[frequency % rows] * np.sinc(frequency / rows) ** 4
    common, own = wandering * (COMMON * sigma) ** 2, wandering * (OWN * sigma) ** 2
    # Counts are rounded, which is noise too. The steps between the normal pixels of the reference
    # output are filled in from these, and tell nothing of their own.
    white = (noise**2 + 1 / 12) / rows
    reads = layout.jumps * layout.reference
    of_output, of_pixels = white / (layout.jumps * layout.normal), white / reads
    seen = common + own
    both = (seen + of_output) * (seen + of_pixels) - common**2
    alpha = common * of_pixels / both
    beta = (seen * (seen + of_output) - common**2) / both
    # Each of them stands for itself and for half the read beside it that is not there.
    beta *= layout.steps / (2 * reads)
    return alpha.astype(np.float32), beta.astype(np.float32)
