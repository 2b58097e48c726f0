"""95 % intervals by bootstrap over users."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
TAILS_PERCENT = (2.5, 97.5)
NORMAL_975 = 1.959963984540054
"""Standard errors to both sides of a 95 % interval of what is normal."""
_RESAMPLES_AT_ONCE = 50
_MOST_COUNTS = 2**24
"""Of resamples and users, held at once: 128 MB; of more users there is one resample at a time."""


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
    known = ~np.isnan(figures)
    filled = np.where(known, figures, 0.0)
    partly = np.flatnonzero(~known.all(axis=0))
    of_known = known[:, partly].astype(np.float64)
    means = np.empty((resamples, columns))
    for at, counts in times_drawn(users, seed, resamples):
        there = np.full((len(counts), columns), float(users))
        there[:, partly] = counts @ of_known
        with np.errstate(invalid="ignore"):
            means[at] = (counts @ filled) / there
    return means


def times_drawn(
    users: int, seed: int, resamples: int
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield which resamples come next, R of them, and how often each user is in each, (R, users).

    However few come at once, the seed decides what is drawn. The next ones take their room.
    """
    generator = np.random.default_rng(seed)
    at_once = min(max(_MOST_COUNTS // users, 1), _RESAMPLES_AT_ONCE, resamples)
    room = np.empty((at_once, users))
    for start in range(0, resamples, at_once):
        at = slice(start, min(start + at_once, resamples))
        counts = room[: at.stop - at.start]
        for times in counts:
            times[:] = np.bincount(generator.integers(0, users, users), minlength=users)
        yield at, counts
