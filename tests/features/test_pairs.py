"""The costs of an offer: monotone, nothing where unknown."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.clock import HOURS
from features.pairs import COSTS_BY_HAND, days_to_session

NEVER = np.iinfo(np.int64).max
DAY_US = 86_400_000_000


def session_cost(price_cents, days, hour=0):
    """Return what one session costs by hand."""
    price, begins = np.array([price_cents], dtype=np.int32), np.array([hour], dtype=np.int16)
    return COSTS_BY_HAND.of_session(price, np.array([days]), begins)


@given(st.lists(st.floats(0, 2e5), min_size=2, max_size=20))
def test_farther_never_costs_less(distances):
    cost = COSTS_BY_HAND.of_distance(np.sort(np.array(distances)))
    assert np.all(np.diff(cost) >= 0)


@given(st.integers(0, 50_000), st.integers(0, 50_000), st.floats(0, 200), st.floats(0, 200))
def test_dearer_and_later_never_cost_less(price, more, days, later):
    near = session_cost(price, days)
    far = session_cost(price + more, days + later)
    assert far[0] >= near[0]


def test_digital_and_undated_cost_nothing():
    assert COSTS_BY_HAND.of_distance(np.array([np.nan]))[0] == 0.0
    days = days_to_session(np.array([NEVER]), 0)
    assert np.isnan(days[0])
    assert session_cost(0, days[0])[0] == 0.0


@given(st.integers(0, HOURS))
def test_no_hour_costs_anything_by_hand(hour):
    assert session_cost(700, 3.0, hour) == session_cost(700, 3.0)


def test_what_has_begun_waits_no_longer():
    assert session_cost(0, -2.0)[0] == session_cost(0, 0.0)[0] == 0.0


def test_days_are_measured_from_the_moment_given():
    assert days_to_session(np.array([3 * DAY_US]), DAY_US)[0] == 2.0


def test_the_documented_odds():
    odds = np.exp(-COSTS_BY_HAND.of_distance(np.array([5_000.0, 45_000.0])))
    np.testing.assert_allclose(odds, [2**-0.8, 10**-0.8])
    dear, free = session_cost(2_000, np.nan), session_cost(0, np.nan)
    np.testing.assert_allclose(np.exp(free - dear), 2**-0.3)
    in_a_week, at_once = session_cost(0, 7.0), session_cost(0, 0.0)
    np.testing.assert_allclose(np.exp(at_once - in_a_week), 2**-0.3)
