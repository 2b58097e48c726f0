"""The offers of a slate as the feed saw them when it chose them, told as a ranker is told."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from features.affinity import PRIOR_BOOKINGS, of_items
from features.pairs import days_to_session
from reco.catalogue.shelf import Shelf
from reco.db.arrays import FOREVER_US
from reco.feed.ranking import Ranking
from reco.feed.scoring import Taste
from reco.feed.surroundings import Surroundings
from reco.model.ranker import RANKER_LAYOUT, AffinityFacts, Ranker, RankerFacts

TELLING = Ranker.of(
    RankerFacts(
        distance_knots_per_m=1e-6,
        price_knots_per_cent=1e-6,
        wait_knots_per_day=1e-6,
        rarity_knots_per_log=1e-6,
        online=0.0,
        crowding=0.0,
        popular_intercept=0.0,
        popular_slope=1.0,
        affinity=AffinityFacts(prior_bookings=PRIOR_BOOKINGS, lift=1.0, met=1.0),
    ),
    dict.fromkeys(RANKER_LAYOUT, np.arange(2.0)),
)
"""What a feed is served with whose features are wanted: a person's own bookings count once each."""


def shown_columns(
    ranking: Ranking, offers: NDArray[np.int64]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the columns of `training.replays.Pairs` for offers of a slate, and their places.

    What the feed could not have shown then, by its catalogue, has no row.

    Parameters
    ----------
    ranking
        Of the request, by a model whose ranker is `TELLING`.
    offers
        (N,) ids, in the order shown.
    """
    sweep, taste, shelf = ranking.sweep, ranking.taste, ranking.sweep.catalogue.base
    row, place = _rows(shelf, offers)
    stock, owner = _sessions(shelf, row, sweep.asked)
    distance_m, is_around = _distances(shelf, row, sweep.around)
    near = _bookings_near(ranking, shelf.offer_item[row])
    sessions = np.bincount(owner, minlength=len(row))
    kept = is_around & (near >= 0) & (sessions > 0)
    of_kept = kept[owner]
    stock, owner, item = stock[of_kept], owner[of_kept], shelf.offer_item[row[kept]]
    budget, catalogue = sweep.budget, sweep.catalogue
    now_us = cast("int", sweep.asked[0])
    columns = {
        "said": taste.said(item),
        "bookings_near": near[kept],
        "bookings_anywhere": catalogue.totals.item_bookings[item].astype(np.int64),
        "affinity": _affinity(taste, item),
        "is_online": np.isnan(distance_m[kept]),
        "sessions": sessions[kept],
        "distance_m": distance_m[owner],
        "price_cents": shelf.stock_price_cents[stock],
        "cap": shelf.stock_cap[stock],
        "days": days_to_session(shelf.stock_starts_us[stock], now_us),
        "offers": np.array([sweep.offers]),
        "bookings": np.array([sweep.bookings]),
        "made": catalogue.bookings[np.newaxis],
        "left_cents": np.array([min(budget.left_cents, FOREVER_US)]).astype(np.int64),
        "fair_cents": budget.fair_cents[np.newaxis],
    }
    return columns, place[kept]


def _rows(shelf: Shelf, offers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the offers that are there, and their places among `offers`."""
    found = [
        (row, place)
        for place in range(len(offers))
        for row in shelf.offer_rows(offers[place : place + 1]).tolist()
    ]
    row, place = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return row, place


def _sessions(
    shelf: Shelf, row: NDArray[np.int64], asked: tuple[object, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the stocks that could be booked as was asked, and which of the offers has each."""
    now_us, from_us, before_us, limits_cents = cast(
        "tuple[int, int, int, NDArray[np.int64]]", asked[:4]
    )
    first, count = shelf.stock_start[row], np.diff(shelf.stock_start)[row]
    owner = np.repeat(np.arange(len(row)), count)
    stock = np.arange(len(owner)) + np.repeat(first - np.cumsum(count) + count, count)
    starts_us = shelf.stock_starts_us[stock]
    is_asked = (starts_us >= from_us) & (starts_us < before_us) | (starts_us == FOREVER_US)
    is_asked &= (shelf.stock_opens_us[stock] <= now_us) & (shelf.stock_closes_us[stock] > now_us)
    is_asked &= shelf.stock_price_cents[stock] <= limits_cents[shelf.stock_cap[stock]]
    return stock[is_asked], owner[is_asked]


def _distances(
    shelf: Shelf, row: NDArray[np.int64], around: Surroundings
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how far each offer is, NaN online, and whether it is around at all."""
    group = shelf.groups_of(row)
    is_online = group == shelf.online_row
    if not len(around.venue_rows):
        return np.full(len(row), np.nan), is_online
    at = np.minimum(np.searchsorted(around.venue_rows, group), len(around.venue_rows) - 1)
    is_near = (around.venue_rows[at] == group) & ~is_online
    return np.where(is_near, around.distance_m[at], np.nan), is_near | is_online


def _bookings_near(ranking: Ranking, item: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the recent bookings of items (N,) around; −1: one could not be shown."""
    gathered = ranking.everything.gathered
    slot = np.flatnonzero(np.isin(gathered.item, item))
    found = dict(
        zip(gathered.item[slot].tolist(), gathered.bookings_near[slot].tolist(), strict=True)
    )
    return np.array([found.get(one, -1) for one in item.tolist()], dtype=np.int64)


def _affinity(taste: Taste, item: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the lift of each item's kind and whether its subcategory was met (N, 2)."""
    own = taste.affinity
    if own is None:
        return np.zeros((len(item), 2))
    kinds = own.items.kinds.take(item)
    return np.column_stack([of_items(own.gained, kinds), own.met[kinds.subcategory]])
