"""A world's past from its frames, or from its database with the log of what was changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.horizon import Value
from features.interactions import EVENT_KINDS, encoded_ids
from reco.catalogue.shelf import ONLINE
from reco.catalogue.snapshot import MOST_GENRES, Items
from reco.catalogue.venues import Venues
from reco.catalogue.vocabulary import codes_by_name, extended
from reco.core.deposits import Deposit
from reco.db.arrays import FOREVER_US, NEVER_US, fetch_arrays
from reco.db.session import transaction
from reco.frames.exporting import tables_of
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource
from training.columns import cents, rows_in, times_us
from training.replay.past import (
    UNLIMITED_PLACES,
    Before,
    Bookings,
    Columns,
    Deeds,
    Names,
    Offers,
    Past,
    People,
    Stocks,
)

Pieces = Callable[[str], Iterator[pa.Table]]
"""The name of a frame -> its rows, in pieces; none where there is no such frame."""

_AT_ONCE = 2_000_000
"""Rows of a long frame that are turned into numbers together."""

_CAPS = (20_000, 20_000, 30_000)
"""What may go to digital and to physical goods and to one offer, in cents: the policy of a new
world, by which an import grants deposits."""


def past_from_folder(folder: Path) -> Past:
    """Return the past that a folder of frames tells: prices and the like as they are in it.

    Raises
    ------
    InvalidInput
        A file or a column is missing.
    FramesRefused
        There are bad rows.
    """
    source = FolderSource(folder)

    def pieces(name: str) -> Iterator[pa.Table]:
        if name in source.names:
            for piece in source.pieces(name):
                yield piece.table

    return past_of(pieces)


def past_from_database(conninfo: str) -> Past:
    """Return the past of a migrated database; of people who are erased there is none.

    What was changed since (prices, dates, withdrawals) is taken back from `core.change`.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    with transaction(conninfo, read_only=True) as connection:
        connection.execute("set local statement_timeout = 0")
        past = past_of(partial(tables_of, connection))
        return _completed(connection, past)


def past_of(pieces: Pieces) -> Past:
    """Return the past that frames tell; of the caps of a deposit they say nothing (`_CAPS`)."""
    items, venues, offers, stocks, users = (
        _whole(pieces, name) for name in ("items", "venues", "offers", "stocks", "users")
    )
    categories = _named(pc.unique(items["category"]))
    taxonomy = _taxonomy(pieces, items)
    works, genres = _items(items, categories, taxonomy)
    places, venue_types = _venues(venues)
    return Past(
        items=works,
        categories=categories,
        subcategories=taxonomy[0],
        flags=taxonomy[1],
        genres=genres,
        venues=places,
        venue_types=venue_types,
        offers=_offers(offers, items, venues),
        offers_before=None,
        stocks=_stocks(stocks, offers),
        stocks_before=None,
        people=_people(users),
        bookings=_bookings(pieces, users, stocks),
        deeds=_deeds(pieces, users, offers),
        names=Names(
            item_title=items["title"],
            item_genres=items["genre"],
            item_description=items["description"],
            item_image_url=items["image_url"],
            offer_id=offers["offer_id"],
            stock_id=stocks["stock_id"],
            venue_name=venues["name"],
        ),
    )


def _whole(pieces: Pieces, name: str) -> pa.Table:
    empty = FRAMES[name].arrow_schema().empty_table()
    return pa.concat_tables([empty, *pieces(name)]).combine_chunks()


def _large_pieces(pieces: Pieces, name: str) -> Iterator[pa.Table]:
    """Yield a frame in pieces that are large enough to look many ids up at once."""
    waiting: list[pa.Table] = []
    for piece in pieces(name):
        waiting.append(piece)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    yield pa.concat_tables([FRAMES[name].arrow_schema().empty_table(), *waiting])


def _named(names: pa.ChunkedArray | pa.Array) -> dict[int, str]:
    return {key: name for key, name in enumerate(names.to_pylist(), start=1) if name is not None}


