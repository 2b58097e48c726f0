"""What has changed since a catalogue was read, and the catalogue amended by it."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.build import one_snapshot
from reco.catalogue.cards import Cards
from reco.catalogue.reading import OffersRead, read_items, read_names, read_offers
from reco.catalogue.rows import rows_of
from reco.catalogue.seen import Seen, read_seen
from reco.catalogue.shelf import Shelf, rows_on
from reco.catalogue.snapshot import Catalogue, Items
from reco.catalogue.venues import Venues, read_venues
from reco.db.arrays import micros

MAX_CHANGED = 30_000
"""Offers changed since the base; beyond that a new base is better."""

# An entry counts when its transaction is visible now and was not before: ids and transactions are
# drawn before they are committed, so neither tells by its size alone what is new. What another
# cluster wrote, and a dump brought here, has that cluster's ids: those above are not of this one.
_ENTRIES = """
with entry as materialized (
  select entity, entity_id, before from core.change
  where transaction_id >= %(before_xid)s
    and transaction_id < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  union all
  select entity, entity_id, before from core.change
  where transaction_id = any(%(in_progress)s::bigint[]) and transaction_id < %(before_xid)s
)"""
_VENUES = "{entries} select distinct entity_id from entry where entity = 'venue'"
_ITEMS = "{entries} select distinct entity_id from entry where entity = 'item' limit %(limit)s"
_OFFERS = """
{entries}, changed as (
  select entity_id as offer_id from entry where entity = 'offer'
  union all
  select s.offer_id from entry join core.stock s on s.id = entry.entity_id
  where entity = 'stock'
  union all
  -- A stock that is gone, or has moved to another offer.
  select (before->>'offer_id')::bigint from entry where entity = 'stock' and before is not null
  union all
  -- A work that changed: its category, say.
  select o.id from entry join core.offer o on o.item_id = entry.entity_id
  where entity = 'item' and before is not null
  union all
  -- The clock of a venue.
  select o.id from entry join core.venue v on v.id = entry.entity_id
  join core.offer o on o.venue_id = v.id
  where entity = 'venue' and before is not null
    and before->>'timezone' is distinct from v.timezone
  union all
  -- Bookings matter where places are limited.
  select s.offer_id from entry
  join core.booking b on b.id = entry.entity_id join core.stock s on s.id = b.stock_id
  where entity = 'booking' and s.quantity is not null
  union all
  select s.offer_id from entry join core.stock s on s.id = (before->>'stock_id')::bigint
  where entity = 'booking' and before is not null and s.quantity is not null
)
select distinct offer_id from changed order by offer_id limit %(limit)s
"""


@dataclass(frozen=True)
class ChangedOffers:
    """Offers that changed, as they stand now."""

    ids: NDArray[np.int64]
    """Sorted; those that `read` lacks cannot be booked any more."""
    read: OffersRead
    items: Items
    """All items as the catalogue is to have them; its own where none is new or changed."""
    genres: tuple[str, ...]
    """Of these items."""
    names: tuple[dict[int, str], dict[int, str]]
    """Of categories and subcategories."""


@dataclass(frozen=True)
class Changes:
    """What has changed between a catalogue and `seen`."""

    seen: Seen
    venues: Venues | None
    """All of them as they stand now; None: none has changed."""
    venue_types: tuple[str, ...]
    """Of these venues."""
    offers: ChangedOffers | None
    """None: nothing that the catalogue shows."""
    cards: Cards
    """As they are to be; the catalogue's own decks where none is new or changed."""


def count_changed(connection: psycopg.Connection[Any], seen: Seen) -> int | None:
    """Return how many offers, or works, have changed since `seen`: no more than `MAX_CHANGED` + 1.

    None: the database is another one, or was set back, and nobody can say.
    """
    with one_snapshot(connection):
        if not seen.is_past_of(read_seen(connection)):
            return None
        return max(len(_changed(connection, query, seen)) for query in (_OFFERS, _ITEMS))


