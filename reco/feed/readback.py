"""Read the chosen offers back from the database: a feed never shows what cannot be booked."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from features.horizon import Value, values_of
from reco.catalogue.cards import UNSEEN, Cards, ItemCard, VenueCard
from reco.catalogue.shelf import CAPS
from reco.catalogue.snapshot import known_genres
from reco.core.deposits import Cap, Credit
from reco.feed.answer import Session
from reco.feed.query import FeedQuery, Filters
from reco.lazily import lazy
from reco.moments import known_until
from reco.records import record

MAX_SESSIONS = 8
"""Sessions shown with an offer, the first ones and the cheapest."""
ALL_SESSIONS = 1_000
"""The same of an offer that is looked at by itself, or planned."""

_OFFERS = """
select o.id, o.external_id, o.item_id, o.venue_id, o.is_duo, o.published_at,
  ({unseen}) as unseen,
  t.external_id, t.starts_at, t.price_cents, t.quantity - t.taken, t.ends_at
from core.offer o
left join lateral (
  select t.external_id, t.starts_at, t.ends_at, t.price_cents, t.quantity,
    case when t.quantity is not null then (
      select coalesce(sum(b.quantity), 0)::integer from core.booking b
      where b.stock_id = t.id and b.booked_at <= %(known)s
        and (b.cancelled_at is null or b.cancelled_at > %(known)s)
    ) end as taken
  from core.stock t
  where t.offer_id = o.id
    and (t.created_at is null or t.created_at <= %(now)s)
    and (t.cancelled_at is null or t.cancelled_at > %(known)s)
    and least(t.booking_limit_at, t.starts_at, 'infinity') > %(now)s
  -- What is taken is summed once for each stock, not again wherever it is used.
  offset 0
) t on t.quantity is null or t.quantity > t.taken
where o.id = any(%(offers)s::bigint[])
  and (o.published_at is null or o.published_at <= %(now)s)
  and (o.withdrawn_at is null or o.withdrawn_at > %(now)s)
