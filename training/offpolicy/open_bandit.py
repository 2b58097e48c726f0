"""Each Open Bandit policy's value as it was, beside its estimates from the other's log."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.open_bandit import BanditLog
from training.intervals import RESAMPLES
from training.offpolicy.estimators import Terms, doubly_robust, importance_weights, ips, snips
from training.offpolicy.intervals import Told, told
from training.offpolicy.rewards import cross_fitted_means


@dataclass(frozen=True)
class Comparison:
    """Clicks an impression under one policy."""

    policy: str
    log_of: str
    """The policy that logged what the estimates are from."""
    on_policy: Told
    """From the policy's own log."""
    off_policy: Mapping[str, Told]
    """By estimator."""


def compare_policies(
    logs: Mapping[str, BanditLog], seed: int = 0, resamples: int = RESAMPLES
) -> list[Comparison]:
    """Estimate the value of each policy from the log of each other one."""
    return [
        Comparison(
            policy,
            other,
            _on_policy(logs[policy], seed, resamples),
            _off_policy(logs[policy], logs[other], seed, resamples),
        )
        for other in logs
        for policy in logs
        if policy != other
    ]


def mean_policy(log: BanditLog, positions: int, items: int) -> NDArray[np.float64]:
    """Return the probability of each item at each position, on average over a log.

    No log says with which probability the policy would have shown what it did not show. These
    policies do not look at the person, but one of them learns, so that an item's propensity moves.
    The mean of those logged is too high, for an item is logged when its propensity is; what is
    logged n times with propensities p has had n / sum(1 / p), their harmonic mean: the sum has the
    number of all rows as its expectation. Items never logged at a position get 0; a position's
    probabilities are scaled to sum to 1.

    Returns
    -------
    (positions, items)
    """
    count, inverse = np.zeros((positions, items)), np.zeros((positions, items))
    np.add.at(count, (log.position, log.item), 1.0)
    np.add.at(inverse, (log.position, log.item), 1.0 / log.propensity)
    mean = np.divide(count, inverse, out=np.zeros_like(count), where=count > 0.0)
    return np.asarray(mean / mean.sum(axis=1, keepdims=True))


def _on_policy(log: BanditLog, seed: int, resamples: int) -> Told:
    return told([ips(np.ones(len(log.click)), log.click.astype(np.float64))], seed, resamples)[0]


def _off_policy(policy: BanditLog, log: BanditLog, seed: int, resamples: int) -> Mapping[str, Told]:
    terms = _terms(policy, log)
    return dict(zip(terms, told(list(terms.values()), seed, resamples), strict=True))


def _terms(policy: BanditLog, log: BanditLog) -> Mapping[str, Terms]:
    positions = 1 + int(max(policy.position.max(), log.position.max()))
    items = 1 + int(max(policy.item.max(), log.item.max()))
    shows = mean_policy(policy, positions, items)
    weight = importance_weights(shows[log.position, log.item], log.propensity)
    reward = log.click.astype(np.float64)
    fold, means = cross_fitted_means(log.item, reward, items)
    expected = (shows[:, np.newaxis] * means).sum(axis=2)
    said = means[fold, log.item]
    return {
        "ips": ips(weight, reward),
        "snips": snips(weight, reward),
        "dr": doubly_robust(weight, reward, said, expected[log.position, fold]),
    }
