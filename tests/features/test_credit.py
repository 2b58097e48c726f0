"""What a person can afford a booking, and what a price beyond it costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.credit import (
    BOOKINGS_A_MONTH,
    CREDIT_WEIGHT,
    MONTH_DAYS,
    MOST_DAYS,
    PRIOR_DAYS,
    SMALL_REST_CENTS,
    UNLIMITED_BUDGET,
    beyond_fair,
    budget_of,
    expected_bookings,
)

NO_CAPS = np.full(3, np.inf)
NOTHING_MADE = np.zeros(3, dtype=np.int64)

counts = st.lists(st.integers(0, 60), min_size=3, max_size=3).map(np.array)
days = st.floats(0.0, 800.0)
cents = st.integers(0, 50_000)
caps = st.lists(st.sampled_from([0.0, 700.0, 20_000.0, np.inf]), min_size=3, max_size=3).map(
    np.array
)


def test_who_did_nothing_yet_is_expected_to_book_as_usual():
    expected = expected_bookings(NOTHING_MADE, 0.0, 10.0 * MONTH_DAYS)
    assert expected == pytest.approx(10.0 * np.array(BOOKINGS_A_MONTH))


def test_own_bookings_count_the_more_the_longer_a_person_is_known():
    made = np.array([0, 0, 12])
    early = expected_bookings(made * 0 + np.array([0, 0, 1]), PRIOR_DAYS, MONTH_DAYS)
    # Half of the usual rate, half of one in fifty days.
    assert early[2] == pytest.approx(0.5 * BOOKINGS_A_MONTH[2] + 0.5 * MONTH_DAYS / PRIOR_DAYS)
    late = expected_bookings(made, 12.0 * 50 * MONTH_DAYS, MONTH_DAYS)
    assert late[2] == pytest.approx(12 / 600, rel=0.15)


def test_the_usual_rate_and_what_it_is_worth_are_those_of_the_documentation():
    a_month = [expected_bookings(NOTHING_MADE, since, MONTH_DAYS).sum() for since in (0.0, 50.0)]
    assert a_month == pytest.approx([1.3, 0.65])
    # Nobody plans farther ahead than two years.
    assert expected_bookings(NOTHING_MADE, 0.0, 9_999.0).sum() == pytest.approx(1.3 * 24, rel=1e-3)


def test_at_twice_the_fair_price_the_odds_are_13_in_100_less():
    beyond = beyond_fair(np.array([1_000, 2_000]), np.inf, 1_000.0)
    np.testing.assert_allclose(np.exp(-CREDIT_WEIGHT * beyond), [1.0, 0.87], atol=0.005)


@given(counts, days, days, days)
def test_more_time_is_more_bookings_up_to_the_farthest_plan(made, since, left, more):
    expected = expected_bookings(made, since, left)
    assert np.all(expected >= 0.0)
    assert np.all(expected_bookings(made, since, left + more) >= expected)
    assert np.array_equal(
        expected_bookings(made, since, MOST_DAYS), expected_bookings(made, since, 9_999.0)
    )


@given(cents, caps, counts, days, days)
def test_a_fair_price_is_within_credit_and_cap_and_buys_something(left, own, made, since, ahead):
    budget = budget_of(left, own, expected_bookings(made, since, ahead))
    assert budget.left_cents == left
    assert np.all(budget.fair_cents >= SMALL_REST_CENTS)
    assert np.all(budget.fair_cents <= np.maximum(np.minimum(left, own), SMALL_REST_CENTS))


def test_all_that_is_left_is_fair_for_the_last_booking():
    budget = budget_of(4_000.0, NO_CAPS, expected_bookings(NOTHING_MADE, 720.0, 3.0))
    assert budget.fair_cents.tolist() == [4_000.0] * 3
    assert beyond_fair(np.array([4_000, 3_999]), 4_000.0, 4_000.0).tolist() == [0.0, 0.0]


def test_a_cap_makes_its_own_price_fair_and_no_other():
    expected = np.array([4.0, 1.0, 15.0])
    free = budget_of(30_000.0, NO_CAPS, expected).fair_cents
    capped = budget_of(30_000.0, np.array([np.inf, np.inf, 9_000.0]), expected).fair_cents
    assert capped[:2].tolist() == free[:2].tolist() == [1_500.0, 1_500.0]
    assert capped[2] == 600.0


@given(cents, st.floats(SMALL_REST_CENTS, 50_000.0), st.lists(cents, min_size=2, max_size=20))
def test_a_price_never_costs_less_than_a_lower_one(left, fair, prices):
    within = np.minimum(np.sort(np.array(prices)), left)
    beyond = beyond_fair(within, left, fair)
    assert np.all(np.diff(beyond) >= 0.0)
    assert np.all(beyond[within + SMALL_REST_CENTS <= min(left, fair)] == 0.0)
    is_beyond = (within > fair) & (within <= left - SMALL_REST_CENTS)
    assert beyond[is_beyond] == pytest.approx(np.log(within[is_beyond] / fair))


def test_a_rest_that_buys_nothing_counts_as_spent():
    spent = beyond_fair(np.array([300, 400, 750, 800]), 800.0, SMALL_REST_CENTS)
    assert spent == pytest.approx([0.0, np.log(1.6), np.log(1.6), np.log(1.6)])


def test_without_credit_nothing_is_beyond_it():
    prices, unlimited = np.array([0, 30_000]), UNLIMITED_BUDGET
    assert beyond_fair(prices, unlimited.left_cents, unlimited.fair_cents[0]).tolist() == [0.0, 0.0]
    nothing_left = budget_of(0.0, NO_CAPS, np.ones(3))
    assert beyond_fair(np.array([0]), 0.0, nothing_left.fair_cents[0]).tolist() == [0.0]
