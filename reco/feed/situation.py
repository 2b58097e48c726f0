"""Who asks, and what is around them: read from the database in one pipelined round trip."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from features.horizon import Value
from reco.feed.generation import Generation
from reco.feed.query import FeedQuery
from reco.feed.state import Booked, Interacted, Person, UserState, credit_of
from reco.feed.surroundings import Looked, Surroundings, look_around
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
        looked = Looked.at(connection, serving, here, query.radius_m) if here else None
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
