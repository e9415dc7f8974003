"""The image of an HDU to panels: its last plane, and ramps of some of its pixels.

In: an image of an input, lazy or in memory. Out: panels; of a large image no more is read than
one plane, some rows of all groups, and the chosen pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fitsgen.diagnostics import counted
from fitsgen.inputs.fits import InputHDU
from fitsgen.lazy.array import LazyArray
from fitsgen.preview.page import ImagePanel, LinePanel, Panel, Ramp, RampPanel
from fitsgen.preview.ramps import Sample, choose, find, joined, sampled
from fitsgen.preview.stretch import extremes_text, stretch

Image: TypeAlias = LazyArray | NDArray[Any]

# Of a longer axis, every second pixel is shown, or every third...
MAX_SIDE = 2048
MAX_LINE = 65536
# Frames of a ramp that are shown: the last ones.
MAX_FRAMES = 512
MAX_INTEGRATIONS = 10
# What is read to choose pixels: rows, and bytes.
_MAX_ROWS = 256
_MAX_READ = 32 << 20
# The rows of so many of the brightest pixels are among them.
_BRIGHTEST = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """An image and what its panels say of it.

    is_exposure
        Whether its leading axes are integrations and groups.
    has_ramps
        Whether its pixels are those of a detector while they gather light.

    """

    title: str
    unit: str
    image: Image
    is_exposure: bool = False
    has_ramps: bool = False


def image_panels(subject: Subject) -> tuple[Panel, ...]:
    """Return the panels of an image that has pixels."""
    if len(subject.image.shape) == 1:
        return (_line(subject),)
    panel = _last_plane(subject)
    if not subject.has_ramps or math.prod(subject.image.shape[:2]) < 2:
        return (panel,)
    ramps = _ramps(subject, panel)
    marked = tuple(ramp.pixel for ramp in ramps.ramps)
    images = [panel, *_rise(subject, panel)]
    return (*(replace(one, marked=marked) for one in images), ramps)


def subject_of(hdu: InputHDU, title: str, counts: tuple[int, int] | None) -> Subject:
    """Return the image of an HDU.

    Parameters
    ----------
    counts
        How many integrations and groups the exposure has, where that is known.

    """
    image = hdu.data
    assert isinstance(image, LazyArray | np.ndarray)
    shape = image.shape
    if len(shape) == 3 and counts and shape[0] == math.prod(counts) and 0 not in counts:
        # As ground systems write it: the frames of all integrations on one axis.
        image = image.reshape(*counts, *shape[1:])
    is_exposure = image.ndim == 4 and (counts is not None or hdu.name == "SCI")
    has_ramps = is_exposure and hdu.name in ("SCI", "PRIMARY")
    unit = str(hdu.header.tolerant("BUNIT", str) or "")
    return Subject(title, unit, image, is_exposure, has_ramps)


def _read(image: Image) -> NDArray[Any]:
    return np.asarray(image)


def _line(subject: Subject) -> LinePanel:
    step = -(-subject.image.shape[0] // MAX_LINE)
    values = _finite(_read(subject.image[::step]))
    caption = _described(subject.image) + _every(step, "value")
    return LinePanel(subject.title, caption, subject.unit, values, step)


def _last_plane(subject: Subject) -> ImagePanel:
    image = subject.image
    step = -(-max(image.shape[-2:]) // MAX_SIDE)
    last: Any = (*[-1] * (len(image.shape) - 2), slice(None, None, step))
    pixels = _read(image[last])[:, ::step]
    return _plane(subject, _which(subject), pixels, step)


def _rise(subject: Subject, last: ImagePanel) -> Iterator[ImagePanel]:
    """Give what the last integration gathered: the levels of pixels would hide a faint scene."""
    integrations, groups = subject.image.shape[:2]
    if groups < 2:
        return
    first = _read(subject.image[-1, 0, :: last.step])[:, :: last.step]
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.float32 if last.pixels.dtype.itemsize <= 2 else np.float64
        rise = last.pixels.astype(exact) - first
    which = f": group {groups} minus group 1, integration {integrations} of {integrations}"
    yield _plane(subject, which, rise, last.step)


def _plane(subject: Subject, which: str, pixels: NDArray[Any], step: int) -> ImagePanel:
    found = stretch(pixels)
    caption = _described(subject.image) + (f", {found.name} stretch" if found else "")
    rows, columns = subject.image.shape[-2:]
    return ImagePanel(
        title=subject.title + which,
        caption=caption + _every(step, "pixel"),
        unit=subject.unit,
        pixels=pixels,
        size=(columns, rows),
        step=step,
        stretch=found,
        message="" if found else extremes_text(pixels),
    )


def _which(subject: Subject) -> str:
    """Return which plane of an image is shown."""
    leading = subject.image.shape[:-2]
    if subject.is_exposure:
        integrations, groups = leading
        return f": group {groups} of {groups}, integration {integrations} of {integrations}"
    if not leading or math.prod(leading) == 1:
        return ""
    return ": plane " + ", ".join(f"{count} of {count}" for count in leading)


def _described(image: Image) -> str:
    return f"{' x '.join(map(str, image.shape[::-1]))}, {image.dtype.name}"


def _every(step: int, what: str) -> str:
    if step == 1:
        return ""
    ordinal = {2: "2nd", 3: "3rd"}.get(step, f"{step}th")
    return f", every {ordinal} {what} shown"


def _ramps(subject: Subject, panel: ImagePanel) -> RampPanel:
    """Return ramps of some pixels, in the last integrations."""
    all_integrations, all_groups = subject.image.shape[:2]
    groups = min(all_groups, MAX_FRAMES)
    integrations = max(1, min(all_integrations, MAX_INTEGRATIONS, MAX_FRAMES // groups))
    frames = subject.image[-integrations:, -groups:]
    limit = _limit(frames.dtype)
    pixels = choose(joined([_row(frames, y, panel.step, limit) for y in _rows(frames, panel)]))
    ramps = []
    for pixel in pixels:
        x, y = pixel.x - 1, pixel.y - 1
        values = _finite(_read(frames[:, :, y : y + 1, x : x + 1]))[..., 0]
        found = find(values, limit)
        ramps.append(Ramp(pixel, values[..., 0], found.jumps[..., 0], found.saturated[..., 0]))
    caption = _shown_frames(all_integrations, integrations, all_groups, groups)
    first = (all_integrations - integrations + 1, all_groups - groups + 1)
    title = f"{subject.title}: ramps of {counted(len(ramps), 'pixel')}"
    return RampPanel(title, caption, subject.unit, tuple(ramps), *first)


def _shown_frames(all_integrations: int, integrations: int, all_groups: int, groups: int) -> str:
    parts = []
    for what, all_, some in (
        ("integration", all_integrations, integrations),
        ("group", all_groups, groups),
    ):
        parts.append(f"{some} of {all_} {what}s" if some < all_ else counted(all_, what))
    last = "the last " if integrations < all_integrations or groups < all_groups else ""
    return last + ", ".join(parts)


def _rows(frames: Image, panel: ImagePanel) -> list[int]:
    """Return the rows among which pixels are chosen: some of all, and those of the brightest."""
    rows, columns = frames.shape[-2:]
    bytes_a_row = math.prod(frames.shape[:2]) * columns * frames.dtype.itemsize
    count = max(1, min(rows, _MAX_ROWS, _MAX_READ // bytes_a_row))
    spread = np.linspace(0, rows - 1, count + 2 if count + 2 < rows else count)
    spread = spread[1:-1] if len(spread) > count else spread
    # Of each row that was read, the brightest pixel; NaN is none.
    top = np.fmax.reduce(panel.pixels, axis=1)
    top = np.where(np.isfinite(top), top, -np.inf)
    bright = np.argsort(top, stable=True)[-_BRIGHTEST:] * panel.step
    return sorted({*map(int, spread), *map(int, bright)})


def _row(frames: Image, y: int, step: int, limit: float) -> Sample:
    """Return what is known of the pixels of a row."""
    values = _finite(_read(frames[:, :, y : y + 1])[:, :, 0, ::step])
    x = np.arange(values.shape[-1]) * step + 1
    return sampled(values, find(values, limit), x, y + 1)


def _limit(dtype: np.dtype[Any]) -> float:
    """Return the largest value of the A/D converter, which has 16 bits; else it is not known."""
    return float(np.iinfo(dtype).max) if dtype in (np.uint16, np.int16) else math.inf


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values to count with: NaN for infinity, and nothing beyond all bounds."""
    finite = values.astype(np.float64)
    finite[~np.isfinite(finite)] = np.nan
    return np.clip(finite, -1e100, 1e100)
