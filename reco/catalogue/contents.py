"""What items are about, read from the database: for training and for what came since alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.content import ItemContent

_AT_ONCE = 2_000
"""Items a statement, each of which may take no longer than a request's."""
_CONTENTS = """
with wanted as (
  select i.id, i.external_id, i.title, i.description, i.genres, c.name as category,
    s.name as subcategory
  from core.item i
  join core.category c on c.id = i.category_id
  left join core.subcategory s on s.id = i.subcategory_id
  where i.external_id = any(%(ids)s)
), sold as (
  select o.item_id, min(t.price_cents) as price_cents
  from wanted w join core.offer o on o.item_id = w.id join core.stock t on t.offer_id = o.id
  where t.cancelled_at is null group by o.item_id
), placed as (
  select o.item_id,
    case when count(distinct o.venue_id) = 1 and count(o.venue_id) = count(*)
      then min(v.external_id) end as venue
  from wanted w join core.offer o on o.item_id = w.id left join core.venue v on v.id = o.venue_id
  group by o.item_id
)
select w.external_id, w.category, w.subcategory, w.genres, w.title, w.description, sold.price_cents,
  placed.venue
from wanted w left join sold on sold.item_id = w.id left join placed on placed.item_id = w.id
"""


def read_contents(
    connection: psycopg.Connection[Any], item_ids: NDArray[np.bytes_]
) -> Sequence[ItemContent | None]:
    """Return the content of each of `item_ids` (on the wire), None where there is no such item."""
    ids = [item_id.decode() for item_id in item_ids.tolist()]
    found = {
        item_id: ItemContent(
            category, subcategory, tuple(genres), title, description, price_cents, venue
        )
        for first in range(0, len(ids), _AT_ONCE)
        for item_id, category, subcategory, genres, title, description, price_cents, venue in (
            connection.execute(_CONTENTS, {"ids": ids[first : first + _AT_ONCE]}).fetchall()
        )
    }
    return [found.get(item_id) for item_id in ids]
