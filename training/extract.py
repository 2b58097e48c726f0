"""What people did, from a folder of frames or from a world's database; both give the same events.

Events are the interactions and the bookings, the cancelled ones among them, each on the item of its
offer; `Events.standing` leaves out what does not stand. They come in one order whatever their
source, so that training can be repeated to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.interactions import BOOKING, EVENT_KINDS, SPLITS, Events, encoded_ids
from reco.db.arrays import FOREVER_US, stream_arrays
from reco.db.session import transaction
from reco.errors import InvalidInput
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, FrameSource


@dataclass(frozen=True)
class _Deeds:
    """Events whose offers are not yet turned into items; see `Events` for the columns."""

    user: NDArray[np.int32]
    offer: NDArray[np.int32]
    kind: NDArray[np.int8]
    at: NDArray[np.datetime64]
    value: NDArray[np.float32]
    split: NDArray[np.int8]
    cancelled: NDArray[np.datetime64]


def events_from_frames(folder: Path) -> Events:
    """Return the events of a folder of frames.

    Raises
    ------
    InvalidInput
        A file or a column is missing, or a row names a user, item, offer or stock that is not
        there.
    FramesRefused
        There are bad rows.
    """
    return events_from_source(FolderSource(folder))


def events_from_source(source: FrameSource) -> Events:
    """Return the events of any set of frames; see `events_from_frames`."""
    return events_and_offers(source)[0]


def events_and_offers(source: FrameSource) -> tuple[Events, NDArray[np.int32]]:
    """Return the events of `source`, and the row of each one's offer among the sorted offer ids."""
    users = _once(_sorted(_table(source, "users", "user_id").column(0)), "users.user_id")
    items = _once(_sorted(_table(source, "items", "item_id").column(0)), "items.item_id")
    offers = _table(source, "offers", "offer_id", "item_id", "withdrawn_at").sort_by("offer_id")
    _once(offers["offer_id"].combine_chunks(), "offers.offer_id")
    offer_item = _rows(offers["item_id"], items, "offers.item_id")
    deeds = [_interactions(source, users, offers["offer_id"])]
    if "bookings" in source.names:
        deeds.append(_bookings(source, users, offers["offer_id"]))
    closes = _closes(source, offers, offer_item, len(items))
    events, offer = _events(_as_bytes(users), _as_bytes(items), offer_item, deeds, closes)
    lonlat, category = _lonlat(source, offer_item, len(items)), _category(source)
    return replace(events, lonlat=lonlat, category=category), offer