def read_changes(
    connection: psycopg.Connection[Any], catalogue: Catalogue, now: datetime
) -> Changes | None:
    """Return what has changed since `catalogue`, None where only a new base will do.

    That is where more than `MAX_CHANGED` offers changed, or where the database is not the one that
    the catalogue was read from, or was set back.

    Parameters
    ----------
    connection
        Not in a transaction; all is read in one snapshot of the database.
    """
    with one_snapshot(connection):
        seen = read_seen(connection)
        if not catalogue.seen.is_past_of(seen):
            return None
        changed = partial(_changed, connection, seen=catalogue.seen)
        ids, items, venue_ids = changed(_OFFERS), changed(_ITEMS), changed(_VENUES)
        if max(len(ids), len(items)) > MAX_CHANGED:
            return None
        venues, venue_types = _venues_now(connection, catalogue, venue_ids)
        offers = _stand(connection, catalogue, ids, now) if ids else None
        cards = catalogue.cards.amended(connection, seen, items, venue_ids)
        return Changes(seen, venues, venue_types, offers, cards)


def _changed(connection: psycopg.Connection[Any], query: str, seen: Seen) -> list[int]:
    asked = {
        "before_xid": seen.before_xid,
        "in_progress": seen.in_progress,
        "limit": MAX_CHANGED + 1,
    }
    # Never a generic plan: how much is new differs from call to call.
    statement = query.format(entries=_ENTRIES)
    return [int(row_id) for (row_id,) in connection.execute(statement, asked, prepare=False)]


def _venues_now(
    connection: psycopg.Connection[Any], catalogue: Catalogue, changed: list[int]
) -> tuple[Venues | None, tuple[str, ...]]:
    if not changed:
        return None, catalogue.venue_types
    now, venue_types = read_venues(connection, catalogue.venue_types, changed)
    return catalogue.venues.amended(np.array(changed), now), venue_types


def _stand(
    connection: psycopg.Connection[Any], catalogue: Catalogue, ids: list[int], now: datetime
) -> ChangedOffers:
    read = read_offers(connection, now, None, ids)
    now_items, genres = read_items(connection, np.unique(read.stocks["item"]), catalogue.genres)
    items = catalogue.items_amended(now_items)
    return ChangedOffers(
        ids=np.array(ids, dtype=np.int64),
        read=read,
        items=items,
        genres=genres,
        names=read_names(connection),
    )


def amended(catalogue: Catalogue, changes: Changes) -> Catalogue:
    """Return `catalogue` as it stands after `changes`; its version tells whether any is shown."""
    has_new_cards = not changes.cards.has_decks_of(catalogue.cards)
    catalogue = replace(catalogue, seen=changes.seen, cards=changes.cards)
    if changes.venues is None and changes.offers is None and not has_new_cards:
        return catalogue
    catalogue = replace(catalogue, version=_next_version(catalogue.version))
    if changes.venues is not None:
        catalogue = replace(catalogue, venues=changes.venues, venue_types=changes.venue_types)
    return catalogue if changes.offers is None else _with_offers(catalogue, changes.offers)


def _with_offers(catalogue: Catalogue, changed: ChangedOffers) -> Catalogue:
    base = catalogue.base
    catalogue = replace(catalogue, items=changed.items, genres=changed.genres)
    replaced = catalogue.replaced.copy()
    replaced[base.offer_rows(changed.ids)] = True
    fresh = _restocked(catalogue, changed)
    categories, subcategories = changed.names
    return replace(
        catalogue,
        categories=categories,
        subcategories=subcategories,
        replaced=replaced,
        fresh=fresh,
        bookings=base.bookings() - base.bookings(np.flatnonzero(replaced)) + fresh.bookings(),
    )


def _restocked(catalogue: Catalogue, changed: ChangedOffers) -> Shelf:
    """Return the fresh shelf with the changed offers in the place of what they were."""
    kept = rows_on(catalogue.fresh)
    kept = kept.take(rows_of(changed.ids, kept.offer) < 0)
    items = catalogue.item_rows(changed.read.stocks["item"])
    now = changed.read.rows(items, catalogue.items)
    return kept.merged(now).shelf(catalogue.venues, micros(catalogue.at))


def _next_version(version: str) -> str:
    """Return the version after `version`.

    >>> _next_version("20261123T120000Z-3f2a"), _next_version("20261123T120000Z-3f2a+9")
    ('20261123T120000Z-3f2a+1', '20261123T120000Z-3f2a+10')
    """
    base, _, count = version.partition("+")
    return f"{base}+{int(count or 0) + 1}"
