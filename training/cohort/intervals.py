"""Intervals over people and over seeds, which are worlds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.intervals import RESAMPLES, TAILS_PERCENT, Estimate, resampled_means


@dataclass(frozen=True)
class OverSeeds:
    """A mean over the seeds' means, with its 95 % interval, and the seeds that lie farthest out."""

    estimate: Estimate
    least: float
    """Of the seeds' means."""
    most: float


def over_seeds(figures: Sequence[NDArray[np.float64]], seed: int = 0) -> OverSeeds:
    """Return the mean over seeds of the mean over people.

    The interval is of a bootstrap of two levels (Davison and Hinkley 1997, section 3.8): seeds are
    drawn with replacement, and the people of each. So few seeds say little of how worlds differ:
    the interval is rather too narrow, and their extremes stand beside it.

    Parameters
    ----------
    figures
        One (P,) a seed; people for whom the figure is not defined are NaN. A seed that has nobody
        else is left out; one at least has somebody.
    """
    kept = {at: column[~np.isnan(column)][:, np.newaxis] for at, column in enumerate(figures)}
    told = {at: column for at, column in kept.items() if len(column)}
    return _summary(
        [float(column.mean()) for column in told.values()],
        np.hstack([resampled_means(column, seed + at) for at, column in told.items()]),
        seed,
    )


def each_over_seeds(tables: Sequence[NDArray[np.float64]], seed: int = 0) -> list[OverSeeds]:
    """Return the same of each figure of tables (P, K), one a seed, by draws that figures share.

    All figures are defined for everybody.
    """
    drawn = np.stack([resampled_means(table, seed + at) for at, table in enumerate(tables)])
    of_seeds = np.stack([table.mean(axis=0) for table in tables])
    return [
        _summary(of_seeds[:, at].tolist(), drawn[:, :, at].T, seed) for at in range(drawn.shape[2])
    ]


def share_lost(
    got: Sequence[NDArray[np.float64]], best: Sequence[NDArray[np.float64]], seed: int = 0
) -> OverSeeds:
    """Return 1 less the sum of what was got over the sum of the best, in the same way."""
    both = [np.stack([one, most], axis=1) for one, most in zip(got, best, strict=True)]
    drawn = [resampled_means(pair, seed + at) for at, pair in enumerate(both)]
    return _summary(
        [float(1.0 - pair[:, 0].sum() / pair[:, 1].sum()) for pair in both],
        np.stack([1.0 - means[:, 0] / means[:, 1] for means in drawn], axis=1),
        seed,
    )


def _summary(of_seeds: list[float], drawn: NDArray[np.float64], seed: int) -> OverSeeds:
    """Summarise the seeds' means, by (RESAMPLES, K) of them resampled over people."""
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(of_seeds), size=(RESAMPLES, len(of_seeds)))
    # The people of a seed that is drawn twice are drawn twice, each time anew.
    of_people = (np.arange(RESAMPLES)[:, np.newaxis] + np.arange(len(of_seeds))) % RESAMPLES
    means = drawn[of_people, chosen].mean(axis=1)
    low, high = np.percentile(means, TAILS_PERCENT)
    value = Estimate(float(np.mean(of_seeds)), float(low), float(high))
    return OverSeeds(value, min(of_seeds), max(of_seeds))
