"""Light to raw counts: what a detector makes of a scene, frame after frame.

In: `Maps` of a detector, the rates of a scene, and how it is read out. Out: blocks of groups, a
strip of rows after another, and what was put in. Each strip of each integration has random
numbers of its own, so the counts do not depend on how many threads make them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fitsgen.simulate.detector import REFERENCE_PIXEL, Maps
from fitsgen.simulate.irs2 import Layout, make_drift

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Drift = Callable[[int, slice], NDArray[np.float32]]
    """How far levels are off in some rows of a frame, of a shape that fits (rows, columns)."""

STRIP = 64  # rows; what is worked on at a time stays in the processor's cache
THREADS = 2
CEILING = 65535  # of the converter: 16 bits

# What random numbers are for; the first number of their key.
_PIXELS, _DRIFT, _RAYS = 1, 2, 3

# Energies of cosmic rays in electrons are log-uniform between these.
RAY_ENERGIES = (500.0, 50_000.0)


@dataclass(frozen=True, slots=True)
class Readout:
    """How a detector is read: an exposure is integrations of groups of frames.

    frames
        Frames that are averaged to a group.
    gap
        Frames that are dropped between groups.
    resets
        Frames between the reset of an integration and its first frame.
    frame_time
        From a frame to the next, in s.

    """

    integrations: int
    groups: int
    frames: int = 1
    gap: int = 0
    resets: int = 0
    frame_time: float = 10.73677

    @property
    def group_time(self) -> float:
        """From a group to the next, in s."""
        return (self.frames + self.gap) * self.frame_time


@dataclass(frozen=True, slots=True)
class Effects:
    """What happens in a detector; every part can be left out.

    rays
        Cosmic rays a pixel and second.
    drift, odd_even
        Standard deviations of the levels of outputs from frame to frame, in DN.
    reset_noise
        The standard deviation of the level after a reset, in DN.

    """

    bias: bool = True
    dark: bool = True
    photon_noise: bool = True
    read_noise: bool = True
    nonlinearity: bool = True
    saturation: bool = True
    rays: float = 0.0
    drift: float = 0.0
    odd_even: float = 0.0
    reset_noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Rays:
    """Cosmic rays: arrays of one length. `frame` counts from the reset, `row` from the strip's."""

    frame: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    electrons: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """The groups of a strip of rows in one integration.

    counts
        uint16, shape (groups, rows, columns).
    saturated
        uint16, shape (rows, columns): how many groups are not saturated.
    rays
        Those that hit the strip.

    """

    integration: int
    row: int
    counts: NDArray[np.uint16]
    saturated: NDArray[np.uint16]
    rays: Rays


def _on(drift: Drift, rows: slice, frame: int) -> NDArray[np.float32]:
    """Return how far the levels of some rows are off in a frame."""
    return drift(frame, rows)


