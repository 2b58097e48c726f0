"""The same work by another offer: where one cannot be booked, what can be near it, or online."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from reco.catalogue.cards import Cards
from reco.core.deposits import UNLIMITED
from reco.feed.query import Filters
from reco.feed.readback import LiveOffer, asked_within, read_live

_MOST = 20
"""Offers of one work that are read; of those that are not over, few are sold out."""

# What is not over and not withdrawn; whether a place is left is read of these alone.
_NEAREST = """
select gone.id, o.id
from core.offer gone
left join core.venue at on at.id = gone.venue_id
cross join lateral (
  select o.id, o.venue_id is null as is_online, st_distance(v.location, at.location) as away_m
  from core.offer o
  left join core.venue v on v.id = o.venue_id
  where o.item_id = gone.item_id and o.id <> gone.id
    and (o.published_at is null or o.published_at <= %(now)s)
    and (o.withdrawn_at is null or o.withdrawn_at > %(now)s)
    and (o.venue_id is null or st_dwithin(v.location, at.location, %(radius_m)s))
    and exists (
      select from core.stock t
      where t.offer_id = o.id and t.cancelled_at is null
        and least(t.booking_limit_at, t.starts_at, 'infinity') > %(now)s
    )
  order by is_online, away_m, o.id
  limit %(most)s
) o
where gone.id = any(%(offers)s::bigint[])
order by gone.id, o.is_online, o.away_m, o.id
"""


def read_elsewhere(
    connection: psycopg.Connection[Any],
    cards: Cards,
    offer_ids: Sequence[int],
    now: datetime,
    radius_m: float,
) -> dict[int, LiveOffer]:
    """Return for each of `offer_ids` the nearest other offer of its work that can be booked.

    Within `radius_m` of its venue, else online; none of what has neither.
    """
    if not offer_ids:
        return {}
    asked = {"offers": list(offer_ids), "now": now, "radius_m": radius_m, "most": _MOST}
    pairs = connection.execute(_NEAREST, asked).fetchall()
    is_any = asked_within(Filters(), UNLIMITED)
    live = read_live(connection, cards, [other for _, other in pairs], now, is_any)
    return _first_bookable(pairs, live)


def _first_bookable(
    pairs: Sequence[tuple[Any, ...]], live: Mapping[int, LiveOffer]
) -> dict[int, LiveOffer]:
    found: dict[int, LiveOffer] = {}
    for gone, other in pairs:
        if gone not in found and other in live and live[other].sessions:
            found[gone] = live[other]
    return found