order by o.id, t.starts_at, t.external_id
"""
"""Published offers, each with every stock that can be booked, or with nulls for one."""

_WITH_UNSEEN = _OFFERS.format(unseen=UNSEEN)

_OF_STOCK = 7
"""The first column that tells of the stock."""


@record
class LiveOffer:
    """An offer as the database has it now, with the sessions that can be booked."""

    id: int
    offer_id: str
    item_id: str
    title: str | None
    image_url: str | None
    genres: list[str]
    is_duo: bool
    published_at: datetime | None
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
    sessions_total: int = 0
    """How many there are; `sessions` has the first, or the cheapest in the place of its last."""
    caps: tuple[Cap, Cap] = ("none", "none")
    """What a session counts against beside the deposit: one without a date, one with."""

    @lazy
    def values(self) -> frozenset[Value]:
        """What a booking of this offer would add to a horizon, by the genres that are known."""
        return values_of(
            category=self.category,
            subcategory=self.subcategory,
            venue=self.venue_id,
            venue_type=self.venue_type,
            genres=known_genres(self.genres),
        )

    def cap_of(self, session: Session) -> Cap:
        """Return what one of the sessions counts against."""
        return self.caps[session.starts_at is not None]


def read_offers(
    connection: psycopg.Connection[Any],
    cards: Cards,
    offer_ids: Sequence[int],
    query: FeedQuery,
    credit: Credit,
) -> dict[int, LiveOffer]:
    """Return those of `offer_ids` that are published at `query.now`, by id, in one round trip.

    Each with `MAX_SESSIONS` sessions that can be booked within the filters and `credit`: none where
    it is sold out, past or cancelled.
    """
    # A plan may need a later one, where the first are at the time of something else.
    most = ALL_SESSIONS if query.plan else MAX_SESSIONS
    is_asked = asked_within(query.filters, credit)
    return read_live(
        connection, cards, offer_ids, query.now, is_asked, as_of=query.as_of, most_sessions=most
    )


def asked_within(filters: Filters, credit: Credit) -> Callable[[Session, Cap], bool]:
    """Return what says whether a session that counts against a cap is as asked, and affordable."""
    most_cents = {cap: _most_cents(filters, credit.limit_cents(cap)) for cap in CAPS}
    has_window = filters.starts_from is not None or filters.starts_before is not None

    def is_asked(session: Session, cap: Cap) -> bool:
        is_affordable = session.price_cents <= most_cents[cap]
        return is_affordable and (not has_window or _begins_within(filters, session.starts_at))

    return is_asked


def read_live(
    connection: psycopg.Connection[Any],
    cards: Cards,
    offer_ids: Sequence[int],
    now: datetime,
    is_asked: Callable[[Session, Cap], bool],
    *,
    as_of: datetime | None = None,
    most_sessions: int = MAX_SESSIONS,
) -> dict[int, LiveOffer]:
    """Return those of `offer_ids` that are published at `now`, by id, in one round trip.

    Each with the first `most_sessions` sessions that can be booked and that `is_asked` accepts; the
    last of these gives way to the cheapest of all, where no other costs as little.

    Parameters
    ----------
    cards
        What works and venues were called. What has changed since, or is new, takes another trip.
    """
    asked = {
        # Text, which the driver takes as it is; a list it looks through.
        "offers": f"{{{','.join(map(str, offer_ids))}}}",
        "now": now,
        "known": known_until(as_of),
        "seen": cards.seen.snapshot,
    }
    # Planning takes longer than the answer: it is to end with a connection's first requests.
    rows = connection.cursor(binary=True).execute(_WITH_UNSEEN, asked, prepare=True).fetchall()
    if not rows:
        return {}
    item_ids, venue_ids = {row[2] for row in rows}, {row[3] for row in rows} - {None}
    works, venues = cards.find(connection, item_ids, venue_ids, unseen=rows[0][6])
    return {
        offer_id: _live(group, works[group[0][2]], venues.get(group[0][3]), is_asked, most_sessions)
        for offer_id, group in _by_offer(rows).items()
        # What was deleted between the two is gone.
        if group[0][2] in works and (group[0][3] is None or group[0][3] in venues)
    }


def _by_offer(rows: Sequence[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _live(
    rows: Sequence[tuple[Any, ...]],
    work: ItemCard,
    venue: VenueCard | None,
    is_asked: Callable[[Session, Cap], bool],
    most_sessions: int,
) -> LiveOffer:
    offer_id, external_id, _, _, is_duo, published_at = rows[0][:6]
    has_venue = venue is not None
    caps = (
        work.cap(is_dated=False, has_venue=has_venue),
        work.cap(is_dated=True, has_venue=has_venue),
    )
    sessions = _sessions(rows, caps, is_asked)
    return LiveOffer(
        id=offer_id,
        offer_id=external_id,
        item_id=work.item_id,
        title=work.title,
        image_url=work.image_url,
        genres=work.genres,
        is_duo=is_duo,
        published_at=published_at,
        category=work.category,
        subcategory=work.subcategory,
        is_digital=venue is None or work.is_digital,
        venue_id=venue.venue_id if venue else None,
        venue_name=venue.name if venue else None,
        venue_type=venue.venue_type if venue else None,
        timezone=venue.timezone if venue else None,
        lat=venue.lat if venue else None,
        lon=venue.lon if venue else None,
        sessions=_shown(sessions, most_sessions),
        sessions_total=len(sessions),
        caps=caps,
    )


def _sessions(
    rows: Sequence[tuple[Any, ...]],
    caps: tuple[Cap, Cap],
    is_asked: Callable[[Session, Cap], bool],
) -> list[Session]:
    """Return the sessions of one offer, by start; no stock, no session."""
    sessions: list[Session] = []
    for row in rows:
        if row[_OF_STOCK] is None:
            break
        session = Session(*row[_OF_STOCK:])
        if is_asked(session, caps[session.starts_at is not None]):
            sessions.append(session)
    return sessions


def _shown(sessions: Sequence[Session], most: int) -> tuple[Session, ...]:
    """Return the first `most`; the last gives way to the cheapest of all where that comes later."""
    if len(sessions) <= most:
        return tuple(sessions)
    # Of equals the first: what is among the first stays there.
    cheapest = min(range(len(sessions)), key=lambda at: sessions[at].price_cents)
    return (*sessions[: most - 1], sessions[max(cheapest, most - 1)])


def _most_cents(filters: Filters, limit_cents: int | None) -> float:
    bounds = (filters.max_price_cents, limit_cents)
    return min((bound for bound in bounds if bound is not None), default=math.inf)


def _begins_within(filters: Filters, starts_at: datetime | None) -> bool:
    """Say whether a session begins as asked; what has no date does on any day."""
    if starts_at is None:
        return True
    after = filters.starts_from is None or starts_at >= filters.starts_from
    return after and (filters.starts_before is None or starts_at < filters.starts_before)
