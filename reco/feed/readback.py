"""Read the chosen offers back from the database: a feed never shows what cannot be booked."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from features.horizon import Value, values_of
from reco.core.deposits import Cap, Credit
from reco.feed.answer import Session
from reco.feed.query import FeedQuery, Filters
from reco.moments import known_until

MAX_SESSIONS = 8
"""Sessions shown with an offer, the first ones."""

_OFFERS = """
select o.id, o.external_id as offer_id, i.external_id as item_id, i.title, i.image_url, i.genres,
  o.is_duo,
  c.name as category, s.name as subcategory,
  o.venue_id is null or coalesce(s.is_digital, false) as is_digital,
  v.external_id as venue_id, v.name as venue_name, v.venue_type, v.timezone,
  st_y(v.location::geometry) as lat, st_x(v.location::geometry) as lon
from core.offer o
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
where o.id = any(%(offers)s)
  and (o.published_at is null or o.published_at <= %(now)s)
  and (o.withdrawn_at is null or o.withdrawn_at > %(now)s)
"""

_SESSIONS = """
select * from (
  select s.offer_id, s.external_id as stock_id, s.starts_at, s.price_cents,
    case when s.quantity is not null then s.quantity - (
      select coalesce(sum(b.quantity), 0) from core.booking b
      where b.stock_id = s.id and b.booked_at <= %(known)s
        and (b.cancelled_at is null or b.cancelled_at > %(known)s)
    )::integer end as left,
    core.cap_of(c.is_event, c.is_digital, c.is_physical, s.starts_at is not null,
      o.venue_id is not null) as cap
  from core.stock s
  join core.offer o on o.id = s.offer_id
  join core.item i on i.id = o.item_id
  left join core.subcategory c on c.id = i.subcategory_id
  where s.offer_id = any(%(offers)s)
    and (s.created_at is null or s.created_at <= %(now)s)
    and (s.cancelled_at is null or s.cancelled_at > %(known)s)
    and least(s.booking_limit_at, s.starts_at, 'infinity') > %(now)s
) bookable
where "left" is null or "left" > 0
order by offer_id, starts_at, stock_id
"""


@dataclass(frozen=True)
class LiveOffer:
    """An offer as the database has it now, with the sessions that can be booked."""

    id: int
    offer_id: str
    item_id: str
    title: str | None
    image_url: str | None
    genres: list[str]
    is_duo: bool
    category: str
    subcategory: str | None
    is_digital: bool
    venue_id: str | None
    venue_name: str | None
    venue_type: str | None
    timezone: str | None
    lat: float | None
    lon: float | None
    sessions: tuple[Session, ...] = ()

    @property
    def values(self) -> frozenset[Value]:
        """What a booking of this offer would add to a horizon."""
        return values_of(
            category=self.category,
            subcategory=self.subcategory,
            venue=self.venue_id,
            venue_type=self.venue_type,
            genres=self.genres,
        )


def read_offers(
    connection: psycopg.Connection[Any],
    offer_ids: Sequence[int],
    query: FeedQuery,
    credit: Credit,
) -> dict[int, LiveOffer]:
    """Return those of `offer_ids` that are published at `query.now`, by id, in one round trip.

    Each with the first `MAX_SESSIONS` sessions that can be booked within the filters and `credit`:
    none where it is sold out, past or cancelled.
    """

    def is_asked(session: Session, cap: Cap) -> bool:
        limit_cents = credit.limit_cents(cap)
        is_affordable = limit_cents is None or session.price_cents <= limit_cents
        return is_affordable and _asked(session, query.filters)

    return read_live(connection, offer_ids, query.now, is_asked, query.as_of)


def read_live(
    connection: psycopg.Connection[Any],
    offer_ids: Sequence[int],
    now: datetime,
    is_asked: Callable[[Session, Cap], bool],
    as_of: datetime | None = None,
) -> dict[int, LiveOffer]:
    """Return those of `offer_ids` that are published at `now`, by id, in one round trip.

    Each with the first `MAX_SESSIONS` sessions that can be booked and that `is_asked` accepts.
    """
    asked = {"offers": list(offer_ids), "now": now, "known": known_until(as_of)}
    with connection.pipeline():
        offers = connection.cursor(row_factory=class_row(LiveOffer)).execute(_OFFERS, asked)
        stocks = connection.execute(_SESSIONS, asked)
    sessions: defaultdict[int, list[Session]] = defaultdict(list)
    for offer_id, stock_id, starts_at, price_cents, left, cap in stocks:
        session = Session(stock_id, starts_at, price_cents, left)
        if is_asked(session, cap):
            sessions[offer_id].append(session)
    return {
        offer.id: replace(offer, sessions=tuple(sessions[offer.id][:MAX_SESSIONS]))
        for offer in offers
    }


def _asked(session: Session, filters: Filters) -> bool:
    """Say whether a session costs and begins as asked."""
    if filters.max_price_cents is not None and session.price_cents > filters.max_price_cents:
        return False
    starts = session.starts_at
    if starts is None:
        return True
    after = filters.starts_from is None or starts >= filters.starts_from
    before = filters.starts_before is None or starts < filters.starts_before
    return after and before
