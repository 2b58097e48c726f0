"""How far off probabilities are, without what chance alone makes of it, and its interval.

The calibration error sums sizes of gaps, so that what chance adds to each gap is never negative:
exact probabilities have an error above 0, too, and a bootstrap of it is above it once more. What is
told here are the errors that would make the one that was found neither too large nor too small to
be chance (inverting tests by a parametric bootstrap: Carpenter 1999).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.intervals import Estimate
from training.reliability import bins_of
from training.replay.forecasts import Forecasts

LEAST_PEOPLE = 200
"""Below, the gaps of the bins are not near enough to normal."""
LEAST_BOOKED = 100
"""The same of what was booked, over all bins."""
ERRORS = ("ece", "ece_rel")
"""The calibration error, and that over the base rate."""
REACH = 8.0
"""Standard errors beyond the largest gaps at which nothing is sought any more."""
_DRAWS = 1_000
_STEPS = 30

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gaps:
    """The gaps of B bins, taken apart into what each of U people adds to them."""

    added: Floats
    """(U, B)"""

    @cached_property
    def found(self) -> Floats:
        """(B,) the gaps."""
        return np.asarray(self.added.sum(axis=0))

    @property
    def error(self) -> float:
        """The calibration error that was found."""
        return float(np.abs(self.found).sum())

    @cached_property
    def variance(self) -> Floats:
        """(B, B) variances and covariances."""
        return variance_of(self.added)

    @cached_property
    def spread(self) -> Floats:
        """(B,) standard errors."""
        return np.asarray(np.sqrt(np.diag(self.variance)))

    @property
    def few(self) -> Floats:
        """(B,) gaps of an error of 1 that is in the bins that stand out of chance.

        One large gap stands out sooner than many small ones of the same sum.
        """
        few = np.maximum(self.found**2 - self.spread**2, 0.0)
        return _shaped(self.found, few if few.any() else self.spread)

    @property
    def even(self) -> Floats:
        """(B,) gaps of an error of 1 that is in all bins."""
        return _shaped(self.found, np.abs(self.found) + self.spread / 2.0)


def gaps_of(forecasts: Forecasts) -> dict[str, Gaps] | None:
    """Return the gaps of each of `ERRORS`; None where too little is behind them."""
    booked, people = forecasts.outcome, len(np.unique(forecasts.person))
    if people < LEAST_PEOPLE or np.count_nonzero(booked) < LEAST_BOOKED:
        return None
    order, bins = bins_of(forecasts.probability)
    added = np.zeros((forecasts.people, int(bins.max()) + 1))
    share = (forecasts.probability - booked)[order] / len(booked)
    np.add.at(added, (forecasts.person[order], bins), share)
    own = np.bincount(forecasts.person, booked / len(booked), minlength=forecasts.people)
    rate = float(own.sum())
    # Of a ratio of two sums, what each person adds to it, to the first order.
    relative = added.sum(axis=0) / rate
    over_rate = (added - np.outer(own, relative)) / rate + relative / forecasts.people
    return dict(zip(ERRORS, (Gaps(added), Gaps(over_rate)), strict=True))


def error_without_chance(gaps: Gaps, seed: int) -> Estimate:
    """Return the error that gaps tell of, median-unbiased, and its interval."""
    # The lower end is sought where the error is in few bins, the upper one where it is in all.
    error = _error_by(gaps, seed)
    low, middle, high = error(gaps.few, 0.975), error(gaps.even, 0.5), error(gaps.even, 0.025)
    return Estimate(middle, min(low, middle), high)


def middle_without_chance(gaps: Gaps, seed: int) -> float:
    """Return the value of `error_without_chance` alone."""
    return _error_by(gaps, seed)(gaps.even, 0.5)


def _error_by(gaps: Gaps, seed: int) -> Callable[[Floats, float], float]:
    """Return what tells the error of a shape (B,) whose draws are at most `gaps` so often."""
    found = gaps.error
    if not gaps.spread.any():
        # Everybody adds the same: nothing is left to chance.
        return lambda _shape, _level: found
    chance, most = chance_of(gaps.variance, seed), found + REACH * float(gaps.spread.sum())

    def error(shape: Floats, level: float) -> float:
        shape = shape[:, np.newaxis]
        return sought(lambda error: sizes(error * shape + chance), found, (0.0, most), level)

    return error


def variance_of(added: Floats) -> Floats:
    """Return the variances and covariances (B, B) of sums over people (U, B)."""
    apart = added - added.mean(axis=0)
    return np.asarray(len(added) / (len(added) - 1) * apart.T @ apart)


def chance_of(variance: Floats, seed: int) -> Floats:
    """Return draws (B, D) of what chance makes of sums of such variances and covariances (B, B)."""
    size, vectors = np.linalg.eigh(variance)
    chance = np.random.default_rng(seed).standard_normal((_DRAWS, len(variance)))
    return np.asarray((vectors * np.sqrt(np.maximum(size, 0.0))) @ chance.T)


def sizes(gaps: Floats) -> Floats:
    """Return the error (D,) that each column of gaps (B, D) is."""
    return np.asarray(np.abs(gaps).sum(axis=0))


def sought(
    drawn: Callable[[float], Floats], found: float, ends: tuple[float, float], level: float
) -> float:
    """Return the error, between two ends, whose draws are at most what was found so often.

    Parameters
    ----------
    drawn
        Returns what chance would make of an error (D,): the more, the larger it is.
    level
        Share of the draws.
    """

    def share_below(error: float) -> float:
        return float(np.mean(drawn(error) <= found))

    low, high = ends
    if share_below(low) <= level:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if share_below(middle) > level else (low, middle)
    return low


def _shaped(gaps: Floats, size: Floats) -> Floats:
    """Return sizes, scaled to sum to 1, with the signs of gaps."""
    size = size if size.any() else np.ones(len(size))
    return np.asarray(np.where(gaps < 0.0, -size, size) / size.sum())
