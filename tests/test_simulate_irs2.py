"""NIRSpec's IRS2 readout: the layout of its frames, their drift, and what undoes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import Conforms
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_simulate_ramps import NOTHING

import fitsgen
from fitsgen.simulate.detector import DIRECTORY, REFERENCE_PIXEL, Maps, make_maps, read_parameters
from fitsgen.simulate.exposure import write_raw
from fitsgen.simulate.irs2 import FRAME_TIME, LAYOUT, Layout, make_drift, power, weights
from fitsgen.simulate.making import reference_types
from fitsgen.simulate.planning import Wish, plan
from fitsgen.simulate.products import data_file, exposure_keywords, maps_file, weights_file
from fitsgen.simulate.ramps import Effects, Exposure, Readout

SMALL = Layout(columns=128)
ROWS = 96
PARAMETERS = read_parameters(DIRECTORY / "nrs1.dat")
LAYOUTS = st.builds(
    lambda half, pair, jumps, outputs: Layout(
        2 * half * jumps * outputs, normal=2 * half, reference=2 * pair, outputs=outputs
    ),
    *(st.integers(1, 10), st.integers(1, 3), st.integers(1, 6), st.integers(1, 5)),
)


def small_maps() -> Maps:
    return make_maps(PARAMETERS, (ROWS, SMALL.columns), (4, 4), seed=1)


def exposure(effects: Effects, *, seed: int = 5, rate: float = 30.0, frames: int = 1) -> Exposure:
    """Return a small exposure with IRS2 readout."""
    maps = SMALL.maps(small_maps(), PARAMETERS, 1)
    scene = np.full((ROWS, SMALL.columns), rate, np.float32)
    readout = Readout(2, 3, frames, frame_time=FRAME_TIME)
    return Exposure(maps, SMALL.interleaved(scene, 0), readout, effects, seed, irs2=SMALL)


def counts(of: Exposure, threads: int = 2) -> NDArray[np.int64]:
    """Return the counts of an exposure, shape (integrations, groups, rows, columns)."""
    made = np.zeros((of.readout.integrations, of.readout.groups, *of.rate.shape), np.int64)
    for block in of.blocks(threads):
        made[block.integration, :, block.row : block.row + block.counts.shape[1]] = block.counts
    return made


class TestLayout:
    """Which columns are which."""

    def test_of_nirspec(self) -> None:
        assert (LAYOUT.width, LAYOUT.stripe, LAYOUT.steps) == (3200, 640, 712)
        # 2048 rows and what a frame needs besides take 14.58889 s.
        assert (LAYOUT.steps * 2048 + 714) * 1e-5 == pytest.approx(FRAME_TIME, abs=1e-4)
        between = np.flatnonzero(LAYOUT.number < 0)
        expected = [range(640)]
        expected += [range(start, start + 4) for start in range(648, 3200, 20)]
        assert between.tolist() == [column for some in expected for column in some]

    @given(LAYOUTS)
    def test_columns_go_there_and_back(self, layout: Layout) -> None:
        pixels = np.arange(3 * layout.columns).reshape(3, layout.columns)
        frame = layout.interleaved(pixels, -1)
        assert frame.shape == (3, layout.width)
        assert (layout.normal_pixels(frame) == pixels).all()
        assert np.count_nonzero(frame == -1) == 3 * (layout.width - layout.columns)
        assert (layout.number[layout.science] == np.arange(layout.columns)).all()
        assert (np.flatnonzero(layout.number >= 0) == layout.science).all()

    @given(LAYOUTS)
    def test_outputs_read_their_own_columns_one_after_another(self, layout: Layout) -> None:
        own = layout.science.reshape(layout.outputs, -1) // layout.stripe
        assert (own == np.arange(1, layout.outputs + 1)[:, None]).all()
        steps = np.rint(layout.time * layout.steps).astype(int)
        assert steps.shape == (layout.outputs + 1, layout.stripe)
        # In turn from the last to the first column, and from the first to the last.
        assert (np.diff(steps[::2]) < 0).all()
        assert (np.diff(steps[1::2]) > 0).all()
        assert (steps[::2] == steps[0]).all()
        assert (steps[1::2] == steps[0, ::-1]).all()
        # Pixels of one kind are read without a pause, and there is a step of a jump at each change.
        is_reference = (layout.number < 0).reshape(steps.shape)[1]
        change = np.diff(is_reference.astype(int)) != 0
        assert (np.diff(steps[1]) == np.where(change, 2, 1)).all()


class TestFrames:
    """What is read."""

    def test_without_noise_they_are_plain_frames_with_reference_pixels_between(self) -> None:
        effects = replace(NOTHING, bias=True, dark=True, nonlinearity=True, saturation=True)
        wide = exposure(effects, rate=900.0)
        plain = replace(wide, maps=small_maps(), rate=SMALL.normal_pixels(wide.rate), irs2=None)
        made, expected = counts(wide), counts(plain)
        assert (SMALL.normal_pixels(made) == expected).all()
        between = SMALL.number < 0
        assert (made[..., between] == np.rint(wide.maps.bias[:, between])).all()

    def test_what_is_between_sees_no_light_and_no_rays(self) -> None:
        effects = replace(NOTHING, dark=True, photon_noise=True, rays=1e-2)
        wide = exposure(effects)
        blind = (wide.maps.mask & REFERENCE_PIXEL) != 0
        assert blind[:, SMALL.number < 0].all()
        assert not counts(wide)[..., blind].any()
        rays = [block.rays.column for block in wide.blocks()]
        assert min(map(len, rays)) > 0
        assert all((SMALL.number[columns] >= 0).all() for columns in rays)

    def test_the_same_seed_gives_the_same_counts(self) -> None:
        effects = Effects(drift=8.0, rays=1e-4, reset_noise=8.0)
        one = counts(exposure(effects), threads=1)
        assert (counts(exposure(effects), threads=3) == one).all()
        assert (counts(exposure(effects, seed=6)) != one).any()

    def test_a_group_is_the_mean_of_its_frames(self) -> None:
        effects = replace(NOTHING, bias=True, read_noise=True)
        single, averaged = (counts(exposure(effects, rate=0.0, frames=n)) for n in (1, 5))
        between = SMALL.number < 0
        noise = [(made[0, 1] - made[0, 0])[:, between].std() for made in (single, averaged)]
        assert noise[1] / noise[0] == pytest.approx(5**-0.5, rel=0.05)


class TestDrift:
    """How levels wander, and the weights that undo it."""

    def test_powers_are_as_told(self) -> None:
        rows, sigma = 64, 8.0
        drift = make_drift(SMALL, np.random.default_rng(1), 4000, rows, sigma)
        waves = np.abs(np.fft.fft(drift.wander[..., 0], axis=1) / rows) ** 2
        expected = power(rows) * sigma**2 * 1.01
        assert expected[0] == 0
        assert waves.mean(axis=0)[1:] == pytest.approx(expected[1:], rel=0.15)
        assert drift.levels.std() == pytest.approx(sigma, rel=0.05)
        own = drift.wander[..., 1] - drift.wander[..., 2]
        assert own.std() == pytest.approx(0.1 * 2**0.5 * sigma, rel=0.05)

    def test_it_goes_on_in_the_order_of_reading(self) -> None:
        drift = make_drift(SMALL, np.random.default_rng(1), 2, ROWS, 8.0)
        frame = drift(1, slice(0, ROWS)).reshape(ROWS, SMALL.outputs + 1, SMALL.stripe)
        parts = [drift(1, slice(row, row + 32)) for row in range(0, ROWS, 32)]
        assert (np.concatenate(parts) == frame.reshape(ROWS, SMALL.width)).all()
        begin = (drift.wander + drift.levels[:, None])[1]
        # The reference output ends a row with its first column, the next begins with its first.
        assert frame[:, 0, -1] == pytest.approx(begin[:, 0], rel=1e-4)
        assert frame[:, 1, 0] == pytest.approx(begin[:, 1], rel=1e-4)
        assert (np.sign(np.diff(frame[:, 0])) == np.sign(np.diff(frame[:, 2]))).mean() > 0.8

    @pytest.mark.parametrize("noise", [0.0, 6.5])
    def test_weights(self, noise: float) -> None:
        alpha, beta = weights(SMALL, ROWS, 8.0, noise)
        assert alpha.shape == beta.shape == (ROWS * SMALL.steps,)
        # Half of the places that are filled in are reads: these stand for all steps.
        filled = 2 * SMALL.jumps * SMALL.reference / SMALL.steps
        total = alpha + beta * filled
        assert (total >= 0).all()
        assert (total < 1.0001).all()
        # A slow drift is taken off whole, and by what an output itself tells; a fast one is not,
        # for there is none.
        assert total[:5] == pytest.approx(1, abs=0.02)
        assert total[len(total) // 2] < 0.01
        assert alpha[0] < 0.5 * beta[0] * filled
        # Real weights of a real signal are the same for frequencies of either sign.
        assert alpha[1:] == pytest.approx(alpha[:0:-1])
        assert beta[1:] == pytest.approx(beta[:0:-1])

    def test_without_drift_there_is_nothing_to_undo(self) -> None:
        alpha, beta = weights(SMALL, ROWS, 0.0, 6.5)
        assert not alpha.any()
        assert not beta.any()

    def test_they_leave_little_more_than_the_noise(self) -> None:
        """A frame's normal pixels, less what its reference pixels tell of them by the weights."""
        sigma, noise = 8.0, 6.5
        random = np.random.default_rng(3)
        drift = make_drift(SMALL, random, 1, ROWS, sigma)
        drift = replace(drift, levels=np.zeros_like(drift.levels))
        shape = (ROWS, SMALL.outputs + 1, SMALL.stripe)
        off = drift(0, slice(0, ROWS)).reshape(shape)
        frame = off + noise * random.standard_normal(shape)
        off, frame = (np.where(BACKWARDS[:, None], one[..., ::-1], one) for one in (off, frame))
        told = _told(frame)
        between = (SMALL.number < 0).reshape(shape[1:])[1]
        left = (off[:, 1:] - told[..., STEPS])[..., ~between]
        assert off[:, 1:].std() > 5
        assert left.std() < 0.25 * noise


