"""A page to the bytes of a PNG image, by matplotlib.

The bytes depend on the page and the versions of the libraries alone: no date, no settings of the
user, and no state of matplotlib's that outlives a drawing.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from fitsgen.diagnostics import InputError, Problem, counted
from fitsgen.preview.layout import (
    BELOW,
    HIGH,
    LEFT,
    LINE,
    LONG,
    MARGIN,
    RIGHT,
    TITLE,
    WIDTH,
    Box,
    Layout,
    laid_out,
)
from fitsgen.preview.page import (
    ImagePanel,
    LinePanel,
    Page,
    Panel,
    Pixel,
    Ramp,
    RampPanel,
    TablePanel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#b07d00")
# As many ramps as there are colours.
ACROSS = len(COLOURS)
JUMP, SATURATED, MISSING = "#d00000", "#e07000", "#d9b3b3"
_SMALL, _TINY = 8.0, 7.0


def require_matplotlib() -> None:
    """Raise `InputError` where there is no matplotlib to draw with."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        why = "is not installed" if missing else f"cannot be imported: {error}"
        message = f"a preview needs matplotlib, which {why}"
        raise InputError(Problem(message, hint="pip install 'fitsgen[plot]'")) from None


def png(page: Page) -> bytes:
    """Draw a page."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = laid_out(page)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = Figure(figsize=(WIDTH, layout.height), dpi=DPI)
        canvas: Any = FigureCanvasAgg(figure)
        _text(figure, MARGIN, layout.height - 0.32, page.title, size=13, weight="bold")
        _text(figure, MARGIN, layout.height - 0.55, page.subtitle, size=9, color="#333333")
        for panel, box in zip(page.panels, layout.boxes, strict=True):
            _draw(figure, panel, box)
        _notes(figure, layout)
        made = io.BytesIO()
        canvas.print_png(made, metadata={"Software": None})
    return made.getvalue()


def _text(figure: Figure, left: float, bottom: float, text: str, **style: Any) -> None:
    """Write a text as it stands: a `$` in it begins no formula."""
    width, height = figure.get_size_inches()
    figure.text(left / width, bottom / height, text, parse_math=False, **style)


def _axes(figure: Figure, box: Box) -> Axes:
    width, height = figure.get_size_inches()
    axes: Axes = figure.add_axes(
        (box.left / width, box.bottom / height, box.width / width, box.height / height)
    )
    axes.tick_params(labelsize=_TINY)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    return axes


def _notes(figure: Figure, layout: Layout) -> None:
    for number, line in enumerate(reversed(layout.notes)):
        _text(figure, MARGIN, MARGIN / 2 + number * LINE, line, size=_SMALL, color="#555555")


def _draw(figure: Figure, panel: Panel, box: Box) -> None:
    top = box.bottom + box.height
    _text(figure, box.left, top - 0.2, panel.title, size=10, weight="bold")
    _text(figure, box.left, top - 0.37, panel.caption, size=_SMALL, color="#555555")
    match panel:
        case ImagePanel():
            _image(figure, panel, box)
        case RampPanel():
            _ramps(figure, panel, box)
        case LinePanel():
            _line(figure, panel, box)
        case TablePanel():
            _table(figure, panel, box)


def _image(figure: Figure, panel: ImagePanel, box: Box) -> None:
    columns, rows = panel.size
    room = box.inside(LEFT, BELOW, RIGHT, TITLE)
    place = _to_scale(room, columns, rows)
    axes = _axes(figure, place)
    axes.set_xlabel("x (pixel)", fontsize=_SMALL, labelpad=2)
    axes.set_ylabel("y (pixel)", fontsize=_SMALL, labelpad=2)
    _whole_ticks(axes, place)
    if panel.stretch is None:
        axes.set_xlim(0.5, columns + 0.5)
        axes.set_ylim(0.5, rows + 0.5)
        axes.set_facecolor("#eeeeee")
        axes.text(0.5, 0.5, panel.message, ha="center", va="center", transform=axes.transAxes)
        return
    from matplotlib import colormaps

    shown = axes.imshow(
        panel.stretch.shades(panel.pixels),
        origin="lower",
        extent=(0.5, columns + 0.5, 0.5, rows + 0.5),
        aspect="auto",
        cmap=colormaps["viridis"].with_extremes(bad=MISSING),
        vmin=0,
        vmax=1,
        interpolation="nearest" if max(panel.pixels.shape) < 200 else "antialiased",
    )
    for number, pixel in enumerate(panel.marked):
        _mark(axes, pixel, COLOURS[number])
    bar_axes = _axes(figure, Box(place.left + place.width + 0.1, place.bottom, 0.14, place.height))
    bar = figure.colorbar(shown, cax=bar_axes)
    ticks = panel.stretch.ticks(6 if place.height > 1.5 else 4)
    bar.set_ticks([shade for shade, _ in ticks], labels=[text for _, text in ticks])
    bar.ax.minorticks_off()
    bar.set_label(panel.unit, fontsize=_SMALL, parse_math=False)


def _to_scale(room: Box, columns: int, rows: int) -> Box:
    """Return the part of a room that has the shape of an image, in its upper left corner."""
    ratio = min(max(columns / rows, 1 / HIGH), LONG)
    width = min(room.width, room.height * ratio)
    height = min(room.height, room.width / ratio)
    return Box(room.left, room.bottom + room.height - height, width, height)


def _whole_ticks(axes: Axes, place: Box) -> None:
    """Have ticks at whole pixels, no more than there is room for."""
    from matplotlib.ticker import MaxNLocator

    for axis, length in ((axes.xaxis, place.width), (axes.yaxis, place.height)):
        most = max(2, min(8, int(length / 0.4)))
        locator = MaxNLocator(most, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        axis.set_major_locator(locator)


def _mark(axes: Axes, pixel: Pixel, colour: str) -> None:
    """Put a ring around a pixel, that is seen on any shade."""
    for width, edge in ((2.6, "white"), (1.4, colour)):
        axes.plot(
            *([pixel.x], [pixel.y], "o"),
            markerfacecolor="none",
            markeredgecolor=edge,
            markeredgewidth=width,
            markersize=9,
            clip_on=False,
        )


def _line(figure: Figure, panel: LinePanel, box: Box) -> None:
    axes = _axes(figure, box.inside(left=0.9, bottom=0.45, right=0.2, top=TITLE))
    places = np.arange(len(panel.values)) * panel.step + 1
    style = "o" if np.isfinite(panel.values).sum() < 2 else "-"
    axes.plot(places, panel.values, style, color=COLOURS[0], linewidth=0.8, markersize=3)
    axes.set_xlabel("pixel", fontsize=_SMALL, labelpad=2)
    axes.set_ylabel(panel.unit, fontsize=_SMALL, parse_math=False)


def _table(figure: Figure, panel: TablePanel, box: Box) -> None:
    top = box.bottom + box.height - TITLE
    for number, line in enumerate(panel.lines):
        weight = "bold" if number == 0 else "normal"
        bottom = top - number * LINE
        _text(figure, box.left, bottom, line, size=_SMALL, family="monospace", weight=weight)


def _ramps(figure: Figure, panel: RampPanel, box: Box) -> None:
    """Draw each ramp on axes of its own: a faint one beside a bright one would be flat."""
    width = box.width / ACROSS
    for number, ramp in enumerate(panel.ramps):
        cell = Box(box.left + number * width, box.bottom, width, box.height)
        axes = _axes(figure, cell.inside(left=LEFT, bottom=BELOW, right=0.05, top=TITLE + 0.25))
        _ramp(axes, ramp, COLOURS[number])
        _frame_ticks(axes, panel, *ramp.values.shape)
        if number == 0:
            axes.set_ylabel(panel.unit, fontsize=_SMALL, parse_math=False, labelpad=2)
    _legend(figure, panel, box)


def _ramp(axes: Axes, ramp: Ramp, colour: str) -> None:
    """Draw the integrations of a pixel side by side, with what was found in them."""
    integrations, groups = ramp.values.shape
    for number in range(integrations):
        values, places = ramp.values[number], np.arange(groups) + number * groups + 1
        axes.plot(places, values, ".-", color=colour, linewidth=1, markersize=3.5)
        jumps, full = ramp.jumps[number], ramp.saturated[number]
        for place in np.flatnonzero(jumps):
            pair = slice(place - 1, place + 1)
            axes.plot(places[pair], values[pair], color=JUMP, linewidth=2.2)
        axes.plot(places[jumps], values[jumps], "^", color=JUMP, markersize=6)
        axes.plot(places[full], values[full], "s", color=SATURATED, markersize=4)
        if number:
            axes.axvline(number * groups + 0.5, color="#888888", linewidth=0.7, linestyle=":")
    axes.set_xlim(0.5, integrations * groups + 0.5)
    title = f"{ramp.pixel.why} ({ramp.pixel.x}, {ramp.pixel.y})"
    axes.set_title(title, fontsize=_SMALL, color=colour, pad=3)


def _frame_ticks(axes: Axes, panel: RampPanel, integrations: int, groups: int) -> None:
    """Mark groups of each integration, or integrations where these are many."""
    if integrations > 3:
        numbers = range(0, integrations, -(-integrations // 10))
        places = [number * groups + (groups + 1) / 2 for number in numbers]
        names = [str(number + panel.first_integration) for number in numbers]
        label = f"integration, of {counted(groups, 'group')}"
    else:
        step = max(1, -(-integrations * groups // 8))
        # None so near to the end that it would touch the first one of the next integration.
        inside = range(0, max(1, groups - step // 2), step)
        places = [1.0 + n * groups + group for n in range(integrations) for group in inside]
        names = [str(group + panel.first_group) for group in inside] * integrations
        label = "group"
    axes.set_xticks(places, names)
    axes.set_xlabel(label, fontsize=_SMALL, labelpad=1)


def _legend(figure: Figure, panel: RampPanel, box: Box) -> None:
    """Tell what the marks mean, where there are some."""
    from matplotlib.lines import Line2D

    marks = []
    if any(ramp.jumps.any() for ramp in panel.ramps):
        marks.append(Line2D([], [], color=JUMP, marker="^", linewidth=2.2, label="jump"))
    if any(ramp.saturated.any() for ramp in panel.ramps):
        marks.append(
            Line2D([], [], color=SATURATED, marker="s", linestyle="none", label="saturated")
        )
    if marks:
        width, height = figure.get_size_inches()
        corner = (box.left + box.width - 0.05) / width, (box.bottom + box.height) / height
        figure.legend(
            handles=marks,
            loc="upper right",
            bbox_to_anchor=corner,
            ncols=len(marks),
            fontsize=_SMALL,
            frameon=False,
        )
