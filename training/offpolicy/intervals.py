"""95 % intervals of off-policy estimates, and when there is too little behind one to tell it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.intervals import NORMAL_975, RESAMPLES, TAILS_PERCENT, Estimate, times_drawn
from training.offpolicy.estimators import Sample, Terms, Weighing

LEAST_EFFECTIVE = 100.0
"""Effective samples below which an estimate is not shown as a number (METRICS, 6)."""

_ROUNDING = 1e-6
_MOMENTS = 5
_ROWS_AT_ONCE = 2**13
"""Whose moments lie in the processor's cache while they are summed."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """E estimates and their standard errors, on the rows and on B resamples of them."""

    value: Floats
    """(E,)"""
    error: Floats
    """(E,) of the ratio, by the delta method."""
    values: Floats
    """(B, E)"""
    errors: Floats
    """(B, E)"""


@dataclass(frozen=True)
class Told:
    """An estimate with what is behind it."""

    weighing: Weighing
    estimate: Estimate | None
    """None: what is behind it is too little to show a number."""


def told(terms: Sequence[Terms | Sample], seed: int, resamples: int = RESAMPLES) -> list[Told]:
    """Return estimates, all of the same rows, with studentised intervals.

    None is shown below `LEAST_EFFECTIVE` effective samples, nor where the log lacks what the policy
    in question shows, nor where rewards are so few that the interval has no end, nor where all rows
    say the same (no reward at all): the interval would be a point.
    """
    intervals = studentised_intervals(resampled(terms, seed, resamples))
    return [
        Told(each.weighing, found if _is_enough(each, found) else None)
        for each, found in zip(terms, intervals, strict=True)
    ]


def _is_enough(terms: Terms | Sample, found: Estimate) -> bool:
    is_point = math.isclose(found.low, found.high, rel_tol=_ROUNDING)
    return is_enough(terms.weighing) and math.isfinite(found.high - found.low) and not is_point


def is_enough(weighing: Weighing) -> bool:
    """Say whether an estimate with these weights is shown as a number."""
    return weighing.is_whole and weighing.effective >= LEAST_EFFECTIVE


def resampled(terms: Sequence[Terms | Sample], seed: int, resamples: int = RESAMPLES) -> Resampled:
    """Resample the rows of estimates, all of the same rows, together."""
    rows = len(terms[0].above)
    means = np.empty((resamples, len(terms), _MOMENTS))
    # A few rows at once, or few in all: threads would wait for each other longer than they work.
    with threadpool_limits(1, "blas"):
        for at, counts in times_drawn(rows, seed, resamples):
            means[at] = _means(terms, counts)
    value, error = _ratio(_means(terms, np.ones((1, rows)))[0], rows)
    values, errors = _ratio(means, rows)
    return Resampled(value, error, values, errors)


def studentised_intervals(found: Resampled) -> list[Estimate]:
    """Return bootstrap-t intervals (Efron and Tibshirani 1993, section 12.5).

    The resamples tell how many of its own standard errors an estimate is away, far on the side
    where weights have a long tail; the percentile and the normal interval are too short there.
    """
    # Where rounding alone makes rows differ, an error of 0 may be there infinitely often: no bound.
    with np.errstate(divide="ignore", invalid="ignore"):
        away = (found.values - found.value) / found.errors
        # A resample without a reward has no spread: it is infinitely far away. Without a weight it
        # says nothing.
        away = np.where(np.isnan(away), 0.0, away)
        below, above = np.percentile(away, TAILS_PERCENT, axis=0, method="nearest")
        low, high = found.value - above * found.error, found.value - below * found.error
    return _estimates(found.value, low, high)


def percentile_intervals(found: Resampled) -> list[Estimate]:
    """Return the percentiles of the resampled estimates."""
    low, high = np.percentile(found.values, TAILS_PERCENT, axis=0)
    return _estimates(found.value, low, high)


def normal_intervals(found: Resampled) -> list[Estimate]:
    """Return 1.96 standard errors to both sides."""
    half = NORMAL_975 * found.error
    return _estimates(found.value, found.value - half, found.value + half)


def _means(terms: Sequence[Terms | Sample], counts: Floats) -> Floats:
    """Return the mean moments (R, E, 5) of the rows, each taken as often as `counts` (R, N) says.

    Of the moments of all rows, which would take many times the room of the rows, there are never
    more than a few.
    """
    resamples, rows = counts.shape
    sums = np.zeros((resamples, len(terms) * _MOMENTS))
    for start in range(0, rows, _ROWS_AT_ONCE):
        at = slice(start, start + _ROWS_AT_ONCE)
        moments = np.concatenate([_moments(each.above[at], each.below[at]) for each in terms])
        sums += counts[:, at] @ moments.T
    return np.asarray(sums / rows).reshape(resamples, len(terms), _MOMENTS)


def _moments(above: Floats, below: Floats) -> Floats:
    """Return that whose means give a ratio and its standard error, (5, N)."""
    return np.stack([above, below, above**2, above * below, below**2])


def _ratio(means: Floats, rows: int) -> tuple[Floats, Floats]:
    above, below, squares, products, squares_below = np.moveaxis(means, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = above / below
        variance = squares - 2.0 * value * products + value**2 * squares_below
        return value, np.sqrt(np.maximum(variance, 0.0) / rows) / below


def _estimates(value: Floats, low: Floats, high: Floats) -> list[Estimate]:
    return [
        Estimate(*numbers)
        for numbers in zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
