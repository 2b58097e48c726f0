"""Look-ups of the catalogue's arrays, and sums over its offers."""

from collections import Counter
from dataclasses import replace

import numpy as np
from catalogues import Stock, catalogue_of, stocks
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.catalogue.rows import ragged_rows, rows_of, run_starts
from reco.db.arrays import FOREVER_US, NEVER_US

ids = st.lists(st.integers(-50, 50), max_size=20)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_ragged_rows_are_the_members_of_each_group(sizes, data):
    start = np.append(0, np.cumsum(sizes))
    groups = np.array(
        data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8)), dtype=np.int64
    )
    rows, owner = ragged_rows(start, groups)
    expected = [(r, place) for place, g in enumerate(groups) for r in range(start[g], start[g + 1])]
    assert list(zip(rows.tolist(), owner.tolist(), strict=True)) == expected


@given(ids, ids)
def test_rows_of_finds_what_is_there(known, asked):
    vocabulary = np.unique(np.array(known, dtype=np.int64))
    rows = rows_of(vocabulary, np.array(asked, dtype=np.int64))
    for row, identifier in zip(rows.tolist(), asked, strict=True):
        assert (vocabulary[row] == identifier) if row >= 0 else (identifier not in known)


@given(ids)
def test_runs_start_where_values_change(values):
    starts = run_starts(np.array(values, dtype=np.int64))
    expected = [i == 0 or values[i] != values[i - 1] for i in range(len(values))]
    assert starts.tolist() == expected


@given(stocks(), stocks(), st.sets(st.integers(100, 107)))
@settings(max_examples=25)
def test_bookings_of_items_are_those_of_their_offers(rows, later, changed):
    fresh = [replace(row, offer=row.offer + 10) for row in later]
    catalogue = catalogue_of(rows, sorted(changed), fresh)
    booked, online, is_online = Counter(), Counter(), set()
    for offer, row in {row.offer: row for row in [*rows, *fresh]}.items():
        bookings = offer % 7
        booked[row.item] += 0 if offer in changed else bookings
        if row.venue is None:
            # What was struck from the base still counts: no more may be said than that.
            online[row.item] += bookings
            is_online.add(row.item)
    items = catalogue.items.item_id.tolist()
    assert catalogue.item_bookings.tolist() == [booked[item] for item in items]
    assert catalogue.online_bookings.tolist() == [online[item] for item in items]
    assert catalogue.is_online_item.tolist() == [item in is_online for item in items]


def test_after_a_change_the_base_is_not_gone_over_again():
    catalogue = catalogue_of([Stock(None, 100, 1, 0, FOREVER_US, NEVER_US, FOREVER_US)])
    known = vars(catalogue.base)
    assert catalogue.online_bookings.tolist() == [100 % 7]
    assert catalogue.is_online_item.tolist() == [True]
    known["online_item_bookings"] = np.array([70], dtype=np.int32)
    known["is_online_item"] = np.array([False])
    changed = replace(catalogue, version="test+1")
    assert changed.online_bookings.tolist() == [70]
    assert changed.is_online_item.tolist() == [False]
