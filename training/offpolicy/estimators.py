"""Estimators of a policy's value from what another policy logged, each a ratio of two means.

A row is an independent unit: an impression, or a slate of K positions. A weight is the probability
under the policy in question over that under the policy that logged (the propensity).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reco.errors import InvalidInput

Floats = NDArray[np.float64]


_NEAR = 0.05
_MOST_ERRORS = 4.0


@dataclass(frozen=True)
class Weighing:
    """What weights say of how much a log can tell; of several positions, the worst."""

    effective: float
    """Effective sample size."""
    mean: float
    """Weight, the one farthest from 1, which is what it is if the log lacks nothing."""
    is_whole: bool
    """Whether chance explains that; otherwise the policy in question shows what the log lacks."""


@dataclass(frozen=True)
class Weights:
    """Sums over the rows of the weights of K positions: they say as much as the rows."""

    count: float
    """Impressions or slates."""
    squared_count: float
    total: Floats
    """(K,)"""
    squared: Floats
    """(K,)"""
    with_count: Floats
    """(K,) of each row's weight times its count."""

    @classmethod
    def of(cls, weights: Floats, count: Floats) -> Self:
        """Sum up (N, K) weights, each itself the sum of those of `count` (N,)."""
        return cls(
            float(count.sum()),
            float(count @ count),
            weights.sum(axis=0),
            (weights**2).sum(axis=0),
            count @ weights,
        )

    def __add__(self, other: Self) -> Self:
        """Return the sums over the rows of both."""
        return type(self)(*map(add, vars(self).values(), vars(other).values()))

    @property
    def effective(self) -> Floats:
        """(K,) equally weighted rows that say as much (Kish 1965).

        >>> Weights.of(np.array([[1.0], [1.0], [0.0], [2.0]]), np.ones(4)).effective.tolist()
        [2.6666666666666665]
        """
        none = np.zeros_like(self.total)
        return np.divide(self.total**2, self.squared, out=none, where=self.squared > 0.0)

    @property
    def weighing(self) -> Weighing:
        """What they say of how much the log can tell.

        The mean weight is 1 in expectation where every offer that the policy in question may show
        has a propensity; equal weights far from 1 look like many effective samples, and are of no
        use.
        """
        mean = self.total / self.count
        apart = self.squared - 2.0 * mean * self.with_count + mean**2 * self.squared_count
        error = np.sqrt(np.maximum(apart, 0.0)) / self.count
        away = np.abs(mean - 1.0)
        return Weighing(
            float(self.effective.min()),
            float(mean[away.argmax()]),
            bool(np.all(away <= _NEAR + _MOST_ERRORS * error)),
        )


@dataclass(frozen=True)
class Terms:
    """An estimate by its rows: the mean of `above` over the mean of `below`."""

    above: Floats
    """(N,)"""
    below: Floats
    """(N,) ones, but where weights are normalised by themselves."""
    weights: Floats
    """(N, K) of K positions."""
    count: Floats
    """(N,) impressions or slates that each row sums: ones, but where rows are people."""

    @cached_property
    def weighing(self) -> Weighing:
        """What the weights say of how much the log can tell."""
        return Weights.of(self.weights, self.count).weighing

    @property
    def value(self) -> float:
        """The estimate; NaN where no row has any weight."""
        below = float(self.below.mean())
        return float(self.above.mean()) / below if below else float("nan")


