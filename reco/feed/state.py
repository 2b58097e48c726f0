"""What the database knows of a user and the surroundings, in one pipelined round trip."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.horizon import Value, values_of
from reco.core.deposits import (
    EMPTY,
    UNLIMITED,
    Cap,
    Credit,
    Deposit,
    Spent,
    credit_left,
)
from reco.feed.generation import Generation
from reco.feed.query import FeedQuery
from reco.geo.points import Point
from reco.geo.reach import Reach, ask, within
from reco.lazily import lazy
from reco.moments import known_until

_STATE = """
with me as materialized (
  select id, home from core.beneficiary where external_id = %(user_id)s
), mine as materialized (
  select offer_id, kind, at from core.interaction
  where user_id = (select id from me) and (at is null or at <= %(known)s)
)
select 'booking' as kind, i.id, i.external_id as item, k.at, k.amount_cents,
  core.cap_of(s.is_event, s.is_digital, s.is_physical, k.is_dated, o.venue_id is not null) as cap,
  c.name as category, s.name as subcategory, v.external_id as venue, v.venue_type, i.genres,
  i.title, null::float8 as lon, null::float8 as lat, null::integer as digital_cap_cents,
  null::integer as physical_cap_cents, null::integer as offer_limit_cents,
  null::timestamptz as expires_at, null::boolean as has_deposit
from (
  select t.offer_id, b.booked_at as at, b.amount_cents, t.starts_at is not null as is_dated
  from core.booking b join core.stock t on t.id = b.stock_id
  where b.user_id = (select id from me)
    and b.booked_at <= %(known)s and (b.cancelled_at is null or b.cancelled_at > %(known)s)
  union all
  select offer_id, at, 0, false from mine where kind = 'booking'
) k
join core.offer o on o.id = k.offer_id
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
union all
-- Of what was not booked less is asked.
select k.kind, i.id, i.external_id, k.at, null, null, null, null, null, null, null,
  i.title, null, null, null, null, null, null, null
from (
  -- What was dismissed or kept counts for ever; of looks, the last thousand.
  select kind, offer_id, at from mine where kind in ('dismiss', 'favourite')
  union all (
    select kind, offer_id, at from mine where kind in ('view', 'click')
    order by at desc nulls last limit 1000
  )
) k
join core.offer o on o.id = k.offer_id
join core.item i on i.id = o.item_id
union all
-- A work that the person says to like counts as one that was kept.
select case t.kind when 'item' then 'favourite' else t.kind end, i.id, t.value, t.at,
  null, null, null, null, null, null, null,
  i.title, null, null, null, null, null, null, null
from core.taste t left join core.item i on t.kind = 'item' and i.external_id = t.value
where t.user_id = (select id from me) and t.at <= %(known)s
  and (t.kind <> 'item' or i.id is not null)
union all
select 'person', me.id, null, d.granted_at, d.amount_cents, null, null, null, null, null, null,
  null, round(st_x(me.home::geometry)::numeric, 3)::float8,
  round(st_y(me.home::geometry)::numeric, 3)::float8,
  d.digital_cap_cents, d.physical_cap_cents, d.offer_limit_cents, d.expires_at,
  exists (select from core.deposit where user_id = me.id)
from me
left join lateral (
  select * from core.deposit
  where user_id = me.id and granted_at <= %(now)s order by granted_at desc limit 1
) d on true
"""
"""The person, bookings and interactions: a row each, nulls for what only others have."""

_OF_ALL = 12
"""The columns before those that only a person has."""


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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Interacted:
    """One view, click, favourite or dismissal."""

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
        """Items that are not offered again: booked or dismissed."""
        dismissed = {past.item_id for past in self.interactions if past.kind == "dismiss"}
        return frozenset(dismissed | {booking.item_id for booking in self.bookings})


@dataclass(frozen=True)
class Surroundings:
    """Venues within `radius_m` of `here` (None: nation-wide, no venue); arrays of shape (V,)."""

    here: Point | None
    source: str
    radius_m: float
    venue_rows: NDArray[np.int32]
    """Ascending rows of the catalogue's venues."""
    distance_m: NDArray[np.float64]

    @classmethod
    def nowhere(cls, radius_m: float) -> "Surroundings":
        """Return what is around nobody knows where."""
        return cls(None, "none", radius_m, np.empty(0, np.int32), np.empty(0))


