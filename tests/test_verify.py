"""`verify`: an undamaged file has no fault, a damaged one never goes unnoticed."""

from __future__ import annotations

import functools
import random
import tempfile
import warnings
from pathlib import Path

import pytest
import test_library
from file_damage import WAYS, Target, Unit, units
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_library_facts import TYPES

from fitsgen.diagnostics import errors
from fitsgen.inputs.fits import FitsFile
from fitsgen.verification import verify
from fitsgen.verification.expected import expectation
from fitsgen.verification.load import Expectations, expectations


@functools.cache
def made(name: str) -> tuple[tuple[Unit, ...], Expectations]:
    """Convert a raw exposure, and take the file apart."""
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, path = test_library.made(name, Path(directory))
        with FitsFile.open(path) as file:
            return units(file), expectations(f"{name}_level1b")


@pytest.mark.parametrize("name", TYPES)
def test_what_was_made_is_right(name: str, tmp_path: Path) -> None:
    parts, known = made(name)
    path = tmp_path / "out.fits"
    path.write_bytes(b"".join(unit.render() for unit in parts))
    assert known.checks is not None
    assert verify(path, known.file_type, known.checks) == []


@pytest.mark.parametrize("way", WAYS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(sorted(TYPES)), seed=st.integers(0, 2**32))
def test_damage_is_told(way: str, name: str, seed: int, tmp_path: Path) -> None:
    parts, known = made(name)
    damaged = WAYS[way](Target(parts, expectation(known.file_type), random.Random(seed)))
    if damaged is None:
        return
    path = tmp_path / "out.fits"
    path.write_bytes(b"".join(unit.render() for unit in damaged))
    assert errors(verify(path, known.file_type, known.checks))


def test_every_way_of_damage_is_one() -> None:
    """Each way changes at least one file: a way that never does would test nothing."""
    idle = set(WAYS)
    for name in TYPES:
        parts, known = made(name)
        for way in sorted(idle):
            for seed in range(20):
                target = Target(parts, expectation(known.file_type), random.Random(seed))
                if WAYS[way](target) not in (None, parts):
                    idle.discard(way)
                    break
    assert not idle
    assert len(WAYS) >= 60
