"""The non-linearity of a detector, and the polynomial that undoes it.

In: two numbers. Out: `Linearity`: a signal as it is seen, and the coefficients by which the
calibration pipeline makes it what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEGREE = 6
"""Of the polynomial that undoes the non-linearity."""

REACH = 1.1
"""Up to which fraction of the full scale it does."""


@dataclass(frozen=True, slots=True)
class Linearity:
    """How a signal is seen: u as u + quadratic u^2 + cubic u^3, in fractions of the full scale."""

    quadratic: float
    cubic: float

    @property
    def is_linear(self) -> bool:
        """Whether a signal is seen as it is."""
        return self.quadratic == 0 == self.cubic

    def seen(
        self, signal: NDArray[np.float32], full_scale: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return signals, in DN, as they are seen; arrays of one shape."""
        if self.is_linear:
            return signal
        import numpy as np

        u = signal / full_scale
        factor = np.float32(self.cubic) * u
        factor += np.float32(self.quadratic)
        factor *= u
        factor += np.float32(1)
        factor *= signal
        return factor

    def coefficients(self) -> NDArray[np.float64]:
        """Return the coefficients c_0 to c_6 that undo it, in fractions of the full scale.

        c_0 is 0 and c_1 is 1; a pixel's own in DN are c_i times its full scale to the power
        1 - i. What is left is below 0.1 % up to `REACH`, which a test measures.
        """
        import numpy as np

        u = np.linspace(REACH / 400, REACH, 400)
        seen = self.seen(u, np.ones(400))  # type: ignore[arg-type]
        powers = np.stack([seen**power for power in range(2, DEGREE + 1)], axis=1)
        # Relative, so that weak signals are undone as well as strong ones.
        solved = np.linalg.lstsq(powers / u[:, None], (u - seen) / u, rcond=None)[0]
        return np.concatenate(([0.0, 1.0], solved))

    def maps(self, full_scale: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the coefficients of pixels for signals in DN, shape (7, rows, columns)."""
        import numpy as np

        scale = full_scale.astype(np.float64)
        coefficients = self.coefficients()
        planes = np.empty((len(coefficients), *scale.shape), np.float32)
        # One after another, for all of them in double precision are the most that a simulation
        # would hold in memory.
        for power, c in enumerate(coefficients):
            planes[power] = c * scale ** (1 - power)
        return planes
