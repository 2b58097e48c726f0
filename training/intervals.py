"""95 % intervals by bootstrap over users."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
TAILS_PERCENT = (2.5, 97.5)
NORMAL_975 = 1.959963984540054
"""Standard errors to both sides of a 95 % interval of what is normal."""
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
    known = ~np.isnan(figures)
    filled = np.where(known, figures, 0.0)
    partly = np.flatnonzero(~known.all(axis=0))
    of_known = known[:, partly].astype(np.float64)
    means = np.empty((resamples, columns))
    for start in range(0, resamples, _CHUNK):
        stop = min(start + _CHUNK, resamples)
        counts = _times_drawn(users, stop - start, generator)
        there = np.full((stop - start, columns), float(users))
        there[:, partly] = counts @ of_known
        with np.errstate(invalid="ignore"):
            means[start:stop] = (counts @ filled) / there
    return means


def _times_drawn(users: int, resamples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each user is in each resample, (resamples, users)."""
    drawn = generator.integers(0, users, (resamples, users))
    drawn += users * np.arange(resamples)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=resamples * users)
    return counts.reshape(resamples, users).astype(np.float64)
