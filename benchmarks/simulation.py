"""A full frame simulated: how long it takes, and how much memory.

In: a `Bench`. Out: lines of the table: the raw file against nothing but the random numbers it
needs, drawn by NumPy on as many threads; then the command with all that it writes, as a process.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bench import Bench, command, remove
from benchmarks.measure import AtMost, Figure, Line, call, compared, process
from benchmarks.memory import run
from fitsgen.simulate.exposure import Plan, write_raw
from fitsgen.simulate.planning import Wish, plan
from fitsgen.simulate.ramps import STRIP, THREADS

RAYS = 1e-5  # a pixel and second: some 18,000 in a full frame of 430 s
MAX_SECONDS = 90.0
MAX_MEMORY = 1024.0
SAMPLES = 3
VERB = """
import sys
from fitsgen.cli import main
main(sys.argv[1:], standalone_mode=False)
"""


def lines(bench: Bench) -> Iterator[Line]:
    """Give the lines of the simulator."""
    integrations, groups = bench.sizes.ramps
    wish = Wish("nircam_image", integrations=integrations, groups=groups, rays=RAYS)
    what = f"simulate {groups} groups x {integrations}, 2048 x 2048"
    yield Line(f"{what}: variates drawn", partial(_drawn, bench, plan(wish)))
    verb = (
        *("simulate", "nircam_image", "--nints", str(integrations), "--ngroups", str(groups)),
        *("--rays", str(RAYS), "-o", str(_place(bench))),
    )
    yield Line(f"{what}: with all files, in s", partial(_seconds, bench, verb))
    yield Line(f"{what}: memory", partial(_memory, bench, verb))


def _drawn(bench: Bench, what: Plan) -> Figure:
    def ours() -> None:
        write_raw(bench.made, what, overwrite=True)

    what.maps, what.rate  # noqa: B018 - made once, and kept
    remove([bench.made])
    return compared(call(ours), call(partial(draw, what)), AtMost(1.5), SAMPLES)


def draw(what: Plan) -> None:
    """Draw a Poisson and a normal variate for each pixel and frame, a strip at a time."""
    readout, p = what.readout, what.parameters
    columns = what.window.columns
    mean = (what.rate.mean() + p.dark) * p.gain * readout.frame_time
    strips = what.window.rows // STRIP
    seeds = np.random.SeedSequence(what.seed).spawn(readout.integrations * strips)

    def strip(seed: np.random.SeedSequence) -> None:
        random = np.random.default_rng(seed)
        means = np.full((STRIP, columns), mean)
        for _ in range(readout.groups * readout.frames):
            random.poisson(means)
            random.standard_normal((STRIP, columns), np.float32)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(strip, seeds))


def _seconds(bench: Bench, verb: Sequence[str]) -> Figure:
    clear = partial(shutil.rmtree, _place(bench), ignore_errors=True)
    timer = process([*command(), *verb], clear)
    seconds = sorted(timer() for _ in range(SAMPLES))[SAMPLES // 2]
    clear()
    return Figure(seconds, AtMost(MAX_SECONDS), "s", ours=seconds)


def _memory(bench: Bench, verb: Sequence[str]) -> Figure:
    peak, _ = run(VERB, *verb)
    shutil.rmtree(_place(bench), ignore_errors=True)
    return Figure(peak, AtMost(MAX_MEMORY), "MiB")


def _place(bench: Bench) -> Path:
    return bench.directory / "simulated"