@dataclass(frozen=True, slots=True)
class Exposure:
    """All that the counts of an exposure depend on.

    rate
        Of the scene in DN/s, float32, shape (rows, columns), in the detector's frame.
    outputs
        How many outputs read a row, a stripe of columns each; with `interleaved` a column each
        in turn.
    irs2
        How frames hold reference pixels that are read in between; maps and rate do so too.

    """

    maps: Maps
    rate: NDArray[np.float32]
    readout: Readout
    effects: Effects
    seed: int
    outputs: int = 4
    interleaved: bool = False
    irs2: Layout | None = None

    def blocks(self, threads: int = THREADS) -> Iterator[Block]:
        """Make the counts, a strip of an integration after another."""
        jobs = [
            (integration, row)
            for integration in range(self.readout.integrations)
            for row in range(0, self.rate.shape[0], STRIP)
        ]
        drifts = [self._drifts(one) for one in range(self.readout.integrations)]
        with ThreadPoolExecutor(threads) as pool:
            waiting = []
            for integration, row in jobs:
                make = partial(self._block, integration, row, drifts[integration])
                waiting.append(pool.submit(make))
                if len(waiting) > 2 * threads:
                    yield waiting.pop(0).result()
            for one in waiting:
                yield one.result()

    def _block(self, integration: int, row: int, drift: Drift) -> Block:
        import numpy as np

        rows = slice(row, row + STRIP)
        maps, rate = self.maps.part(rows), self.rate[rows]
        random = self._random(_PIXELS, integration, row)
        rays = self._rays(integration, row, maps)
        light = np.where(maps.is_blind, 0, rate) + (maps.dark if self.effects.dark else 0)
        electrons = (light * maps.gain * self.readout.frame_time).astype(np.float64)
        level = self._level(maps, random)
        here = partial(_on, drift, rows)
        group = partial(self._group, maps, level, electrons, rays, here, random)
        counts = np.empty((self.readout.groups, *rate.shape), np.uint16)
        charge = np.zeros(rate.shape)
        self._expose(charge, electrons, rays, 0, self.readout.resets, random)
        for number in range(self.readout.groups):
            group(number, charge, counts[number])
        full = counts >= maps.saturation
        unsaturated = np.where(full.any(axis=0), full.argmax(axis=0), len(counts))
        return Block(integration, row, counts, unsaturated.astype(np.uint16), rays)

    def _group(
        self,
        maps: Maps,
        level: NDArray[np.float32],
        electrons: NDArray[np.float64],
        rays: Rays,
        drift: Callable[[int], NDArray[np.float32]],
        random: np.random.Generator,
        number: int,
        charge: NDArray[np.float64],
        counts: NDArray[np.uint16],
    ) -> None:
        """Make the counts of a group; what is collected meanwhile stays in `charge`."""
        import numpy as np

        readout = self.readout
        first = readout.resets + number * (readout.frames + readout.gap)
        total = np.zeros(charge.shape, np.int32)
        for frame in range(first, first + readout.frames):
            self._expose(charge, electrons, rays, frame, 1, random)
            total += self._read(maps, level, charge, drift(frame - readout.resets), random)
        if number + 1 < readout.groups:
            self._expose(charge, electrons, rays, first + readout.frames, readout.gap, random)
        # On board, a group is a sum that is divided without its remainder.
        np.floor_divide(total, readout.frames, out=counts, casting="unsafe")

    def _expose(
        self,
        charge: NDArray[np.float64],
        electrons: NDArray[np.float64],
        rays: Rays,
        first: int,
        frames: int,
        random: np.random.Generator,
    ) -> None:
        """Collect the electrons of some frames."""
        if not frames:
            return
        import numpy as np

        mean = electrons if frames == 1 else electrons * frames
        charge += random.poisson(mean) if self.effects.photon_noise else mean
        hit = (rays.frame >= first) & (rays.frame < first + frames)
        np.add.at(charge, (rays.row[hit], rays.column[hit]), rays.electrons[hit])

    def _read(
        self,
        maps: Maps,
        level: NDArray[np.float32],
        charge: NDArray[np.float64],
        drift: NDArray[np.float32],
        random: np.random.Generator,
    ) -> NDArray[np.int32]:
        """Return the counts of a frame."""
        import numpy as np

        counts = (charge / maps.gain).astype(np.float32)
        if self.effects.nonlinearity:
            counts = maps.linearity.seen(counts, maps.full_scale)
        counts += level
        counts += drift
        if self.effects.read_noise:
            noise = random.standard_normal(counts.shape, np.float32)
            noise *= maps.read_noise
            counts += noise
        np.rint(counts, out=counts)
        ceiling = maps.saturation if self.effects.saturation else np.float32(CEILING)
        return np.clip(counts, 0, ceiling, out=counts).astype(np.int32)

    def _level(self, maps: Maps, random: np.random.Generator) -> NDArray[np.float32]:
        """Return the level of pixels after a reset."""
        import numpy as np

        level = maps.bias.copy() if self.effects.bias else np.zeros_like(maps.bias)
        if self.effects.reset_noise:
            noise = random.standard_normal(level.shape, np.float32)
            level += noise * np.float32(self.effects.reset_noise)
        return level

    def _drifts(self, integration: int) -> Drift:
        """Draw how far levels are off in the frames of an integration."""
        import numpy as np

        random = self._random(_DRIFT, integration, 0)
        frames = self.readout.groups * (self.readout.frames + self.readout.gap)
        rows, width = self.rate.shape
        if self.irs2:
            return make_drift(self.irs2, random, frames, rows, self.effects.drift)
        columns = np.arange(width)
        per_output = width // self.outputs or 1
        output = columns % self.outputs if self.interleaved else columns // per_output
        output = np.minimum(output, self.outputs - 1)
        levels = random.standard_normal((frames, self.outputs), np.float32) * self.effects.drift
        parity = random.standard_normal((frames, self.outputs), np.float32) * self.effects.odd_even
        sign = np.where(columns % 2, 0.5, -0.5)
        drifts = (levels[:, output] + parity[:, output] * sign).astype(np.float32)
        return lambda frame, rows: drifts[frame]

    def _rays(self, integration: int, row: int, maps: Maps) -> Rays:
        import numpy as np

        random = self._random(_RAYS, integration, row)
        readout, shape = self.readout, maps.mask.shape
        frames = readout.resets + readout.groups * (readout.frames + readout.gap)
        frames -= readout.gap
        expected = self.effects.rays * readout.frame_time * frames * shape[0] * shape[1]
        count = int(random.poisson(expected))
        low, high = np.log(RAY_ENERGIES)
        electrons = np.exp(random.uniform(low, high, count))
        frame = random.integers(0, frames, count)
        rows = random.integers(0, shape[0], count)
        columns = random.integers(0, shape[1], count)
        # Reference pixels have nothing that a ray could set free.
        hit = (maps.mask[rows, columns] & REFERENCE_PIXEL) == 0
        return Rays(frame[hit], rows[hit], columns[hit], electrons[hit].astype(np.float32))

    def _random(self, what: int, integration: int, row: int) -> np.random.Generator:
        import numpy as np

        key = (what, integration, row)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
