"""A world's past from its database, with the log of what was changed."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from features.horizon import Value
from features.interactions import BOOKING, EVENT_KINDS
from reco.catalogue.rows import rows_of
from reco.core.deposits import Deposit
from reco.db.arrays import NEVER_US, stream_arrays
from reco.db.session import transaction
from reco.frames.exporting import tables_of
from training.replay.past import (
    Before,
    Bookings,
    Columns,
    Deeds,
    Offers,
    Past,
    People,
    Stocks,
)
from training.replay.reading import bookings_in_order, deeds_in_order, homes_of, past_of


def past_from_database(conninfo: str, whose: Collection[int] | None = None) -> Past:
    """Return the past of a migrated database; of people who are erased there is none.

    What was changed since (prices, dates, withdrawals) is taken back from `core.change`.

    Parameters
    ----------
    whose
        Ids in the database of the people whose states are wanted. All others keep their rows, and
        what they booked counts, but there is nothing else of them. None: everybody's.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    with transaction(conninfo, read_only=True) as connection:
        connection.execute("set local statement_timeout = 0")
        wanted = {"everybody": whose is None, "whose": list(whose or ())}
        past = past_of(
            partial(tables_of, connection),
            partial(_people, connection, wanted),
            partial(_bookings, connection),
            partial(_deeds, connection, wanted),
        )
        return _completed(connection, past)


Wanted = Mapping[str, Any]
"""Parameters of queries: whether everybody's is wanted, and else whose."""

_USER_IDS = "select id from core.beneficiary where erased_at is null order by id"
_STOCK_IDS = "select id from core.stock order by id"
OFFER_IDS = "select id from core.offer order by id"
_BOOKINGS = """
select user_id, stock_id, quantity::int4, amount_cents, booked_at,
  coalesce(cancelled_at, 'infinity')
from core.booking
"""
# In an order of its own: what two of them booked at once would be in any, and a digest another.
_OF_ERASED = """
where user_id in (select id from core.beneficiary where erased_at is not null) order by user_id
"""
_JOINED = "select coalesce(created_at, '-infinity') from core.beneficiary"
_BOOKING_TYPES = {
    "user": "int8", "stock": "int8", "quantity": "int4", "amount_cents": "int4", "at_us": "time",
    "cancelled_us": "time",
}  # fmt: skip
_DEEDS = """
select user_id, offer_id, (array_position(%(kinds)s::text[], kind) - 1)::int2,
  coalesce(at, '-infinity')
from core.interaction
where %(everybody)s or kind = %(booking)s or user_id = any(%(whose)s::bigint[])
"""
_DEED_TYPES = {"user": "int8", "offer": "int8", "kind": "int2", "at_us": "time"}


def _people(connection: psycopg.Connection[Any], wanted: Wanted, users: pa.Table) -> People:
    """Return people with what only the database knows: the caps of deposits, and tastes."""
    names = users["user_id"].to_pylist()
    row = {name: at for at, name in enumerate(names)}
    deposits: dict[int, list[Deposit]] = {}
    for name, *terms in connection.execute(_DEPOSITS, wanted):
        deposits.setdefault(row[name], []).append(Deposit(*terms))
    tastes: dict[int, list[tuple[Value, int]]] = {}
    for name, kind, value, at in connection.execute(_TASTES, wanted):
        tastes.setdefault(row[name], []).append(((kind, value), round(at.timestamp() * 1e6)))
    return People(names, homes_of(users), deposits, tastes)


def _bookings(connection: psycopg.Connection[Any], users: pa.Table, _stocks: pa.Table) -> Bookings:
    read = stream_arrays(connection, _BOOKINGS, _BOOKING_TYPES)
    user = rows_of(_ids(connection, _USER_IDS), read.pop("user"))
    stock = rows_of(_ids(connection, _STOCK_IDS), read.pop("stock"))
    return bookings_in_order(len(users), user, stock, **read)


def _deeds(
    connection: psycopg.Connection[Any], wanted: Wanted, users: pa.Table, _offers: pa.Table
) -> Deeds:
    """Read them as numbers: names of so many rows would take minutes."""
    asked = {**wanted, "kinds": list(EVENT_KINDS), "booking": EVENT_KINDS[BOOKING]}
    read = stream_arrays(connection, _DEEDS, _DEED_TYPES, asked)
    user = rows_of(_ids(connection, _USER_IDS), read.pop("user")).astype(np.int32)
    offer = rows_of(_ids(connection, OFFER_IDS), read.pop("offer")).astype(np.int32)
    return deeds_in_order(len(users), user, offer, **read)