@dataclass(frozen=True)
class Situation:
    """A request, who makes it, and what is around: what the stages hand on."""

    query: FeedQuery
    state: UserState
    around: Surroundings


def read_situation(
    connection: psycopg.Connection[Any], serving: Generation, query: FeedQuery
) -> Situation:
    """Return the user's state at `query.now` and the venues around, in one round trip.

    Where the request gives no location the home is needed first: a second, short one, unless the
    place is remembered.
    """
    asked = {"user_id": query.user_id, "now": query.now, "known": known_until(query.as_of)}
    here = query.location
    # A pipeline costs more than a statement: only where there may be two.
    with connection.pipeline() if here else nullcontext():
        # Planning takes longer than the answer: it is to end with a connection's first requests.
        known = connection.cursor(binary=True).execute(_STATE, asked, prepare=True)
        looked = _Look.at(connection, serving, here, query.radius_m) if here else None
    state = _state(known.fetchall(), query.now)
    person = state.person
    if looked:
        around = looked.surroundings("request")
    elif person and person.home:
        around = look_around(connection, serving, person.home, "home", query.radius_m)
    else:
        around = Surroundings.nowhere(query.radius_m)
    return Situation(query, state, around)


def _state(rows: Sequence[tuple[Any, ...]], now: datetime) -> UserState:
    person: Person | None = None
    bookings: list[Booked] = []
    interactions: list[Interacted] = []
    liked: list[Value] = []
    for row in rows:
        kind = row[0]
        if kind == "booking":
            bookings.append(Booked(*row[1:_OF_ALL]))
        elif kind == "person":
            person = _person(row)
        elif kind in {"category", "genre"}:
            liked.append((kind, row[2]))
        else:
            interactions.append(Interacted(row[1], row[2], kind, row[3], row[_OF_ALL - 1]))
    credit = credit_of(person, bookings, now)
    return UserState(person, tuple(bookings), tuple(interactions), credit, frozenset(liked))


def _person(row: tuple[Any, ...]) -> Person:
    lon, lat, digital_cap, physical_cap, offer_limit, expires_at, has_deposit = row[_OF_ALL:]
    return Person(
        id=row[1],
        lon=lon,
        lat=lat,
        amount_cents=row[4],
        digital_cap_cents=digital_cap,
        physical_cap_cents=physical_cap,
        offer_limit_cents=offer_limit,
        granted_at=row[3],
        expires_at=expires_at,
        has_deposit=has_deposit,
    )


def look_around(
    connection: psycopg.Connection[Any],
    serving: Generation,
    here: Point,
    source: str,
    radius_m: float,
) -> Surroundings:
    """Return the venues within `radius_m` of `here`, asking only where the place is not known."""
    return _Look.at(connection, serving, here, radius_m).surroundings(source)


@dataclass(frozen=True)
class _Look:
    """What is known of a place, or was asked in a pipeline that is not read yet."""

    serving: Generation
    here: Point
    radius_m: float
    reach: Reach
    known: NDArray[np.int32] | None
    asked: psycopg.Cursor[Any] | None

    @classmethod
    def at(
        cls,
        connection: psycopg.Connection[Any],
        serving: Generation,
        here: Point,
        radius_m: float,
    ) -> "_Look":
        reach = Reach.of(here, radius_m)
        known = serving.workspace.places.recall(serving.catalogue.venues, reach)
        asked = ask(connection, reach) if known is None else None
        return cls(serving, here, radius_m, reach, known, asked)

    def surroundings(self, source: str) -> Surroundings:
        venues, rows = self.serving.catalogue.venues, self.known
        if rows is None:
            row = self.asked.fetchone() if self.asked else None
            rows = self.serving.workspace.places.learn(venues, self.reach, row[0] if row else None)
        found, distance_m = within(venues, rows, self.here, self.radius_m)
        return Surroundings(self.here, source, self.radius_m, found, distance_m)


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
