"""What a picture shows, as values: a page of panels, without a line of how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fitsgen.preview.stretch import Levels, Stretch

Values: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pixel:
    """A pixel that is looked at: its place, from 1 as FITS counts, and why it was chosen."""

    x: int
    y: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class ImagePanel:
    """A plane of an image.

    pixels
        Shape (rows, columns), any type of numbers; of a large plane every `step`-th of both axes.
    size
        The columns and rows of the whole plane.
    stretch
        None where all pixels are the same, or none is finite: then `message` says so.
    marked
        The pixels whose ramps are shown.

    """

    title: str
    caption: str
    unit: str
    pixels: NDArray[Any]
    size: tuple[int, int]
    step: int
    stretch: Stretch | Levels | None
    message: str = ""
    marked: tuple[Pixel, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ramp:
    """The values of a pixel in each group, and what is found in them.

    values, jumps, saturated
        Shape (integrations, groups). A jump stands at the group after it.

    """

    pixel: Pixel
    values: Values
    jumps: Flags
    saturated: Flags


@dataclass(frozen=True, slots=True, eq=False)
class RampPanel:
    """Ramps of some pixels of a detector.

    first_integration, first_group
        The numbers, from 1, of the first of those that are shown.

    """

    title: str
    caption: str
    unit: str
    ramps: tuple[Ramp, ...]
    first_integration: int = 1
    first_group: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class LinePanel:
    """An image of one axis; of a long one every `step`-th value."""

    title: str
    caption: str
    unit: str
    values: Values
    step: int


@dataclass(frozen=True, slots=True)
class TablePanel:
    """The first rows of a table, as lines of text of one width a letter."""

    title: str
    caption: str
    lines: tuple[str, ...]


Panel: TypeAlias = ImagePanel | RampPanel | LinePanel | TablePanel


@dataclass(frozen=True, slots=True)
class Page:
    """All that a picture shows; `notes` say what it leaves out."""

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]
