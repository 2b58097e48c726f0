"""Candidates: every item that can be booked around a person, each at its best offer."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.pairs import days_to_session, distance_cost, session_cost
from reco.catalogue.rows import ragged_rows, run_starts
from reco.catalogue.shelf import CAPS, ONLINE, Shelf
from reco.catalogue.snapshot import Catalogue
from reco.core.deposits import Credit
from reco.db.arrays import FOREVER_US
from reco.feed.query import FeedQuery, Filters
from reco.feed.state import Situation, Surroundings, UserState


@dataclass(frozen=True)
class Candidates:
    """One row an item, by item row; all arrays of shape (C,)."""

    item: NDArray[np.int64]
    """Row of the item in the catalogue."""
    offer_id: NDArray[np.int64]
    """Its offer of least cost."""
    venue_id: NDArray[np.int64]
    """Of the offer; `ONLINE` for digital offers."""
    distance_m: NDArray[np.float64]
    """NaN: digital."""
    cost: NDArray[np.float64]
    """Log-odds that distance, price and wait take from the item's."""
    bookings_near: NDArray[np.int64]
    """Recent bookings of the item at all of its candidate offers."""

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """Which are offers without a venue."""
        return np.asarray(self.venue_id == ONLINE)

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class _Offers:
    """Offers that may be shown; all arrays of shape (N,), as `Candidates` names them."""

    item: NDArray[np.int32]
    offer_id: NDArray[np.int64]
    venue_id: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    cost: NDArray[np.float64]
    bookings: NDArray[np.int32]


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 UTC."""
    return int(np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64)) - (
        int(offset.total_seconds() * 1_000_000) if (offset := moment.utcoffset()) else 0
    )


def gather(catalogue: Catalogue, situation: Situation) -> Candidates:
    """Return every item that the request may show, at the offer that costs least."""
    wanted = _wanted_items(catalogue, situation.state, situation.query)
    venues = catalogue.venues.rows(situation.around.venue_ids)
    found = _on_shelf(catalogue.base, wanted, situation, venues, hidden=catalogue.replaced)
    if len(catalogue.fresh.offer_id):
        found = _both(found, _on_shelf(catalogue.fresh, wanted, situation, venues, hidden=None))
    order = np.lexsort((found.offer_id, found.cost, found.item))
    first = order[run_starts(found.item[order])]
    near = np.bincount(found.item, weights=found.bookings, minlength=1)
    item = found.item[first].astype(np.int64)
    return Candidates(
        item=item,
        offer_id=found.offer_id[first],
        venue_id=found.venue_id[first],
        distance_m=found.distance_m[first],
        cost=found.cost[first],
        bookings_near=near[item].astype(np.int64),
    )


def _on_shelf(
    shelf: Shelf,
    wanted: NDArray[np.bool_],
    situation: Situation,
    venues: NDArray[np.int64],
    hidden: NDArray[np.bool_] | None,
) -> _Offers:
    """Return what `shelf` has of the `wanted` items, but for offers that are `hidden`."""
    offer, group, distance_m = _offers_around(shelf, situation.around, venues)
    chosen = wanted[shelf.offer_item[offer]]
    if hidden is not None:
        chosen &= ~hidden[offer]
    offer, group, distance_m = offer[chosen], group[chosen], distance_m[chosen]
    session, at = _cheapest_sessions(shelf, offer, situation)
    offer, group, distance_m = offer[at], group[at], distance_m[at]
    return _Offers(
        item=shelf.offer_item[offer],
        offer_id=shelf.offer_id[offer],
        venue_id=np.append(shelf.venue_id, ONLINE)[group],
        distance_m=distance_m,
        cost=session + distance_cost(distance_m),
        bookings=shelf.offer_bookings[offer],
    )


def _both(some: _Offers, others: _Offers) -> _Offers:
    return _Offers(
        **{
            name: np.concatenate([column, getattr(others, name)])
            for name, column in vars(some).items()
        }
    )


def _offers_around(
    shelf: Shelf, around: Surroundings, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return offer rows, venue rows and distances: of the venues around, and digital ones."""
    is_here = (rows >= 0) & (rows < shelf.online_row)
    groups = np.append(rows[is_here], shelf.online_row)
    distances = np.append(around.distance_m[is_here], np.nan)
    offer, owner = ragged_rows(shelf.offer_start, groups)
    return offer, groups[owner], distances[owner]


def _wanted_items(catalogue: Catalogue, state: UserState, query: FeedQuery) -> NDArray[np.bool_]:
    """Return a mask over all items: of the categories asked, neither settled nor shown before."""
    wanted = np.ones(len(catalogue.items), dtype=bool)
    if query.filters.categories:
        keys = [k for k, name in catalogue.categories.items() if name in query.filters.categories]
        wanted = np.isin(catalogue.items.item_category, keys)
    over = np.array(sorted(state.settled_items | query.shown_items), dtype=np.int64)
    rows = catalogue.item_rows(over)
    wanted[rows[rows >= 0]] = False
    return wanted


def _cheapest_sessions(
    shelf: Shelf, offer: NDArray[np.int64], situation: Situation
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the least session cost of each offer that has one, and the places of these offers."""
    query, credit = situation.query, situation.state.credit
    stock, owner = ragged_rows(shelf.stock_start, offer)
    bookable = _open(shelf, stock, query) & _affordable(shelf, stock, credit, query.filters)
    stock, owner = stock[bookable], owner[bookable]
    days = days_to_session(shelf.stock_starts_us[stock], micros(query.now))
    cost = session_cost(shelf.stock_price_cents[stock], days)
    starts = np.flatnonzero(run_starts(owner))
    if not len(starts):
        return np.empty(0), np.empty(0, dtype=np.int64)
    return np.minimum.reduceat(cost, starts), owner[starts]


def _open(shelf: Shelf, stock: NDArray[np.int64], query: FeedQuery) -> NDArray[np.bool_]:
    now_us = micros(query.now)
    starts = shelf.stock_starts_us[stock]
    is_open = (shelf.stock_opens_us[stock] <= now_us) & (shelf.stock_closes_us[stock] > now_us)
    undated = starts == FOREVER_US
    if query.filters.starts_from:
        is_open &= undated | (starts >= micros(query.filters.starts_from))
    if query.filters.starts_before:
        is_open &= undated | (starts < micros(query.filters.starts_before))
    return is_open


def _affordable(
    shelf: Shelf, stock: NDArray[np.int64], credit: Credit, filters: Filters
) -> NDArray[np.bool_]:
    """Return which stocks cost no more than the price asked, the credit and the cap they need."""
    price_cents = shelf.stock_price_cents[stock]
    affordable = np.ones(len(stock), dtype=bool)
    if filters.max_price_cents is not None:
        affordable &= price_cents <= filters.max_price_cents
    limits = [credit.limit_cents(cap) for cap in CAPS]
    if any(limit is not None for limit in limits):
        most = np.array([np.inf if limit is None else limit for limit in limits])
        affordable &= price_cents <= most[shelf.stock_cap[stock]]
    return affordable
