"""A world's past from its frames."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.interactions import EVENT_KINDS, encoded_ids
from reco.catalogue.shelf import ONLINE
from reco.catalogue.snapshot import MOST_GENRES, Items
from reco.catalogue.venues import Venues
from reco.catalogue.vocabulary import codes_by_name, extended
from reco.core.deposits import Deposit
from reco.db.arrays import FOREVER_US, NEVER_US
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, FrameSource
from training.columns import cents, coarse_degrees, rows_in, times_us
from training.replay.past import (
    UNLIMITED_PLACES,
    Bookings,
    Deeds,
    Names,
    Offers,
    Past,
    People,
    Stocks,
)

Pieces = Callable[[str], Iterator[pa.Table]]
"""The name of a frame -> its rows, in pieces; none where there is no such frame."""

ReadPeople = Callable[[pa.Table], People]
ReadBookings = Callable[[pa.Table, pa.Table], Bookings]
ReadDeeds = Callable[[pa.Table, pa.Table], Deeds]

_AT_ONCE = 2_000_000
"""Rows of a long frame that are turned into numbers together."""

CAPS_CENTS = (20_000, 20_000, 30_000)
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
    return past_from_source(FolderSource(folder))


def past_from_source(source: FrameSource) -> Past:
    """Return the past that any set of frames tells; see `past_from_folder`."""

    def pieces(name: str) -> Iterator[pa.Table]:
        if name in source.names:
            for piece in source.pieces(name):
                yield piece.table

    return past_of(pieces, _people, partial(_bookings, pieces), partial(_deeds, pieces))


def past_of(
    pieces: Pieces, read_people: ReadPeople, read_bookings: ReadBookings, read_deeds: ReadDeeds
) -> Past:
    """Return the past that frames tell.

    Parameters
    ----------
    read_people
        Of the frame of users.
    read_bookings
        Of the frames of users and stocks.
    read_deeds
        Of the frames of users and offers.
    """
    items, venues, offers, stocks, users = (
        _whole(pieces, name) for name in ("items", "venues", "offers", "stocks", "users")
    )
    categories = categories_of(items)
    taxonomy = taxonomy_of(pieces, items)
    works, genres = works_of(items, categories, taxonomy)
    places, venue_types = _venues(venues)
    return Past(
        items=works,
        categories=categories,
        subcategories=taxonomy[0],
        flags=taxonomy[1],
        genres=genres,
        venues=places,
        venue_types=venue_types,
        venue_zones=tuple(venues["timezone"].to_pylist()),
        offers=_offers(offers, items, venues),
        offers_before=None,
        stocks=_stocks(stocks, offers),
        stocks_before=None,
        people=read_people(users),
        population=len(users),
        joined_us=np.empty(0, dtype=np.int64),
        bookings=read_bookings(users, stocks),
        unnamed=_NO_BOOKINGS,
        deeds=read_deeds(users, offers),
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


def categories_of(items: pa.Table) -> dict[int, str]:
    """Return the names of the categories by id."""
    return _named(pc.unique(items["category"]))


def taxonomy_of(pieces: Pieces, items: pa.Table) -> tuple[dict[int, str], NDArray[np.int8]]:
    """Return the names of the subcategories by id, and what is known of each."""
    known = pc.unique(items["subcategory"].drop_null()).to_pylist()
    flags = dict.fromkeys(known, (-1, -1, -1))
    columns = _whole(pieces, "taxonomy").to_pydict()
    told = (columns[name] for name in ("is_event", "is_digital", "is_physical"))
    flags |= dict(zip(columns["subcategory"], zip(*told, strict=True), strict=True))
    table = [(-1, -1, -1), *flags.values()]
    return dict(enumerate(flags, start=1)), np.array(table, dtype=np.int8)


def works_of(
    items: pa.Table,
    categories: Mapping[int, str],
    taxonomy: tuple[dict[int, str], NDArray[np.int8]],
) -> tuple[Items, tuple[str, ...]]:
    """Return the items of a frame in its order, and the names of their genres."""
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
        ends_us=times_us(stocks["ends_at"], FOREVER_US),
        limit_us=times_us(stocks["booking_limit_at"], FOREVER_US),
        cancelled_us=times_us(stocks["cancelled_at"], FOREVER_US),
        created_us=times_us(stocks["created_at"], NEVER_US),
    )


def homes_of(users: pa.Table) -> NDArray[np.float64]:
    """Return where people (U, 2) live, as coarse as feeds see it."""
    degrees = [users[name].to_numpy().astype(np.float64) for name in ("lon", "lat")]
    return coarse_degrees(np.stack(degrees, axis=1))


def _people(users: pa.Table) -> People:
    """Return people with their deposits, of whose caps frames say nothing (`CAPS_CENTS`)."""
    granted = users.filter(pc.is_valid(users["credit_eur"]))
    row = np.flatnonzero(pc.is_valid(users["credit_eur"]).to_numpy())
    columns = (granted[name].to_pylist() for name in ("credit_granted_at", "credit_expires_at"))
    deposits = {
        int(user): (Deposit(int(amount), *CAPS_CENTS, granted_at, expires_at),)
        for user, amount, granted_at, expires_at in zip(
            row, cents(granted["credit_eur"]), *columns, strict=True
        )
        if granted_at is not None
    }
    return People(users["user_id"].to_pylist(), homes_of(users), deposits, {})


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
    user, stock, quantity, amount_cents, at_us, cancelled_us = map(
        np.concatenate, zip(*parts, strict=True)
    )
    return bookings_in_order(
        len(users), user, stock,
        quantity=quantity, amount_cents=amount_cents, at_us=at_us, cancelled_us=cancelled_us,
    )  # fmt: skip


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
    return deeds_in_order(len(users), user, offer, kind=kind, at_us=at_us)


_NO_BOOKINGS = Bookings(
    start=np.zeros(1, dtype=np.int64),
    stock=np.empty(0, dtype=np.int32),
    quantity=np.empty(0, dtype=np.int32),
    amount_cents=np.empty(0, dtype=np.int32),
    at_us=np.empty(0, dtype=np.int64),
    cancelled_us=np.empty(0, dtype=np.int64),
)


def bookings_in_order(
    people: int,
    user: NDArray[np.int64],
    stock: NDArray[np.int64],
    *,
    quantity: NDArray[np.integer],
    amount_cents: NDArray[np.integer],
    at_us: NDArray[np.int64],
    cancelled_us: NDArray[np.int64],
) -> Bookings:
    """Return bookings (B,) by user and time; rows of users and stocks, −1: unknown, left out."""
    order = np.lexsort((stock, at_us, user))
    order = order[(user[order] >= 0) & (stock[order] >= 0)]
    return Bookings(
        start=np.searchsorted(user[order], np.arange(people + 1)),
        stock=stock[order].astype(np.int32),
        quantity=quantity[order].astype(np.int32),
        amount_cents=amount_cents[order].astype(np.int32),
        at_us=at_us[order],
        cancelled_us=cancelled_us[order],
    )


def deeds_in_order(
    people: int,
    user: NDArray[np.integer],
    offer: NDArray[np.integer],
    *,
    kind: NDArray[np.integer],
    at_us: NDArray[np.int64],
) -> Deeds:
    """Return what was done (N,) by user and time; rows of users and offers, −1: left out."""
    order = np.lexsort((kind, offer, at_us, user))
    order = order[(user[order] >= 0) & (offer[order] >= 0)]
    return Deeds(
        start=np.searchsorted(user[order], np.arange(people + 1)),
        offer=offer[order].astype(np.int32),
        kind=kind[order].astype(np.int8),
        at_us=at_us[order],
    )
