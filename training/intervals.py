"""95 % intervals by bootstrap over users."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_TAIL_PERCENT = 2.5
_CHUNK = 50


@dataclass(frozen=True)
class Estimate:
    """A mean over users, with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_intervals(
    figures: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES
) -> list[Estimate]:
    """Return the mean of each column over users, with its percentile interval.

    All columns share the same resamples, so that a column of differences between two systems gives
    their paired comparison (Efron and Tibshirani 1993, chapters 13 and 16).

    Parameters
    ----------
    figures
        (users, figures), at least one user.
    """
    users, columns = figures.shape
    generator = np.random.default_rng(seed)
    weights = np.full(users, 1.0 / users)
    means = np.empty((resamples, columns))
    for start in range(0, resamples, _CHUNK):
        stop = min(start + _CHUNK, resamples)
        counts = generator.multinomial(users, weights, size=stop - start)
        means[start:stop] = counts @ figures / users
    low, high = np.percentile(means, [_TAIL_PERCENT, 100.0 - _TAIL_PERCENT], axis=0)
    return [
        Estimate(float(mean), float(below), float(above))
        for mean, below, above in zip(figures.mean(axis=0), low, high, strict=True)
    ]
