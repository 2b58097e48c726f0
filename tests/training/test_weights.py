"""The weights of a ranker: what is learned from is what is served."""

from dataclasses import replace

import numpy as np
import pytest

from features.clock import HOURS
from training.ranker import Weights, weights_of
from training.replays import Pairs

VISITS, COUNT = 40, 400


@pytest.fixture(scope="module")
def pairs():
    """Pairs of every kind: unsaid, digital, undated, beyond what a person can afford."""
    chance = np.random.default_rng(0)
    size = np.append(chance.integers(1, 4, COUNT - 1), 1)
    start = np.append(0, np.cumsum(size))
    sessions = int(start[-1])
    distance_m = 60_000 * chance.random(sessions)
    days = np.where(chance.random(sessions) < 0.3, np.nan, 60 * chance.random(sessions))
    is_online = chance.random(COUNT) < 0.2
    distance_m[np.repeat(is_online, size)] = np.nan
    said = np.where(chance.random(COUNT) < 0.3, np.nan, chance.random(COUNT))
    return Pairs(
        visit=np.sort(chance.integers(0, VISITS, COUNT)),
        is_booked=chance.random(COUNT) < 0.3,
        drawn=np.ones(COUNT),
        others_drawn=np.ones(COUNT),
        said=said,
        bookings_near=chance.integers(0, 30, COUNT),
        bookings_anywhere=chance.integers(0, 90, COUNT),
        affinity=np.stack([chance.normal(size=COUNT), chance.random(COUNT) < 0.4], axis=1),
        is_online=is_online,
        start=start,
        distance_m=distance_m,
        price_cents=chance.integers(0, 6_000, sessions).astype(np.int32),
        cap=chance.integers(0, 3, sessions).astype(np.int8),
        days=days,
        week_hour=chance.integers(0, HOURS + 1, sessions).astype(np.int16),
        offers=chance.integers(1, 500, (VISITS, 2)),
        bookings=chance.integers(0, 200, (VISITS, 2)),
        made=chance.integers(1, 3_000, (VISITS, 2)),
        visit_drawn=np.ones(VISITS),
        users=100,
        left_cents=chance.integers(600, 20_000, VISITS),
        fair_cents=500.0 + 2_000 * chance.random((VISITS, 3)),
    )


@pytest.fixture(scope="module")
def weights(pairs):
    """Weights of any size, as far as their signs allow it."""
    some = Weights(np.zeros(7 + 16 + 12 + 8 + 8 + 24 + 7 + 1), scale=0.5, credit=0.3)
    drawn = np.random.default_rng(1).normal(size=len(some.of_columns))
    return replace(some, of_columns=np.where(np.isinf(some.least), drawn, 0.01 + np.abs(drawn)))


def test_the_columns_tell_the_sum_that_is_served(pairs, weights):
    columns, beyond = weights.columns(pairs)
    assert beyond.any()
    np.testing.assert_allclose(
        columns @ weights.of_columns - beyond, weights.learned.log_odds(pairs), rtol=1e-9
    )


def test_what_is_raised_is_raised_for_every_pair(pairs, weights):
    before, after = (one.learned.log_odds(pairs) for one in (weights, weights.raised(0.75)))
    np.testing.assert_allclose(after - before, 0.75)


def test_weights_made_again_of_a_ranker_are_those_that_made_it(weights):
    again = weights_of(weights.learned)
    np.testing.assert_allclose(again.of_columns, weights.of_columns)
    assert (again.scale, again.credit) == (weights.scale, weights.credit)


def test_a_dearer_offer_is_worth_less_by_what_its_person_can_afford(pairs, weights):
    """Beyond a fair price, which is that of the person and of what it counts against."""
    free = replace(weights, credit=0.0).columns(pairs)[1]
    assert not free.any()
    richer = replace(pairs, left_cents=100 * pairs.left_cents, fair_cents=100 * pairs.fair_cents)
    assert weights.columns(richer)[1].max() == 0.0
    # What is left then would buy nothing: all of it is gone.
    alike = replace(
        pairs,
        price_cents=np.full_like(pairs.price_cents, 4_000),
        left_cents=np.full(VISITS, 4_300),
        fair_cents=np.full((VISITS, 3), 500.0),
    )
    np.testing.assert_allclose(weights.columns(alike)[1], 0.3 * np.log(4_300 / 500))
