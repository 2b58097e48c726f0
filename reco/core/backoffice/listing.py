"""A partner's venues, offers and stocks, by its own ids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.rows import class_row

from reco.core.backoffice.owning import own_row

T = TypeVar("T")

_VENUES = """
select partner_ref as id, external_id as public_id, name, venue_type,
  st_y(location::geometry) as lat, st_x(location::geometry) as lon, timezone, opening
from core.venue
where partner_id = %(partner)s and (%(after)s::text is null or partner_ref > %(after)s)
order by partner_ref limit %(n)s
"""
_OFFERS = """
select o.partner_ref as id, o.external_id as public_id, v.partner_ref as venue_id,
  i.external_id as item_id, i.title, c.name as category, s.name as subcategory, o.is_duo, o.url,
  o.published_at, o.withdrawn_at
from core.offer o
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
where o.partner_id = %(partner)s and (%(after)s::text is null or o.partner_ref > %(after)s)
  and (%(parent)s::bigint is null or o.venue_id = %(parent)s)
order by o.partner_ref limit %(n)s
"""
_STOCKS = """
select t.partner_ref as id, t.external_id as public_id, o.partner_ref as offer_id, t.price_cents,
  t.starts_at, t.ends_at, t.quantity, t.booking_limit_at, t.cancelled_at, b.booked,
  case when t.cancelled_at is not null then 0 when t.quantity is not null
    then greatest(0, t.quantity - b.booked) end as "left"
from core.stock t
join core.offer o on o.id = t.offer_id
cross join lateral (
  select coalesce(sum(quantity), 0)::integer as booked
  from core.booking where stock_id = t.id and cancelled_at is null
) b
where t.partner_id = %(partner)s and (%(after)s::text is null or t.partner_ref > %(after)s)
  and (%(parent)s::bigint is null or t.offer_id = %(parent)s)
order by t.partner_ref limit %(n)s
"""


@dataclass(frozen=True)
class VenueShown:
    """A venue; `id` is the partner's own, `public_id` the one on the wire."""

    id: str
    public_id: str
    name: str | None
    venue_type: str | None
    lat: float
    lon: float
    timezone: str | None
    opening: str | None


@dataclass(frozen=True)
class OfferShown:
    """An offer; `venue_id` is the partner's own, null: digital; `item_id` the one on the wire."""

    id: str
    public_id: str
    venue_id: str | None
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    is_duo: bool
    url: str | None
    published_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class StockShown:
    """A stock, with how many places are booked and how many left (null: without limit)."""

    id: str
    public_id: str
    offer_id: str
    price_cents: int
    starts_at: datetime | None
    ends_at: datetime | None
    quantity: int | None
    booking_limit_at: datetime | None
    cancelled_at: datetime | None
    booked: int
    left: int | None


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows by own id, and the last id where there is more."""

    rows: tuple[T, ...]
    last: str | None


@dataclass(frozen=True)
class Span:
    """A part of a list: up to `n` rows after the own id `after` (None: from the first)."""

    n: int
    after: str | None = None


def list_venues(
    connection: psycopg.Connection[Any], partner_id: int, span: Span
) -> Page[VenueShown]:
    """Return venues of a partner (in the database's ids)."""
    return _page(connection, VenueShown, _VENUES, {"partner": partner_id}, span)


def list_offers(
    connection: psycopg.Connection[Any], partner_id: int, span: Span, venue_id: str | None = None
) -> Page[OfferShown]:
    """Return offers of a partner, of one of its venues where `venue_id` (its own id) is given.

    Raises
    ------
    NotFound, Forbidden
        There is no such venue, or it is not the partner's.
    """
    parent = own_row(connection, partner_id, "venue", venue_id).id if venue_id else None
    asked = {"partner": partner_id, "parent": parent}
    return _page(connection, OfferShown, _OFFERS, asked, span)


def list_stocks(
    connection: psycopg.Connection[Any], partner_id: int, span: Span, offer_id: str | None = None
) -> Page[StockShown]:
    """Return stocks of a partner, of one of its offers where `offer_id` (its own id) is given.

    Raises
    ------
    NotFound, Forbidden
        There is no such offer, or it is not the partner's.
    """
    parent = own_row(connection, partner_id, "offer", offer_id).id if offer_id else None
    asked = {"partner": partner_id, "parent": parent}
    return _page(connection, StockShown, _STOCKS, asked, span)


def _page(
    connection: psycopg.Connection[Any],
    shown: type[T],
    statement: str,
    asked: dict[str, Any],
    span: Span,
) -> Page[T]:
    with connection.cursor(row_factory=class_row(shown)) as cursor:
        # One more than asked for tells whether there is more.
        asked = asked | {"after": span.after, "n": span.n + 1}
        found = cursor.execute(statement.encode(), asked).fetchall()
    last = getattr(found[span.n - 1], "id", None) if len(found) > span.n else None
    return Page(tuple(found[: span.n]), last)
