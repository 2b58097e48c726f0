"""What can be booked, read from the database: one definition for all offers and for a few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.clock import week_hours
from reco.catalogue.caps import cap_codes, read_flags
from reco.catalogue.rows import rows_of
from reco.catalogue.shelf import ONLINE, RECENT, StockRows
from reco.catalogue.snapshot import MOST_GENRES, Items, known_genres
from reco.catalogue.vocabulary import codes_by_name, extended
from reco.db.arrays import FOREVER_US, fetch_arrays
from reco.moments import known_until

# What is taken is summed for each limited stock that is still open: some hundred thousand of
# millions. Rows are sorted here, not there, where the order of so many takes files.
_STOCKS = """
select s.id, s.offer_id, coalesce(o.venue_id, 9223372036854775807), o.item_id, s.price_cents,
  coalesce(s.starts_at, 'infinity'),
  greatest(coalesce(o.published_at, '-infinity'), coalesce(s.created_at, '-infinity')),
  least(o.withdrawn_at, s.cancelled_at, s.booking_limit_at, s.starts_at, 'infinity'), o.is_duo
from core.stock s
join core.offer o on o.id = s.offer_id
where least(s.booking_limit_at, s.starts_at, 'infinity') > %(now)s
  and (o.withdrawn_at is null or o.withdrawn_at > %(now)s)
  and (s.cancelled_at is null or s.cancelled_at > %(known)s)
  and (s.created_at is null or s.created_at <= %(known)s)
  and (s.quantity is null or s.quantity > (
    select coalesce(sum(b.quantity), 0) from core.booking b
    where b.stock_id = s.id and b.booked_at <= %(known)s
      and (b.cancelled_at is null or b.cancelled_at > %(known)s)
  )) {of_stock}
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
    "is_duo": "bool",
}

_ZONES = """
select id, timezone from core.venue where id = any(%(ids)s) and timezone is not null order by id
"""

# Most bookings are of a stock that others have booked: counted first, few are left to join.
_BOOKINGS = """
select offer_id, sum(times)::int4 from (
  select s.offer_id, of_stock.times from (
    select b.stock_id, count(*) as times from core.booking b
    where b.booked_at <= %(known)s and b.booked_at > %(now)s::timestamptz - %(recent)s
      and (b.cancelled_at is null or b.cancelled_at > %(known)s) {of_booking}
    group by b.stock_id
  ) of_stock
  join core.stock s on s.id = of_stock.stock_id
  union all
  select x.offer_id, 1 from core.interaction x
  where x.kind = 'booking' and (x.at is null
    or (x.at <= %(known)s and x.at > %(now)s::timestamptz - %(recent)s)) {of_interaction}
) recent
group by offer_id order by offer_id
"""

_SOME = {
    "of_stock": "and s.offer_id = any(%(ids)s)",
    "of_booking": "and b.stock_id in (select id from core.stock where offer_id = any(%(ids)s))",
    "of_interaction": "and x.offer_id = any(%(ids)s)",
}
_EVERY = dict.fromkeys(_SOME, "")

_ASKED = """
with asked as materialized (
  select id, external_id, category_id, subcategory_id, genres from core.item
  where id = any(%(ids)s::bigint[])
)"""
# Most items share their genres with many others: lists are told once, by number.
_GENRES = "{asked} select genres from asked group by genres order by genres"
_ITEMS = """
{asked}
select i.id, i.category_id, coalesce(i.subcategory_id, 0)::int2, coalesce(s.is_digital, false),
  i.external_id, l.place
from asked i
join (
  select genres, row_number() over (order by genres) - 1 as place from asked group by genres
) l on l.genres = i.genres
left join core.subcategory s on s.id = i.subcategory_id
order by i.id
"""
_ITEM_TYPES = {
    "item": "int8",
    "category": "int2",
    "subcategory": "int2",
    "is_digital": "bool",
    "external_id": "text",
    "genres": "int8",
}


@dataclass(frozen=True)
class OffersRead:
    """Offers as they stand: stocks that can be booked, and how often each offer was."""

    stocks: dict[str, NDArray[Any]]
    """(S,) columns `stock`, `offer`, `venue`, `item` (ids), `price_cents`, `starts`, `opens`,
    `closes` (µs since 1970), `is_duo` and `week_hour` (`features.clock`), by venue, offer, start
    and id."""
    booked: dict[str, NDArray[Any]]
    """`count` by ascending `offer`."""
    flags: NDArray[np.int8]
    """Of subcategories, by id (`cap_codes`)."""

    def rows(self, item: NDArray[np.int64], items: Items) -> StockRows:
        """Return the stocks as rows; `item` (S,) is the row of each one's work in `items`."""
        stocks, booked = self.stocks, self.booked
        counted = rows_of(booked["offer"], stocks["offer"])
        bookings = np.zeros(len(counted), dtype=np.int32)
        bookings[counted >= 0] = booked["count"][counted[counted >= 0]]
        cap = cap_codes(
            self.flags[items.item_subcategory[item]],
            stocks["starts"] != FOREVER_US,
            stocks["venue"] != ONLINE,
        )
        told: dict[str, NDArray[Any]] = {
            "item": item.astype(np.int32),
            "bookings": bookings,
            "cap": cap,
        }
        return StockRows(**(stocks | told))


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
    asked = {"now": now, "known": known_until(as_of), "recent": RECENT, "ids": offer_ids}
    some = _EVERY if offer_ids is None else _SOME
    read = fetch_arrays(connection, _STOCKS.format(**some), _STOCK_TYPES, asked)
    order = np.lexsort((read["stock"], read["starts"], read["offer"], read["venue"]))
    stocks = {name: column[order] for name, column in read.items()}
    stocks["week_hour"] = _week_hours(connection, stocks["starts"], stocks["venue"])
    counted = {"offer": "int8", "count": "int4"}
    booked = fetch_arrays(connection, _BOOKINGS.format(**some), counted, asked)
    return OffersRead(stocks, booked, read_flags(connection))


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
    # Text, which the driver takes as it is; a list it looks through.
    wanted = {"ids": f"{{{','.join(map(str, ids.tolist()))}}}"}
    read = fetch_arrays(connection, _ITEMS.format(asked=_ASKED), _ITEM_TYPES, wanted)
    lists = [names for (names,) in connection.execute(_GENRES.format(asked=_ASKED), wanted)]
    genres = extended(genres, {name for names in lists for name in names})
    items = Items(
        item_id=read["item"],
        item_external_id=read["external_id"],
        item_category=read["category"],
        item_subcategory=read["subcategory"],
        item_is_digital=read["is_digital"],
        item_genres=_genre_codes(lists, codes_by_name(genres))[read["genres"]],
    )
    return items, genres


def _genre_codes(lists: Sequence[Sequence[str]], code: Mapping[str, int]) -> NDArray[np.int16]:
    """Return the row of `item_genres` for each of some lists of names."""
    codes = np.zeros((len(lists), MOST_GENRES), dtype=np.int16)
    for row, names in zip(codes, lists, strict=True):
        known = [code[name] for name in known_genres(names) if name in code]
        row[: len(known)] = known
    return codes


def read_names(connection: psycopg.Connection[Any]) -> tuple[dict[int, str], dict[int, str]]:
    """Return the names of all categories and subcategories by id."""
    tables = (b"select id, name from core.category", b"select id, name from core.subcategory")
    categories, subcategories = (
        {int(key): str(name) for key, name in connection.execute(table)} for table in tables
    )
    return categories, subcategories
