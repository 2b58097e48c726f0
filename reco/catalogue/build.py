"""Build the catalogue from the database, as of any moment."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue, rows_of, run_starts
from reco.db.arrays import fetch_arrays

_DIGITAL = np.iinfo(np.int64).max
"""Stands for the missing venue of a digital offer; sorts after every venue."""

_STOCKS = """
select s.id, s.offer_id, coalesce(o.venue_id, 9223372036854775807), o.item_id, s.price_cents,
  coalesce(s.starts_at, 'infinity'),
  greatest(coalesce(o.published_at, '-infinity'), coalesce(s.created_at, '-infinity')),
  least(o.withdrawn_at, s.cancelled_at, s.booking_limit_at, s.starts_at, 'infinity')
from core.stock s
join core.offer o on o.id = s.offer_id
left join (
  select b.stock_id, sum(b.quantity) as taken
  from core.booking b join core.stock limited on limited.id = b.stock_id
  where limited.quantity is not null
    and b.booked_at <= %(at)s and (b.cancelled_at is null or b.cancelled_at > %(at)s)
  group by b.stock_id
) t on t.stock_id = s.id
where least(o.withdrawn_at, s.cancelled_at, s.booking_limit_at, s.starts_at, 'infinity') > %(at)s
  and (s.quantity is null or s.quantity > coalesce(t.taken, 0))
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
}

_BOOKINGS = """
select offer_id, count(*)::int4 from (
  select s.offer_id from core.booking b join core.stock s on s.id = b.stock_id
  where b.booked_at <= %(at)s and b.booked_at > %(at)s::timestamptz - interval '28 days'
    and (b.cancelled_at is null or b.cancelled_at > %(at)s)
  union all
  select offer_id from core.interaction
  where kind = 'booking' and (at is null
    or (at <= %(at)s and at > %(at)s::timestamptz - interval '28 days'))
) recent
group by offer_id order by offer_id
"""

_OLDEST_OPEN = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEWEST_CHANGE = """
select coalesce(max(transaction_id), 0) from (
  select transaction_id from core.change order by id desc limit 1000
) last
"""

_ITEMS = """
select i.id, i.category_id, coalesce(i.subcategory_id, 0)::int2,
  coalesce(s.is_digital, false), coalesce(s.is_physical, false)
from core.item i left join core.subcategory s on s.id = i.subcategory_id
where i.id = any(%(ids)s)
order by i.id
"""
_ITEM_TYPES = {
    "item": "int8",
    "category": "int2",
    "subcategory": "int2",
    "is_digital": "bool",
    "is_physical": "bool",
}


def build_catalogue(connection: psycopg.Connection[Any], at: datetime) -> Catalogue:
    """Return the catalogue as it stood at `at`.

    Stocks that are past, withdrawn, cancelled or sold out at `at` are left out; those that open
    later are kept, closed until then. `at` may lie in the past: what was booked or cancelled after
    it is ignored.

    Parameters
    ----------
    connection
        Not in a transaction; the whole catalogue is read in one snapshot of the database.
    at
        With a time zone.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local statement_timeout = 0")
        moment = {"at": at}
        stocks = fetch_arrays(connection, _STOCKS, _STOCK_TYPES, moment)
        booked = fetch_arrays(connection, _BOOKINGS, {"offer": "int8", "count": "int4"}, moment)
        wanted = {"ids": np.unique(stocks["item"]).tolist()}
        items = fetch_arrays(connection, _ITEMS, _ITEM_TYPES, wanted)
        named = connection.execute(
            "select external_id from core.item where id = any(%(ids)s) order by id", wanted
        ).fetchall()
        users = _scalar(connection, "select count(*) from core.beneficiary")
        seen_before_xid = _scalar(connection, _OLDEST_OPEN)
        categories = _names(connection, "select id, name from core.category")
        subcategories = _names(connection, "select id, name from core.subcategory")
    return Catalogue(
        version=_version(at, stocks, items),
        at=at,
        categories=categories,
        subcategories=subcategories,
        users=users,
        seen_before_xid=seen_before_xid,
        **_grouped(stocks, booked, items["item"]),
        item_id=items["item"],
        item_external_id=np.array([name.encode() for (name,) in named], dtype=np.bytes_),
        item_category=items["category"],
        item_subcategory=items["subcategory"],
        item_is_digital=items["is_digital"],
        item_is_physical=items["is_physical"],
    )


def newest_change(connection: psycopg.Connection[Any]) -> int:
    """Return the highest transaction of the last entries of `core.change`, 0 where there is none.

    Entries get their ids before they are committed: what counts is whose transaction was over.
    """
    return _scalar(connection, _NEWEST_CHANGE)


def _grouped(
    stocks: dict[str, NDArray[Any]], booked: dict[str, NDArray[Any]], item_id: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Group stocks by offer and offers by venue; the rows come in that order."""
    first = np.flatnonzero(run_starts(stocks["offer"]))
    offer_id, offer_venue = stocks["offer"][first], stocks["venue"][first]
    venue_id = np.unique(offer_venue[offer_venue != _DIGITAL])
    bounds = np.append(venue_id, _DIGITAL)
    counted = rows_of(booked["offer"], offer_id)
    bookings = np.zeros(len(offer_id), dtype=np.int32)
    bookings[counted >= 0] = booked["count"][counted[counted >= 0]]
    return {
        "venue_id": venue_id,
        "offer_start": np.append(np.searchsorted(offer_venue, bounds), len(offer_id)),
        "offer_id": offer_id,
        "offer_item": rows_of(item_id, stocks["item"][first]).astype(np.int32),
        "offer_bookings": bookings,
        "stock_start": np.append(first, len(stocks["stock"])),
        "stock_id": stocks["stock"],
        "stock_price_cents": stocks["price_cents"],
        "stock_starts_us": stocks["starts"],
        "stock_opens_us": stocks["opens"],
        "stock_closes_us": stocks["closes"],
    }


def _scalar(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _names(connection: psycopg.Connection[Any], query: str) -> dict[int, str]:
    return {int(key): str(name) for key, name in connection.execute(query.encode())}


def _version(at: datetime, *groups: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for group in groups:
        for column in group.values():
            digest.update(np.ascontiguousarray(column).data)
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"
