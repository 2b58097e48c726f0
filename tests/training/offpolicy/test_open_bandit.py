"""A policy's value from another's log, on logs whose truth is known."""

import numpy as np
import pytest

from training.datasets.open_bandit import BanditLog
from training.offpolicy.open_bandit import compare_policies, mean_policy

RATES = np.array([0.1, 0.3, 0.6, 0.2])
EARLY, LATE = np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.1, 0.1, 0.6, 0.2])


def log_of(policies, rows, seed):
    """Return what policies that take turns log, at two positions alike."""
    generator = np.random.default_rng(seed)
    turn = generator.integers(0, len(policies), rows)
    item = np.array([generator.choice(4, p=policies[at]) for at in turn])
    return BanditLog(
        item,
        generator.integers(0, 2, rows),
        (generator.random(rows) < RATES[item]).astype(float),
        np.array([policies[at][chosen] for at, chosen in zip(turn, item, strict=True)]),
    )


def test_the_mean_of_a_policy_that_learns():
    found = mean_policy(log_of([EARLY, LATE], 20_000, 1), 2, 5)
    for position in found:
        assert position[:4] == pytest.approx((EARLY + LATE) / 2, abs=0.02)
    assert found[:, 4].tolist() == [0.0, 0.0]
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])


def test_each_policy_is_estimated_from_the_log_of_the_other():
    logs = {
        "even": log_of([np.full(4, 0.25)], 4_000, 2),
        "learning": log_of([EARLY, LATE], 4_000, 3),
    }
    learning, even = compare_policies(logs, seed=1, resamples=300)
    assert (learning.policy, learning.log_of) == ("learning", "even")
    assert (even.policy, even.log_of) == ("even", "learning")
    for found, rates in ((learning, (EARLY + LATE) / 2), (even, np.full(4, 0.25))):
        truth = rates @ RATES
        for told in (found.on_policy, *found.off_policy.values()):
            assert told.estimate.low < truth < told.estimate.high
            assert told.estimate.high - told.estimate.low < 0.1
        assert found.off_policy["ips"].weighing.effective < 3_999


def test_a_log_that_lacks_what_is_asked_shows_no_number():
    hardly = np.array([1 - 3e-6, 1e-6, 1e-6, 1e-6])
    logs = {"even": log_of([np.full(4, 0.25)], 400, 2), "hardly": log_of([hardly], 400, 3)}
    rows = compare_policies(logs, resamples=50)
    assert {row.policy: row.off_policy["snips"].estimate is None for row in rows} == {
        "hardly": False,
        "even": True,
    }