def _ids(connection: psycopg.Connection[Any], query: str) -> NDArray[np.int64]:
    return np.asarray(stream_arrays(connection, query, {"id": "int8"})["id"], dtype=np.int64)


_DEPOSITS = """
select b.external_id, d.amount_cents, d.digital_cap_cents, d.physical_cap_cents,
  d.offer_limit_cents, d.granted_at, d.expires_at
from core.deposit d join core.beneficiary b on b.id = d.user_id
where b.erased_at is null and (%(everybody)s or b.id = any(%(whose)s)) order by d.granted_at
"""
_TASTES = """
select b.external_id, t.kind, t.value, t.at
from core.taste t join core.beneficiary b on b.id = t.user_id
where b.erased_at is null and (%(everybody)s or b.id = any(%(whose)s)) order by t.at
"""
# Ids and rows are told apart by their order: both number what there is from the first on.
_STOCKS_BEFORE = """
with numbered as (select id, row_number() over (order by id) - 1 as row from core.stock),
  of_offers as (select id, row_number() over (order by id) - 1 as row from core.offer)
select n.row, c.at, o.row::int4, (c.before->>'price_cents')::int4,
  coalesce((c.before->>'quantity')::int4, 2147483647),
  coalesce((c.before->>'starts_at')::timestamptz, 'infinity'),
  coalesce((c.before->>'ends_at')::timestamptz, 'infinity'),
  coalesce((c.before->>'booking_limit_at')::timestamptz, 'infinity'),
  coalesce((c.before->>'cancelled_at')::timestamptz, 'infinity'),
  coalesce((c.before->>'created_at')::timestamptz, '-infinity')
from core.change c
join numbered n on n.id = c.entity_id
join of_offers o on o.id = (c.before->>'offer_id')::bigint
where c.entity = 'stock' and c.operation = 'update' order by n.row, c.at desc, c.id desc
"""
_STOCK_TYPES = {
    "row": "int8", "until": "time", "offer": "int4", "price_cents": "int4", "places": "int4",
    "starts_us": "time", "ends_us": "time", "limit_us": "time", "cancelled_us": "time",
    "created_us": "time",
}  # fmt: skip
_OFFERS_BEFORE = """
with numbered as (select id, row_number() over (order by id) - 1 as row from core.offer),
  of_items as (select id, row_number() over (order by id) - 1 as row from core.item),
  of_venues as (select id, row_number() over (order by id) as row from core.venue)
select n.row, c.at, i.row::int4, coalesce(v.row, 9223372036854775807),
  (c.before->>'is_duo')::bool,
  coalesce((c.before->>'published_at')::timestamptz, '-infinity'),
  coalesce((c.before->>'withdrawn_at')::timestamptz, 'infinity')
from core.change c
join numbered n on n.id = c.entity_id
join of_items i on i.id = (c.before->>'item_id')::bigint
left join of_venues v on v.id = (c.before->>'venue_id')::bigint
where c.entity = 'offer' and c.operation = 'update' order by n.row, c.at desc, c.id desc
"""
_OFFER_TYPES = {
    "row": "int8", "until": "time", "item": "int4", "venue": "int8", "is_duo": "bool",
    "published_us": "time", "withdrawn_us": "time",
}  # fmt: skip


def _completed(connection: psycopg.Connection[Any], past: Past) -> Past:
    """Return `past` with what only the database knows: who is erased, and rows before changes."""
    unnamed = stream_arrays(connection, _BOOKINGS + _OF_ERASED, _BOOKING_TYPES)
    stock = rows_of(_ids(connection, _STOCK_IDS), unnamed.pop("stock"))
    nobody = np.zeros_like(unnamed.pop("user"))
    joined_us = stream_arrays(connection, _JOINED, {"at_us": "time"})["at_us"]
    stocks = stream_arrays(connection, _STOCKS_BEFORE, _STOCK_TYPES)
    offers = stream_arrays(connection, _OFFERS_BEFORE, _OFFER_TYPES)
    return replace(
        past,
        population=len(joined_us),
        joined_us=np.sort(joined_us[joined_us != NEVER_US]),
        unnamed=bookings_in_order(1, nobody, stock, **unnamed),
        stocks_before=_before(Stocks, stocks) if len(stocks["row"]) else None,
        offers_before=_before(Offers, offers) if len(offers["row"]) else None,
    )


def _before(kind: type[Columns], read: dict[str, NDArray[Any]]) -> Before[Columns]:
    row, until_us = read.pop("row"), read.pop("until")
    return Before(row, until_us, kind(**read))
