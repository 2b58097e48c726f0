"""The costs of an offer: monotone, nothing where unknown."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.pairs import days_to_session, distance_cost, session_cost

UNDATED = np.iinfo(np.int64).max
DAY_US = 86_400_000_000


@given(st.lists(st.floats(0, 2e5), min_size=2, max_size=20))
def test_farther_never_costs_less(distances):
    cost = distance_cost(np.sort(np.array(distances)))
    assert np.all(np.diff(cost) >= 0)


@given(st.integers(0, 50_000), st.integers(0, 50_000), st.floats(0, 200), st.floats(0, 200))
def test_dearer_and_later_never_cost_less(price, more, days, later):
    near = session_cost(np.array([price], dtype=np.int32), np.array([days]))
    far = session_cost(np.array([price + more], dtype=np.int32), np.array([days + later]))
    assert far[0] >= near[0]


def test_digital_and_undated_cost_nothing():
    assert distance_cost(np.array([np.nan]))[0] == 0.0
    days = days_to_session(np.array([UNDATED]), 0)
    assert np.isnan(days[0])
    assert session_cost(np.array([0], dtype=np.int32), days)[0] == 0.0


def test_days_are_measured_from_the_moment_given():
    assert days_to_session(np.array([3 * DAY_US]), DAY_US)[0] == 2.0


def test_the_documented_odds():
    odds = np.exp(-distance_cost(np.array([5_000.0, 45_000.0])))
    np.testing.assert_allclose(odds, [2**-0.8, 10**-0.8])
