"""From a model's scores, on any scale, to log-odds of a booking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Calibration:
    """`intercept + slope * arcsinh(score / scale)`, strictly increasing: it never re-ranks.

    Platt scaling (Platt 1999) after a change of scale: arcsinh is linear below `scale` and
    logarithmic above it, for scores of either sign, so that a few large scores do not decide.
    """

    intercept: float
    slope: float
    """Positive."""
    scale: float
    """Positive, in units of the score."""

    def log_odds(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the log-odds of a booking at each of `scores`; NaN stays NaN."""
        return self.intercept + self.slope * np.arcsinh(scores.astype(np.float64) / self.scale)
