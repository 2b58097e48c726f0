"""What a person with little credit sees, over a real database."""

from datetime import timedelta

import numpy as np
import pytest
from worlds import GRENOBLE, NOW, book, small_world

from features.credit import MOST_DAYS, PRIOR_DAYS, SMALL_REST_CENTS, UNLIMITED_BUDGET, beyond_fair
from reco.catalogue.build import build_catalogue
from reco.catalogue.shelf import CAPS
from reco.feed.budget import budget_at
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.situation import read_situation
from reco.feed.state import Booked, Person, UserState, credit_of

SECRET = "a secret of at least thirty-two bytes"
PRICES_EUR = (0.0, 2.5, 4.0, 6.0, 7.5, 8.0, 9.0, 15.0)
METRES_NORTH = (0.0, 0.005, 0.02, 0.1)


@pytest.fixture
def shops(connection):
    """The small world, with a book of its own at each price in each of four shops."""
    small_world(connection)
    for shop, north in enumerate(METRES_NORTH):
        connection.execute(
            "insert into core.venue (external_id, venue_type, location) values"
            " (%s, 'bookshop', st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (f"shop{shop}", GRENOBLE[0], GRENOBLE[1] + north),
        )
        for price_eur in PRICES_EUR:
            _shelve(connection, f"{price_eur:g}-{shop}", f"shop{shop}", price_eur)
    return connection


def _shelve(connection, name, venue, price_eur):
    connection.execute(
        "insert into core.item (external_id, title, category_id, subcategory_id)"
        " select %s, %s, category_id, id from core.subcategory where name = 'LIVRE_PAPIER'",
        (name, name),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id, published_at)"
        " select %s, i.id, v.id, %s from core.item i, core.venue v"
        " where i.external_id = %s and v.external_id = %s",
        (name, NOW - timedelta(days=40), name, venue),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select %s, id, %s from core.offer where external_id = %s",
        (name, round(price_eur * 100), name),
    )


def leave(connection, euros, days=300):
    connection.execute(
        "update core.deposit set amount_cents = %s, expires_at = %s, digital_cap_cents = null"
        " from core.beneficiary u where u.id = user_id and u.external_id = 'villager'",
        (euros * 100, NOW + timedelta(days=days)),
    )
    # The villager has moved into town.
    connection.execute(
        "update core.beneficiary set home = (select home from core.beneficiary"
        " where external_id = 'reader') where external_id = 'villager'"
    )


def ask(connection, floor=1.0, **asked):
    serving = generation(build_catalogue(connection, NOW), None)
    query = feed_query(now=NOW, default_radius_m=50_000.0, user_id="villager", floor=floor, **asked)
    return feed(connection, serving, query, SECRET).answer.items


def prices_eur(items):
    return [float(item.offer_id.split("-")[0]) for item in items]


def test_who_has_eight_euros_left_sees_what_eight_euros_can_do(shops):
    leave(shops, 8)
    items = ask(shops, n=40)
    paid = [item.sessions[0].price_cents for item in items]
    assert max(paid) <= 800
    shown = [item.offer_id for item in items if item.offer_id[0].isdigit()]
    # Three offers a venue stay while others can take the place; here all is wanted.
    assert {f"{price:g}-{shop}" for price in (2.5, 4.0, 7.5, 8.0) for shop in range(4)} <= set(
        shown
    )
    for price in (0.0, 2.5, 4.0, 6.0, 7.5, 8.0):
        of_price = [name for name in shown if name.startswith(f"{price:g}-")]
        assert of_price == [f"{price:g}-{shop}" for shop in range(4)]


def test_what_strands_a_small_rest_does_not_come_before_what_leaves_more(shops):
    leave(shops, 8)
    place = {item.offer_id: at for at, item in enumerate(ask(shops, n=40))}
    probability = {item.offer_id: item.probability for item in ask(shops, n=40)}
    for shop in range(4):
        assert place[f"2.5-{shop}"] < place[f"4-{shop}"] < place[f"7.5-{shop}"]
        # By price alone they lie close together; of eight euros only the first leaves another.
        assert probability[f"2.5-{shop}"] > 1.1 * probability[f"4-{shop}"]
        assert probability[f"4-{shop}"] < 1.1 * probability[f"7.5-{shop}"]


def test_a_card_says_what_is_within_the_means_of_who_has_little_left(shops):
    def told(euros, **asked):
        leave(shops, euros)
        return {
            item.offer_id: [said.text for said in item.explanation if said.code == "within_means"]
            for item in ask(shops, n=40, **asked)
        }

    little = told(8, language="en")
    # Five euros are the least that is fair; four would strand the rest of eight.
    assert little["2.5-0"] == ["within your means: €5 a booking"]
    assert {offer for offer, text in little.items() if text} == {f"2.5-{n}" for n in range(4)}
    assert told(8)["2.5-0"] == [
        "dans tes moyens\N{NO-BREAK SPACE}: 5\N{NO-BREAK SPACE}€ par réservation"
    ]
    assert told(3, language="en")["2.5-0"] == ["within your means: €3 a booking"]
    assert not any(told(300).values())


def test_the_last_booking_may_take_all(shops):
    """With a day to go nothing is kept back for later: prices count as they do for a guest."""
    leave(shops, 8, days=1)
    own = {item.offer_id: item.probability for item in ask(shops, n=40)}
    shops.execute("delete from core.deposit")
    free = {item.offer_id: item.probability for item in ask(shops, n=60)}
    assert own == {offer: free[offer] for offer in own}
    assert len(free) > len(own)


