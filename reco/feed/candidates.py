"""Candidates: every item that can be booked around a person, each at its best offer."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.pairs import days_to_session, distance_cost, session_cost
from reco.catalogue.snapshot import Catalogue, ragged_rows, rows_of, run_starts
from reco.db.arrays import FOREVER_US
from reco.feed.query import FeedQuery, Filters
from reco.feed.state import Credit, Situation, Surroundings, UserState


@dataclass(frozen=True)
class Candidates:
    """One row an item, by item row; all arrays of shape (C,)."""

    item: NDArray[np.int64]
    """Row of the item in the catalogue."""
    offer: NDArray[np.int64]
    """Row of its offer of least cost."""
    venue_row: NDArray[np.int64]
    """Row of the offer's venue; the catalogue's `digital_row` for digital offers."""
    distance_m: NDArray[np.float64]
    """NaN: digital."""
    cost: NDArray[np.float64]
    """Log-odds that distance, price and wait take from the item's."""
    bookings_near: NDArray[np.int64]
    """Recent bookings of the item at all of its candidate offers."""

    def __len__(self) -> int:
        return len(self.item)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 UTC."""
    return int(np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64)) - (
        int(offset.total_seconds() * 1_000_000) if (offset := moment.utcoffset()) else 0
    )


def gather(catalogue: Catalogue, situation: Situation) -> Candidates:
    """Return every item that the request may show, at the offer that costs least."""
    query, state = situation.query, situation.state
    offer, venue, distance_m = _offers_around(catalogue, situation.around)
    wanted = _wanted_items(catalogue, state, query)[catalogue.offer_item[offer]]
    offer, venue, distance_m = offer[wanted], venue[wanted], distance_m[wanted]
    session, offer_at = _cheapest_sessions(catalogue, offer, venue, state.credit, query)
    offer, venue, distance_m = offer[offer_at], venue[offer_at], distance_m[offer_at]
    cost = session + distance_cost(distance_m)
    item = catalogue.offer_item[offer].astype(np.int64)
    order = np.lexsort((catalogue.offer_id[offer], cost, item))
    first = order[run_starts(item[order])]
    near = np.bincount(item, weights=catalogue.offer_bookings[offer], minlength=1)
    return Candidates(
        item=item[first],
        offer=offer[first],
        venue_row=venue[first],
        distance_m=distance_m[first],
        cost=cost[first],
        bookings_near=near[item[first]].astype(np.int64),
    )


def _offers_around(
    catalogue: Catalogue, around: Surroundings
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return offer rows, venue rows and distances: of the venues around, and digital ones."""
    rows = catalogue.venue_rows(around.venue_ids)
    groups = np.append(rows[rows >= 0], catalogue.digital_row)
    distances = np.append(around.distance_m[rows >= 0], np.nan)
    offer, owner = ragged_rows(catalogue.offer_start, groups)
    return offer, groups[owner], distances[owner]


def _wanted_items(catalogue: Catalogue, state: UserState, query: FeedQuery) -> NDArray[np.bool_]:
    """Return a mask over all items: of the categories asked, neither settled nor shown before."""
    wanted = np.ones(len(catalogue.item_id), dtype=bool)
    if query.filters.categories:
        keys = [k for k, name in catalogue.categories.items() if name in query.filters.categories]
        wanted = np.isin(catalogue.item_category, keys)
    over = np.array(sorted(state.settled_items | query.shown_items), dtype=np.int64)
    rows = rows_of(catalogue.item_id, over)
    wanted[rows[rows >= 0]] = False
    return wanted


def _cheapest_sessions(
    catalogue: Catalogue,
    offer: NDArray[np.int64],
    venue: NDArray[np.int64],
    credit: Credit,
    query: FeedQuery,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the least session cost of each offer that has one, and the places of these offers."""
    stock, owner = ragged_rows(catalogue.stock_start, offer)
    limit = _price_limits(catalogue, offer, venue, credit, query.filters)
    bookable = _open(catalogue, stock, query) & (catalogue.stock_price_cents[stock] <= limit[owner])
    stock, owner = stock[bookable], owner[bookable]
    days = days_to_session(catalogue.stock_starts_us[stock], micros(query.now))
    cost = session_cost(catalogue.stock_price_cents[stock], days)
    starts = np.flatnonzero(run_starts(owner))
    if not len(starts):
        return np.empty(0), np.empty(0, dtype=np.int64)
    return np.minimum.reduceat(cost, starts), owner[starts]


def _open(catalogue: Catalogue, stock: NDArray[np.int64], query: FeedQuery) -> NDArray[np.bool_]:
    now_us = micros(query.now)
    starts = catalogue.stock_starts_us[stock]
    is_open = (catalogue.stock_opens_us[stock] <= now_us) & (
        catalogue.stock_closes_us[stock] > now_us
    )
    undated = starts == FOREVER_US
    if query.filters.starts_from:
        is_open &= undated | (starts >= micros(query.filters.starts_from))
    if query.filters.starts_before:
        is_open &= undated | (starts < micros(query.filters.starts_before))
    return is_open


def _price_limits(
    catalogue: Catalogue,
    offer: NDArray[np.int64],
    venue: NDArray[np.int64],
    credit: Credit,
    filters: Filters,
) -> NDArray[np.float64]:
    """Return the most that each offer may cost: credit, the cap of its kind, the price asked."""
    item = catalogue.offer_item[offer]
    is_digital = catalogue.item_is_digital[item] | (venue == catalogue.digital_row)
    limit = np.full(len(offer), np.inf)
    for bound, applies in (
        (credit.total_cents, np.True_),
        (filters.max_price_cents, np.True_),
        (credit.digital_cents, is_digital),
        (credit.physical_cents, catalogue.item_is_physical[item]),
    ):
        if bound is not None:
            limit = np.where(applies, np.minimum(limit, bound), limit)
    return limit