def events_from_database(conninfo: str) -> Events:
    """Return the events of a migrated database; of people who are erased there are none.

    Parameters
    ----------
    conninfo
        libpq URL.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    with transaction(conninfo, read_only=True) as connection:
        return _fetched(connection)


def _events(
    users: NDArray[np.bytes_],
    items: NDArray[np.bytes_],
    offer_item: NDArray[np.int32],
    deeds: Sequence[_Deeds],
    closes: NDArray[np.datetime64],
) -> tuple[Events, NDArray[np.int32]]:
    """Keep what is there twice once, the first of it; drop who is unknown; put all in order.

    Of bookings of one moment that one is kept which stands, or stood longest.
    """
    together = _Deeds(
        *(np.concatenate([getattr(part, f.name) for part in deeds]) for f in fields(_Deeds))
    )
    at_us = together.at.view(np.int64)
    ends_us = np.where(np.isnat(together.cancelled), _FOREVER, together.cancelled.view(np.int64))
    order = np.lexsort((-ends_us, together.kind, together.offer, at_us, together.user))
    known = (together.user >= 0) & (together.offer >= 0)
    order = order[known[order]]
    first = np.zeros(len(order), dtype=np.bool_)
    first[:1] = True
    for column in (together.user, at_us, together.offer, together.kind):
        ordered = column[order]
        first[1:] |= ordered[1:] != ordered[:-1]
    kept = order[first]
    offer = together.offer[kept]
    events = Events(
        users=users,
        items=items,
        user=together.user[kept],
        item=offer_item[offer],
        kind=together.kind[kept],
        at=together.at[kept],
        value=together.value[kept],
        split=together.split[kept],
        closes=closes,
        # Most data tell of no cancellation: they are spared a column of a date an event.
        cancelled=None if np.isnat(together.cancelled).all() else together.cancelled[kept],
    )
    return events, offer


def _interactions(source: FrameSource, users: pa.Array, offers: pa.ChunkedArray) -> _Deeds:
    table = _table(source, *_INTERACTION)
    return _Deeds(
        user=_rows(table["user_id"], users, "interactions.user_id"),
        offer=_rows(table["offer_id"], offers, "interactions.offer_id"),
        kind=_codes(table["kind"], EVENT_KINDS),
        at=_times(table["at"]),
        value=_numpy(table["value"].cast(pa.float32(), safe=False), np.float32(np.nan)),
        split=_codes(table["split"], SPLITS),
        cancelled=_never(len(table)),
    )


def _bookings(source: FrameSource, users: pa.Array, offers: pa.ChunkedArray) -> _Deeds:
    table = _table(source, "bookings", "user_id", "stock_id", "booked_at", "cancelled_at")
    stocks = _table(source, "stocks", "stock_id", "offer_id")
    stock_offer = _rows(stocks["offer_id"], offers, "stocks.offer_id")
    stock = _rows(table["stock_id"], stocks["stock_id"], "bookings.stock_id")
    user = _rows(table["user_id"], users, "bookings.user_id")
    cancelled = _times(table["cancelled_at"])
    return _booked(user, stock_offer[stock], _times(table["booked_at"]), cancelled)


def _closes(
    source: FrameSource, offers: pa.Table, offer_item: NDArray[np.int32], items: int
) -> NDArray[np.datetime64]:
    """Return when the last stock of each item closes."""
    ends = ("starts_at", "booking_limit_at", "cancelled_at")
    stocks = _table(source, "stocks", "offer_id", *ends)
    offer = _rows(stocks["offer_id"], offers["offer_id"], "stocks.offer_id")
    columns = [offers["withdrawn_at"].take(pa.array(offer)), *(stocks[name] for name in ends)]
    end_us = pc.min_element_wise(*(column.cast(pa.int64()) for column in columns))
    return _last_closing(offer_item[offer], _numpy(end_us, _FOREVER), items)


def _lonlat(source: FrameSource, offer_item: NDArray[np.int32], items: int) -> NDArray[np.float64]:
    """Return where each item is, NaN where it is nowhere or at several venues."""
    venues = _table(source, "venues", "venue_id", "lon", "lat")
    offers = _table(source, "offers", "offer_id", "venue_id").sort_by("offer_id")
    venue = _numpy(pc.index_in(offers["venue_id"], value_set=venues["venue_id"]), np.int32(-1))
    lowest, highest = np.full(items, len(venues)), np.full(items, -2)
    np.minimum.at(lowest, offer_item, venue)
    np.maximum.at(highest, offer_item, venue)
    is_one = (lowest == highest) & (lowest >= 0)
    lonlat = np.full((items, 2), np.nan)
    for axis, name in enumerate(("lon", "lat")):
        degrees = venues[name].to_numpy()
        lonlat[is_one, axis] = degrees[lowest[is_one]]
    return lonlat


def _category(source: FrameSource) -> NDArray[np.int32]:
    """Return the number of each item's category among the names, sorted."""
    items = _table(source, "items", "item_id", "category").sort_by("item_id")
    names = encoded_ids(items["category"].to_pylist())
    return np.unique(names, return_inverse=True)[1].astype(np.int32)


def _last_closing(
    item: NDArray[np.int32], end_us: NDArray[np.int64], items: int
) -> NDArray[np.datetime64]:
    """Return the latest end of each item: never (NaT) before ever, long ago where it has none."""
    last = np.full(items, _LONG_AGO_US)
    np.maximum.at(last, item, end_us)
    return np.where(last == _FOREVER, _NAT, last).view("datetime64[us]")


