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


def contents_of(past: Past, at_us: int) -> ReadContents:
    """Return what lends the content of items by external id, as `read_contents` did at a moment."""
    return partial(_contents, past, at_us)


def _contents(past: Past, at_us: int, item_ids: NDArray[np.bytes_]) -> Sequence[ItemContent | None]:
    order = np.argsort(past.items.item_external_id)
    place = vocabulary_rows(past.items.item_external_id[order], item_ids)
    rows = np.where(place >= 0, order[place], -1)
    price_cents, venue = _cheapest(past, at_us), _only_venue(past, at_us)
    return [_content(past, row, price_cents, venue) if row >= 0 else None for row in rows.tolist()]


def _content(
    past: Past, row: int, price_cents: NDArray[np.int64], venue: NDArray[np.int64]
) -> ItemContent:
    at = int(venue[row])
    return ItemContent(
        category=past.categories[int(past.items.item_category[row])],
        subcategory=past.subcategories.get(int(past.items.item_subcategory[row])),
        genres=tuple(past.genres_of(row)),
        title=past.names.item_title[row].as_py(),
        description=past.names.item_description[row].as_py(),
        price_cents=int(price_cents[row]) if price_cents[row] < FOREVER_US else None,
        venue=past.venues.venue_external_id[at].decode() if at >= 0 else None,
    )


def _cheapest(past: Past, at_us: int) -> NDArray[np.int64]:
    """Return the least price of each item's stocks that were there and not cancelled."""
    stocks = past.stocks_at(at_us)
    cheapest = np.full(len(past.items), FOREVER_US)
    stands = (stocks.cancelled_us > at_us) & (stocks.created_us <= at_us)
    item = past.offers.item[stocks.offer[stands]]
    np.minimum.at(cheapest, item, stocks.price_cents[stands].astype(np.int64))
    return cheapest


def _only_venue(past: Past, at_us: int) -> NDArray[np.int64]:
    """Return the row of the venue of each item that was at one alone, −1 of the others."""
    there = past.offers.published_us <= at_us
    item, venue = past.offers.item[there], past.offers.venue[there]
    row = np.where(venue == ONLINE, -1, past.venues.rows(venue))
    least, most = np.full(len(past.items), len(past.venues)), np.full(len(past.items), -1)
    np.minimum.at(least, item, row)
    np.maximum.at(most, item, row)
    return np.where((least == most) & (most >= 0), most, -1)
