"""The slate by relevance: quotas hold while others can take the place, and never shorten it."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reco.feed.slate import MAX_A_VENUE, MAX_DIGITAL_SHARE, choose, relevance_order

DIGITAL = 99
venues = st.lists(st.sampled_from([0, 1, 2, 3, DIGITAL]), max_size=40)


@given(venues, st.integers(1, 20))
def test_as_long_as_can_be_without_repeats_in_the_order_given(venue_row, n):
    order = np.arange(len(venue_row))[::-1].copy()
    chosen = choose(order, np.array(venue_row, dtype=np.int64), DIGITAL, n)
    assert len(chosen) == min(n, len(venue_row))
    assert len(set(chosen)) == len(chosen)
    assert chosen == sorted(chosen, reverse=True)


@given(venues, st.integers(1, 20))
def test_a_quota_is_passed_only_when_nothing_else_is_left(venue_row, n):
    rows = np.array(venue_row, dtype=np.int64)
    chosen = choose(np.arange(len(rows)), rows, DIGITAL, n)
    quota = dict.fromkeys(range(4), MAX_A_VENUE) | {DIGITAL: max(1, int(n * MAX_DIGITAL_SHARE))}
    shown = Counter(rows[chosen].tolist())
    available = Counter(venue_row)
    over = any(shown[venue] > quota[venue] for venue in shown)
    room = any(shown[v] < min(quota[v], available[v]) for v in available)
    assert not (over and room)


def test_likelier_first_and_ties_by_item():
    order = relevance_order(np.array([0.1, 0.3, 0.3]), np.array([1, 9, 5]))
    assert order.tolist() == [2, 1, 0]
