"""Queries: whatever is asked is either checked and carried, or refused by name."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import InvalidInput
from reco.feed.dials import Dials
from reco.feed.query import MAX_N, feed_query
from reco.geo.points import MAX_RADIUS_M
from reco.moments import moment_from

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"lat": 45.0}, "lon"),
        ({"lon": 5.0}, "lat"),
        ({"lat": math.nan, "lon": 5.0}, "lat"),
        ({"radius_km": 200.1}, "radius_km"),
        ({"radius_km": 0.0}, "radius_km"),
        ({"radius_km": math.nan}, "radius_km"),
        ({"n": 0}, "n"),
        ({"n": MAX_N + 1}, "n"),
        ({"floor": 1.1}, "floor"),
        ({"floor": math.nan}, "floor"),
        ({"points_a_booking": 0.0}, "points_a_booking"),
        ({"floor": 0.9, "points_a_booking": math.inf}, "points_a_booking"),
        ({"max_price_eur": -1.0}, "max_price_eur"),
        ({"max_price_eur": math.nan}, "max_price_eur"),
        ({"starts_from": NOW + timedelta(2), "starts_before": NOW + timedelta(1)}, "to"),
        ({"starts_before": NOW - timedelta(1)}, "to"),
        ({"starts_from": datetime(2026, 11, 24)}, "from"),  # noqa: DTZ001
    ],
)
def test_bad_input_is_named(asked, field):
    with pytest.raises(InvalidInput) as caught:
        feed_query(now=NOW, default_radius_m=50_000.0, **asked)
    assert caught.value.field == field


def test_an_end_that_nobody_wrote_is_not_told():
    def told(begin, end):
        window = {
            "starts_from": moment_from(begin, "from", PARIS),
            "starts_before": moment_from(end, "to", PARIS, end_of_day=True),
        }
        with pytest.raises(InvalidInput) as caught:
            feed_query(now=NOW + timedelta(milliseconds=1), default_radius_m=50_000.0, **window)
        return str(caught.value)

    assert told("2020-01-01", "2020-02-01") == "to: that is past: it is 2026-11-23 13:00+01:00."
    over = told("2026-12-03", "2026-12-01")
    assert over == "to: that is not after from, 2026-12-03 00:00+01:00."


def test_the_location_is_rounded_before_it_is_used():
    query = feed_query(now=NOW, default_radius_m=1.0, lat=45.188529, lon=5.724524)
    assert (query.location.lat, query.location.lon) == (45.189, 5.725)


def test_a_radius_that_was_asked_is_not_widened():
    assert feed_query(now=NOW, default_radius_m=5e4, radius_km=10.0).widest_m == 10_000.0
    assert feed_query(now=NOW, default_radius_m=5e4).widest_m == MAX_RADIUS_M


@pytest.mark.parametrize(
    ("asked", "unasked"),
    [
        ({}, {"floor", "intensity"}),
        ({"floor": 0.9}, {"intensity"}),
        ({"points_a_booking": 50.0}, {"intensity"}),
        ({"intensity": 2.0}, {"floor"}),
    ],
)
def test_what_is_not_asked_is_as_served_and_the_services_to_choose(asked, unasked):
    served = Dials(0.95, 1.0, 180.0)
    query = feed_query(now=NOW, default_radius_m=5e4, served=served, **asked)
    assert query.dials == served.turned(**asked)
    assert query.unasked == unasked


@given(st.decimals(0, 999_999, places=2))
def test_prices_are_whole_cents(price):
    query = feed_query(now=NOW, default_radius_m=1.0, max_price_eur=float(price))
    assert query.filters.max_price_cents == int(price * 100)
