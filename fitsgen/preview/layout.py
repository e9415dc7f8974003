"""Where panels stand on a page.

In: a page. Out: its size and a box for each panel, in inches from the lower left corner. Images
stand two in a row; what is wide has a row for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from fitsgen.preview.page import ImagePanel, LinePanel, Page, Panel, RampPanel, TablePanel

WIDTH = 12.0
MARGIN = 0.2
# Of the page's title and keywords; of a panel's title and caption.
HEAD = 0.75
TITLE = 0.55
LINE = 0.165
NOTE_LETTERS = 150

_FULL = WIDTH - 2 * MARGIN
_HALF = (_FULL - MARGIN) / 2
_TALL = 4.6
_LOW = 2.9
# Around the pixels of an image: the labels of its axes, and the bar of shades.
LEFT, BELOW, RIGHT = 0.7, 0.45, 1.15
# An image that is wider, or higher, by more is not shown to scale: one would see a line.
LONG, HIGH = 8.0, 4.0
# An image that is so many times wider than high has a row for itself.
_WIDE = 3.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in inches from the lower left corner of the page."""

    left: float
    bottom: float
    width: float
    height: float

    def inside(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Return what is left without some inches at each side."""
        return Box(
            self.left + left,
            self.bottom + bottom,
            max(0.1, self.width - left - right),
            max(0.1, self.height - bottom - top),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """A page's height, the boxes of its panels in their order, and its notes as lines."""

    height: float
    boxes: tuple[Box, ...]
    notes: tuple[str, ...]


def laid_out(page: Page) -> Layout:
    """Place the panels of a page."""
    notes = tuple(line for note in page.notes for line in wrap(note, NOTE_LETTERS))
    rows = list(_rows(page.panels))
    height = HEAD + sum(_height(row) + MARGIN for row in rows) + MARGIN + LINE * len(notes)
    boxes, top = [], height - HEAD
    for row in rows:
        tall = _height(row)
        for number, panel in enumerate(row):
            width = _FULL if _is_wide(panel) else _HALF
            boxes.append(Box(MARGIN + number * (_HALF + MARGIN), top - tall, width, tall))
        top -= tall + MARGIN
    return Layout(height, tuple(boxes), notes)


def _rows(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    row: list[Panel] = []
    for panel in panels:
        if row and (_is_wide(panel) or _is_wide(row[0]) or len(row) == 2):
            yield row
            row = []
        row.append(panel)
    if row:
        yield row


def _height(row: Sequence[Panel]) -> float:
    return max(map(_panel_height, row))


def _panel_height(panel: Panel) -> float:
    match panel:
        case TablePanel(lines=lines):
            return TITLE + LINE * len(lines)
        case LinePanel() | RampPanel():
            return _LOW
        case ImagePanel(size=(columns, rows)) if _is_wide(panel):
            return TITLE + BELOW + (_FULL - LEFT - RIGHT) / min(columns / rows, LONG)
    return _TALL


def _is_wide(panel: Panel) -> bool:
    match panel:
        case ImagePanel(size=(columns, rows)):
            return columns >= _WIDE * rows
    return True
