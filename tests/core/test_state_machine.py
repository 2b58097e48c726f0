"""Book, cancel, use, expire, restock, close, in any order, beside a simple model in memory."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from worlds import NOW, small_world

from reco.core.accounts import read_credit
from reco.core.booking_records import read_bookings
from reco.core.bookings import Order, book, cancel, use
from reco.core.expiry import expire
from reco.core.stocks import cancel_stocks
from reco.errors import RuleBroken

DEPOSIT = 6_000
CAP = 2_500
DEPOSIT_DAYS = 40
_numbers = itertools.count()


class Stock(NamedTuple):
    """A stock as the model knows it."""

    item: str
    price_cents: int
    places: int | None
    starts_in_days: int | None
    is_duo: bool


STOCKS = {
    "film": Stock("film", 700, 2, 6, False),
    "play": Stock("play", 1_300, 3, 30, True),
    "free": Stock("circus", 0, 1, 1, True),
    "novel": Stock("novel", 1_500, 2, None, False),
    "manga": Stock("manga", 1_100, None, None, True),
    "ebook": Stock("ebook", 1_600, None, None, False),
    "another ebook": Stock("ebook", 1_000, 1, None, False),
}
CAP_OF = {"novel": "physical", "manga": "physical", "ebook": "digital", "another ebook": "digital"}
COLLECT_DAYS = 10
"""All goods of the small world are books."""


@dataclass
class Known:
    """A booking as the model knows it."""

    user: str
    stock: str
    quantity: int
    cents: int
    at: object
    state: str = "booked"

    @property
    def stands(self):
        return self.state in {"booked", "used"}


class Core(RuleBasedStateMachine):
    """Two users, seven stocks, a clock. The model says what must come of each step."""

    connection = None
    made = Bundle("made")

    @initialize()
    def begin(self):
        self.tag = f"m{next(_numbers)}"
        self.now = NOW
        self.known = {}
        self.keys = itertools.count()
        self.places = {name: stock.places for name, stock in STOCKS.items()}
        self.closed = set()
        self.users = [f"{self.tag} ann", f"{self.tag} bob"]
        # Expiry looks at everybody: nothing of an earlier run may still be due.
        self.connection.execute(
            "update core.booking set used_at = booked_at"
            " where used_at is null and cancelled_at is null"
        )
        for user in self.users:
            self._add_user(user)
        for name in STOCKS:
            self._add_stock(name)

    def _add_user(self, user):
        self.connection.execute(
            "with made as (insert into core.beneficiary (external_id) values (%s) returning id)"
            " insert into core.deposit (user_id, amount_cents, digital_cap_cents,"
            " physical_cap_cents, granted_at, expires_at)"
            " select id, %s, %s, %s, %s, %s from made",
            (user, DEPOSIT, CAP, CAP, NOW, NOW + timedelta(days=DEPOSIT_DAYS)),
        )

    def _add_stock(self, name):
        item, price, places, days, is_duo = STOCKS[name]
        venue = None if item == "ebook" else "theatre"
        starts_at = None if days is None else NOW + timedelta(days=days)
        self.connection.execute(
            "with made as (insert into core.offer (external_id, item_id, venue_id, is_duo)"
            "  select %(id)s, i.id, (select id from core.venue where external_id = %(venue)s),"
            "   %(is_duo)s from core.item i where i.external_id = %(item)s returning id)"
            " insert into core.stock (external_id, offer_id, price_cents, quantity, starts_at)"
            " select %(id)s, id, %(price)s, %(places)s, %(starts_at)s from made",
            {
                "id": self.id_of(name),
                "item": item,
                "venue": venue,
                "is_duo": is_duo,
                "price": price,
                "places": places,
                "starts_at": starts_at,
            },
        )

    def id_of(self, stock):
        return f"{self.tag} {stock}"

    def standing(self, **wanted):
        return [
            b
            for b in self.known.values()
            if b.stands and all(getattr(b, name) == value for name, value in wanted.items())
        ]

    def spent(self, user, cap=None):
        return sum(
            b.cents for b in self.standing(user=user) if cap is None or CAP_OF.get(b.stock) == cap
        )

    def taken(self, stock):
        return sum(b.quantity for b in self.standing(stock=stock))

    def may_book(self, user, stock, quantity):
        """Say whether the model lets a booking through: the rules once more, in plain words."""
        _, price, _, days, is_duo = STOCKS[stock]
        cents, cap = price * quantity, CAP_OF.get(stock)
        return (
            stock not in self.closed
            and (days is None or self.now < NOW + timedelta(days=days))
            and (quantity == 1 or is_duo)
            and (self.places[stock] is None or self.taken(stock) + quantity <= self.places[stock])
            and not self.standing(user=user, stock=stock)
            and (
                cents == 0
                or (
                    self.now < NOW + timedelta(days=DEPOSIT_DAYS)
                    and self.spent(user) + cents <= DEPOSIT
                    and (cap is None or self.spent(user, cap) + cents <= CAP)
                )
            )
        )

    @rule(
        target=made,
        user=st.integers(0, 1),
        stock=st.sampled_from(sorted(STOCKS)),
        quantity=st.sampled_from([1, 1, 1, 2]),
        retries=st.integers(0, 1),
    )
    def book(self, user, stock, quantity, retries):
        return self._book(user, stock, quantity, retries)

    @rule(target=made, user=st.integers(0, 1), stock=st.sampled_from(["free", "another ebook"]))
    def book_what_is_scarce(self, user, stock):
        return self._book(user, stock, 1, 0)

    def _book(self, user, stock, quantity, retries):
        user, key = self.users[user], f"k{next(self.keys)}"
        is_allowed = self.may_book(user, stock, quantity)
        told = set()
        for _ in range(1 + retries):
            try:
                booking = book(
                    self.connection, Order(user, self.id_of(stock), quantity), key, self.now
                )
                told.add(booking.booking_id)
            except RuleBroken:
                told.add(None)
        (booking_id,) = told
        assert (booking_id is not None) == is_allowed
        if booking_id is None:
            return multiple()
        cents = STOCKS[stock].price_cents * quantity
        self.known[booking_id] = Known(user, stock, quantity, cents, self.now)
        return booking_id

    def closes(self, known):
        """Return until when an event may be cancelled, and None for goods."""
        days = STOCKS[known.stock].starts_in_days
        if days is None:
            return None
        starts_at, two_days = NOW + timedelta(days=days), timedelta(days=2)
        return max(known.at, min(starts_at - two_days, known.at + two_days))

    def has_begun(self, stock):
        days = STOCKS[stock].starts_in_days
        return days is None or NOW + timedelta(days=days) <= self.now

    @rule(booking_id=made)
    def cancel(self, booking_id):
        known = self.known[booking_id]
        closes = self.closes(known)
        in_time = closes is None or self.now <= closes
        is_allowed = known.state == "cancelled" or (known.state == "booked" and in_time)
        try:
            cancel(self.connection, booking_id, known.user, self.now)
        except RuleBroken:
            assert not is_allowed
        else:
            assert is_allowed
            known.state = "cancelled"

    @rule(target=made, booking_id=consumes(made))
    def use(self, booking_id):
        known = self.known[booking_id]
        closes = self.closes(known)
        is_early = known.state == "booked" and closes is not None and self.now < closes
        try:
            use(self.connection, booking_id, None, self.now)
        except RuleBroken:
            assert is_early or not known.stands
        else:
            assert known.stands
            assert not is_early
            known.state = "used"
        return booking_id if is_early else multiple()

    @rule()
    def expire(self):
        due = [
            b
            for b in self.known.values()
            if b.state == "booked"
            and STOCKS[b.stock].starts_in_days is None
            and b.at + timedelta(days=COLLECT_DAYS) <= self.now
        ]
        done = expire(self.connection, self.now)
        assert (done.bookings, done.refunded_cents) == (len(due), sum(b.cents for b in due))
        for booking in due:
            booking.state = "expired"

    @rule(stock=st.sampled_from(sorted(STOCKS)), more=st.integers(0, 2))
    def restock(self, stock, more):
        self.places[stock] = self.taken(stock) + more
        self.connection.execute(
            "update core.stock set quantity = %s where external_id = %s",
            (self.places[stock], self.id_of(stock)),
        )

    @rule(stock=st.sampled_from(sorted(STOCKS)))
    def close(self, stock):
        is_to_come = not self.has_begun(stock)
        stands = [b for b in self.standing(stock=stock) if b.state == "booked" or is_to_come]
        ids = self.connection.execute(
            "select id from core.stock where external_id = %s", (self.id_of(stock),)
        ).fetchone()
        assert cancel_stocks(self.connection, list(ids), "partner:theatre", self.now) == len(stands)
        self.closed.add(stock)
        for booking in stands:
            booking.state = "cancelled"

    @rule(hours=st.sampled_from([1, 20, 60, 240]))
    def wait(self, hours):
        self.now += timedelta(hours=hours)

    @invariant()
    def balances_agree(self):
        for user in self.users:
            credit = read_credit(self.connection, user, self.now)
            is_over = self.now >= NOW + timedelta(days=DEPOSIT_DAYS)
            assert credit.is_over == is_over
            assert credit.spent_cents == self.spent(user) <= DEPOSIT
            assert credit.left_cents == (0 if is_over else DEPOSIT - self.spent(user))
            for cap in credit.caps:
                assert cap.spent_cents == self.spent(user, cap.kind) <= CAP
            in_ledger = self.connection.execute(
                "select sum(amount_cents) from core.ledger l join core.beneficiary u"
                " on u.id = l.user_id where u.external_id = %s",
                (user,),
            ).fetchone()
            assert in_ledger == (DEPOSIT - self.spent(user),)

    @invariant()
    def states_agree(self):
        for user in self.users:
            page = read_bookings(self.connection, user, n=200)
            told = {b.booking_id: (b.state, b.quantity, b.amount_cents) for b in page.bookings}
            assert told == {
                booking_id: (b.state, b.quantity, b.cents)
                for booking_id, b in self.known.items()
                if b.user == user
            }

    @invariant()
    def stocks_agree(self):
        taken = dict(
            self.connection.execute(
                "select s.external_id, sum(b.quantity) from core.booking b"
                " join core.stock s on s.id = b.stock_id"
                " where b.cancelled_at is null and starts_with(s.external_id, %s)"
                " group by s.external_id",
                (f"{self.tag} ",),
            ).fetchall()
        )
        assert taken == {self.id_of(name): self.taken(name) for name in STOCKS if self.taken(name)}
        for name, places in self.places.items():
            assert places is None or self.taken(name) <= places


@pytest.mark.timeout(600)
def test_the_core_agrees_with_the_model_after_every_step(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)

        class OnThisWorld(Core):
            pass

        OnThisWorld.connection = connection
        run_state_machine_as_test(
            OnThisWorld,
            settings=settings(max_examples=50, stateful_step_count=30, deadline=None),
        )
