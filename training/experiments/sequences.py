"""Differences between two groups of people, with intervals that hold at every look.

Asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024
(Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics 52:
two-sided and one-sided, for the difference of means in a randomised experiment): the probability
that the interval misses the difference at any of all looks, ever, is alpha, as far as means of so
many people are normal.
"""

from dataclasses import dataclass
from math import erfc, exp, hypot, isclose, log, sqrt
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

LEAST_PEOPLE = 100
"""Of each group; of fewer nothing is said: their means are not normal enough."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Group:
    """A figure of the people of one variant: one value each."""

    count: int
    mean: float
    variance: float

    @classmethod
    def of(cls, figures: NDArray[np.float64]) -> Self:
        """Return the moments of (P,) figures."""
        count = len(figures)
        variance = float(figures.var(ddof=1)) if count > 1 else 0.0
        return cls(count, float(figures.mean()) if count else 0.0, variance)


@dataclass(frozen=True)
class Difference:
    """An estimate with its interval."""

    value: float
    low: float
    high: float
    p: float
    """Of no difference; valid at every look where the interval is."""


def always_valid(first: Group, other: Group, alpha: float, planned: float) -> Difference | None:
    """Return `other` minus `first`, with an interval that holds however often one looks.

    Parameters
    ----------
    planned
        People of both together at which the interval is tightest; said before the first look.

    Returns
    -------
    None where too few are known, or all of them are alike.
    """
    error = _standard_error(first, other)
    if error is None:
        return None
    value, count = other.mean - first.mean, first.count + other.count
    scaled = count * _tuning(alpha, planned)
    half = error * sqrt(2.0 * (scaled + 1.0) / scaled * log(sqrt(scaled + 1.0) / alpha))
    # The least alpha whose interval leaves out 0.
    exponent = (value / error) ** 2 * scaled / (2.0 * (scaled + 1.0))
    p = min(1.0, sqrt(scaled + 1.0) * exp(-min(exponent, 700.0)))
    return Difference(value, value - half, value + half, p)


def always_valid_below(
    first: Group, other: Group, alpha: float, planned: float, scale: float = 1.0
) -> float | None:
    """Return what `other` minus `scale` times `first` surely exceeds, however often one looks.

    None where too few are known, or all of them are alike.
    """
    error = _standard_error(first, other, scale)
    if error is None:
        return None
    scaled = (first.count + other.count) * _tuning(2.0 * alpha, planned)
    reach = log(1.0 + sqrt(scaled + 1.0) / (2.0 * alpha))
    return other.mean - scale * first.mean - error * sqrt(2.0 * (scaled + 1.0) / scaled * reach)


def at_the_horizon(first: Group, other: Group, alpha: float) -> Difference | None:
    """Return `other` minus `first`, with an interval that holds for one look alone.

    By the normal law of two means, each of its own variance. None where too few are known, or all
    of them are alike.
    """
    error = _standard_error(first, other)
    if error is None:
        return None
    value = other.mean - first.mean
    half = NormalDist().inv_cdf(1.0 - alpha / 2.0) * error
    return Difference(value, value - half, value + half, erfc(abs(value) / error / sqrt(2.0)))


def _tuning(alpha: float, planned: float) -> float:
    """Return the squared rho that makes the interval about tightest at `planned` people (ibid.)."""
    least = -2.0 * log(alpha)
    return (least + log(least + 1.0)) / planned


def _standard_error(first: Group, other: Group, scale: float = 1.0) -> float | None:
    if min(first.count, other.count) < LEAST_PEOPLE:
        return None
    variance = other.variance / other.count + scale**2 * first.variance / first.count
    if variance > 0.0:
        return sqrt(variance)
    # Nobody differs within a group, which says nothing only where the groups are alike, too: a
    # slate that is empty for all of one must not pass. As if one person more of each group were
    # like the other one: m people at 0 and one at d have a variance of d**2 / (m + 1).
    apart = other.mean - scale * first.mean
    if isclose(other.mean, scale * first.mean, rel_tol=_ROUNDING):
        return None
    return abs(apart) * hypot(*(1.0 / (1.0 + group.count) for group in (first, other)))