@dataclass(frozen=True)
class Sample:
    """What an estimate and its interval need of all rows: of their weights no more than sums."""

    above: Floats
    """(N,)"""
    below: Floats
    """(N,)"""
    weights: Weights

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """Keep what is needed of an estimate by its rows."""
        return cls(terms.above, terms.below, Weights.of(terms.weights, terms.count))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put parts of one estimate together that have no row in common; one at least."""
        return cls(
            np.concatenate([part.above for part in parts]),
            np.concatenate([part.below for part in parts]),
            reduce(add, [part.weights for part in parts]),
        )

    @cached_property
    def weighing(self) -> Weighing:
        """What the weights say of how much the log can tell."""
        return self.weights.weighing


def importance_weights(target: Floats, propensity: Floats) -> Floats:
    """Return target over propensity, of any one shape; 0 where the propensity is 0: not known.

    Raises
    ------
    InvalidInput
        One of them is no probability.
    """
    for name, probability in (("target", target), ("propensity", propensity)):
        if not np.all((probability >= 0.0) & (probability <= 1.0)):
            raise InvalidInput(name, "holds what is no probability", ["0.0 to 1.0"])
    weights = np.zeros(np.broadcast_shapes(target.shape, propensity.shape))
    np.divide(target, propensity, out=weights, where=propensity > 0.0)
    return weights


def ips(weight: Floats, reward: Floats) -> Terms:
    """Inverse propensity scoring (Horvitz and Thompson 1952, section 3): unbiased.

    Parameters
    ----------
    weight, reward
        (N,) of each impression.
    """
    return _mean(weight * reward, weight[:, np.newaxis])


def snips(weight: Floats, reward: Floats) -> Terms:
    """Self-normalised IPS (Swaminathan and Joachims 2015, section 4): less noise, some bias.

    Parameters
    ----------
    weight, reward
        (N,) of each impression.
    """
    return replace(ips(weight, reward), below=weight)


def doubly_robust(weight: Floats, reward: Floats, said: Floats, expected: Floats) -> Terms:
    """A reward model, corrected by IPS where it errs (Dudík, Langford and Li 2011, section 3).

    Unbiased if the propensities or the model are right. The model must not have seen the row that
    it speaks of (`training.offpolicy.rewards`).

    Parameters
    ----------
    weight, reward
        (N,) of each impression.
    said
        (N,) reward that the model expects of what was shown.
    expected
        (N,) reward that it expects of what the policy in question would show.
    """
    return _mean(expected + weight * (reward - said), weight[:, np.newaxis])


def whole_slate(weight: Floats, reward: Floats) -> Terms:
    """IPS with the whole slate as one action: whatever a reward depends on, and the most noise.

    Parameters
    ----------
    weight
        (N, K) of each position, given those above it; their product is the slate's.
    reward
        (N, K) of each position.
    """
    slate = weight.prod(axis=1)
    return _mean(slate * reward.sum(axis=1), slate[:, np.newaxis])


def independent(weight: Floats, reward: Floats) -> Terms:
    """IIPS (Li et al. 2018, item-position model): a reward depends on its own position alone.

    Parameters
    ----------
    weight
        (N, K) by the marginal probability of the offer at its position, whatever stands elsewhere.
    reward
        (N, K) of each position.
    """
    return by_position(weight, reward)


def cascade(weight: Floats, reward: Floats) -> Terms:
    """Reward interaction IPS (McInerney et al. 2020): a reward depends on the positions above, too.

    Without the paper's normalisation, so that it stays unbiased.

    Parameters
    ----------
    weight
        (N, K) of each position, given those above it.
    reward
        (N, K) of each position.
    """
    return by_position(weight.cumprod(axis=1), reward)


def by_position(weight: Floats, reward: Floats) -> Terms:
    """Return the estimate whose positions are weighed each for itself, both (N, K)."""
    return _mean((weight * reward).sum(axis=1), weight)


def grouped(terms: Terms, unit: NDArray[np.int64]) -> Terms:
    """Return the same estimate with rows that belong together as one: all slates of a person.

    Their weights are summed, too: what is effective then are people.

    Parameters
    ----------
    unit
        (N,) of each row, numbered from 0 on.
    """
    columns = (terms.above, terms.below, terms.weights, terms.count)
    return Terms(*(_summed(column, unit) for column in columns))


def _summed(column: Floats, unit: NDArray[np.int64]) -> Floats:
    """Return the sums (U, ...) of the rows (N, ...) of each unit."""
    sums = np.zeros((int(unit.max()) + 1, *column.shape[1:]))
    np.add.at(sums, unit, column)
    return sums


def _mean(above: Floats, weights: Floats) -> Terms:
    ones = np.broadcast_to(1.0, len(above))
    return Terms(above, ones, weights, ones)
