"""What a detector looks at: images of rates, simple and known.

In: a text such as `uniform:50`, or the path of a list of points or of a FITS image. Out: a
`Scene`, which gives the rate of every pixel in DN/s: what the calibration pipeline gives back.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fitsgen.diagnostics import InputError, Position, Problem, Source, input_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FWHM = 2.5
"""Of a point source, in pixels."""

REACH = 4.0
"""How far the light of a point source goes, in standard deviations."""

TRACE_WIDTH = 3.0
"""The standard deviation of a trace across its length, in pixels."""

MAX_POINTS = 1_000_000


class Scene(Protocol):
    """Gives rates in DN/s, float32, of shape (rows, columns) in the science frame."""

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates; raises `InputError` where the scene has another shape."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """The same rate everywhere, in DN/s."""

    level: float

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates."""
        import numpy as np

        return np.full(shape, self.level, np.float32)


@dataclass(frozen=True, slots=True)
class Points:
    """Point sources upon a background.

    points
        Of each its column and row, counted from 1 at the centre of the first pixel as FITS does
        (FITS Standard 4.0, section 8.1), and all its light in DN/s.

    """

    points: tuple[tuple[float, float, float], ...]
    background: float = 0.0

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates; what lies beyond the edges is lost."""
        import numpy as np

        image = np.full(shape, self.background, np.float64)
        sigma = FWHM / (2 * math.sqrt(2 * math.log(2)))
        reach = math.ceil(REACH * sigma)
        for x, y, total in self.points:
            column, row = x - 1, y - 1
            columns = _near(column, reach, shape[1])
            rows = _near(row, reach, shape[0])
            if columns.size and rows.size:
                light = np.outer(_fractions(rows - row, sigma), _fractions(columns - column, sigma))
                image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += total * light
        return image.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Grid:
    """Point sources of one brightness, in DN/s, at the same distance in pixels."""

    total: float
    spacing: int = 32
    background: float = 0.0

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates."""
        first = self.spacing // 2 + 1
        places = [
            (x, y)
            for y in range(first, shape[0] + 1, self.spacing)
            for x in range(first, shape[1] + 1, self.spacing)
        ]
        points = tuple((float(x), float(y), self.total) for x, y in places)
        return Points(points, self.background).rate(shape)


@dataclass(frozen=True, slots=True)
class Traces:
    """Spectra along the longer axis: of one rate at the middle, in DN/s, at equal distances.

    A trace bends by a fiftieth of its length, and its light varies along it by a half.
    """

    peak: float
    count: int = 3
    background: float = 0.0

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates."""
        import numpy as np

        across, along = min(shape), max(shape)
        place = np.arange(along) / max(along - 1, 1)
        light = self.peak * (1 - 0.5 * (2 * place - 1) ** 2)
        bend = along / 50 * (place - 0.5) ** 2
        image = np.full((across, along), self.background)
        for number in range(self.count):
            centre = (number + 0.5) * across / self.count + bend
            away = (np.arange(across)[:, None] - centre) / TRACE_WIDTH
            image += light * np.exp(-0.5 * away**2)
        return (image if shape[0] == across else image.T).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Image:
    """The first image of a FITS file, taken for rates in DN/s."""

    path: Path

    def rate(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the rates; raises `InputError` where the image is missing, or no such rates."""
        import numpy as np

        from fitsgen.inputs.fits import FitsFile

        with FitsFile.open(self.path) as file:
            images = [hdu for hdu in file if len(hdu.shape) >= 2 and not hdu.kind.is_table]
            if not images:
                raise input_error(str(self.path), "has no image")
            found = images[0].shape
            while len(found) > 2 and found[0] == 1:
                found = found[1:]
            if found != shape:
                message = f"the image has the shape {found}: expected {shape} (rows, columns)"
                raise input_error(
                    str(self.path), message, "the scene covers the window that is read"
                )
            rates = np.asarray(images[0].data).reshape(shape).astype(np.float32)
        if not (np.isfinite(rates).all() and (rates >= 0).all()):
            raise input_error(str(self.path), "has rates that are negative or no numbers")
        return rates


def parse(text: str) -> Scene:
    """Read what `--scene` says.

    Parameters
    ----------
    text
        `uniform:RATE`, `grid:TOTAL[,SPACING[,BACKGROUND]]`, `traces:PEAK[,COUNT[,BACKGROUND]]`,
        or the path of a FITS image, or of a list of points: column, row and DN/s, a line each.

    Raises
    ------
    InputError
        It is none of these.

    """
    name, colon, rest = text.partition(":")
    if colon and name in _KINDS and not os.path.exists(text):
        make, names = _KINDS[name]
        numbers = [_number(text, one) for one in rest.split(",")]
        if len(numbers) > len(names):
            raise input_error(
                text, f"expected {name}:{','.join(names)}, and found {len(numbers)} numbers"
            )
        return make(numbers)
    path = Path(text)
    if not path.is_file():
        known = ", ".join(f"{one}:{','.join(names)}" for one, (_, names) in _KINDS.items())
        raise input_error(text, f"is no scene: expected {known}, or a file")
    with path.open("rb") as file:
        is_fits = file.read(9).startswith((b"SIMPLE  =", b"\x1f\x8b"))
    return Image(path) if is_fits else _listed(path)


_KINDS: dict[str, tuple[Callable[[Sequence[float]], Scene], tuple[str, ...]]] = {
    "uniform": (lambda given: Uniform(given[0]), ("RATE",)),
    "grid": (
        lambda given: Grid(given[0], *(max(int(one), 1) for one in given[1:2]), *given[2:]),
        ("TOTAL", "SPACING", "BACKGROUND"),
    ),
    "traces": (
        lambda given: Traces(given[0], *(int(one) for one in given[1:2]), *given[2:]),
        ("PEAK", "COUNT", "BACKGROUND"),
    ),
}


def _number(text: str, part: str) -> float:
    try:
        number = float(part)
    except ValueError:
        raise input_error(text, f"{part!r} is no number") from None
    if not 0 <= number < 1e9:
        raise input_error(text, f"{part} is no rate: expected 0 to 1e9")
    return number


def _listed(path: Path) -> Points:
    points = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise input_error(str(path), f"cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            x, y, total = map(float, words)
            if not all(map(math.isfinite, (x, y))) or not 0 <= total < 1e12:
                raise ValueError
        except ValueError:
            place = Position(Source(str(path), lines), number, 1)
            message = "expected the column, the row and the DN/s of a point"
            raise InputError(Problem(message, place)) from None
        points.append((x, y, total))
        if len(points) > MAX_POINTS:
            raise input_error(str(path), f"has more than {MAX_POINTS:,} points")
    return Points(tuple(points))


def _near(centre: float, reach: int, size: int) -> NDArray[np.int64]:
    import numpy as np

    middle = round(centre)
    return np.arange(max(middle - reach, 0), min(middle + reach + 1, size))


def _fractions(away: NDArray[np.floating[Any]], sigma: float) -> NDArray[np.float64]:
    """Return how much of the light of a point falls into pixels that are so far away."""
    import numpy as np

    def below(edge: float) -> float:
        return 0.5 * (1 + math.erf(edge / (sigma * math.sqrt(2))))

    return np.array([below(one + 0.5) - below(one - 0.5) for one in away])