BACKWARDS = np.arange(SMALL.outputs + 1) % 2 == 0
STEPS = np.rint(SMALL.time[1] * SMALL.steps).astype(np.int64)


def _told(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the drift of all steps as reference pixels tell it, shape (rows, outputs, steps)."""
    between = (SMALL.number < 0).reshape(SMALL.outputs + 1, -1)[1]
    series = np.zeros((SMALL.outputs + 1, ROWS, SMALL.steps))
    places = np.arange(SMALL.steps)
    # The reference output has a value for every step, but for those without a read.
    for row in range(ROWS):
        series[0, row] = np.interp(places, STEPS[~between], frame[row, 0, ~between])
    for output in range(1, SMALL.outputs + 1):
        reads = STEPS[between]
        series[output][:, reads] = frame[:, output, between]
        # Each read is taken for a step beside it too.
        beside = reads + np.where(np.arange(len(reads)) % 4 < 2, -2, 2)
        series[output][:, beside] = frame[:, output, between]
    alpha, beta = weights(SMALL, ROWS, 8.0, 6.5)
    waves = np.fft.fft(series.reshape(SMALL.outputs + 1, -1))
    found = np.fft.ifft(alpha * waves[0] + beta * waves[1:]).real
    return found.reshape(SMALL.outputs, ROWS, SMALL.steps).swapaxes(0, 1)


def test_a_plan_has_the_frames_and_times_of_its_pattern() -> None:
    rapid, averaged = (
        plan(Wish("nirspec_ifu", readpatt=name)) for name in ("NRSIRS2RAPID", "NRSIRS2")
    )
    assert (rapid.readout.frames, averaged.readout.frames) == (1, 5)
    assert rapid.readout.frame_time == FRAME_TIME
    assert (rapid.frame_rows, rapid.frame_columns) == (2048, 3200)
    assert plan(Wish("nirspec_ifu", readpatt="NRSIRS2", frames=2)).readout.frames == 2
    assert plan(Wish("nirspec_ifu")).irs2 is None


@pytest.mark.filterwarnings("ignore:.*the comment does not fit")
def test_a_whole_exposure(tmp_path: Path, conforms: Conforms) -> None:
    """NRS2 is turned by a half: what are columns are rows, the last one first."""
    wish = Wish("nirspec_ifu", "uniform:50", groups=1, readpatt="NRSIRS2RAPID", detector="NRS2")
    made = replace(plan(wish), effects=replace(NOTHING, bias=True))
    truth = write_raw(tmp_path / "raw.fits", made)
    assert truth.rate.shape == truth.saturated.shape[1:] == (2048, 2048)
    (tmp_path / "exposure.dat").write_text(data_file("exposure", exposure_keywords(made), "Told."))
    out = tmp_path / "uncal.fits"
    inputs = (tmp_path / "raw.fits", tmp_path / "exposure.dat")
    fitsgen.convert(*inputs, template="nirspec_uncal", output=out, frame="dms")
    conforms(out)
    assert fitsgen.verify(out, template="nirspec_uncal") == []
    with fits.open(out) as file:
        header, science = file[0].header, file["SCI"].data
    assert science.shape == (1, 1, 3200, 2048)
    keys = ("NRS_NORM", "NRS_REF", "NOUTPUTS", "SUBSIZE2", "TFRAME", "READPATT")
    assert [header[key] for key in keys] == [16, 4, 5, 2048, FRAME_TIME, "NRSIRS2RAPID"]
    levels = np.median(science[0, 0], axis=1)[::-1]
    is_lit = levels > PARAMETERS.bias + 0.5 * 50 * FRAME_TIME
    assert (np.flatnonzero(is_lit) == LAYOUT.science[4:-4]).all()


def test_references_have_the_pixels_that_their_steps_see() -> None:
    made = plan(Wish("nirspec_dark", readpatt="NRSIRS2"))
    assert "refpix" in reference_types(made)
    assert "refpix" not in reference_types(plan(Wish("nirspec_dark")))
    shapes = {hdu.name: hdu.shape[-2:] for hdu in maps_file(made)[1:]}
    wide = {name for name, shape in shapes.items() if shape == (3200, 2048)}
    assert wide == {"MASK", "BIAS"}
    assert {shapes[name] for name in shapes.keys() - wide} == {(2048, 2048)}
    table = weights_file(made, LAYOUT)["IRS2"].data
    alpha, beta = weights(LAYOUT, 2048, PARAMETERS.drift, PARAMETERS.read_noise)
    assert len(table) == 2_916_352
    for output in range(4):
        for name, expected in (("alpha", alpha), ("beta", beta)):
            assert (table[f"{name}_{output}"][::2] == expected).all()
            assert not table[f"{name}_{output}"][1::2].any()
