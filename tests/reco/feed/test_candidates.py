"""Candidates against a slow truth: what may be shown, at which offer, at which cost."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from catalogues import CATEGORIES, NOW, NOW_US, ZONES, cap_of, catalogue_of, stocks, swept, swept_at
from hypothesis import given
from hypothesis import strategies as st

from features.clock import HOURS, week_hours
from features.credit import beyond_fair
from features.pairs import COSTS_BY_HAND, days_to_session
from reco.catalogue.shelf import CAPS
from reco.core.deposits import UNLIMITED, Credit
from reco.db.arrays import FOREVER_US, micros
from reco.feed.budget import budget_at
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.situation import Situation
from reco.feed.state import Booked, Interacted, Person, UserState
from reco.feed.surroundings import Surroundings
from reco.geo.points import Point

DISTANCES = {10: 300.0, 20: 4_000.0, 30: 40_000.0}

credits_left = st.builds(
    Credit,
    st.sampled_from([None, 0, 1_200]),
    st.sampled_from([None, 500]),
    st.sampled_from([None, 0, 1_200]),
    st.sampled_from([None, 1_200]),
)
DAY = timedelta(days=1)
people = st.builds(
    lambda amount_cents, since_days, left_days: Person(
        1, None, None, amount_cents, None, None, None, NOW - since_days * DAY,
        left_days and NOW + left_days * DAY, True,
    ),
    st.sampled_from([None, 1_200]), st.sampled_from([0, 100]), st.sampled_from([None, 1, 90, 400]),
)  # fmt: skip
bookings = st.lists(
    st.builds(
        lambda days, amount_cents, cap: Booked(
            99, "i99", NOW - days * DAY, amount_cents, cap, "LIVRE", None, None, None, [], None
        ),
        st.integers(0, 120), st.sampled_from([0, 700]), st.sampled_from(CAPS),
    ),
    max_size=6,
).map(tuple)  # fmt: skip
weeks = st.lists(st.sampled_from([0.0, 0.2, 3.0]), min_size=7, max_size=7).map(
    lambda days: np.append(np.repeat(days, HOURS // 7), 0.0)
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "categories": st.lists(st.sampled_from(sorted(CATEGORIES.values())), max_size=2),
        "max_price_eur": st.sampled_from([0.0, 5.0, 20.0]),
        "starts_from": st.sampled_from([NOW, NOW + timedelta(hours=2)]),
        "starts_before": st.sampled_from([NOW + timedelta(hours=12), NOW + timedelta(days=5)]),
        "shown_items": st.frozensets(st.integers(1, 5), max_size=2),
    },
)


def found_in(catalogue, here):
    """Return all candidates, spelled out."""
    return swept(generation(catalogue, None), here).everything().everything()


def situation(catalogue, asked, credit, near, dismissed=(), person=None, booked=()):
    query = feed_query(now=NOW, default_radius_m=5e4, **asked)
    past = tuple(Interacted(item, f"i{item}", "dismiss", NOW) for item in dismissed)
    rows = {int(catalogue.venues.rows(np.array([venue]))[0]): venue for venue in near}
    rows = {row: rows[row] for row in sorted(rows) if row >= 0}
    around = Surroundings(
        Point(5.0, 45.0),
        "request",
        5e4,
        np.array(list(rows), dtype=np.int32),
        np.array([DISTANCES[venue] for venue in rows.values()]),
    )
    return Situation(query, UserState(person, booked, past, credit), around)


def truth(rows, here, near, costs):
    """Return item to (least cost, offers with that cost), row by row."""
    query, credit, budget = here.query, here.state.credit, budget_at(here.state, NOW)
    best = {}
    for row in rows:
        item_category = CATEGORIES[row.item % 3 + 1]
        bounds = [query.filters.max_price_cents, credit.total_cents, credit.offer_limit_cents]
        bounds += [credit.digital_cents] if cap_of(row) == "digital" else []
        bounds += [credit.physical_cents] if cap_of(row) == "physical" else []
        dated = row.starts_us != FOREVER_US
        after, before = query.filters.starts_from, query.filters.starts_before
        if (
            (row.venue is not None and row.venue not in near)
            or row.item in here.state.settled_items | query.shown_items
            or (query.filters.categories and item_category not in query.filters.categories)
            or not row.opens_us <= NOW_US < row.closes_us
            or any(bound is not None and row.price_cents > bound for bound in bounds)
            or (dated and after and row.starts_us < micros(after))
            or (dated and before and row.starts_us >= micros(before))
        ):
            continue
        days = days_to_session(np.array([row.starts_us]), NOW_US)
        away = np.array([DISTANCES[row.venue] if row.venue else np.nan])
        price = np.array([row.price_cents], dtype=np.int32)
        hour = week_hours(np.array([row.starts_us]), [ZONES.get(row.venue)], np.array([0]))
        cost = float((costs.of_session(price, days, hour) + costs.of_distance(away))[0])
        fair_cents = budget.fair_cents[CAPS.index(cap_of(row))]
        cost += costs.credit * float(beyond_fair(price, budget.left_cents, fair_cents)[0])
        least, offers = best.get(row.item, (np.inf, set()))
        if cost < least - 1e-12:
            best[row.item] = (cost, {row.offer})
        elif cost <= least + 1e-12:
            best[row.item] = (least, offers | {row.offer})
    return best


@given(stocks(), stocks(), filters, credits_left, st.sets(st.sampled_from([10, 20, 30])), st.data())
def test_every_item_that_may_be_shown_and_no_other(rows, fresh, asked, credit, near, data):
    person, booked = data.draw(st.none() | people), data.draw(bookings)
    dismissed = data.draw(st.frozensets(st.integers(1, 5), max_size=1))
    # Some offers of the base changed: a few are gone, a few stand anew, others are new.
    changed = data.draw(st.sets(st.integers(100, 107)))
    fresh = [row for row in fresh if row.offer in changed]
    catalogue = catalogue_of(rows, sorted(changed), fresh)
    here = situation(catalogue, asked, credit, near, dismissed, person, booked)
    costs = replace(COSTS_BY_HAND, week=data.draw(weeks))
    found = swept_at(catalogue, here, costs).everything().everything()
    left = [row for row in rows if row.offer not in changed] + fresh
    expected = truth(left, here, near, costs)
    items = catalogue.items.item_id[found.item].tolist()
    assert sorted(items) == sorted(expected)
    assert len(set(items)) == len(items)
    for item, offer, cost in zip(items, found.offer_id.tolist(), found.cost.tolist(), strict=True):
        assert cost == pytest.approx(expected[item][0])
        assert offer in expected[item][1]


@given(stocks(), credits_left)
def test_a_smaller_radius_never_adds(rows, credit):
    catalogue = catalogue_of(rows)
    wide = found_in(catalogue, situation(catalogue, {}, credit, [10, 20, 30]))
    narrow = found_in(catalogue, situation(catalogue, {}, credit, [10]))
    assert set(narrow.item.tolist()) <= set(wide.item.tolist())


@given(stocks())
def test_pages_are_disjoint_and_end(rows):
    catalogue = catalogue_of(rows)
    here = situation(catalogue, {}, UNLIMITED, [10, 20, 30])
    everything = set(catalogue.items.item_id[found_in(catalogue, here).item].tolist())
    shown = frozenset()
    while True:
        page = found_in(catalogue, replace(here, query=replace(here.query, shown_items=shown)))
        found = catalogue.items.item_id[page.item].tolist()[:2]
        if not found:
            break
        assert not shown & set(found)
        shown |= frozenset(found)
    assert shown == everything


def test_micros_is_exact_in_any_zone():
    from datetime import datetime
    from zoneinfo import ZoneInfo

    paris = datetime(2026, 11, 23, 13, 0, 0, 123456, tzinfo=ZoneInfo("Europe/Paris"))
    assert micros(paris) == micros(paris.astimezone(ZoneInfo("UTC")))
    assert micros(paris) % 1_000_000 == 123456
