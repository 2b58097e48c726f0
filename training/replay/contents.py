"""What items of a past are about, for models that had not met them."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.content import ItemContent
from features.interactions import vocabulary_rows
from reco.catalogue.shelf import ONLINE
from reco.db.arrays import FOREVER_US
from reco.feed.generation import ReadContents
from training.replay.past import Past


def contents_of(past: Past) -> ReadContents:
    """Return what lends the content of items by external id, as `read_contents` does."""
    return partial(_contents, past)


def _contents(past: Past, item_ids: NDArray[np.bytes_]) -> Sequence[ItemContent | None]:
    order = np.argsort(past.items.item_external_id)
    place = vocabulary_rows(past.items.item_external_id[order], item_ids)
    rows = np.where(place >= 0, order[place], -1)
    price_cents, venue = _cheapest(past), _only_venue(past)
    return [_content(past, row, price_cents, venue) if row >= 0 else None for row in rows.tolist()]


def _content(
    past: Past, row: int, price_cents: NDArray[np.int64], venue: NDArray[np.int64]
) -> ItemContent:
    genres = past.names.item_genres[row].as_py()
    at = int(venue[row])
    return ItemContent(
        category=past.categories[int(past.items.item_category[row])],
        subcategory=past.subcategories.get(int(past.items.item_subcategory[row])),
        genres=tuple(genres.split("|")) if genres else (),
        title=past.names.item_title[row].as_py(),
        description=past.names.item_description[row].as_py(),
        price_cents=int(price_cents[row]) if price_cents[row] < FOREVER_US else None,
        venue=past.venues.venue_external_id[at].decode() if at >= 0 else None,
    )


def _cheapest(past: Past) -> NDArray[np.int64]:
    """Return the least price of each item's stocks that are not cancelled."""
    cheapest = np.full(len(past.items), FOREVER_US)
    stands = past.stocks.cancelled_us == FOREVER_US
    item = past.offers.item[past.stocks.offer[stands]]
    np.minimum.at(cheapest, item, past.stocks.price_cents[stands].astype(np.int64))
    return cheapest


def _only_venue(past: Past) -> NDArray[np.int64]:
    """Return the row of the venue of each item that is at one alone, −1 of the others."""
    row = np.where(past.offers.venue == ONLINE, -1, past.venues.rows(past.offers.venue))
    least, most = np.full(len(past.items), len(past.venues)), np.full(len(past.items), -1)
    np.minimum.at(least, past.offers.item, row)
    np.maximum.at(most, past.offers.item, row)
    return np.where((least == most) & (most >= 0), most, -1)
