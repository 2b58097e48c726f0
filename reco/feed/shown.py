"""What the pages before have offered: items that do not come again, and values half earned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg

from features.horizon import Value, unmet_after, values_of
from reco.catalogue.cards import UNSEEN, Cards, ItemCard, VenueCard
from reco.catalogue.snapshot import known_genres
from reco.feed.query import FeedQuery

_OFFERED = """
select o.id, o.item_id, o.venue_id, ({unseen})
from core.offer o where o.id = any(%(offers)s::bigint[])
"""
_WITH_UNSEEN = _OFFERED.format(unseen=UNSEEN)


def continued(
    connection: psycopg.Connection[Any], cards: Cards, query: FeedQuery, shown: Mapping[int, float]
) -> FeedQuery:
    """Return `query` as the page after those that showed `shown`, probabilities by offer id.

    The offers' items and attribute values are those on record now: of what was withdrawn or sold
    out since, too, for it was shown.

    Parameters
    ----------
    cards
        What works and venues were called; what has changed since, or is new, takes another trip.
    """
    # Text, so that the statement is the same for any ids.
    asked = {"offers": f"{{{','.join(map(str, shown))}}}", "seen": cards.seen.snapshot}
    rows = connection.cursor(binary=True).execute(_WITH_UNSEEN, asked, prepare=True).fetchall()
    item_ids, venue_ids = {row[1] for row in rows}, {row[2] for row in rows} - {None}
    works, venues = cards.find(connection, item_ids, venue_ids, rows[0][3] if rows else None)
    # What was deleted between the two is gone.
    there = [row for row in rows if row[1] in works and (row[2] is None or row[2] in venues)]
    return replace(
        query,
        shown_offers=shown,
        shown_items=frozenset(item_ids),
        unmet=unmet_after(
            [_values(works[item], venues.get(venue)) for _, item, venue, _ in there],
            [shown[row[0]] for row in there],
        ),
    )


def _values(work: ItemCard, venue: VenueCard | None) -> frozenset[Value]:
    return values_of(
        category=work.category,
        subcategory=work.subcategory,
        venue=venue.venue_id if venue else None,
        venue_type=venue.venue_type if venue else None,
        genres=known_genres(work.genres),
    )
