"""The detector model, by its statistics: seeds are fixed, so a test that passes always does.

Each bound is at least five standard deviations of its estimate wide: for a fresh seed the rate
of false alarms is below one in a million.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fitsgen.simulate.detector import (
    DO_NOT_USE,
    HOT,
    REFERENCE_PIXEL,
    Maps,
    Parameters,
    make_maps,
)
from fitsgen.simulate.linearity import REACH, Linearity
from fitsgen.simulate.ramps import Effects, Exposure, Readout

PARAMETERS = Parameters(
    gain=2.05,
    read_noise=6.2,
    reset_noise=12.0,
    bias=11_000.0,
    bias_spread=400.0,
    dark=0.02,
    dark_spread=0.1,
    full_scale=58_000.0,
    full_scale_spread=0.05,
    quadratic=-0.08,
    cubic=-0.02,
    saturation=50_000.0,
    drift=8.0,
    odd_even=3.0,
    hot=0.001,
    hot_dark=20.0,
    dead=0.001,
)
NOTHING = Effects(
    bias=False,
    dark=False,
    photon_noise=False,
    read_noise=False,
    nonlinearity=False,
    saturation=False,
)
SHAPE = (512, 512)
LINEAR = replace(PARAMETERS, quadratic=0.0, cubic=0.0, hot=0.0, dead=0.0)


def maps(parameters: Parameters = LINEAR, border: tuple[int, int] = (0, 0)) -> Maps:
    return make_maps(parameters, SHAPE, border, seed=1)


def counts(
    rate: float,
    readout: Readout,
    effects: Effects,
    *,
    of: Maps | None = None,
    seed: int = 5,
    threads: int = 2,
) -> NDArray[np.int64]:
    """Return the counts of an exposure, shape (integrations, groups, rows, columns)."""
    of = of or maps()
    scene = np.full(SHAPE, rate, np.float32)
    made = np.zeros((readout.integrations, readout.groups, *SHAPE), np.int64)
    for block in Exposure(of, scene, readout, effects, seed).blocks(threads):
        made[block.integration, :, block.row : block.row + block.counts.shape[1]] = block.counts
    return made


def test_without_effects_a_ramp_is_rate_times_time() -> None:
    made = counts(3.0, Readout(2, 4, frame_time=10.0), NOTHING)
    assert (made == np.array([30, 60, 90, 120])[:, None, None]).all()


def test_photons_go_on_while_frames_are_dropped_and_averaged() -> None:
    made = counts(10.0, Readout(1, 3, frames=2, gap=3, resets=1, frame_time=1.0), NOTHING)
    # Frames are read after 2, 3 | 7, 8 | 12, 13 s; a mean is rounded down.
    assert made[0, :, 0, 0].tolist() == [25, 75, 125]


def test_variance_over_mean_gives_the_gain() -> None:
    effects = replace(NOTHING, photon_noise=True)
    made = counts(800.0, Readout(4, 2, frame_time=10.0), effects).astype(float)
    difference = made[:, 1] - made[:, 0]
    # Rounding adds 1/12 to the variance of each group.
    gain = difference.mean() / (difference.var() - 2 / 12)
    assert gain == pytest.approx(PARAMETERS.gain, rel=0.01)


def test_darks_give_the_read_noise() -> None:
    effects = replace(NOTHING, bias=True, read_noise=True)
    made = counts(0.0, Readout(4, 2, frame_time=10.0), effects).astype(float)
    noise = np.sqrt((made[:, 1] - made[:, 0]).var() / 2 - 1 / 12)
    assert noise == pytest.approx(PARAMETERS.read_noise, rel=0.01)


@pytest.mark.parametrize("frames", [2, 4, 8])
def test_averaging_frames_lowers_the_noise(frames: int) -> None:
    effects = replace(NOTHING, bias=True, read_noise=True)
    made = counts(0.0, Readout(2, 2, frames, frame_time=10.0), effects).astype(float)
    # The division without its remainder leaves a number that is even over one DN.
    variance = (made[:, 1] - made[:, 0]).var() / 2 - 1 / 12 * (1 - 1 / frames**2)
    expected = (PARAMETERS.read_noise**2 + 1 / 12) / frames
    assert variance == pytest.approx(expected, rel=0.02)


def test_the_reset_noise_is_of_an_integration() -> None:
    effects = replace(NOTHING, bias=True, reset_noise=12.0)
    made = counts(0.0, Readout(2, 2, frame_time=10.0), effects).astype(float)
    assert np.ptp(made[:, 1] - made[:, 0]) == 0
    assert (made[1, 0] - made[0, 0]).std() == pytest.approx(12 * 2**0.5, rel=0.01)


@pytest.mark.parametrize(("quadratic", "cubic"), [(-0.08, -0.02), (-0.02, 0.0), (-0.15, 0.02)])
def test_the_polynomial_undoes_the_non_linearity(quadratic: float, cubic: float) -> None:
    linearity = Linearity(quadratic, cubic)
    full_scale = np.array([40_000.0, 58_000.0, 70_000.0])
    signal = np.linspace(0.001, REACH, 1000)[:, None] * full_scale
    seen = linearity.seen(signal, full_scale)
    planes = linearity.maps(full_scale[None])[:, 0].astype(np.float64)
    undone = sum(plane * seen**power for power, plane in enumerate(planes))
    assert planes[0].tolist() == [0, 0, 0]
    assert planes[1].tolist() == [1, 1, 1]
    assert np.abs(undone / signal - 1).max() < 0.001
    # It is no small thing that is undone.
    assert np.abs(seen / signal - 1).max() > 0.01


def test_counts_are_seen_through_the_non_linearity() -> None:
    of = maps(PARAMETERS)
    made = counts(
        1000.0, Readout(1, 2, frame_time=10.0), replace(NOTHING, nonlinearity=True), of=of
    )
    signal = np.array([10_000.0, 20_000.0])[:, None, None]
    expected = of.linearity.seen(signal, of.full_scale)
    seeing = ~of.is_blind
    assert np.abs(made[0] - expected)[:, seeing].max() <= 0.51


def test_nothing_goes_beyond_saturation_and_the_first_such_group_is_told() -> None:
    of = maps(PARAMETERS)
    effects = replace(NOTHING, bias=True, saturation=True)
    scene = np.full(SHAPE, 2000.0, np.float32)
    exposure = Exposure(of, scene, Readout(1, 4, frame_time=10.0), effects, 1)
    for block in exposure.blocks():
        rows = slice(block.row, block.row + 64)
        ceiling, seeing = of.saturation[rows], ~of.is_blind[rows]
        assert (block.counts <= ceiling).all()
        # 20000 DN a group upon a bias of 11000: the third is beyond 50000.
        assert (block.saturated[seeing] == 2).all()
        assert (block.counts[2:] == ceiling)[:, seeing].all()


def test_cosmic_rays_are_steps_that_are_told() -> None:
    effects = replace(NOTHING, rays=1e-4)
    exposure = Exposure(maps(), np.zeros(SHAPE, np.float32), Readout(1, 5), effects, 3)
    number = 0
    for block in exposure.blocks():
        expected = np.zeros(block.counts.shape)
        for frame, row, column, electrons in zip(
            *(getattr(block.rays, name) for name in ("frame", "row", "column", "electrons")),
            strict=True,
        ):
            expected[frame:, row, column] += electrons / PARAMETERS.gain
        assert np.abs(block.counts - np.clip(expected, 0, 65535)).max() <= 0.51
        number += len(block.rays.frame)
    mean = 1e-4 * 5 * 10.73677 * SHAPE[0] * SHAPE[1]
    assert abs(number - mean) < 5 * mean**0.5


def test_reference_pixels_see_the_drift_and_no_light() -> None:
    of = maps(PARAMETERS, border=(4, 4))
    reference = (of.mask & REFERENCE_PIXEL) != 0
    assert reference.sum() == SHAPE[0] * SHAPE[1] - (SHAPE[0] - 8) * (SHAPE[1] - 8)
    effects = replace(NOTHING, bias=True, dark=True, drift=8.0, odd_even=3.0)
    made = counts(100.0, Readout(1, 2, frame_time=10.0), effects, of=of)[0]
    moved = (made[1] - made[0])[:, ::2]
    for output in range(4):
        columns = slice(64 * output, 64 * output + 64)
        ups = moved[:, columns][reference[:, ::2][:, columns]]
        light = moved[:, columns][~reference[:, ::2][:, columns]]
        # Levels are rounded in both groups.
        assert np.ptp(ups) <= 2
        assert np.median(light) == pytest.approx(np.median(ups) + 1000, abs=2)


def test_hot_pixels_are_told_in_the_mask() -> None:
    of = maps(PARAMETERS)
    hot = (of.mask & HOT) != 0
    assert 150 < hot.sum() < 380
    assert ((of.mask[hot] & DO_NOT_USE) != 0).all()
    made = counts(0.0, Readout(1, 2, frame_time=10.0), replace(NOTHING, dark=True), of=of)[0]
    assert (made[1] - made[0])[hot].min() >= 199
    assert (made[1] - made[0])[~hot].max() <= 1


def test_the_same_seed_gives_the_same_counts_with_any_number_of_threads() -> None:
    effects = Effects(rays=1e-4, drift=8.0, odd_even=3.0, reset_noise=12.0)
    readout = Readout(2, 2, frame_time=10.0)
    one, other = (counts(20.0, readout, effects, threads=n) for n in (1, 3))
    assert (one == other).all()
    assert (one != counts(20.0, readout, effects, seed=6)).mean() > 0.5
