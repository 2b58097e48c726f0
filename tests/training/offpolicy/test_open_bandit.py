"""A policy's value from another's log, on logs whose truth is known."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from training.datasets.open_bandit import BanditLog, read_open_bandit
from training.offpolicy.estimators import importance_weights
from training.offpolicy.open_bandit import compare_policies, mean_policy
from training.offpolicy.rewards import cross_fitted_means

SHARED = Path(__file__).parents[4] / "shared" / "data" / "open_bandit_women"
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
        generator.random(rows) < RATES[item],
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


def test_the_doubly_robust_estimate_is_that_of_all_items_told_for_each_row():
    log, other = log_of([np.full(4, 0.25)], 2_000, 2), log_of([EARLY, LATE], 2_000, 3)
    rows = np.arange(2_000)
    shows = mean_policy(other, 2, 4)[log.position]
    weight = importance_weights(shows[rows, log.item], log.propensity)
    fold, means = cross_fitted_means(log.item, log.click.astype(float), 4)
    said = means[fold]
    each = (shows * said).sum(axis=1) + weight * (log.click - said[rows, log.item])
    found, _ = compare_policies({"even": log, "learning": other}, resamples=50)
    assert found.off_policy["dr"].estimate.value == pytest.approx(each.mean(), rel=1e-12)


def test_a_comparison_holds_no_table_of_rows_and_items():
    rows = 20_000
    generator = np.random.default_rng(4)
    item, position = generator.integers(0, 400, rows), generator.integers(0, 2, rows)
    log = BanditLog(item, position, generator.random(rows) < 0.1, np.full(rows, 1 / 400))
    tracemalloc.start()
    try:
        compare_policies({"one": log, "other": log}, resamples=1)
        assert tracemalloc.get_traced_memory()[1] < 400 * rows
    finally:
        tracemalloc.stop()


def test_a_log_that_lacks_what_is_asked_shows_no_number():
    hardly = np.array([1 - 3e-6, 1e-6, 1e-6, 1e-6])
    logs = {"even": log_of([np.full(4, 0.25)], 400, 2), "hardly": log_of([hardly], 400, 3)}
    rows = compare_policies(logs, resamples=50)
    assert {row.policy: row.off_policy["snips"].estimate is None for row in rows} == {
        "hardly": False,
        "even": True,
    }


def test_real_logs_of_two_policies_tell_of_each_other_what_they_can():
    """What chance showed tells of the policy that learns; its own log lacks what chance shows."""
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    rows = compare_policies(read_open_bandit(SHARED), seed=1, resamples=400)
    learning, uniform = rows
    assert [(row.policy, row.log_of) for row in rows] == [("bts", "random"), ("random", "bts")]
    as_it_was = learning.on_policy.estimate
    assert as_it_was.value == pytest.approx(46 / 10_000)
    for name, told in learning.off_policy.items():
        estimate = told.estimate
        assert estimate.low < as_it_was.value < estimate.high, name
        # 46 clicks tell no more than this: a factor of two between the ends.
        assert as_it_was.value < estimate.high - estimate.low < 2 * as_it_was.value, name
        assert 1_000 < told.weighing.effective < 10_000
    for name, told in uniform.off_policy.items():
        assert told.estimate is None, name
        assert told.weighing.effective < 100
