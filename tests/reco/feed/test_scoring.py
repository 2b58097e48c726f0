"""Scores: popularity that adds up, the model where it can say, popularity where it cannot."""

import numpy as np
import pytest
from catalogues import NOW, catalogue_of, stocks, swept
from hypothesis import assume, given

from reco.core.deposits import UNLIMITED
from reco.feed.generation import generation
from reco.feed.popular import popular_around, popular_near
from reco.feed.query import feed_query
from reco.feed.situation import Situation
from reco.feed.state import UserState
from reco.feed.surroundings import Surroundings
from reco.geo.points import Point

QUERY = feed_query(now=NOW, default_radius_m=5e4)
GUEST = UserState(None, (), (), UNLIMITED)


def scored(rows):
    catalogue = catalogue_of(rows)
    venues = np.arange(len(catalogue.venues), dtype=np.int32)
    around = Surroundings(Point(5.0, 45.0), "request", 5e4, venues, np.full(len(venues), 300.0))
    sweep = swept(generation(catalogue, None), Situation(QUERY, GUEST, around))
    candidates = sweep.everything().everything()
    rate = np.log1p(np.exp(popular_near(*popular_around(sweep), candidates)))
    return catalogue, candidates, rate


@given(stocks())
def test_popularity_is_a_share_of_what_a_person_books_at_places_and_online(rows):
    catalogue, candidates, rate = scored(rows)
    online, base = candidates.is_online, catalogue.base
    first = base.offer_start[base.online_row]
    for chosen, bookings in (
        (online, base.offer_bookings[first:]),
        (~online, base.offer_bookings[:first]),
    ):
        if chosen.any():
            a_person = max(bookings.sum() / catalogue.users, 0.01)
            near = candidates.bookings_near[chosen]
            share = (near + 20 / len(bookings)) / (bookings.sum() + 20)
            assert rate[chosen] == pytest.approx(a_person * share)


@given(stocks())
def test_more_bookings_near_are_never_less_popular(rows):
    _, candidates, rate = scored(rows)
    placed = ~candidates.is_online
    assume(placed.sum() > 1)
    order = np.argsort(candidates.bookings_near[placed])
    assert np.all(np.diff(rate[placed][order]) >= -1e-12)
