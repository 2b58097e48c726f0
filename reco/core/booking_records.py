"""Bookings as they are read and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import psycopg
from psycopg.rows import class_row

from reco.core.booking_rules import CancelReason, Standing, State, cancellable_until, state_of
from reco.errors import InvalidInput, NotFound

_COLUMNS = """
select b.id, u.external_id as user_id, t.external_id as stock_id, o.external_id as offer_id,
  i.external_id as item_id, i.title, c.name as category, s.name as subcategory,
  v.external_id as venue_id, v.name as venue_name, v.timezone as venue_timezone,
  b.quantity, b.amount_cents, b.booked_at, t.starts_at,
  coalesce(s.is_event, t.starts_at is not null) as is_event, b.collect_by, b.used_at,
  b.cancelled_at, b.cancel_reason, b.booked_for, t.quantity is not null as is_limited, o.partner_id,
  t.cancelled_at is not null as is_stock_cancelled
from core.booking b
join core.beneficiary u on u.id = b.user_id
join core.stock t on t.id = b.stock_id
join core.offer o on o.id = t.offer_id
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
"""
_LOCKED = _COLUMNS + "where b.id = %s for no key update of b"
_MADE = _COLUMNS + "where b.user_id = %s and b.stock_id = %s and b.booked_at = %s"
_PAGE = (
    _COLUMNS
    + """
where u.external_id = %(user_id)s and {state}
  and (%(before_at)s::timestamptz is null or (b.booked_at, b.id) < (%(before_at)s, %(before_id)s))
order by b.booked_at desc, b.id desc limit %(n)s
"""
)
_IN_STATE: Mapping[State | None, str] = {
    None: "true",
    "booked": "b.cancelled_at is null and b.used_at is null",
    "used": "b.used_at is not null",
    "cancelled": "b.cancelled_at is not null and b.cancel_reason is distinct from 'expired'",
    "expired": "b.cancel_reason = 'expired'",
}
_LARGEST_ID = 2**63 - 1
_MOST_DIGITS = len(str(_LARGEST_ID))


@dataclass(frozen=True)
class BookedVenue:
    """Where it takes place or is collected."""

    venue_id: str
    name: str | None
    timezone: str | None


@dataclass(frozen=True)
class Booking:
    """A booking as it is shown; ids as on the wire."""

    booking_id: str
    user_id: str
    stock_id: str
    offer_id: str
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    venue: BookedVenue | None
    """None: digital."""
    quantity: int
    amount_cents: int
    state: State
    booked_at: datetime
    starts_at: datetime | None
    cancellable_until: datetime | None
    """Until when its person may cancel it; None: as long as it is booked."""
    collect_by: datetime | None
    """When it expires unless it is used; None: an event of a date, or made elsewhere."""
    used_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: CancelReason | None
    # By default: an answer that was remembered before has none.
    booked_for: datetime | None = None
    """When it was to begin as it was booked: where `starts_at` is another, it was moved since."""


@dataclass(frozen=True)
class BookingRow:
    """A booking as it is kept."""

    id: int
    user_id: str
    stock_id: str
    offer_id: str
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    venue_id: str | None
    venue_name: str | None
    venue_timezone: str | None
    quantity: int
    amount_cents: int
    booked_at: datetime
    starts_at: datetime | None
    is_event: bool
    collect_by: datetime | None
    used_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: CancelReason | None
    booked_for: datetime | None
    is_limited: bool
    """Whether its stock has a number of places."""
    partner_id: int | None
    """Whose offer it is."""
    is_stock_cancelled: bool

    @property
    def standing(self) -> Standing:
        """The booking as the rules see it."""
        return Standing(
            self.is_event,
            self.starts_at,
            self.booked_at,
            self.used_at,
            self.cancelled_at,
            self.cancel_reason,
            self.booked_for,
            self.collect_by,
            self.is_stock_cancelled,
        )

    @property
    def _venue(self) -> BookedVenue | None:
        if self.venue_id is None:
            return None
        return BookedVenue(self.venue_id, self.venue_name, self.venue_timezone)

    @property
    def shown(self) -> Booking:
        """The booking as it is shown."""
        return Booking(
            booking_id=str(self.id),
            user_id=self.user_id,
            stock_id=self.stock_id,
            offer_id=self.offer_id,
            item_id=self.item_id,
            title=self.title,
            category=self.category,
            subcategory=self.subcategory,
            venue=self._venue,
            quantity=self.quantity,
            amount_cents=self.amount_cents,
            state=state_of(self.standing),
            booked_at=self.booked_at,
            starts_at=self.starts_at,
            cancellable_until=cancellable_until(self.standing),
            # What was given a date since it was booked expires no more.
            collect_by=None if self.standing.is_dated else self.collect_by,
            used_at=self.used_at,
            cancelled_at=self.cancelled_at,
            cancel_reason=self.cancel_reason,
            booked_for=self.booked_for,
        )


@dataclass(frozen=True)
class Page:
    """Bookings, the newest first, and where to go on (None: that was all)."""

    bookings: tuple[Booking, ...]
    last: tuple[datetime, int] | None


def lock_booking(connection: psycopg.Connection[Any], booking_id: str) -> BookingRow:
    """Return a booking, locked until the transaction ends, or raise `NotFound`."""
    is_number = booking_id.isascii() and booking_id.isdigit() and len(booking_id) <= _MOST_DIGITS
    if not is_number or int(booking_id) > _LARGEST_ID:
        raise NotFound("booking", booking_id)
    with connection.cursor(row_factory=class_row(BookingRow)) as cursor:
        row = cursor.execute(_LOCKED, (int(booking_id),)).fetchone()
    if row is None:
        raise NotFound("booking", booking_id)
    return row


def read_made(
    connection: psycopg.Connection[Any], user: int, stock: int, booked_at: datetime
) -> Booking:
    """Return the booking that was just made."""
    with connection.cursor(row_factory=class_row(BookingRow)) as cursor:
        row = cursor.execute(_MADE, (user, stock, booked_at)).fetchone()
    if row is None:
        raise NotFound("booking", f"of stock {stock}")
    return row.shown


def read_bookings(
    connection: psycopg.Connection[Any],
    user_id: str,
    *,
    state: str | None = None,
    n: int = 50,
    before: tuple[datetime, int] | None = None,
) -> Page:
    """Return up to `n` bookings of a user, the newest first.

    Parameters
    ----------
    before
        `last` of the page before this one.

    Raises
    ------
    NotFound
        There is no such user.
    InvalidInput
        There is no such state.
    """
    if state is not None and state not in get_args(State):
        raise InvalidInput("state", f"{state!r} is unknown", get_args(State))
    chosen = next(condition for name, condition in _IN_STATE.items() if name == state)
    before_at, before_id = before or (None, None)
    asked = {"user_id": user_id, "before_at": before_at, "before_id": before_id, "n": n + 1}
    with connection.pipeline():
        known = connection.execute(
            "select 1 from core.beneficiary where external_id = %s and erased_at is null",
            (user_id,),
        )
        cursor = connection.cursor(row_factory=class_row(BookingRow))
        rows = cursor.execute(_PAGE.replace("{state}", chosen).encode(), asked)
    if known.fetchone() is None:
        raise NotFound("user", user_id)
    found = rows.fetchall()
    last = (found[n - 1].booked_at, found[n - 1].id) if len(found) > n else None
    return Page(tuple(row.shown for row in found[:n]), last)
