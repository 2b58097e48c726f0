"""95 % intervals by bootstrap over users."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
TAILS_PERCENT = (2.5, 97.5)
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
        (users, figures), at least one user; NaN where a figure is not defined for a user, who is
        left out of its mean. Each is defined for somebody.
    """
    means = resampled_means(figures, seed, resamples)
    low, high = np.nanpercentile(means, TAILS_PERCENT, axis=0)
    return [
        Estimate(float(mean), float(below), float(above))
        for mean, below, above in zip(np.nanmean(figures, axis=0), low, high, strict=True)
    ]


def resampled_means(
    figures: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Return the mean of each column in each resample of the users, (resamples, figures).

    NaN are left out; NaN where a resample has nothing else.
    """
    users, columns = figures.shape
    generator = np.random.default_rng(seed)
    weights = np.full(users, 1.0 / users)
    known = (~np.isnan(figures)).astype(np.float64)
    filled = np.nan_to_num(figures)
    means = np.full((resamples, columns), np.nan)
    for start in range(0, resamples, _CHUNK):
        stop = min(start + _CHUNK, resamples)
        counts = generator.multinomial(users, weights, size=stop - start).astype(np.float64)
        there = counts @ known
        np.divide(counts @ filled, there, out=means[start:stop], where=there > 0)
    return means