def test_a_budget_is_told_by_credit_caps_and_the_bookings_since_the_grant(shops):
    # Granted 100 days ago, 200 to go: free, cancelled and older bookings are none.
    leave(shops, 300, days=200)
    serving = generation(build_catalogue(shops, NOW), None)
    query = feed_query(now=NOW, default_radius_m=50_000.0, user_id="villager")
    fresh = budget_at(read_situation(shops, serving, query).state, NOW)
    book(shops, "villager", "0-0", NOW - timedelta(days=9))
    book(shops, "villager", "4-0", NOW - timedelta(days=200), 4.0)
    book(shops, "villager", "6-0", NOW - timedelta(days=9), 6.0, cancelled_at=NOW)
    same = budget_at(read_situation(shops, serving, query).state, NOW)
    assert same.fair_cents.tolist() == fresh.fair_cents.tolist()
    for shop in range(4):
        book(shops, "villager", f"15-{shop}", NOW - timedelta(days=8 + shop), 15.0)
    state = read_situation(shops, serving, query).state
    budget = budget_at(state, NOW)
    books = (4 + 0.9 * PRIOR_DAYS * 12 / 365.25) / (100 + PRIOR_DAYS) * 200
    rest = 0.4 * PRIOR_DAYS * 12 / 365.25 / (100 + PRIOR_DAYS) * 200
    assert budget.left_cents == 24_000
    assert budget.fair_cents[0] == pytest.approx(24_000 / (books + rest))
    # Of 200 EUR for goods, 140 are left.
    assert budget.fair_cents[2] == pytest.approx(min(24_000 / (books + rest), 14_000 / books))


GRANTED = NOW - timedelta(days=100)


def state_of(*booked_at, expires_at=None, cap="none"):
    """Return the state of who was granted 300 euros, and spent ten at each of some moments.

    Of the 300 the half may be digital, and the half goods.
    """
    person = Person(1, None, None, 30_000, 15_000, 15_000, None, GRANTED, expires_at, True)
    bookings = tuple(
        Booked(at, f"i{at}", moment, 1_000, cap, "CINEMA", None, None, None, [], None)
        for at, moment in enumerate(booked_at)
    )
    return UserState(person, bookings, (), credit_of(person, bookings, NOW))


def test_credit_that_never_ends_is_planned_for_as_long_as_anybody_plans():
    endless, longest, short = (
        budget_at(state_of(expires_at=end), NOW).fair_cents[0]
        for end in (None, NOW + timedelta(days=MOST_DAYS), NOW + timedelta(days=30))
    )
    assert endless == longest < short


def test_what_was_booked_as_the_credit_was_granted_is_paid_of_it():
    moments = (GRANTED - timedelta(microseconds=1), GRANTED, GRANTED + timedelta(microseconds=1))
    left = [budget_at(state_of(moment), NOW) for moment in moments]
    assert [budget.left_cents for budget in left] == [30_000.0, 29_000.0, 29_000.0]
    # Whoever has booked more is expected to book more.
    before, at_once, since = (budget.fair_cents[0] / budget.left_cents for budget in left)
    assert at_once == since < before


def test_bookings_to_come_are_expected_of_the_kind_that_was_made():
    week = [NOW - timedelta(days=day) for day in range(7)]
    fair = {cap: budget_at(state_of(*week, cap=cap), NOW).fair_cents for cap in CAPS}
    of_digital, of_goods = (CAPS.index(cap) for cap in ("digital", "physical"))
    assert fair["digital"][of_digital] < fair["physical"][of_digital]
    assert fair["physical"][of_goods] < fair["digital"][of_goods]
    assert fair["none"][0] == fair["digital"][0] == fair["physical"][0]


def test_nobody_without_a_deposit_has_a_budget(shops):
    serving = generation(build_catalogue(shops, NOW), None)
    for user in ("free", None, "nobody"):
        query = feed_query(now=NOW, default_radius_m=50_000.0, user_id=user, lat=45.0, lon=5.0)
        budget = budget_at(read_situation(shops, serving, query).state, NOW)
        assert budget is UNLIMITED_BUDGET
    over = feed_query(now=NOW, default_radius_m=50_000.0, user_id="late")
    budget = budget_at(read_situation(shops, serving, over).state, NOW)
    assert budget.left_cents == 0.0
    assert beyond_fair(np.array([0]), 0.0, SMALL_REST_CENTS).tolist() == [0.0]


def test_what_is_within_means_goes_by_the_cap_that_each_offer_counts_against(shops):
    """Of 40 euros 6 may be digital: that says nothing of what books may cost."""
    leave(shops, 40)
    shops.execute(
        "update core.deposit set digital_cap_cents = 600 from core.beneficiary u"
        " where u.id = user_id and u.external_id = 'villager'"
    )
    shops.execute("update core.stock set price_cents = 300 where external_id = 'ebook-online'")
    serving = generation(build_catalogue(shops, NOW), None)
    query = feed_query(now=NOW, default_radius_m=50_000.0, user_id="villager", floor=1.0, n=60)
    state = read_situation(shops, serving, query).state
    fair = dict(zip(CAPS, budget_at(state, NOW).fair_cents.tolist(), strict=True))
    assert fair["digital"] < fair["physical"]
    told = {
        item.offer_id: (item.sessions[0].price_cents, said.parameters["fair_eur"])
        for item in feed(shops, serving, query, SECRET).answer.items
        for said in item.explanation
        if said.code == "within_means"
    }
    assert told["ebook-online"][1] <= 6.0
    of_books = {price: fair_eur for offer, (price, fair_eur) in told.items() if "-" in offer[:5]}
    assert max(of_books) == 100 * max(p for p in PRICES_EUR if 100 * p <= fair["physical"])
    assert set(of_books.values()) == {fair["physical"] // 10 / 10}
