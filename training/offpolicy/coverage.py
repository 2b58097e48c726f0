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
    """alike: each position is looked at for itself; once: nobody looks on after a booking."""
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
    logging = Policy.of(_POPULARITY * people.popularity)
    target = Policy.of(_CLOSENESS * people.closeness)
    cases = _cases(people, target)
    truth = np.array([case.truth for case in cases])
    values, effective, widths = (np.empty((repetitions, len(cases))) for _ in range(3))
    holds = {method: np.zeros(len(cases)) for method in METHODS}
    shown = np.zeros(len(cases))
    for repetition in range(repetitions):
        generator = np.random.default_rng([seed, repetition])
        terms = _terms(people, logging, target, logged(people, logging, slates, generator))
        found = resampled(terms, repetition, resamples)
        values[repetition] = found.value
        effective[repetition] = [each.weighing.effective for each in terms]
        shown += [is_enough(each.weighing) for each in terms]
        for method, intervals in METHODS.items():
            low, high = _bounds(intervals(found))
            holds[method] += (low <= truth) & (truth <= high)
            if method == "studentised":
                widths[repetition] = (high - low) / 2.0 / truth
        done((repetition + 1) / repetitions)
    return [
        Covered(
            estimator=case.estimator,
            people=case.people,
            consideration=consideration,
            holds=case.holds,
            truth=case.truth,
            mean=float(values[:, at].mean()),
            effective=float(effective[:, at].mean()),
            shown=float(shown[at] / repetitions),
            half_width=float(np.median(widths[:, at])),
            coverage={method: float(held[at] / repetitions) for method, held in holds.items()},
        )
        for at, case in enumerate(cases)
    ]


def _cases(people: People, target: Policy) -> list[_Case]:
    """Return what is estimated, in the order of `_terms`, with the truth by enumeration."""
    first = float((target.marginal[:, 0] * people.chance).sum(axis=1).mean())
    found = [_Case(name, "alike", True, first) for name in ("ips", "snips", "dr")]
    for readers, chance in (("alike", chances(people)), ("once", chances_once(people))):
        slate = float((target.whole * chance.sum(axis=2)).sum(axis=1).mean())
        found += [
            _Case(name, readers, (name, readers) != ("iips", "once"), slate)
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
    means = cross_fitted_means(menu[rows, shown], reward, int(people.subcategory.max()) + 1)
    said = np.take_along_axis(means, menu, axis=1)
    expected = (target.marginal[log.user, 0] * said).sum(axis=1)
    return doubly_robust(weight, reward, said[rows, shown], expected)


def _bounds(intervals: Sequence[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.array([estimate.low for estimate in intervals])
    return low, np.array([estimate.high for estimate in intervals])
