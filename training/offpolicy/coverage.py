"""How often 95 % intervals hold the truth, where it is known: in the simulated world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.intervals import RESAMPLES, Estimate
from training.offpolicy.estimators import (
    Terms,
    cascade,
    doubly_robust,
    importance_weights,
    independent,
    ips,
    snips,
    whole_slate,
)
from training.offpolicy.intervals import (
    Resampled,
    is_enough,
    normal_intervals,
    percentile_intervals,
    resampled,
    studentised_intervals,
)
from training.offpolicy.rewards import cross_fitted_means
from training.offpolicy.simulated import (
    ORDERS,
    POSITIONS,
    Log,
    People,
    Policy,
    chances,
    chances_once,
    logged,
    simulated_people,
)

CONSIDERATIONS = (1.0, 0.1)
"""Shares of shown offers that are considered: about one in five and one in fifty are booked."""
AT_EACH, UNTIL_A_BOOKING = "at each", "until a booking"
SLATES = 4_000
_POPULARITY = 0.5
_CLOSENESS = 1.0
"""Weights of the appeal by which the policy that logs, and the one in question, draw."""

Method = Callable[[Resampled], Sequence[Estimate]]
METHODS: Mapping[str, Method] = {
    "studentised": studentised_intervals,
    "normal": normal_intervals,
    "percentile": percentile_intervals,
}


@dataclass(frozen=True)
class Covered:
    """How one estimator did over all repetitions."""

    estimator: str
    people: str
    """How they look: `AT_EACH` position for itself, or on only `UNTIL_A_BOOKING`."""
    consideration: float
    holds: bool
    """Whether what the estimator assumes is so."""
    truth: float
    """Bookings of a slate, or of its first position, under the policy in question."""
    mean: float
    """Of the estimates."""
    effective: float
    """Mean of the effective sample sizes."""
    shown: float
    """Share of repetitions whose weights let a number be shown."""
    half_width: float
    """Median of half the studentised interval, over the truth."""
    coverage: Mapping[str, float]
    """Share of repetitions whose interval held the truth, by method."""


@dataclass(frozen=True)
class _Case:
    estimator: str
    people: str
    holds: bool
    truth: float


def coverage(
    repetitions: int,
    *,
    consideration: float,
    slates: int = SLATES,
    seed: int = 1,
    resamples: int = RESAMPLES,
    done: Callable[[float], None],
) -> list[Covered]:
    """Log slates under one policy again and again, and estimate the value of another each time.

    The one in question draws what is close, the one that logs what is popular.

    Parameters
    ----------
    done
        Called with the share of the repetitions that are over.
    """
    people = simulated_people(seed, consideration)
    target = Policy.of(_CLOSENESS * people.closeness)
    logging = Policy.of(_POPULARITY * people.popularity)
    cases = _cases(people, target)
    truth = np.array([case.truth for case in cases])
    rounds = []
    for repetition in range(repetitions):
        generator = np.random.default_rng([seed, repetition])
        terms = _terms(people, logging, target, logged(people, logging, slates, generator))
        rounds.append(_round(terms, truth, repetition, resamples))
        done((repetition + 1) / repetitions)
    return [_covered(case, consideration, rounds, at) for at, case in enumerate(cases)]


@dataclass(frozen=True)
class _Round:
    """One repetition; arrays of shape (E,)."""

    value: NDArray[np.float64]
    effective: NDArray[np.float64]
    is_shown: NDArray[np.bool_]
    half_width: NDArray[np.float64]
    holds: Mapping[str, NDArray[np.bool_]]


def _round(terms: Sequence[Terms], truth: NDArray[np.float64], seed: int, resamples: int) -> _Round:
    found = resampled(terms, seed, resamples)
    bounds = {method: _bounds(intervals(found)) for method, intervals in METHODS.items()}
    low, high = bounds["studentised"]
    return _Round(
        found.value,
        np.array([each.weighing.effective for each in terms]),
        np.array([is_enough(each.weighing) for each in terms]),
        (high - low) / 2.0 / truth,
        {method: (low <= truth) & (truth <= high) for method, (low, high) in bounds.items()},
    )


def _covered(case: _Case, consideration: float, rounds: Sequence[_Round], at: int) -> Covered:
    return Covered(
        estimator=case.estimator,
        people=case.people,
        consideration=consideration,
        holds=case.holds,
        truth=case.truth,
        mean=float(np.mean([each.value[at] for each in rounds])),
        effective=float(np.mean([each.effective[at] for each in rounds])),
        shown=float(np.mean([each.is_shown[at] for each in rounds])),
        half_width=float(np.median([each.half_width[at] for each in rounds])),
        coverage={
            method: float(np.mean([each.holds[method][at] for each in rounds]))
            for method in METHODS
        },
    )


def _cases(people: People, target: Policy) -> list[_Case]:
    """Return what is estimated, in the order of `_terms`, with the truth by enumeration."""
    first = float((target.marginal[:, 0] * people.chance).sum(axis=1).mean())
    found = [_Case(name, AT_EACH, True, first) for name in ("ips", "snips", "dr")]
    for readers, chance in ((AT_EACH, chances(people)), (UNTIL_A_BOOKING, chances_once(people))):
        slate = float((target.whole * chance.sum(axis=2)).sum(axis=1).mean())
        found += [
            _Case(name, readers, (name, readers) != ("iips", UNTIL_A_BOOKING), slate)
            for name in ("slate ips", "iips", "cascade")
        ]
    return found


def _terms(people: People, logging: Policy, target: Policy, log: Log) -> list[Terms]:
    user, order = log.user, log.order
    place = user[:, np.newaxis], np.arange(POSITIONS), ORDERS[order]
    given_above = importance_weights(
        target.given_above[user, order], logging.given_above[user, order]
    )
    marginal = importance_weights(target.marginal[place], logging.marginal[place])
    first, reward = marginal[:, 0], log.booked[:, 0]
    terms = [ips(first, reward), snips(first, reward), _robust(people, target, log, first)]
    for booked in (log.booked, log.booked_once):
        terms += [
            whole_slate(given_above, booked),
            independent(marginal, booked),
            cascade(given_above, booked),
        ]
    return terms


def _robust(people: People, target: Policy, log: Log, weight: NDArray[np.float64]) -> Terms:
    """Return the doubly robust estimate of the first position, by means of subcategories."""
    menu, shown = people.subcategory[log.user], ORDERS[log.order, 0]
    rows, reward = np.arange(len(shown)), log.booked[:, 0]
    fold, means = cross_fitted_means(menu[rows, shown], reward, int(people.subcategory.max()) + 1)
    said = means[fold[:, np.newaxis], menu]
    expected = (target.marginal[log.user, 0] * said).sum(axis=1)
    return doubly_robust(weight, reward, said[rows, shown], expected)


def _bounds(intervals: Sequence[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.array([estimate.low for estimate in intervals])
    return low, np.array([estimate.high for estimate in intervals])