def _booked(
    user: NDArray[np.int32],
    offer: NDArray[np.int32],
    at: NDArray[np.datetime64],
    cancelled: NDArray[np.datetime64],
) -> _Deeds:
    rows = len(user)
    return _Deeds(
        user=user,
        offer=offer,
        kind=np.full(rows, BOOKING, dtype=np.int8),
        at=at,
        value=np.full(rows, np.nan, dtype=np.float32),
        split=np.full(rows, -1, dtype=np.int8),
        cancelled=cancelled,
    )


def _never(rows: int) -> NDArray[np.datetime64]:
    return np.full(rows, _NAT).view("datetime64[us]")


def _table(source: FrameSource, name: str, *columns: str) -> pa.Table:
    """Return columns of a frame, in memory; all its rows are checked."""
    pieces = [piece.table.select(columns) for piece in source.pieces(name)]
    return pa.concat_tables(pieces or [FRAMES[name].arrow_schema().empty_table().select(columns)])


def _sorted(ids: pa.ChunkedArray) -> pa.Array:
    return ids.take(pc.sort_indices(ids)).combine_chunks()


def _once(ordered: pa.Array, what: str) -> pa.Array:
    """Return ids that are in order, or raise `InvalidInput` where one of them is there twice."""
    if len(ordered) and pc.any(is_twice := pc.equal(ordered[1:], ordered[:-1])).as_py():
        twice = ordered[:-1].filter(is_twice)[0].as_py()
        raise InvalidInput(what, f"{twice!r} is there twice")
    return ordered


def _as_bytes(ids: pa.Array) -> NDArray[np.bytes_]:
    return np.array(ids.cast(pa.binary()).to_pylist(), dtype=np.bytes_)


def _rows(ids: pa.ChunkedArray, known: pa.Array, what: str) -> NDArray[np.int32]:
    """Return the place of each of `ids` in `known`."""
    rows = pc.index_in(ids, value_set=known)
    if rows.null_count:
        unknown = ids.filter(rows.is_null())[0].as_py()
        raise InvalidInput(what, f"{unknown!r} does not exist")
    return _numpy(rows, np.int32(0))


def _codes(values: pa.ChunkedArray, accepted: Sequence[str]) -> NDArray[np.int8]:
    places = pc.index_in(values, value_set=pa.array(accepted))
    return _numpy(places.cast(pa.int8()), np.int8(-1))


