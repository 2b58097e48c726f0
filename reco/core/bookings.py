"""Book, cancel, use: each one transaction, in which money and places are safe.

Locks are taken in one order everywhere, so that nobody waits in a circle: users, then stocks, then
bookings. The user's lock makes deposits and caps safe, the stock's lock its places. Sums are
read by statements that begin after the locks are held.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from pydantic import TypeAdapter

from reco.core.accounts import ACCOUNT, Account
from reco.core.actor import act_as
from reco.core.booking_records import Booking, lock_booking, read_made
from reco.core.booking_rules import (
    COLLECT_DAYS,
    MOST_A_DAY,
    Buyer,
    Sale,
    check_cancellation,
    check_pace,
    check_price,
    check_start,
    check_use,
    collect_by,
    price_of,
    state_of,
)
from reco.core.deposits import Cap
from reco.core.idempotency import RECALL, Attempt
from reco.errors import Forbidden, NotFound, RuleBroken

NOTICE = "select pg_notify('core_change', '')"
"""Tells whoever serves the catalogue that a stock was sold out, or has places again."""

_CLOCKS_DIFFER = timedelta(minutes=1)
"""A deposit that another machine granted so shortly ahead of this clock counts."""

_LOCK_USER = """
select 1 from core.beneficiary where external_id = %(user_id)s and erased_at is null
for no key update
"""
# Apart from what is read of it: a statement that waits sees the offer as it was before.
_LOCK_STOCK = "select 1 from core.stock where external_id = %(stock_id)s for no key update"
_STOCK = """
select t.id, t.price_cents, t.starts_at, t.booking_limit_at, t.cancelled_at, t.quantity,
  greatest(o.published_at, t.created_at) as opens_at, o.withdrawn_at, o.is_duo,
  coalesce(s.is_event, t.starts_at is not null) as is_event,
  core.cap_of(s.is_event, s.is_digital, s.is_physical, t.starts_at is not null,
    o.venue_id is not null) as cap,
  p.days as collect_days
from core.stock t
join core.offer o on o.id = t.offer_id
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.collection_period p on p.category = c.name
where t.external_id = %(stock_id)s
"""
_DEMAND = """
select
  case when t.quantity is null then 0 else (
    select coalesce(sum(quantity), 0) from core.booking
    where stock_id = t.id and cancelled_at is null
  ) end as taken,
  exists (
    select from core.booking b join core.stock other on other.id = b.stock_id
    where b.user_id = u.id and other.offer_id = t.offer_id and b.cancelled_at is null
  ) as has_booked,
  (select max(booked_at) from core.booking where user_id = u.id and stock_id = t.id) as last_at,
  (
    select booked_at from core.booking where user_id = u.id
    order by booked_at desc offset %(most_a_day)s - 1 limit 1
  ) as first_of_most_at
from core.stock t, core.beneficiary u
where t.external_id = %(stock_id)s and u.external_id = %(user_id)s
"""
_INSERT = """
insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at, collect_by,
  slate_id, booked_for)
values (%(user)s, %(stock)s, %(quantity)s, %(amount_cents)s, %(booked_at)s, %(collect_by)s,
  %(slate_id)s, %(booked_for)s)
