"""What a feed shows can be booked: by that person, at that moment, under every rule."""

from datetime import timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRENOBLE, ITEMS, NOW, OFFERS, book, small_world

from reco.catalogue.build import build_catalogue
from reco.core.bookings import Order
from reco.core.bookings import book as book_by_the_rules
from reco.errors import RuleBroken
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query

SECRET = "a secret of at least thirty-two bytes"
USERS = ("reader", "broke", "late", "free", "villager")
EDGES = (None, *(NOW + timedelta(seconds=s) for s in (-86_400, -1, 0, 1, 7_200, 86_400)))

OPEN_STOCK = (500, None, None, None, None, None)
OPEN_OFFER = (None, None)
FREE_DEPOSIT = (60_000, None, None, None, None)


def one_odd(usual, *odd):
    """Draw `usual` with one thing odd, or all: what breaks several rules tells of none of them."""
    each = [
        st.tuples(*[one if at == place else st.just(value) for at, value in enumerate(usual)])
        for place, one in enumerate(odd)
    ]
    return st.one_of(*each, st.tuples(*odd))


moments = st.sampled_from(EDGES)
cents = st.sampled_from([0, 1, 499, 500, 501, 5_000, 29_999, 30_000, 30_001])
quantities = st.sampled_from([None, 0, 1, 2])
stocks = one_odd(OPEN_STOCK, cents, moments, moments, moments, moments, quantities)
offers = one_odd(OPEN_OFFER, moments, moments)
limits = st.sampled_from([None, 0, 500, 5_000, 30_000])
amounts = st.sampled_from([0, 500, 30_000, 60_000])
deposits = one_odd(FREE_DEPOSIT, amounts, limits, limits, limits, moments)
bookings = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(OFFERS), cents, st.sampled_from([-1, 1])),
    max_size=6,
    unique_by=lambda booking: (booking[0], booking[1].offer, booking[3]),
)
worlds = st.tuples(
    st.tuples(*[stocks] * len(OFFERS)),
    st.tuples(*[offers] * len(OFFERS)),
    st.tuples(*[deposits] * len(USERS)),
    bookings,
)


@pytest.fixture(scope="module")
def town(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        yield connection


def arrange(connection, varied):
    """Make the small world another one; nothing of the one before stays."""
    of_stocks, of_offers, of_deposits, made = varied
    connection.execute("delete from core.booking")
    for offer, stock, published in zip(OFFERS, of_stocks, of_offers, strict=True):
        connection.execute(
            "update core.stock set price_cents = %s, starts_at = %s, booking_limit_at = %s,"
            " created_at = %s, cancelled_at = %s, quantity = %s where external_id = %s",
            (*stock, offer.offer),
        )
        connection.execute(
            "update core.offer set published_at = %s, withdrawn_at = %s where external_id = %s",
            (*published, offer.offer),
        )
    for user, deposit in zip(USERS, of_deposits, strict=True):
        connection.execute(
            "update core.deposit set amount_cents = %s, digital_cap_cents = %s,"
            " physical_cap_cents = %s, offer_limit_cents = %s, expires_at = %s"
            " where user_id = (select id from core.beneficiary where external_id = %s)",
            (*deposit, user),
        )
    for user, offer, price_cents, minutes in made:
        at = NOW + timedelta(minutes=minutes)
        book(connection, user, offer.offer, at, price_cents / 100)


def refusal(connection, user, stock):
    """Return the rule that forbids a booking, None where it is made; nothing stays."""
    with connection.transaction(force_rollback=True):
        try:
            book_by_the_rules(connection, Order(user, stock), "attempt", NOW)
        except RuleBroken as error:
            return error.rule
    return None


def check(connection, user, serving=None):
    """Return how many sessions are shown, every one of which can be booked."""
    query = feed_query(
        now=NOW, default_radius_m=2e5, user_id=user, n=50, lat=GRENOBLE[1], lon=GRENOBLE[0]
    )
    serving = serving or generation(build_catalogue(connection, NOW), None)
    answer = feed(connection, serving, query, SECRET).answer
    sessions = [session for item in answer.items for session in item.sessions]
    for session in sessions:
        rule = refusal(connection, user, session.stock_id)
        looked_at = user == "free" and session.price_cents > 0
        assert rule == ("no_deposit" if looked_at else None), f"{user}: {session}"
    assert ("no_deposit" in answer.notes) == (user == "free")
    return len(sessions)


def test_in_the_small_world(connection):
    small_world(connection)
    assert sum(check(connection, user) for user in USERS) > 10


ALWAYS = (
    (OPEN_STOCK,) * len(OFFERS),
    (OPEN_OFFER,) * len(OFFERS),
    (FREE_DEPOSIT,) * len(USERS),
    [],
)
"""A world in which all can be booked at any time, by whoever has a deposit."""


@given(worlds)
@settings(max_examples=40)
def test_by_a_catalogue_that_has_heard_of_no_rule_yet(town, varied):
    arrange(town, ALWAYS)
    before = generation(build_catalogue(town, NOW), None)
    # The fair is too far away.
    assert check(town, "villager", before) == len(ITEMS) - 1
    arrange(town, varied)
    for user in USERS:
        check(town, user, before)


@given(worlds)
@settings(max_examples=40)
def test_in_any_other(town, varied):
    arrange(town, varied)
    for user in USERS:
        check(town, user)
