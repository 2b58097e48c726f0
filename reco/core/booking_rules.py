"""The rules of booking, as plain functions of plain objects. Money in cents."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from reco.core.deposits import Cap, Deposit, Spent
from reco.errors import InvalidInput, RuleBroken

State = Literal["booked", "used", "cancelled", "expired"]
CancelReason = Literal["user", "venue", "expired"]

CANCELLABLE_BEFORE = timedelta(hours=48)
"""An event's booking may be cancelled until so long before it begins ..."""
CANCELLABLE_AFTER = timedelta(hours=48)
"""... but only for so long after it was booked; and it may always be booked."""
MOST_A_DAY = 100
"""Bookings of one person within 24 hours, those that they cancelled included."""
COLLECT_DAYS = 30
"""Days to collect goods, where the table `core.collection_period` says nothing of the category."""


@dataclass(frozen=True)
class Sale:
    """A stock that somebody wants to book, and the offer that it belongs to."""

    price_cents: int
    cap: Cap
    is_event: bool
    is_duo: bool
    collect_days: int
    opens_at: datetime | None
    """When offer and stock are published; None: long since."""
    starts_at: datetime | None
    booking_limit_at: datetime | None
    withdrawn_at: datetime | None
    cancelled_at: datetime | None
    left: int | None
    """Places left; None: without limit."""


@dataclass(frozen=True)
class Buyer:
    """Who wants to book it."""

    deposit: Deposit | None
    """The one granted last."""
    spent: Spent
    has_booked_offer: bool
    """Whether a booking of the same offer stands."""


@dataclass(frozen=True)
class Standing:
    """A booking as the rules see it."""

    is_event: bool
    starts_at: datetime | None
    booked_at: datetime
    used_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    booked_for: datetime | None = None
    """`starts_at` when it was booked; None: not known."""
    collect_by: datetime | None = None
    """When it expires unless it is used; None: of a date, or made elsewhere."""
    is_stock_cancelled: bool = False

    @property
    def is_dated(self) -> bool:
        """Whether it is of an event of a date."""
        return self.is_event and self.starts_at is not None

    @property
    def is_of_unknown_use(self) -> bool:
        """Whether it has no date and was made elsewhere: whether it was used there, who knows."""
        return not self.is_dated and self.collect_by is None and self.booked_for is None


def euros(cents: int) -> str:
    """Return an amount for people.

    >>> euros(1250), euros(700)
    ('12.50 €', '7 €')
    """
    return f"{cents // 100} €" if cents % 100 == 0 else f"{cents // 100}.{cents % 100:02d} €"


def price_of(sale: Sale, buyer: Buyer, quantity: int, now: datetime) -> int:
    """Return what a booking costs, in cents, if every rule allows it at `now`.

    Raises
    ------
    InvalidInput
        The quantity is neither 1 nor 2.
    RuleBroken
        Says which rule, and by how much.
    """
    if quantity not in (1, 2):
        raise InvalidInput("quantity", f"{quantity} is neither", ("1", "2 for a duo offer"))
    _check_sale(sale, quantity, now)
    if buyer.has_booked_offer:
        raise RuleBroken("one_booking_an_offer", "This offer is booked already.")
    amount_cents = sale.price_cents * quantity
    if amount_cents:
        _check_money(buyer, sale.cap, amount_cents, now)
    return amount_cents


def check_price(amount_cents: int, expected_cents: int | None) -> None:
    """Raise `RuleBroken` unless a booking costs what its buyer was shown (None: whatever)."""
    if expected_cents is not None and amount_cents != expected_cents:
        raise RuleBroken(
            "price_changed",
            f"It costs {euros(amount_cents)} now, not {euros(expected_cents)}.",
            amount_cents=amount_cents,
            expected_cents=expected_cents,
        )


