"""The offers of a slate as the feed saw them when it chose them, told as a ranker is told."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.affinity import PRIOR_BOOKINGS, of_items
from features.pairs import days_to_session
from reco.catalogue.rows import ragged_rows
from reco.catalogue.shelf import CAPS, Shelf
from reco.core.deposits import Cap
from reco.db.arrays import FOREVER_US, micros, moment_of
from reco.feed.answer import Session
from reco.feed.ranking import Ranking
from reco.feed.readback import asked_within
from reco.feed.scoring import Taste
from reco.feed.situation import Situation
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
    ranking: Ranking, situation: Situation, offers: NDArray[np.int64]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the columns of `training.replays.Pairs` for offers of a slate, and their places.

    What the feed could not have shown then, by its catalogue, has no row.

    Parameters
    ----------
    ranking
        Of the request in its situation, with the taste by a model whose ranker is `TELLING`.
    offers
        (N,) ids, in the order shown.
    """
    sweep, taste, shelf = ranking.sweep, ranking.taste, ranking.sweep.catalogue.base
    # A catalogue does not say what was open before it was read.
    now_us = micros(max(situation.query.now, sweep.catalogue.at))
    row, place = _rows(shelf, offers)
    stock, owner = _sessions(shelf, row, situation, now_us)
    distance_m, is_around = _distances(shelf, row, sweep.around)
    near = _bookings_near(ranking, shelf.offer_item[row])
    sessions = np.bincount(owner, minlength=len(row))
    kept = is_around & (near >= 0) & (sessions > 0)
    of_kept = kept[owner]
    stock, owner, item = stock[of_kept], owner[of_kept], shelf.offer_item[row[kept]]
    budget, catalogue = sweep.budget, sweep.catalogue
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
        "week_hour": shelf.stock_week_hour[stock],
        "offers": np.array([sweep.offers]),
        "bookings": np.array([sweep.bookings]),
        "made": catalogue.bookings[np.newaxis],
        "left_cents": np.array([min(budget.left_cents, FOREVER_US)]).astype(np.int64),
        "fair_cents": budget.fair_cents[np.newaxis],
    }
    return columns, place[kept]


def _rows(shelf: Shelf, offers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the offers that are there, and their places among `offers`."""
    row = shelf.offer_rows(offers)
    return row, np.flatnonzero(np.isin(offers, shelf.offer_id[row]))


def _sessions(
    shelf: Shelf, row: NDArray[np.int64], situation: Situation, now_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the stocks that could be booked as was asked, and which of the offers has each."""
    stock, owner = ragged_rows(shelf.stock_start, row)
    is_open = (shelf.stock_opens_us[stock] <= now_us) & (shelf.stock_closes_us[stock] > now_us)
    is_asked = asked_within(situation.query.filters, situation.state.credit)
    told = [is_asked(*_session(shelf, one)) for one in stock[is_open].tolist()]
    kept = np.flatnonzero(is_open)[np.array(told, dtype=bool)]
    return stock[kept], owner[kept]


def _session(shelf: Shelf, stock: int) -> tuple[Session, Cap]:
    session = Session(
        stock_id=str(shelf.stock_id[stock]),
        starts_at=moment_of(int(shelf.stock_starts_us[stock])),
        price_cents=int(shelf.stock_price_cents[stock]),
        left=None,
        ends_at=None,
    )
    return session, CAPS[shelf.stock_cap[stock]]


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
    sweep = ranking.sweep
    gathered = sweep.gather(np.unique(item[~sweep.is_out[item]]))
    found = dict(zip(gathered.item.tolist(), gathered.bookings_near.tolist(), strict=True))
    return np.array([found.get(one, -1) for one in item.tolist()], dtype=np.int64)


def _affinity(taste: Taste, item: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the lift of each item's kind and whether its subcategory was met (N, 2)."""
    own = taste.affinity
    if own is None:
        return np.zeros((len(item), 2))
    kinds = own.items.kinds.take(item)
    return np.column_stack([of_items(own.gained, kinds), own.met[kinds.subcategory]])
