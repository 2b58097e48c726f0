"""The weight of what is beyond a fair price: found where it is true, told alike in both places."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from features.clock import UNDATED
from features.credit import beyond_fair
from training.credit_tuning import CreditTrial, credit_trials, likeliest_of
from training.intervals import Estimate
from training.ranked import Parts
from training.ranker import best_sessions, learn_ranker
from training.replays import Pairs, Visits

VISITS, ITEMS = 300, 40
TRUE_WEIGHT = 1.2


def pairs_of(seed):
    """Return visits of people with more and less credit, who see prices against it."""
    chance = np.random.default_rng(seed)
    shape = (VISITS, ITEMS)
    price = chance.integers(0, 4_000, shape)
    fair_cents = chance.choice([600.0, 1_500.0, 9_000.0], VISITS)
    left_cents = np.full(VISITS, 40_000)
    # Every second item counts against a cap, under which less is left.
    by_cap = np.stack([fair_cents, 0.8 * fair_cents, fair_cents], axis=1)
    beyond = beyond_fair(price, 40_000.0, by_cap[:, np.arange(ITEMS) % 2])
    booked = chance.random(shape) < expit(-2.0 - TRUE_WEIGHT * beyond)
    count = VISITS * ITEMS
    nothing = np.zeros(count, dtype=np.int64)
    return Pairs(
        visit=np.repeat(np.arange(VISITS), ITEMS),
        is_booked=booked.ravel(),
        drawn=np.ones(count),
        others_drawn=np.ones(count),
        said=np.full(count, np.nan),
        bookings_near=nothing,
        bookings_anywhere=nothing,
        affinity=np.zeros((count, 2)),
        is_online=np.zeros(count, dtype=bool),
        start=np.arange(count + 1),
        distance_m=np.full(count, 100.0),
        price_cents=price.ravel().astype(np.int32),
        cap=np.tile(np.arange(ITEMS) % 2, VISITS).astype(np.int8),
        days=np.full(count, np.nan),
        week_hour=np.full(count, UNDATED, dtype=np.int16),
        offers=np.full((VISITS, 2), ITEMS),
        bookings=np.full((VISITS, 2), 100),
        made=np.full((VISITS, 2), 1_000),
        visit_drawn=np.ones(VISITS),
        users=100,
        left_cents=left_cents,
        fair_cents=by_cap,
    )


def parts_of(user):
    """Return visits to learn from, and later ones of people (VISITS,)."""
    nothing = np.zeros(VISITS, dtype=np.int64)
    visits = Visits(user.astype(np.int32), nothing, nothing, nothing > 0, np.ones(VISITS))
    return Parts(pairs_of(0), pairs_of(1), visits)


def test_the_true_weight_makes_later_bookings_likeliest():
    trials = credit_trials(parts_of(np.arange(VISITS)), (0.0, TRUE_WEIGHT, 3.0))
    assert likeliest_of(trials).weight == TRUE_WEIGHT
    none, true, _ = trials
    assert none.change.value == none.change.high == 0.0
    assert true.change.high < 0.0
    gained = (true.log_loss.value - none.log_loss.value) / none.log_loss.value
    assert true.change.value == pytest.approx(gained)


def test_of_weights_as_likely_the_lightest_is_taken():
    alike = Estimate(0.3, 0.2, 0.4)
    trials = [CreditTrial(weight, alike, alike) for weight in (0.4, 0.1, 0.8)]
    assert likeliest_of(trials).weight == 0.1


def test_of_the_visits_of_one_person_nothing_is_known_of_others():
    for trial in credit_trials(parts_of(np.zeros(VISITS)), (0.0, TRUE_WEIGHT)):
        assert trial.log_loss.low == trial.log_loss.high
        assert trial.change.low == trial.change.high


def test_probabilities_are_calibrated_beside_the_penalty_for_rich_and_poor():
    learned, others = learn_ranker(pairs_of(2), TRUE_WEIGHT), pairs_of(3)
    assert learned.ranker.costs.credit == learned.ranker.facts.credit == TRUE_WEIGHT
    chance, poor = expit(learned.log_odds(others)), others.fair_cents[others.visit, 0] < 1_000
    for some in (poor, ~poor):
        assert chance[some].mean() == pytest.approx(others.is_booked[some].mean(), rel=0.1)


def test_a_session_within_means_is_better_than_an_earlier_one_beyond():
    pairs = pairs_of(4)
    costs = learn_ranker(pairs, TRUE_WEIGHT).ranker.costs
    two = replace(
        pairs, visit=np.zeros(1, dtype=np.int64), start=np.array([0, 2]),
        distance_m=np.full(2, 100.0), price_cents=np.array([3_000, 500], dtype=np.int32),
        days=np.array([0.0, 1.0]), fair_cents=np.full((1, 3), 600.0),
        cap=np.zeros(2, dtype=np.int8), week_hour=np.zeros(2, dtype=np.int16),
    )  # fmt: skip
    cost, at = best_sessions(two, costs)
    assert at.tolist() == [1]
    assert cost[0] == pytest.approx(
        costs.of_session(np.array([500], dtype=np.int32), np.array([1.0]), np.array([0]))[0]
        + costs.of_distance(np.array([100.0]))[0]
    )
