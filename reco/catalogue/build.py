"""Build the catalogue from the database, as of any moment."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.cards import read_cards
from reco.catalogue.reading import OffersRead, read_items, read_names, read_offers
from reco.catalogue.rows import rows_of
from reco.catalogue.seen import read_seen
from reco.catalogue.snapshot import Catalogue, Items
from reco.catalogue.venues import Venues, read_venues
from reco.db.arrays import micros


def build_catalogue(
    connection: psycopg.Connection[Any], now: datetime, as_of: datetime | None = None
) -> Catalogue:
    """Return the catalogue of what can be booked at `now`.

    Stocks that are past, withdrawn, cancelled or sold out are left out; those that open later are
    kept, closed until then.

    Parameters
    ----------
    connection
        Not in a transaction; the whole catalogue is read in one snapshot of the database.
    now
        With a time zone; it may lie in the past.
    as_of
        What was booked or cancelled after it is ignored; None: all that is on record counts.
    """
    with one_snapshot(connection):
        seen = read_seen(connection)
        read = read_offers(connection, now, as_of)
        items, genres = read_items(connection, np.unique(read.stocks["item"]))
        venues, venue_types = read_venues(connection)
        users = _users(connection)
        categories, subcategories = read_names(connection)
        cards = read_cards(connection, seen)
    rows = read.rows(rows_of(items.item_id, read.stocks["item"]), items)
    return Catalogue.of(
        version=_version(now, read, items, venues, (genres, venue_types)),
        at=now,
        seen=seen,
        categories=categories,
        subcategories=subcategories,
        genres=genres,
        venue_types=venue_types,
        users=users,
        items=items,
        venues=venues,
        base=rows.shelf(venues, micros(now)),
        cards=cards,
    )


@contextmanager
def one_snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Run what follows in a transaction that sees one moment of the database and writes nothing."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local statement_timeout = 0")
        # It holds no lock that anybody waits for.
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        yield


def _users(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from core.beneficiary").fetchone()
    return int(row[0]) if row else 0


def _version(
    now: datetime,
    read: OffersRead,
    items: Items,
    venues: Venues,
    names: tuple[tuple[str, ...], ...],
) -> str:
    digest = hashlib.sha256(repr((venues.version, names)).encode())
    columns: list[NDArray[Any]] = [
        *read.stocks.values(),
        read.flags,
        *items.arrays().values(),
        venues.venue_type,
        venues.venue_external_id,
    ]
    for column in columns:
        digest.update(np.ascontiguousarray(column).data)
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"
