"""The slate by relevance: quotas hold while others can take the place, and never shorten it."""

from collections import Counter

import numpy as np
import pytest
from catalogues import catalogue_of, stocks
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.shelf import ONLINE
from reco.feed.candidates import Candidates
from reco.feed.slate import (
    MAX_A_VENUE,
    MAX_DIGITAL_SHARE,
    MAX_FAMILY_SHARE,
    Quota,
    choose,
    quotas,
)

groups = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=40)
VENUE_LIMIT = np.array([3, 3, 1, 2, 5])
FAMILY_LIMIT = np.array([9, 4, 2, 1])


def limits(rows):
    venue = np.array([venue for venue, _ in rows], dtype=np.int64)
    family = np.array([family for _, family in rows], dtype=np.int64)
    return [Quota(venue, VENUE_LIMIT[venue]), Quota(family, FAMILY_LIMIT[family])]


@given(groups, st.integers(1, 20))
def test_as_long_as_can_be_without_repeats_in_the_order_given(rows, n):
    order = np.arange(len(rows))[::-1].copy()
    chosen = choose(order, limits(rows), n)
    assert len(chosen) == min(n, len(rows))
    assert len(set(chosen)) == len(chosen)
    assert chosen == sorted(chosen, reverse=True)


@given(groups, st.integers(1, 20))
def test_what_is_in_the_way_is_given_up_the_last_quota_before_the_first(rows, n):
    shown, chosen = [Counter(), Counter()], set()
    for held in ((0, 1), (0,), (1,), ()):
        for place, ids in enumerate(rows):
            has_room = all(
                shown[at][ids[at]] < (VENUE_LIMIT, FAMILY_LIMIT)[at][ids[at]] for at in held
            )
            if has_room and place not in chosen and len(chosen) < n:
                chosen.add(place)
                shown[0][ids[0]] += 1
                shown[1][ids[1]] += 1
    assert choose(np.arange(len(rows)), limits(rows), n) == sorted(chosen)


def test_a_quota_that_is_not_in_the_way_is_not_given_up():
    venue, family = Quota(np.zeros(9, dtype=np.int64), np.full(9, 2)), np.arange(9) // 3
    assert choose(np.arange(9), [venue, Quota(family, np.full(9, 1))], 3) == [0, 3, 6]
    # Neither holds for four; the last one is broken no further than it must be.
    assert choose(np.arange(9), [venue, Quota(family, np.full(9, 1))], 4) == [0, 1, 3, 6]


@given(groups, st.integers(1, 20))
def test_quotas_hold_as_long_as_a_slate_within_them_is_long_enough(rows, n):
    within, shown = [], [Counter(), Counter()]
    for place, (venue, family) in enumerate(rows):
        if shown[0][venue] < VENUE_LIMIT[venue] and shown[1][family] < FAMILY_LIMIT[family]:
            shown[0][venue] += 1
            shown[1][family] += 1
            within.append(place)
    chosen = choose(np.arange(len(rows)), limits(rows), n)
    assert set(within[:n]) <= set(chosen)
    if len(within) >= n:
        assert chosen == within[:n]


@given(stocks())
def test_the_quotas_of_a_feed(rows):
    catalogue = catalogue_of(rows)
    base, count = catalogue.base, len(catalogue.items)
    offer = np.array([np.flatnonzero(base.offer_item == i)[0] for i in range(count)])
    group = np.searchsorted(base.offer_start, offer, side="right") - 1
    venue = np.append(base.venue_id, ONLINE)[group]
    nothing = np.zeros(count)
    candidates = Candidates(
        np.arange(count),
        base.offer_id[offer],
        venue,
        nothing,
        nothing,
        nothing.astype(np.int64),
        np.where(venue == ONLINE, -1, group),
    )
    of_venue, of_family = quotas(catalogue, candidates, 8)
    digital = venue == ONLINE
    assert (of_venue.limit[digital] == int(8 * MAX_DIGITAL_SHARE)).all()
    assert (of_venue.limit[~digital] == MAX_A_VENUE).all()
    known = catalogue.items.item_subcategory > 0
    assert (of_family.limit[known] == int(8 * MAX_FAMILY_SHARE)).all()
    assert (of_family.limit[~known] == 8).all()
    by_category, *others = quotas(catalogue, candidates, 8, a_category=2)
    assert by_category.group.tolist() == catalogue.items.item_category[:count].tolist()
    assert (by_category.limit == 2).all()
    assert [quota.group.tolist() for quota in others] == [
        quota.group.tolist() for quota in (of_venue, of_family)
    ]


@pytest.mark.parametrize("n", [1, 4])
def test_nothing_to_choose_from(n):
    assert choose(np.empty(0, dtype=np.int64), [], n) == []