def _taxonomy(pieces: Pieces, items: pa.Table) -> tuple[dict[int, str], NDArray[np.int8]]:
    """Return the names of the subcategories by id, and what is known of each."""
    known = pc.unique(items["subcategory"].drop_null()).to_pylist()
    flags = dict.fromkeys(known, (-1, -1, -1))
    columns = _whole(pieces, "taxonomy").to_pydict()
    told = (columns[name] for name in ("is_event", "is_digital", "is_physical"))
    flags |= dict(zip(columns["subcategory"], zip(*told, strict=True), strict=True))
    table = [(-1, -1, -1), *flags.values()]
    return dict(enumerate(flags, start=1)), np.array(table, dtype=np.int8)


def _items(
    items: pa.Table,
    categories: Mapping[int, str],
    taxonomy: tuple[dict[int, str], NDArray[np.int8]],
) -> tuple[Items, tuple[str, ...]]:
    subcategory = rows_in(items["subcategory"], pa.array(taxonomy[0].values(), pa.string()), -1) + 1
    category = rows_in(items["category"], pa.array(categories.values(), pa.string()), -1) + 1
    dictionary = items["genre"].combine_chunks().dictionary_encode()
    lists = [cell.split("|") for cell in dictionary.dictionary.to_pylist()]
    genres = extended((), (name for names in lists for name in names))
    code = codes_by_name(genres)
    coded = np.zeros((len(lists) + 1, MOST_GENRES), dtype=np.int16)
    for row, names in enumerate(lists):
        known = [code[name] for name in sorted(set(names)) if name in code][:MOST_GENRES]
        coded[row, : len(known)] = known
    which = pc.fill_null(dictionary.indices, len(lists)).to_numpy()
    works = Items(
        item_id=np.arange(1, len(items) + 1),
        item_external_id=encoded_ids(items["item_id"].to_pylist()),
        item_category=category.astype(np.int16),
        item_subcategory=subcategory.astype(np.int16),
        item_is_digital=taxonomy[1][subcategory, 1] == 1,
        item_genres=coded[which],
    )
    return works, genres


def _venues(venues: pa.Table) -> tuple[Venues, tuple[str, ...]]:
    kinds = venues["venue_type"].to_pylist()
    venue_types = extended((), kinds)
    code = codes_by_name(venue_types)
    places = Venues.by_place(
        ids=np.arange(1, len(venues) + 1),
        lon=venues["lon"].to_numpy(),
        lat=venues["lat"].to_numpy(),
        types=np.array([code.get(kind, 0) for kind in kinds], dtype=np.int16),
        external_ids=encoded_ids(venues["venue_id"].to_pylist()),
    )
    return places, venue_types


def _offers(offers: pa.Table, items: pa.Table, venues: pa.Table) -> Offers:
    venue = rows_in(offers["venue_id"], venues["venue_id"], -1)
    return Offers(
        item=rows_in(offers["item_id"], items["item_id"], -1).astype(np.int32),
        venue=np.where(venue >= 0, venue + 1, ONLINE),
        is_duo=pc.fill_null(offers["is_duo"], False).to_numpy(),
        published_us=times_us(offers["published_at"], NEVER_US),
        withdrawn_us=times_us(offers["withdrawn_at"], FOREVER_US),
    )


def _stocks(stocks: pa.Table, offers: pa.Table) -> Stocks:
    return Stocks(
        offer=rows_in(stocks["offer_id"], offers["offer_id"], -1).astype(np.int32),
        price_cents=cents(stocks["price_eur"]).astype(np.int32),
        places=pc.fill_null(stocks["quantity"], int(UNLIMITED_PLACES)).to_numpy(),
        starts_us=times_us(stocks["starts_at"], FOREVER_US),
        limit_us=times_us(stocks["booking_limit_at"], FOREVER_US),
        cancelled_us=times_us(stocks["cancelled_at"], FOREVER_US),
        created_us=times_us(stocks["created_at"], NEVER_US),
    )


def _people(users: pa.Table) -> People:
    degrees = [users[name].to_numpy().astype(np.float64) for name in ("lon", "lat")]
    granted = users.filter(pc.is_valid(users["credit_eur"]))
    row = np.flatnonzero(pc.is_valid(users["credit_eur"]).to_numpy())
    columns = (granted[name].to_pylist() for name in ("credit_granted_at", "credit_expires_at"))
    deposits = {
        int(user): (Deposit(int(amount), *_CAPS, granted_at, expires_at),)
        for user, amount, granted_at, expires_at in zip(
            row, cents(granted["credit_eur"]), *columns, strict=True
        )
        if granted_at is not None
    }
    names = users["user_id"].to_pylist()
    return People(names, np.round(np.stack(degrees, axis=1), 3), deposits, {})


