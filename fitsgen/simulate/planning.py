"""What a user asks for to a `Plan`: defaults are filled in, and what cannot be is told.

In: a `Wish`. Out: a `Plan`, or one `InputError` with all that is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from fitsgen.diagnostics import input_error
from fitsgen.jwst.corners import unturned
from fitsgen.jwst.detectors import DETECTORS, Detector, by_name
from fitsgen.simulate.detector import BORDER, DIRECTORY, Parameters, read_parameters
from fitsgen.simulate.exposure import Plan
from fitsgen.simulate.irs2 import FRAME_TIME, LAYOUT, PATTERNS
from fitsgen.simulate.modes import BY_NAME, FULL, Area, Mode
from fitsgen.simulate.ramps import Effects, Readout
from fitsgen.simulate.scene import parse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; None stands for what the mode has."""

    mode: str
    scene: str | None = None
    seed: int = 1
    integrations: int | None = None
    groups: int | None = None
    frames: int | None = None
    gap: int = 0
    subarray: str | None = None
    detector: str | None = None
    readpatt: str | None = None
    rays: float = 0.0
    without: frozenset[str] = frozenset()
    parameters: Path | None = None
    keywords: Mapping[str, str] = field(default_factory=dict)


def plan(wish: Wish) -> Plan:
    """Return what is to be simulated.

    Raises
    ------
    InputError
        There is no such mode, window, detector or scene; or a number does not do.

    """
    mode = _found("mode", wish.mode, BY_NAME)
    detector = _detector(mode, wish.detector)
    name = (wish.subarray or next(iter(mode.areas))).upper()
    area = _found("window", name, mode.areas, f"{mode.name} has no such window")
    parameters = read_parameters(wish.parameters or _parameters_of(detector))
    integrations, groups = wish.integrations or mode.integrations, wish.groups or mode.groups
    if mode.file_type == "guider_id" and (integrations, groups) != (2, 2):
        raise input_error("guider_id", "has 2 integrations of 2 groups")
    if mode.file_type == "guider_fineguide" and groups < 8:
        raise input_error("guider_fineguide", f"needs 8 groups or more, not {groups}")
    readpatt = wish.readpatt or mode.readpatt
    is_irs2 = _is_irs2(readpatt, mode, name)
    frames = wish.frames or PATTERNS.get(readpatt, 1)
    if is_irs2:
        area = replace(area, outputs=LAYOUT.outputs + 1, frame_time=FRAME_TIME)
    return Plan(
        mode=replace(mode, detector=detector),
        area_name=name,
        area=area,
        parameters=parameters,
        readout=Readout(integrations, groups, frames, wish.gap, frame_time=area.frame_time),
        effects=_effects(wish, mode, area, parameters, is_irs2=is_irs2),
        scene=parse(wish.scene or mode.scene),
        readpatt=readpatt,
        configuration={**mode.configuration, **wish.keywords},
        seed=wish.seed,
    )


def _is_irs2(readpatt: str, mode: Mode, area_name: str) -> bool:
    """Return whether reference pixels are read in between; raises where that cannot be."""
    if "IRS2" not in readpatt.upper():
        return False
    if readpatt not in PATTERNS:
        raise input_error(readpatt, "is no readout pattern", f"there are {', '.join(PATTERNS)}")
    if mode.detector.instrument != "NIRSPEC":
        raise input_error(readpatt, f"is of NIRSPEC: {mode.name} has {mode.readpatt}")
    if area_name != FULL:
        raise input_error(readpatt, f"is of full frames: {area_name} has {mode.readpatt}")
    return True


def _effects(
    wish: Wish, mode: Mode, area: Area, parameters: Parameters, *, is_irs2: bool
) -> Effects:
    without = wish.without
    has_drift = "drift" not in without and _can_drift(mode, area)
    is_miri = mode.detector.instrument == "MIRI"
    return Effects(
        bias="bias" not in without,
        dark="dark" not in without,
        photon_noise="photon-noise" not in without,
        read_noise="read-noise" not in without,
        nonlinearity="nonlinearity" not in without and not mode.is_guider,
        saturation="saturation" not in without,
        rays=wish.rays,
        drift=parameters.drift if has_drift else 0.0,
        # With IRS2 it does not tell odd from even columns.
        odd_even=parameters.odd_even if has_drift and not is_miri and not is_irs2 else 0.0,
        reset_noise=parameters.reset_noise if "read-noise" not in without else 0.0,
    )


def _can_drift(mode: Mode, area: Area) -> bool:
    """Return whether the pipeline takes drift off, by reference pixels.

    It does not for guide stars, nor for darks and subarrays of MIRI; of the near infrared a window
    has to have some of the rows that are read first or last (jwst, refpix).
    """
    detector = mode.detector
    if mode.is_guider:
        return False
    if detector.instrument == "MIRI":
        return not mode.is_dark and area.window.rows == detector.rows
    window = unturned(area.window, detector.turn, detector.columns)
    return window.rowstart <= BORDER or window.rowstop > detector.rows - BORDER


def _detector(mode: Mode, name: str | None) -> Detector:
    if name is None:
        return mode.detector
    detector = by_name(name)
    instrument = mode.detector.instrument
    if detector is None or detector.instrument != instrument:
        names = [one.name for one in DETECTORS if one.instrument == instrument]
        raise input_error(name, f"is no detector of {instrument}", f"it has {', '.join(names)}")
    return detector


def _parameters_of(detector: Detector) -> Path:
    """Return the file of a detector; one that has none of its own takes that of its instrument."""
    path = DIRECTORY / f"{detector.name.lower()}.dat"
    if path.exists():
        return path
    stem = {"NIRCAM": "nrca1", "NIRSPEC": "nrs1", "FGS": "guider1", "MIRI": "mirifushort"}
    return DIRECTORY / f"{stem[detector.instrument]}.dat"


def _found(what: str, name: str, known: Mapping[str, T], message: str = "") -> T:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise input_error(name, message or f"is no {what}", hint)