def check_start(starts_at: datetime | None, expected_at: datetime | None) -> None:
    """Raise `RuleBroken` unless a session begins when its buyer was shown (None: whenever)."""
    if expected_at is not None and starts_at != expected_at:
        begins = f"It begins {_told(starts_at)} now" if starts_at else "It has no date any more"
        now_at = {"starts_at": starts_at.isoformat()} if starts_at else {}
        raise RuleBroken(
            "date_changed",
            f"{begins}, not {_told(expected_at)}.",
            **now_at,
            expected_starts_at=expected_at.isoformat(),
        )


def check_pace(first_of_most_at: datetime | None, now: datetime) -> None:
    """Raise `RuleBroken` if a person made `MOST_A_DAY` bookings within 24 hours.

    Parameters
    ----------
    first_of_most_at
        When they made the first of their last `MOST_A_DAY` bookings; None: they made fewer.
    """
    again_at = None if first_of_most_at is None else first_of_most_at + timedelta(days=1)
    if again_at is not None and now < again_at:
        raise RuleBroken(
            "bookings_a_day",
            f"{MOST_A_DAY} bookings were made within a day; the next can be in"
            f" {_long(again_at - now)}, from {_told(again_at)} on.",
            most=MOST_A_DAY,
            again_at=again_at.isoformat(),
        )


def cancellable_until(booking: Standing) -> datetime | None:
    """Return the last moment at which a person may cancel, None: as long as it is booked.

    For an event max(booking, min(event - 48 h, booking + 48 h)); for one that was moved since, or
    given its date, its start: nobody pays for a day on which they cannot come, nor for what the
    venue cancelled. For what has no date and was booked elsewhere the booking: there it may have
    been used.
    """
    starts_at, booked_at = booking.starts_at, booking.booked_at
    if booking.is_of_unknown_use:
        return booked_at
    if booking.is_stock_cancelled or not booking.is_event or starts_at is None:
        return None
    if booking.booked_for not in {None, starts_at} or booking.collect_by is not None:
        return starts_at
    return max(booked_at, min(starts_at - CANCELLABLE_BEFORE, booked_at + CANCELLABLE_AFTER))


def collect_by(sale: Sale, booked_at: datetime) -> datetime | None:
    """Return when a booking that nobody used expires, None for an event of a date."""
    is_dated = sale.is_event and sale.starts_at is not None
    return None if is_dated else booked_at + timedelta(days=sale.collect_days)


def state_of(booking: Standing) -> State:
    """Return the state of a booking."""
    if booking.cancelled_at is not None:
        return "expired" if booking.cancel_reason == "expired" else "cancelled"
    return "booked" if booking.used_at is None else "used"


def check_cancellation(booking: Standing, now: datetime) -> None:
    """Raise `RuleBroken` unless the person may cancel `booking` at `now`."""
    _must_be_booked(booking, "cancelled")
    if booking.is_of_unknown_use:
        raise RuleBroken(
            "made_elsewhere",
            "It was booked elsewhere, where it may have been used; cancel it there.",
        )
    until = cancellable_until(booking)
    if until is not None and now > until:
        raise RuleBroken(
            "cancellation_closed",
            f"It could be cancelled until {_told(until)}, {_long(now - until)} ago.",
            cancellable_until=until.isoformat(),
            late_s=_seconds(now - until),
        )


def check_use(booking: Standing, now: datetime) -> None:
    """Raise `RuleBroken` unless `booking` may be marked as used at `now`.

    An event, long before it begins, not while its person may cancel: it would take that from them.
    Goods are handed over, and what has no date is visited, at any time.
    """
    _must_be_booked(booking, "used")
    until = cancellable_until(booking)
    if not booking.is_event or booking.starts_at is None or until is None:
        return
    # What was moved may be cancelled until it begins, and is used at the door a while before.
    usable_at = min(until, booking.starts_at - CANCELLABLE_BEFORE)
    if now < usable_at:
        raise RuleBroken(
            "too_early",
            f"It can be used from {_told(usable_at)} on, in {_long(usable_at - now)}.",
            usable_at=usable_at.isoformat(),
            early_s=_seconds(usable_at - now),
        )


