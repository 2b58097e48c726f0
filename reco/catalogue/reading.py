"""What can be booked, read from the database: one definition for all offers and for a few."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.clock import week_hours
from features.interactions import encoded_ids
from reco.catalogue.rows import rows_of
from reco.catalogue.shelf import CAPS, RECENT
from reco.catalogue.snapshot import MOST_GENRES, Items, known_genres
from reco.catalogue.vocabulary import codes_by_name, extended
from reco.db.arrays import FOREVER_US, fetch_arrays
from reco.moments import known_until

_STOCKS = """
select s.id, s.offer_id, coalesce(o.venue_id, 9223372036854775807), o.item_id, s.price_cents,
  coalesce(s.starts_at, 'infinity'),
  greatest(coalesce(o.published_at, '-infinity'), coalesce(s.created_at, '-infinity')),
  least(o.withdrawn_at, s.cancelled_at, s.booking_limit_at, s.starts_at, 'infinity'),
  (array_position(%(caps)s::text[], core.cap_of(c.is_event, c.is_digital, c.is_physical,
    s.starts_at is not null, o.venue_id is not null)) - 1)::int2, o.is_duo
from core.stock s
join core.offer o on o.id = s.offer_id
join core.item i on i.id = o.item_id
left join core.subcategory c on c.id = i.subcategory_id
left join (
  select b.stock_id, sum(b.quantity) as taken
  from core.booking b join core.stock limited on limited.id = b.stock_id
  where limited.quantity is not null {of_limited}
    and b.booked_at <= %(known)s and (b.cancelled_at is null or b.cancelled_at > %(known)s)
  group by b.stock_id
) t on t.stock_id = s.id
where least(o.withdrawn_at, s.booking_limit_at, s.starts_at, 'infinity') > %(now)s
  and (s.cancelled_at is null or s.cancelled_at > %(known)s)
  and (s.created_at is null or s.created_at <= %(known)s)
  and (s.quantity is null or s.quantity > coalesce(t.taken, 0)) {of_stock}
order by 3, 2, 6, 1
"""
_STOCK_TYPES = {
    "stock": "int8",
    "offer": "int8",
    "venue": "int8",
    "item": "int8",
    "price_cents": "int4",
    "starts": "time",
    "opens": "time",
    "closes": "time",
    "cap": "int2",
    "is_duo": "bool",
}

_ZONES = """
select id, timezone from core.venue where id = any(%(ids)s) and timezone is not null order by id
"""

_BOOKINGS = """
select offer_id, count(*)::int4 from (
  select s.offer_id from core.booking b join core.stock s on s.id = b.stock_id
  where b.booked_at <= %(known)s and b.booked_at > %(now)s::timestamptz - %(recent)s
    and (b.cancelled_at is null or b.cancelled_at > %(known)s) {of_stock}
  union all
  select x.offer_id from core.interaction x
  where x.kind = 'booking' and (x.at is null
    or (x.at <= %(known)s and x.at > %(now)s::timestamptz - %(recent)s)) {of_interaction}
) recent
group by offer_id order by offer_id
"""

_ITEMS = """
select i.id, i.category_id, coalesce(i.subcategory_id, 0)::int2, coalesce(s.is_digital, false)
from core.item i left join core.subcategory s on s.id = i.subcategory_id
where i.id = any(%(ids)s)
order by i.id
"""
_ITEM_TYPES = {"item": "int8", "category": "int2", "subcategory": "int2", "is_digital": "bool"}


@dataclass(frozen=True)
class OffersRead:
    """Offers as they stand: stocks that can be booked, and how often each offer was."""

    stocks: dict[str, NDArray[Any]]
    """(S,) columns `stock`, `offer`, `venue`, `item` (ids), `price_cents`, `starts`, `opens`,
    `closes` (µs since 1970), `cap`, `is_duo` and `week_hour` (`features.clock`), by venue,
    offer, start and id."""
    booked: dict[str, NDArray[Any]]
    """`count` by ascending `offer`."""


def read_offers(
    connection: psycopg.Connection[Any],
    now: datetime,
    as_of: datetime | None,
    offer_ids: Sequence[int] | None = None,
) -> OffersRead:
    """Return all offers, or those of `offer_ids`, within the running transaction.

    Stocks that are past, withdrawn, cancelled or sold out are left out; those that open later are
    kept.
    """
    asked = {
        "now": now,
        "known": known_until(as_of),
        "recent": RECENT,
        "caps": list(CAPS),
        "ids": offer_ids,
    }
    names = {"of_limited": "limited", "of_stock": "s", "of_interaction": "x"}
    some = {
        place: "" if offer_ids is None else f"and {alias}.offer_id = any(%(ids)s)"
        for place, alias in names.items()
    }
    stocks = fetch_arrays(connection, _STOCKS.format(**some), _STOCK_TYPES, asked)
    stocks["week_hour"] = _week_hours(connection, stocks["starts"], stocks["venue"])
    counted = {"offer": "int8", "count": "int4"}
    return OffersRead(stocks, fetch_arrays(connection, _BOOKINGS.format(**some), counted, asked))


def _week_hours(
    connection: psycopg.Connection[Any], starts_us: NDArray[np.int64], venue: NDArray[np.int64]
) -> NDArray[np.int16]:
    """Return the hour of the week of each start (S,) by the clock of its venue."""
    dated = np.unique(venue[starts_us != FOREVER_US])
    read = connection.execute(_ZONES, {"ids": dated.tolist()}).fetchall()
    known = np.array([key for key, _ in read], dtype=np.int64)
    row = rows_of(known, venue)
    return week_hours(starts_us, [name for _, name in read], np.where(row < 0, len(known), row))


def read_items(
    connection: psycopg.Connection[Any], ids: NDArray[np.int64], genres: tuple[str, ...] = ()
) -> tuple[Items, tuple[str, ...]]:
    """Return the columns of the items of `ids`, by ascending id, within the running transaction.

    Second, the names of the genres: `genres`, then those that it lacks.
    """
    wanted = {"ids": ids.tolist()}
    read = fetch_arrays(connection, _ITEMS, _ITEM_TYPES, wanted)
    named = connection.execute(
        "select external_id, genres from core.item where id = any(%(ids)s) order by id", wanted
    ).fetchall()
    # Most items share their genres with many others.
    distinct = {tuple(names): None for _, names in named}
    genres = extended(genres, {name for names in distinct for name in names})
    codes = _genre_codes(distinct, codes_by_name(genres))
    items = Items(
        item_id=read["item"],
        item_external_id=encoded_ids([external_id for external_id, _ in named]),
        item_category=read["category"],
        item_subcategory=read["subcategory"],
        item_is_digital=read["is_digital"],
        item_genres=np.array([codes[tuple(names)] for _, names in named], dtype=np.int16).reshape(
            -1, MOST_GENRES
        ),
    )
    return items, genres


def _genre_codes(
    distinct: Collection[tuple[str, ...]], code: Mapping[str, int]
) -> dict[tuple[str, ...], list[int]]:
    """Return the row of `item_genres` for each of some lists of names."""
    rows = {}
    for names in distinct:
        known = [code[name] for name in known_genres(names) if name in code]
        rows[names] = known + [0] * (MOST_GENRES - len(known))
    return rows


def read_names(connection: psycopg.Connection[Any]) -> tuple[dict[int, str], dict[int, str]]:
    """Return the names of all categories and subcategories by id."""
    tables = (b"select id, name from core.category", b"select id, name from core.subcategory")
    categories, subcategories = (
        {int(key): str(name) for key, name in connection.execute(table)} for table in tables
    )
    return categories, subcategories
