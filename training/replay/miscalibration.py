"""How far off probabilities are, without what chance alone makes of it, and its interval.

The calibration error sums sizes of gaps, so that what chance adds to each gap is never negative:
exact probabilities have an error above 0, too, and a bootstrap of it is above it once more. What is
told here are the errors that would make the one that was found neither too large nor too small to
be chance (inverting tests by a parametric bootstrap: Carpenter 1999).
"""

import numpy as np
from numpy.typing import NDArray

from training.intervals import Estimate
from training.reliability import bins_of

LEAST_PEOPLE = 200
"""Below, the gaps of the bins are not near enough to normal."""
LEAST_BOOKED = 100
"""The same of what was booked, over all bins."""
_DRAWS = 1_000
_STEPS = 40
_REACH = 8.0
"""Standard errors beyond the largest gaps at which nothing is sought any more."""

Floats = NDArray[np.float64]


def calibration_errors(
    probability: Floats, outcome: NDArray[np.bool_], person: NDArray[np.int64], seed: int = 0
) -> tuple[Estimate, Estimate] | tuple[None, None]:
    """Return the calibration error, and over the base rate; None where too little is behind them.

    Parameters
    ----------
    probability, outcome
        (N,) as `training.reliability.reliability` takes them.
    person
        (N,) whose each is, numbered from 0 on: what one books hangs together.
    """
    people = len(np.unique(person))
    if people < LEAST_PEOPLE or int(outcome.sum()) < LEAST_BOOKED:
        return None, None
    share, booked = _by_person(probability, outcome, person)
    rate = float(booked.sum())
    # Of a ratio of two sums, what each person adds to it, to the first order.
    relative = (share - np.outer(booked, share.sum(axis=0) / rate)) / rate
    gaps = share.sum(axis=0)
    return (
        _error_without_chance(gaps, share, seed),
        _error_without_chance(gaps / rate, relative, seed),
    )


def _by_person(
    probability: Floats, outcome: NDArray[np.bool_], person: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return what each person adds to the gap of each bin (U, B), and to the base rate (U,)."""
    order, bins = bins_of(probability)
    number = np.unique(person, return_inverse=True)[1][order]
    share = np.zeros((int(number.max()) + 1, int(bins.max()) + 1))
    np.add.at(share, (number, bins), (probability - outcome)[order] / len(outcome))
    return share, np.bincount(number, outcome[order] / len(outcome)).astype(np.float64)


def _error_without_chance(gaps: Floats, added: Floats, seed: int) -> Estimate:
    """Return the error that gaps (B,) tell of, median-unbiased, and its interval.

    Parameters
    ----------
    added
        (U, B) what each person adds to them.
    """
    apart = added - added.mean(axis=0)
    variance = len(added) / (len(added) - 1) * apart.T @ apart
    spread = np.sqrt(np.diag(variance))
    size, vectors = np.linalg.eigh(variance)
    chance = np.random.default_rng(seed).standard_normal((_DRAWS, len(gaps)))
    chance = chance @ (vectors * np.sqrt(np.maximum(size, 0.0))).T
    # One large gap stands out of chance sooner than many small ones of the same sum, so that the
    # lower end is sought where the error is in few bins, and the upper one where it is in all.
    few = np.maximum(gaps**2 - spread**2, 0.0)
    few = few if few.any() else spread
    even = np.abs(gaps) + spread / 2.0
    found = float(np.abs(gaps).sum())
    if not spread.any():
        # Everybody adds the same: nothing is left to chance.
        return Estimate(found, found, found)
    most = found + _REACH * float(spread.sum())
    low = _sought(np.sign(gaps) * few / few.sum(), chance, found, most, 0.975)
    middle, high = (
        _sought(np.sign(gaps) * even / even.sum(), chance, found, most, level)
        for level in (0.5, 0.025)
    )
    return Estimate(middle, min(low, middle), high)


def _sought(shape: Floats, chance: Floats, found: float, most: float, level: float) -> float:
    """Return the error of which a share of `level` of all draws is at most what was found."""

    def share_below(error: float) -> float:
        return float(np.mean(np.abs(error * shape + chance).sum(axis=1) <= found))

    low, high = 0.0, most
    if share_below(low) <= level:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if share_below(middle) > level else (low, middle)
    return low