def _must_be_booked(booking: Standing, wish: str) -> None:
    state = state_of(booking)
    if state != "booked":
        raise RuleBroken("state", f"The booking is {state} and cannot be {wish}.", state=state)


def _check_sale(sale: Sale, quantity: int, now: datetime) -> None:
    if sale.opens_at is not None and sale.opens_at > now:
        raise RuleBroken(
            "not_yet_published",
            f"It can be booked from {_told(sale.opens_at)} on, in {_long(sale.opens_at - now)}.",
            opens_at=sale.opens_at.isoformat(),
            early_s=_seconds(sale.opens_at - now),
        )
    if sale.cancelled_at is not None:
        # Whatever the clocks say: it may have been cancelled while this booking waited for it.
        raise RuleBroken(
            "stock_cancelled",
            f"The venue cancelled it {_told(sale.cancelled_at)}.",
            ended_at=sale.cancelled_at.isoformat(),
        )
    for rule, what, end in (
        ("offer_withdrawn", "The venue withdrew the offer", sale.withdrawn_at),
        ("event_past", "It began", sale.starts_at),
        ("booking_limit_past", "It could be booked until", sale.booking_limit_at),
    ):
        if end is not None and end <= now:
            raise RuleBroken(
                rule,
                f"{what} {_told(end)}, {_long(now - end)} ago.",
                ended_at=end.isoformat(),
                late_s=_seconds(now - end),
            )
    if quantity > 1 and not sale.is_duo:
        raise RuleBroken("no_duo", "This offer is for one person, not two.", most=1)
    if sale.left is not None and sale.left < quantity:
        places = "no place is" if sale.left == 0 else f"{sale.left} of {quantity} places are"
        raise RuleBroken(
            "sold_out", f"It is sold out: {places} left.", left=sale.left, asked=quantity
        )


def _check_money(buyer: Buyer, cap: Cap, amount_cents: int, now: datetime) -> None:
    deposit, spent = buyer.deposit, buyer.spent
    if deposit is None or now < deposit.granted_at:
        raise RuleBroken(
            "no_deposit",
            f"There is no deposit to pay {euros(amount_cents)} from.",
            short_cents=amount_cents,
        )
    if deposit.is_over(now) and deposit.expires_at is not None:
        raise RuleBroken(
            "deposit_expired",
            f"The deposit ended {_told(deposit.expires_at)},"
            f" {_long(now - deposit.expires_at)} ago.",
            ended_at=deposit.expires_at.isoformat(),
            late_s=_seconds(now - deposit.expires_at),
        )
    limits = [
        ("offer_limit", "over the limit of an offer", deposit.offer_limit_cents, 0),
        ("credit", "short of the credit that is left", deposit.amount_cents, spent.total_cents),
    ]
    if cap == "digital":
        used = spent.digital_cents
        limits.append((f"{cap}_cap", f"short of the {cap} cap", deposit.digital_cap_cents, used))
    if cap == "physical":
        used = spent.physical_cents
        limits.append((f"{cap}_cap", f"short of the {cap} cap", deposit.physical_cap_cents, used))
    for rule, words, limit_cents, used_cents in limits:
        if limit_cents is not None and used_cents + amount_cents > limit_cents:
            short_cents = used_cents + amount_cents - limit_cents
            raise RuleBroken(
                rule,
                f"{euros(short_cents)} {words}.",
                short_cents=short_cents,
                limit_cents=limit_cents,
            )


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}".strip()


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _long(span: timedelta) -> str:
    """Return a span for people, rounded down.

    >>> _long(timedelta(hours=50)), _long(timedelta(minutes=3)), _long(timedelta(seconds=3))
    ('2 days', '3 min', '3 s')
    """
    seconds = _seconds(span)
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * (2 if unit == "days" else 1):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
