from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.simulate.bookings import settle_bookings
from training.simulate.calendar import DAY_S, NEVER
from training.simulate.items import Items
from training.simulate.offers import NOWHERE, Offers
from training.simulate.outcomes import BOOKING, Outcomes
from training.simulate.setting import setting_of
from training.simulate.stocks import UNLIMITED, Stocks
from training.simulate.supply import Supply
from training.simulate.venues import Venues


@pytest.fixture(scope="module")
def setting():
    return setting_of("demo", 1, date(2026, 9, 7))


def supply_of(setting, subcategories, prices_eur, quantities):
    """One work, one offer, one undated stock each."""
    names = [s.name for s in setting.programme.subcategories]
    count = len(subcategories)
    zeros, ones = np.zeros(count, dtype=np.int64), np.ones(count)
    items = Items(
        np.array([names.index(name) for name in subcategories], dtype=np.int16),
        *(zeros.astype(np.int16) for _ in range(3)),
        ones,
        ones,
        zeros,
    )
    never = np.full(count, NEVER)
    prices = np.round(np.array(prices_eur) * 100).astype(np.int64)
    nowhere = np.full(count, NOWHERE)
    offers = Offers(np.arange(count), nowhere, zeros, zeros, never, prices, zeros.astype(bool))
    stocks = Stocks(
        np.arange(count), never, never, never, never, np.array(quantities), np.arange(count + 1)
    )
    venues = Venues(*(np.empty(0, dtype=kind) for kind in ("i2", "i8", "f8", "f8", "f8")))
    return Supply(venues, items, offers, stocks)


def wishes(setting, user, offer, day=None):
    count = len(user)
    days = np.arange(count) if day is None else np.array(day)
    row = np.array(offer, dtype=np.int32)
    at_s = setting.calendar.start_s + days * DAY_S + 60
    users = np.array(user, dtype=np.int32)
    return Outcomes(users, row, row, at_s, np.full(count, BOOKING, dtype=np.int8))


def test_the_earlier_of_two_gets_the_last_seat(setting):
    supply = supply_of(setting, ["CONCERT"], [10.0], [1])
    settled = settle_bookings(wishes(setting, [1, 0], [0, 0]), supply, setting)
    assert settled.user.tolist() == [1]
    assert settled.amount_cents.tolist() == [1000]


def test_seats_are_remembered_across_periods(setting):
    supply = supply_of(setting, ["CONCERT"], [10.0], [1])
    settled = settle_bookings(wishes(setting, [1, 0], [0, 0], [0, 200]), supply, setting)
    assert settled.user.tolist() == [1]


def test_what_is_too_dear_leaves_credit_for_what_is_not(setting):
    supply = supply_of(setting, ["CONCERT"] * 4, [290.0, 180.0, 60.0, 30.0], [UNLIMITED] * 4)
    settled = settle_bookings(wishes(setting, [0] * 4, range(4)), supply, setting)
    assert settled.stock.tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("subcategory", "granted"), [("VOD", 2), ("LIVRE_PAPIER", 2), ("CONCERT", 5)]
)
def test_caps_count_digital_and_physical_goods_but_not_events(setting, subcategory, granted):
    supply = supply_of(setting, [subcategory] * 5, [90.0] * 5, [UNLIMITED] * 5)
    settled = settle_bookings(wishes(setting, [0] * 5, range(5)), supply, setting)
    assert len(settled) == granted


@given(st.data())
def test_any_wishes_keep_every_rule(setting, data):
    offers = data.draw(st.integers(1, 6))
    of = st.sampled_from(["CONCERT", "VOD", "LIVRE_PAPIER"])
    lists = [
        st.lists(kind, min_size=offers, max_size=offers)
        for kind in (of, st.integers(0, 300).map(float), st.integers(1, 4))
    ]
    subcategories, prices, seats = (data.draw(kind) for kind in lists)
    supply = supply_of(setting, subcategories, prices, seats)
    wished = data.draw(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, offers - 1)), min_size=1, max_size=40)
    )
    user, offer = zip(*wished, strict=True)
    day = sorted(data.draw(st.lists(st.integers(0, 300), min_size=len(user), max_size=len(user))))
    settled = settle_bookings(wishes(setting, user, offer, day), supply, setting)
    assert len(settled) >= 1 or prices[offer[0]] > 200
    assert len(set(zip(settled.user, settled.stock, strict=True))) == len(settled)
    assert (np.bincount(settled.stock, minlength=offers) <= seats).all()
    for name, limit in (("CONCERT", 500), ("VOD", 200), ("LIVRE_PAPIER", 200)):
        counted = np.array(subcategories)[settled.stock] == name
        spent = np.bincount(settled.user[counted], settled.amount_cents[counted], minlength=1)
        assert spent.max() <= 100 * limit
    assert np.bincount(settled.user, settled.amount_cents, minlength=1).max() <= 50_000