def _bookings(pieces: Pieces, users: pa.Table, stocks: pa.Table) -> Bookings:
    parts = [
        (
            rows_in(table["user_id"], users["user_id"], -1),
            rows_in(table["stock_id"], stocks["stock_id"], -1),
            table["quantity"].to_numpy(),
            cents(table["amount_eur"]),
            times_us(table["booked_at"], NEVER_US),
            times_us(table["cancelled_at"], FOREVER_US),
        )
        for table in _large_pieces(pieces, "bookings")
    ]
    user, stock, quantity, amount, at_us, cancelled_us = map(
        np.concatenate, zip(*parts, strict=True)
    )
    order = np.lexsort((stock, at_us, user))
    return Bookings(
        start=np.searchsorted(user[order], np.arange(len(users) + 1)),
        stock=stock[order].astype(np.int32),
        quantity=quantity[order].astype(np.int32),
        amount_cents=amount[order].astype(np.int32),
        at_us=at_us[order],
        cancelled_us=cancelled_us[order],
    )


def _deeds(pieces: Pieces, users: pa.Table, offers: pa.Table) -> Deeds:
    kinds = pa.array(EVENT_KINDS)
    parts = [
        (
            rows_in(table["user_id"], users["user_id"], -1).astype(np.int32),
            rows_in(table["offer_id"], offers["offer_id"], -1).astype(np.int32),
            rows_in(table["kind"], kinds, -1).astype(np.int8),
            times_us(table["at"], NEVER_US),
        )
        for table in _large_pieces(pieces, "interactions")
    ]
    user, offer, kind, at_us = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((kind, offer, at_us, user))
    return Deeds(
        start=np.searchsorted(user[order], np.arange(len(users) + 1)),
        offer=offer[order],
        kind=kind[order],
        at_us=at_us[order],
    )


_DEPOSITS = """
select b.external_id, d.amount_cents, d.digital_cap_cents, d.physical_cap_cents,
  d.offer_limit_cents, d.granted_at, d.expires_at
from core.deposit d join core.beneficiary b on b.id = d.user_id
where b.erased_at is null order by d.granted_at
"""
_TASTES = """
select b.external_id, t.kind, t.value, t.at
from core.taste t join core.beneficiary b on b.id = t.user_id
where b.erased_at is null order by t.at
"""
# Ids and rows are told apart by their order: both number what there is from the first on.
_STOCKS_BEFORE = """
with numbered as (select id, row_number() over (order by id) - 1 as row from core.stock),
  of_offers as (select id, row_number() over (order by id) - 1 as row from core.offer)
select n.row, c.at, o.row::int4, (c.before->>'price_cents')::int4,
  coalesce((c.before->>'quantity')::int4, 2147483647),
  coalesce((c.before->>'starts_at')::timestamptz, 'infinity'),
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
    "starts_us": "time", "limit_us": "time", "cancelled_us": "time", "created_us": "time",
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
    """Return `past` with what only the database knows: caps, tastes, and rows before changes."""
    row = {name: at for at, name in enumerate(past.people.names)}
    deposits: dict[int, list[Deposit]] = {}
    for name, *terms in connection.execute(_DEPOSITS).fetchall():
        deposits.setdefault(row[name], []).append(Deposit(*terms))
    tastes: dict[int, list[tuple[Value, int]]] = {}
    for name, kind, value, at in connection.execute(_TASTES).fetchall():
        tastes.setdefault(row[name], []).append(((kind, value), round(at.timestamp() * 1e6)))
    people = People(past.people.names, past.people.home, deposits, tastes)
    stocks = fetch_arrays(connection, _STOCKS_BEFORE, _STOCK_TYPES)
    offers = fetch_arrays(connection, _OFFERS_BEFORE, _OFFER_TYPES)
    return replace(
        past,
        people=people,
        stocks_before=_before(Stocks, stocks) if len(stocks["row"]) else None,
        offers_before=_before(Offers, offers) if len(offers["row"]) else None,
    )


def _before(kind: type[Columns], read: dict[str, NDArray[Any]]) -> Before[Columns]:
    row, until_us = read.pop("row"), read.pop("until")
    return Before(row, until_us, kind(**read))
