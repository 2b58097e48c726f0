"""What the pages before have offered: items that do not come again, and values half earned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg

from features.horizon import unmet_after, values_of
from reco.feed.query import FeedQuery

_OFFERED = """
select o.id, o.item_id, c.name as category, s.name as subcategory, v.external_id as venue,
  v.venue_type, i.genres
from core.offer o
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
where o.id = any(%(offers)s)
"""


def continued(
    connection: psycopg.Connection[Any], query: FeedQuery, shown: Mapping[int, float]
) -> FeedQuery:
    """Return `query` as the page after those that showed `shown`, probabilities by offer id.

    The offers' items and attribute values are those on record now: of what was withdrawn or sold
    out since, too, for it was shown.
    """
    rows = connection.execute(_OFFERED, {"offers": list(shown)}).fetchall()
    return replace(
        query,
        shown_offers=shown,
        shown_items=frozenset(row[1] for row in rows),
        unmet=unmet_after(
            [
                values_of(
                    category=category, subcategory=sub, venue=venue, venue_type=kind, genres=genres
                )
                for _, _, category, sub, venue, kind, genres in rows
            ],
            [shown[row[0]] for row in rows],
        ),
    )
