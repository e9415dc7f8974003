"""What is simulated, and given to which pipeline: a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest


class Pipeline(Enum):
    """A pipeline by the name that `strun` knows it by, and what it is given beside the exposure."""

    DETECTOR1 = ("calwebb_detector1", "--save_calibrated_ramp=true")
    DARK = ("calwebb_dark",)
    GUIDER = ("calwebb_guider",)


@dataclass(frozen=True, slots=True)
class Case:
    """An exposure and its pipeline.

    size
        Groups and integrations; None stands for those of the mode.
    dark
        Dark current in DN/s.
    rays
        Cosmic rays a pixel and second.

    """

    mode: str
    pipeline: Pipeline
    subarray: str
    size: tuple[int, int] | None = None
    dark: float = 0.01
    scene: str | None = None
    rays: float = 0.0
    frames: int = 1
    gap: int = 0
    readpatt: str | None = None

    @property
    def name(self) -> str:
        """Tells it from others of its mode."""
        return f"{self.mode}-{self.readpatt}" if self.readpatt else self.mode

    @property
    def is_full(self) -> bool:
        """Whether all of the detector is read, with reference pixels and their drift."""
        return self.subarray == "FULL"

    @property
    def arguments(self) -> list[str]:
        """What `fitsgen simulate` is told."""
        groups, integrations = self.size or (None, None)
        told = {
            "subarray": self.subarray,
            "ngroups": groups,
            "nints": integrations,
            "scene": self.scene,
            "rays": self.rays,
            "nframes": self.frames,
            "groupgap": self.gap,
            "readpatt": self.readpatt,
        }
        given = {key: value for key, value in told.items() if value is not None}
        return [self.mode, *(f"--{key}={value}" for key, value in given.items())]


_D1, _DARK, _GUIDER = Pipeline.DETECTOR1, Pipeline.DARK, Pipeline.GUIDER

# Scenes fill a good part of the range in the time that there is, so that a non-linearity that is
# not undone shows; points and traces among them saturate after some groups. The dark current is a
# hundredth of the light: it shows if it is not taken off, and its own noise, which the pipeline
# does not count, does not. Rays hit hundreds of pixels. Full frames have the drift that reference
# pixels take away, as have windows with rows of these; what is only read in full is so here. Two
# readout patterns average frames or drop some.
DETECTOR1 = [
    Case("nircam_image", _D1, "SUB64P", (10, 2), 100, "grid:2e6,16,10000", 0.03, 1, 1, "BRIGHT1"),
    Case("nirspec_ifu", _D1, "FULL", (6, 1), 1, "traces:1600,30,100", 2e-6),
    Case(
        *("nirspec_ifu", _D1, "FULL", (5, 1), 1, "traces:1200,30,100", 2e-6),
        readpatt="NRSIRS2RAPID",
    ),
    Case("nirspec_fixedslit", _D1, "SUBS200A1", (10, 1), 5, "traces:5000,2,500", 3e-4),
    Case("miri_image", _D1, "SUB64", (10, 2), 100, "grid:2e6,16,10000", 0.03),
    Case("miri_mrs", _D1, "FULL", (10, 1), 2, "traces:3000,20,200", 1e-5),
    Case("miri_lrs", _D1, "FULL", (10, 1), 2, "traces:3000,3,200", 1e-5),
    Case("niriss_image", _D1, "SUB64", (10, 1), 60, "grid:1e6,16,6000", 0.03, 4, 0, "NIS"),
    Case("niriss_soss", _D1, "SUBSTRIP256", (10, 1), 0.5, "traces:1500,2,50", 1e-5),
    Case("fgs_image", _D1, "SUB128LL", (10, 2), 50, "grid:1e6,32,5000", 3e-3),
]

DARK = [
    Case("nircam_dark", _DARK, "SUB64P", (6, 2), 1000),
    Case("nirspec_dark", _DARK, "SUBS200A1", (6, 1), 100),
    Case("miri_dark", _DARK, "SUB64", (6, 2), 1000),
    Case("niriss_dark", _DARK, "SUB64", (6, 2), 1000),
]

GUIDER = [
    Case("guider_id", _GUIDER, "FULL"),
    Case("guider_acq1", _GUIDER, "128X128"),
    Case("guider_acq2", _GUIDER, "32X32"),
    Case("guider_track", _GUIDER, "32X32"),
    Case("guider_fineguide", _GUIDER, "8X8"),
]

CASES = [*DETECTOR1, *DARK, *GUIDER]


def parameters(cases: list[Case]) -> list[Any]:
    """Return cases as parameters of a test."""
    return [parameter(case) for case in cases]


def parameter(case: Case, *more: str) -> Any:
    """Return a case and more as a parameter of a test, whose name begins with the case's."""
    return pytest.param(case, *more, id=":".join([case.name, *more]))


def case_of(nodeid: str) -> str:
    """Return the case that a test has as its parameter."""
    return nodeid.rpartition("[")[2].rstrip("]").partition(":")[0]
