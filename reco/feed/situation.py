"""Who asks, and what is around them: read from the database in one pipelined round trip."""

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg

from features.horizon import Value
from reco.catalogue.cards import UNSEEN, ItemCard, VenueCard
from reco.core.accounts import check_account
from reco.feed.generation import Generation
from reco.feed.query import FeedQuery
from reco.feed.state import Booked, Interacted, Person, UserState, credit_of
from reco.feed.surroundings import Looked, Surroundings, look_around
from reco.moments import known_until

FindCards = Callable[
    [Collection[int], Collection[int], Collection[int] | None],
    tuple[dict[int, ItemCard], dict[int, VenueCard]],
]
"""Ids of works and of venues, and what has changed since cards were written -> cards by id."""

_STATE = """
with me as materialized (
  select id, home from core.beneficiary where external_id = %(user_id)s
), mine as materialized (
  select offer_id, kind, at from core.interaction
  where user_id = (select id from me) and (at is null or at <= %(known)s)
)
select 'booking' as kind, o.item_id, k.at, o.venue_id, k.amount_cents, k.is_dated,
  null as value, null::float8 as lon, null::float8 as lat, null::integer as digital_cap_cents,
  null::integer as physical_cap_cents, null::integer as offer_limit_cents,
  null::timestamptz as expires_at, null::bigint[] as unseen
from (
  select t.offer_id, b.booked_at as at, b.amount_cents, t.starts_at is not null as is_dated
  from core.booking b join core.stock t on t.id = b.stock_id
  where b.user_id = (select id from me)
    and b.booked_at <= %(known)s and (b.cancelled_at is null or b.cancelled_at > %(known)s)
  union all
  select offer_id, at, 0, false from mine where kind = 'booking'
) k
join core.offer o on o.id = k.offer_id
union all
select k.kind, o.item_id, k.at, null, null, null, null, null, null, null, null, null, null, null
from (
  -- What was dismissed, restored or kept counts for ever, by when it was told last, and without a
  -- time; of looks, the last thousand.
  select kind, offer_id, max(at) as at from mine
  where kind in ('dismiss', 'favourite', 'restore') group by kind, offer_id, at is null
  union all (
    select kind, offer_id, at from mine where kind in ('view', 'click')
    order by at desc nulls last limit 1000
  )
) k
join core.offer o on o.id = k.offer_id
union all
-- A work that the person says to like counts as one that was kept.
select case t.kind when 'item' then 'favourite' else t.kind end, i.id, t.at,
  null, null, null, t.value, null, null, null, null, null, null, null
from core.taste t left join core.item i on t.kind = 'item' and i.external_id = t.value
where t.user_id = (select id from me) and t.at <= %(known)s
  and (t.kind <> 'item' or i.id is not null)
union all
select 'person', me.id, d.granted_at, null, d.amount_cents,
  exists (select from core.deposit where user_id = me.id), null,
  round(st_x(me.home::geometry)::numeric, 3)::float8,
  round(st_y(me.home::geometry)::numeric, 3)::float8,
  d.digital_cap_cents, d.physical_cap_cents, d.offer_limit_cents, d.expires_at, ({unseen})
from me
left join lateral (
  select * from core.deposit
  where user_id = me.id and granted_at <= %(now)s order by granted_at desc limit 1
) d on true
"""
"""The person, bookings and interactions: a row each, nulls for what only others have.

What was booked is told by ids: what it is called stands on the catalogue's cards, unless it has
changed since, which the person's row says.
"""

_WITH_UNSEEN = _STATE.format(unseen=UNSEEN)


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

    Raises
    ------
    Unauthorized
        The id is not that account's now whose it must be.
    """
    cards, here = serving.catalogue.cards, query.location
    asked = {
        "user_id": query.user_id,
        "now": query.now,
        "known": known_until(query.as_of),
        "seen": cards.seen.snapshot,
    }
    looked = Looked.at(serving, here, query.radius_m) if here else None
    # A pipeline costs more than a statement: only where there are two.
    with connection.pipeline() if looked and looked.known is None else nullcontext():
        # Planning takes longer than the answer: it is to end with a connection's first requests.
        known = connection.cursor(binary=True).execute(_WITH_UNSEEN, asked, prepare=True)
        looked = looked and looked.sure(connection)
    state = _state(known.fetchall(), partial(cards.find, connection), query.now)
    person = state.person
    if query.account != "any":
        check_account(person.id if person else None, query.account)
    if looked:
        around = looked.surroundings("request")
    elif person and person.home:
        around = look_around(connection, serving, person.home, "home", query.radius_m)
    else:
        around = Surroundings.nowhere(query.radius_m)
    return Situation(query, state, around)


def _state(rows: Sequence[tuple[Any, ...]], find: FindCards, now: datetime) -> UserState:
    person: Person | None = None
    unseen: Collection[int] | None = None
    booked: list[tuple[Any, ...]] = []
    others: list[tuple[Any, ...]] = []
    liked: list[Value] = []
    for row in rows:
        kind = row[0]
        if kind == "booking":
            booked.append(row)
        elif kind == "person":
            person, unseen = _person(row[:-1]), row[-1]
        elif kind in {"category", "genre"}:
            liked.append((kind, row[6]))
        else:
            others.append(row)
    venue_ids = {row[3] for row in booked if row[3] is not None}
    works, venues = find({row[1] for row in booked} | {row[1] for row in others}, venue_ids, unseen)
    # What was deleted between the two is gone.
    bookings = tuple(
        _booked(row, works[row[1]], venues.get(row[3]))
        for row in booked
        if row[1] in works and (row[3] is None or row[3] in venues)
    )
    interactions = tuple(_interacted(row, works[row[1]]) for row in others if row[1] in works)
    credit = credit_of(person, bookings, now)
    return UserState(person, bookings, interactions, credit, frozenset(liked))


def _booked(row: tuple[Any, ...], work: ItemCard, venue: VenueCard | None) -> Booked:
    _, item_id, at, _, amount_cents, is_dated = row[:6]
    return Booked(
        item_id=item_id,
        item=work.item_id,
        at=at,
        amount_cents=amount_cents,
        cap=work.cap(is_dated=is_dated, has_venue=venue is not None),
        category=work.category,
        subcategory=work.subcategory,
        venue=venue.venue_id if venue else None,
        venue_type=venue.venue_type if venue else None,
        genres=work.genres,
        title=work.title,
    )


def _interacted(row: tuple[Any, ...], work: ItemCard) -> Interacted:
    return Interacted(row[1], work.item_id, row[0], row[2], work.title)


def _person(row: tuple[Any, ...]) -> Person:
    _, user_id, granted_at, _, amount_cents, has_deposit, _, lon, lat, *limits, expires_at = row
    digital_cap_cents, physical_cap_cents, offer_limit_cents = limits
    return Person(
        id=user_id,
        lon=lon,
        lat=lat,
        amount_cents=amount_cents,
        digital_cap_cents=digital_cap_cents,
        physical_cap_cents=physical_cap_cents,
        offer_limit_cents=offer_limit_cents,
        granted_at=granted_at,
        expires_at=expires_at,
        has_deposit=has_deposit,
    )