def _times(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    return _numpy(column.cast(pa.int64()), _NAT).view("datetime64[us]")


def _numpy(column: pa.ChunkedArray, missing: np.generic) -> NDArray[Any]:
    filled = pc.fill_null(column, pa.scalar(missing.item(), column.type))
    values: NDArray[Any] = filled.to_numpy()
    return values


_NAT = np.int64(np.iinfo(np.int64).min)
_FOREVER = np.int64(FOREVER_US)
_LONG_AGO_US = np.int64(0)
_INTERACTION = ("interactions", "user_id", "offer_id", "kind", "at", "value", "split")


@dataclass(frozen=True)
class _Vocabulary:
    """External ids, sorted; and internal ids, sorted, with the external row of each."""

    names: NDArray[np.bytes_]
    ids: NDArray[np.int64]
    row: NDArray[np.int32]

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the external rows of internal `ids`; -1 where there is none."""
        if not len(self.ids):
            return np.full(len(ids), -1, dtype=np.int32)
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[place] == ids, self.row[place], -1).astype(np.int32)


_COLUMNS: Mapping[str, str] = {
    "user": "int8",
    "offer": "int8",
    "kind": "int2",
    "at": "time",
    "value": "float4",
    "split": "int2",
}
_USERS_QUERY = b"""
    select id, external_id from core.beneficiary where erased_at is null order by id
"""
_INTERACTIONS_QUERY = """
    select user_id, offer_id,
           (array_position(%(kinds)s::text[], kind) - 1)::smallint,
           coalesce(at, '-infinity'), coalesce(value, 'NaN'),
           (coalesce(array_position(%(splits)s::text[], split), 0) - 1)::smallint
    from core.interaction
"""
_BOOKINGS_QUERY = """
    select b.user_id, s.offer_id, b.booked_at, coalesce(b.cancelled_at, '-infinity')
    from core.booking b join core.stock s on s.id = b.stock_id
"""
_CLOSES_QUERY = """
    select o.item_id,
           max(least(o.withdrawn_at, s.cancelled_at, s.booking_limit_at, s.starts_at, 'infinity'))
    from core.stock s join core.offer o on o.id = s.offer_id
    group by o.item_id
"""

_PLACES_QUERY = """
select o.item_id, min(st_x(v.location::geometry)), min(st_y(v.location::geometry))
from core.offer o left join core.venue v on v.id = o.venue_id
group by o.item_id
having count(distinct o.venue_id) = 1 and count(o.venue_id) = count(*)
"""

_CATEGORIES_QUERY = """
    select i.id, (dense_rank() over (order by c.name collate "C") - 1)::integer
    from core.item i join core.category c on c.id = i.category_id
"""


def _fetched(connection: psycopg.Connection[Any]) -> Events:
    users = _vocabulary(connection, _USERS_QUERY)
    items = _vocabulary(connection, b"select id, external_id from core.item order by id")
    offers = _vocabulary(connection, b"select id, external_id from core.offer order by id")
    of_offer = stream_arrays(
        connection, "select id, item_id from core.offer", {"id": "int8", "item": "int8"}
    )
    offer_item = np.empty(len(offers.names), dtype=np.int32)
    offer_item[offers.rows(of_offer["id"])] = items.rows(of_offer["item"])
    deeds = [
        _fetched_interactions(connection, users, offers),
        _fetched_bookings(connection, users, offers),
    ]
    ends = stream_arrays(connection, _CLOSES_QUERY, {"item": "int8", "end": "time"})
    closes = _last_closing(items.rows(ends["item"]), ends["end"], len(items.names))
    places = stream_arrays(
        connection, _PLACES_QUERY, {"item": "int8", "lon": "float8", "lat": "float8"}
    )
    lonlat = np.full((len(items.names), 2), np.nan)
    lonlat[items.rows(places["item"])] = np.stack([places["lon"], places["lat"]], axis=1)
    kinds = stream_arrays(connection, _CATEGORIES_QUERY, {"item": "int8", "category": "int4"})
    category = np.empty(len(items.names), dtype=np.int32)
    category[items.rows(kinds["item"])] = kinds["category"]
    events, _ = _events(users.names, items.names, offer_item, deeds, closes)
    return replace(events, lonlat=lonlat, category=category)


def _fetched_interactions(
    connection: psycopg.Connection[Any], users: _Vocabulary, offers: _Vocabulary
) -> _Deeds:
    parameters = {"kinds": list(EVENT_KINDS), "splits": list(SPLITS)}
    columns = stream_arrays(connection, _INTERACTIONS_QUERY, _COLUMNS, parameters)
    return _Deeds(
        user=users.rows(columns["user"]),
        offer=offers.rows(columns["offer"]),
        kind=columns["kind"].astype(np.int8),
        # A missing time comes as `-infinity`, whose bits are NumPy's NaT.
        at=columns["at"].view("datetime64[us]"),
        value=columns["value"],
        split=columns["split"].astype(np.int8),
        cancelled=_never(len(columns["user"])),
    )


def _fetched_bookings(
    connection: psycopg.Connection[Any], users: _Vocabulary, offers: _Vocabulary
) -> _Deeds:
    kinds = {"user": "int8", "offer": "int8", "at": "time", "cancelled": "time"}
    columns = stream_arrays(connection, _BOOKINGS_QUERY, kinds)
    return _booked(
        users.rows(columns["user"]),
        offers.rows(columns["offer"]),
        columns["at"].view("datetime64[us]"),
        columns["cancelled"].view("datetime64[us]"),
    )


def _vocabulary(connection: psycopg.Connection[Any], query: bytes) -> _Vocabulary:
    """Return the vocabulary of a table from a query of its ids, in order, and external ids."""
    found = connection.cursor(binary=True).execute(query).fetchall()
    ids = np.array([row[0] for row in found], dtype=np.int64)
    names = encoded_ids([row[1] for row in found])
    order = np.argsort(names)
    row = np.empty(len(order), dtype=np.int32)
    row[order] = np.arange(len(order), dtype=np.int32)
    return _Vocabulary(names[order], ids, row)
