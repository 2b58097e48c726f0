"""What is known of a person at a moment: home and deposit, bookings, interactions, tastes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.horizon import Value, values_of
from features.interactions import DISMISS, EVENT_KINDS, FAVOURITE, RESTORE, dismissed
from reco.core.deposits import EMPTY, UNLIMITED, Cap, Credit, Deposit, Spent, credit_left
from reco.db.arrays import NEVER_US, micros
from reco.geo.points import Point
from reco.lazily import lazy
from reco.records import record

_WANTED_OR_NOT = tuple(EVENT_KINDS[code] for code in (FAVOURITE, DISMISS, RESTORE))


@dataclass(frozen=True)
class Person:
    """A beneficiary and the deposit that counts now; None: no deposit, or no cap of that kind."""

    id: int
    lon: float | None
    lat: float | None
    amount_cents: int | None
    digital_cap_cents: int | None
    physical_cap_cents: int | None
    offer_limit_cents: int | None
    granted_at: datetime | None
    expires_at: datetime | None
    has_deposit: bool
    """Whether there is one at all, be it granted later."""

    @property
    def deposit(self) -> Deposit | None:
        """The deposit that counts, None where none is granted yet."""
        if self.amount_cents is None or self.granted_at is None:
            return None
        return Deposit(
            self.amount_cents,
            self.digital_cap_cents,
            self.physical_cap_cents,
            self.offer_limit_cents,
            self.granted_at,
            self.expires_at,
        )

    @property
    def home(self) -> Point | None:
        """The home point, already rounded to 100 m."""
        return None if self.lon is None or self.lat is None else Point(self.lon, self.lat)


@record
class Booked:
    """One booking that stands."""

    item_id: int
    item: str
    at: datetime | None
    amount_cents: int
    cap: Cap
    category: str
    subcategory: str | None
    venue: str | None
    venue_type: str | None
    genres: list[str]
    title: str | None

    @lazy
    def values(self) -> frozenset[Value]:
        """What this booking adds to the horizon."""
        return values_of(
            category=self.category,
            subcategory=self.subcategory,
            venue=self.venue,
            venue_type=self.venue_type,
            genres=self.genres,
        )


@record
class Interacted:
    """One view, click, favourite or dismissal, or that one was taken back."""

    item_id: int
    item: str
    kind: str
    at: datetime | None
    title: str | None = None


@dataclass(frozen=True)
class UserState:
    """A person at a moment; `person` None: a guest, or an id that the core does not know."""

    person: Person | None
    bookings: tuple[Booked, ...]
    interactions: tuple[Interacted, ...]
    credit: Credit
    liked: frozenset[Value] = frozenset()
    """Categories and genres that the person says to like."""

    @lazy
    def met(self) -> frozenset[Value]:
        """The horizon: every attribute value of the bookings."""
        return frozenset().union(*(booking.values for booking in self.bookings))

    @property
    def settled_items(self) -> frozenset[int]:
        """Items that are not offered again: booked, or dismissed and not wanted since."""
        booked = {booking.item_id for booking in self.bookings}
        told = [past for past in self.interactions if past.kind in _WANTED_OR_NOT]
        if not any(past.kind == EVENT_KINDS[DISMISS] for past in told):
            return frozenset(booked)
        unwanted = dismissed(
            np.array([past.item_id for past in told], dtype=np.int64),
            np.array([EVENT_KINDS.index(past.kind) for past in told], dtype=np.int8),
            np.array(
                [NEVER_US if past.at is None else micros(past.at) for past in told], dtype=np.int64
            ).view("datetime64[us]"),
        )
        return frozenset(booked.union(unwanted.tolist()))


def credit_of(person: Person | None, bookings: Sequence[Booked], now: datetime) -> Credit:
    """Return what may still be spent: nothing before the deposit is granted, or once it is over.

    Nobody without a deposit is limited by credit.
    """
    if person is None or not person.has_deposit:
        return UNLIMITED
    deposit = person.deposit
    if deposit is None:
        return EMPTY
    since = [b for b in bookings if b.at is not None and b.at >= deposit.granted_at]
    spent = Spent(
        total_cents=sum(b.amount_cents for b in since),
        digital_cents=sum(b.amount_cents for b in since if b.cap == "digital"),
        physical_cents=sum(b.amount_cents for b in since if b.cap == "physical"),
    )
    return credit_left(deposit, spent, now)