"""
_CANCEL = """
update core.booking set cancelled_at = greatest(%(now)s, booked_at), cancel_reason = 'user'
where id = %(id)s
"""
_USE = "update core.booking set used_at = greatest(%(now)s, booked_at) where id = %(id)s"

_ANSWER: TypeAdapter[Booking] = TypeAdapter(Booking)


@dataclass(frozen=True)
class Order:
    """Who wants what; ids as on the wire."""

    user_id: str
    stock_id: str
    quantity: int = 1
    slate_id: UUID | None = None
    """The feed that it was shown in."""
    expected_cents: int | None = None
    """What the user was told that it costs in all; None: whatever it costs."""
    expected_starts_at: datetime | None = None
    """When the user was told that it begins; None: whenever it does."""

    @property
    def asked(self) -> tuple[object, ...]:
        """What a retry asks for, too."""
        asked = (self.user_id, self.stock_id, self.quantity, self.expected_cents)
        start = self.expected_starts_at
        # Without one, as it was remembered before there was any.
        return asked if start is None else (*asked, start.astimezone(UTC).isoformat())


@dataclass(frozen=True)
class _Stock:
    """A row of `_STOCK`."""

    id: int
    price_cents: int
    starts_at: datetime | None
    booking_limit_at: datetime | None
    cancelled_at: datetime | None
    quantity: int | None
    opens_at: datetime | None
    withdrawn_at: datetime | None
    is_duo: bool
    is_event: bool
    cap: Cap
    collect_days: int | None

    def sale(self, taken: int) -> Sale:
        return Sale(
            price_cents=self.price_cents,
            cap=self.cap,
            is_event=self.is_event,
            is_duo=self.is_duo,
            collect_days=self.collect_days or COLLECT_DAYS,
            opens_at=self.opens_at,
            starts_at=self.starts_at,
            booking_limit_at=self.booking_limit_at,
            withdrawn_at=self.withdrawn_at,
            cancelled_at=self.cancelled_at,
            left=None if self.quantity is None else max(0, self.quantity - taken),
        )


@dataclass(frozen=True)
class _Demand:
    """A row of `_DEMAND`."""

    taken: int
    has_booked: bool
    last_at: datetime | None
    first_of_most_at: datetime | None
    """When the person made the first of their last `MOST_A_DAY` bookings."""


@dataclass(frozen=True)
class _Claim:
    """An order, and all that decides on it."""

    order: Order
    account: Account
    stock: _Stock
    demand: _Demand
    now: datetime


def book(connection: psycopg.Connection[Any], order: Order, key: str, now: datetime) -> Booking:
    """Book a stock for a user and return the booking.

    Parameters
    ----------
    connection
        In autocommit mode.
    key
        The attempt's idempotency key: with the same key the same answer, and one booking.

    Raises
    ------
    RuleBroken
        A rule forbids it; says which and by how much. Nothing was booked.
    NotFound
        There is no such user or stock.
    InvalidInput
        The quantity is no quantity, or the key was used for something else.
    """
    attempt = Attempt(key, order.asked, _ANSWER)
    with connection.transaction():
        outcome = _outcome(connection, order, attempt, now)
    # A refusal is raised after what was decided is committed.
    if isinstance(outcome, RuleBroken):
        raise outcome
    return outcome


def cancel(
    connection: psycopg.Connection[Any], booking_id: str, user_id: str | None, now: datetime
) -> Booking:
    """Cancel a booking, which gives its money and places back; one that is cancelled stays so.

    Parameters
    ----------
    user_id
        Whose booking it must be; None: anybody's.

    Raises
    ------
    RuleBroken
        It is used or expired, or the time to cancel is over.
    NotFound
        There is no such booking of that user.
    """
    with connection.transaction():
        row = lock_booking(connection, booking_id)
        if user_id not in {None, row.user_id}:
            raise NotFound("booking", booking_id)
        if state_of(row.standing) != "cancelled":
            check_cancellation(row.standing, now)
            act_as(connection, "user")
            connection.execute(_CANCEL, {"id": row.id, "now": now})
            if row.is_limited:
                connection.execute(NOTICE)
        return lock_booking(connection, booking_id).shown


def use(
    connection: psycopg.Connection[Any], booking_id: str, partner: int | None, now: datetime
) -> Booking:
    """Mark a booking as used, when it is collected or at the door; one that is used stays so.

    Parameters
    ----------
    partner
        Whose offer it must be; None: anybody's.

    Raises
    ------
    RuleBroken
        It is cancelled or expired, or an event far off that its person may still cancel.
    Forbidden
        It is another's offer.
    NotFound
        There is no such booking.
    """
    with connection.transaction():
        row = lock_booking(connection, booking_id)
        if partner not in {None, row.partner_id}:
            raise Forbidden("This booking is of another's venue.")
        if state_of(row.standing) != "used":
            check_use(row.standing, now)
            connection.execute(_USE, {"id": row.id, "now": now})
        return lock_booking(connection, booking_id).shown


def _outcome(
    connection: psycopg.Connection[Any], order: Order, attempt: Attempt[Booking], now: datetime
) -> Booking | RuleBroken:
    asked = {
        "user_id": order.user_id,
        "stock_id": order.stock_id,
        "key": attempt.key,
        "now": now + _CLOCKS_DIFFER,
        "most_a_day": MOST_A_DAY,
    }
    # One round trip; each statement sees what was committed before it began, locks held.
    with connection.pipeline():
        locked = connection.execute(_LOCK_USER, asked)
        recalled = connection.execute(RECALL, asked)
        connection.execute(_LOCK_STOCK, asked)
        stocks = connection.cursor(row_factory=class_row(_Stock)).execute(_STOCK, asked)
        accounts = connection.cursor(row_factory=class_row(Account)).execute(ACCOUNT, asked)
        demands = connection.cursor(row_factory=class_row(_Demand)).execute(_DEMAND, asked)
    account, stock, demand = accounts.fetchone(), stocks.fetchone(), demands.fetchone()
    # Somebody who registers meanwhile is read, but was not locked.
    if account is None or locked.fetchone() is None:
        raise NotFound("user", order.user_id)
    answered = attempt.answered(recalled.fetchone())
    if answered is not None:
        return answered
    if stock is None or demand is None:
        raise NotFound("stock", order.stock_id)
    granted_at = account.deposit.granted_at if account.deposit else now
    claim = _Claim(order, account, stock, demand, max(now, granted_at))
    try:
        outcome: Booking | RuleBroken = _booked(connection, claim)
    except RuleBroken as refusal:
        outcome = refusal
    attempt.remember(connection, account.id, outcome, now)
    return outcome


def _booked(connection: psycopg.Connection[Any], claim: _Claim) -> Booking:
    order, account, stock = claim.order, claim.account, claim.stock
    sale = stock.sale(int(claim.demand.taken))
    buyer = Buyer(account.deposit, account.spent, claim.demand.has_booked)
    amount_cents = price_of(sale, buyer, order.quantity, claim.now)
    check_price(amount_cents, order.expected_cents)
    check_start(stock.starts_at, order.expected_starts_at)
    check_pace(claim.demand.first_of_most_at, claim.now)
    booked_at = _booking_time(claim)
    made = {
        "user": account.id,
        "stock": stock.id,
        "quantity": order.quantity,
        "amount_cents": amount_cents,
        "booked_at": booked_at,
        "collect_by": collect_by(sale, booked_at),
        "slate_id": order.slate_id,
        "booked_for": stock.starts_at,
    }
    with connection.pipeline():
        act_as(connection, "user")
        connection.execute(_INSERT, made)
        if sale.left == order.quantity:
            connection.execute(NOTICE)
    return read_made(connection, account.id, stock.id, booked_at)


def _booking_time(claim: _Claim) -> datetime:
    """Return the present; after the last booking where that was made in the same tick."""
    last_at = claim.demand.last_at
    return claim.now if last_at is None else max(claim.now, last_at + timedelta(microseconds=1))
