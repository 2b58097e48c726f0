"""Candidates: every item that can be booked around a person, each at its best offer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.pairs import PRICE_COST, WAIT_COST, distance_cost
from reco.catalogue.shelf import CAPS, ONLINE, Shelf
from reco.catalogue.snapshot import Catalogue
from reco.core.deposits import Credit
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from reco.feed.generation import Generation
from reco.feed.query import FeedQuery, Filters
from reco.feed.state import Situation, Surroundings, UserState
from reco.feed.workspace import Scratch
from reco.kernel import gathering

_CENT_COST = PRICE_COST(np.arange(30_001, dtype=np.float64))
"""`PRICE_COST` of every price that an offer may have: a look-up instead of a root."""


@dataclass(frozen=True)
class Candidates:
    """Some candidates with all that is known of them; all arrays of shape (C,)."""

    item: NDArray[np.int32]
    """Row of the item in the catalogue."""
    offer_id: NDArray[np.int64]
    """Its offer of least cost, of equals that of the least id."""
    venue_id: NDArray[np.int64]
    """Of the offer; `ONLINE` for digital offers."""
    distance_m: NDArray[np.float64]
    """NaN: digital."""
    cost: NDArray[np.float64]
    """Log-odds that distance, price and wait take from the item's."""
    bookings_near: NDArray[np.int32]
    """Recent bookings of the item at all of its candidate offers."""

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """Which are offers without a venue."""
        return np.asarray(self.venue_id == ONLINE)

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class Gathered:
    """All candidates of a request, one an item, in the order they were met; arrays of shape (C,).

    Only what every candidate needs is here, for there may be a hundred thousand.
    """

    catalogue: Catalogue
    around: Surroundings
    scratch: Scratch
    """Where all of it lies, with room for what is computed of it."""
    item: NDArray[np.int32]
    """Row of the item in the catalogue."""
    offer: NDArray[np.int32]
    """Row of its offer of least cost: of the base, or after those, of the fresh shelf."""
    cost: NDArray[np.float64]
    bookings_near: NDArray[np.int32]
    online_rows: tuple[int, int, int]
    """Offers from the first row to before the second, and from the third on, are digital."""
    bookings: tuple[int, int]
    """Of all candidates at venues, and of all that are digital."""
    online: int
    """How many are digital."""
    most_bookings: int
    """Of a candidate."""

    def __len__(self) -> int:
        return len(self.item)

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return some of them, spelled out."""
        base, fresh = self.catalogue.base, self.catalogue.fresh
        offer = self.offer[places].astype(np.int64)
        is_fresh = offer >= len(base.offer_id)
        offer_id, group = np.empty_like(offer), np.empty_like(offer)
        for shelf, chosen, first in (
            (base, ~is_fresh, 0),
            (fresh, is_fresh, len(base.offer_id)),
        ):
            rows = offer[chosen] - first
            offer_id[chosen] = shelf.offer_id[rows]
            groups = np.searchsorted(shelf.offer_start, rows, side="right") - 1
            group[chosen] = np.where(groups == shelf.online_row, -1, groups)
        venues, distance_m = self.around.venue_rows, np.append(self.around.distance_m, np.nan)
        is_online = group < 0
        place = np.where(is_online, len(venues), np.searchsorted(venues, group))
        return Candidates(
            item=self.item[places],
            offer_id=offer_id,
            venue_id=np.append(self.catalogue.venues.venue_id, ONLINE)[group],
            distance_m=distance_m[place],
            cost=self.cost[places],
            bookings_near=self.bookings_near[places],
        )

    def everything(self) -> Candidates:
        """Return all of them, spelled out."""
        return self.at(np.arange(len(self)))


def gather(serving: Generation, situation: Situation, scratch: Scratch) -> Gathered:
    """Return every item that the request may show, at the offer that costs least.

    Parameters
    ----------
    scratch
        The result lies in it, until another is gathered there.
    """
    catalogue = serving.catalogue
    barred = _barred_items(catalogue, situation.state, situation.query)
    gathering.bar(scratch.best, barred, True)
    count = _found(catalogue, situation, scratch)
    gathered = _taken_out(catalogue, situation.around, scratch, count)
    gathering.bar(scratch.best, barred, False)
    return gathered


def bytes_to_touch(gathered: Gathered) -> int:
    """Return how many bytes of the catalogue a request must read at least, for a benchmark.

    Item, price and bookings of every offer around, and the sessions that need a look.
    """
    total = 0
    for shelf in (gathered.catalogue.base, gathered.catalogue.fresh):
        rows = gathered.around.venue_rows
        groups = np.append(rows[rows < shelf.online_row], shelf.online_row)
        first, last = shelf.offer_start[groups], shelf.offer_start[groups + 1]
        columns = (shelf.offer_item, shelf.offer_price, shelf.offer_bookings)
        total += int((last - first).sum()) * sum(column.itemsize for column in columns)
        looked_at = np.concatenate(
            [
                -shelf.offer_price[a:b][shelf.offer_price[a:b] < 0]
                for a, b in zip(first, last, strict=True)
            ]
        ).astype(np.int64)
        sessions = shelf.session_start[looked_at] - shelf.session_start[looked_at - 1]
        total += int(sessions.sum()) * shelf.session.itemsize * shelf.session.shape[1]
    return total


def _found(catalogue: Catalogue, situation: Situation, scratch: Scratch) -> int:
    """Find the best offers of all items on both shelves; return how many items there are."""
    venues = situation.around.venue_rows
    costs = np.append(distance_cost(situation.around.distance_m), 0.0)
    base, fresh = catalogue.base, catalogue.fresh
    asked = _asked(catalogue, situation.query, situation.state.credit)
    count = 0
    for shelf, first_row, replaced in (
        (base, 0, catalogue.replaced if catalogue.has_replaced else _NONE),
        (fresh, len(base.offer_id), _NONE),
    ):
        if len(shelf.offer_id):
            # Venues that came after the shelf have nothing on it.
            known = int(np.searchsorted(venues, shelf.online_row))
            group = np.append(venues[:known], np.int32(shelf.online_row))
            count = gathering.gather(
                shelf.offer_start, base.offer_id, fresh.offer_id, first_row,
                shelf.offer_item, shelf.offer_bookings, shelf.offer_price, replaced,
                shelf.session_start, shelf.session,
                group, np.append(costs[:known], 0.0), *asked,
                scratch.best, scratch.item, count,
            )  # fmt: skip
    return count


def _asked(catalogue: Catalogue, query: FeedQuery, credit: Credit) -> tuple[object, ...]:
    """Return what `gathering.gather` must know of the request."""
    after, before = query.filters.starts_from, query.filters.starts_before
    return (
        catalogue.items.item_category,
        _wanted_categories(catalogue, query.filters),
        # A catalogue does not say what was open before it was read.
        micros(max(query.now, catalogue.at)),
        micros(after) if after else NEVER_US,
        micros(before) if before else FOREVER_US,
        _limits_cents(credit, query.filters),
        _CENT_COST,
        PRICE_COST.cost,
        PRICE_COST.knots_per_unit,
        WAIT_COST.cost,
        WAIT_COST.knots_per_unit,
    )


_NONE = np.empty(0, dtype=bool)


def _taken_out(
    catalogue: Catalogue, around: Surroundings, scratch: Scratch, count: int
) -> Gathered:
    item, offer = scratch.item[:count], scratch.offer[:count]
    cost, near, totals = scratch.cost[:count], scratch.bookings[:count], np.zeros(4, np.int64)
    online_rows = _online_rows(catalogue.base, catalogue.fresh)
    gathering.take_out(scratch.best, item, offer, cost, near, *online_rows, totals)
    at_venues, online, online_count, most = totals.tolist()
    return Gathered(
        catalogue=catalogue,
        around=around,
        scratch=scratch,
        item=item,
        offer=offer,
        cost=cost,
        bookings_near=near,
        online_rows=online_rows,
        bookings=(at_venues, online),
        online=online_count,
        most_bookings=most,
    )


def _online_rows(base: Shelf, fresh: Shelf) -> tuple[int, int, int]:
    rows = len(base.offer_id)
    first = int(base.offer_start[base.online_row])
    return first, rows, rows + int(fresh.offer_start[fresh.online_row])


def _barred_items(catalogue: Catalogue, state: UserState, query: FeedQuery) -> NDArray[np.int32]:
    """Return the rows of the items that are settled or were shown before."""
    over = np.array(sorted(state.settled_items | query.shown_items), dtype=np.int64)
    rows = catalogue.item_rows(over)
    return rows[rows >= 0].astype(np.int32)


def _wanted_categories(catalogue: Catalogue, filters: Filters) -> NDArray[np.bool_]:
    """Return a mask by category id; empty: all are wanted."""
    if not filters.categories:
        return _NONE
    wanted = np.zeros(max(catalogue.categories, default=0) + 1, dtype=bool)
    wanted[[key for key, name in catalogue.categories.items() if name in filters.categories]] = True
    return wanted


def _limits_cents(credit: Credit, filters: Filters) -> NDArray[np.int64]:
    """Return what a stock may cost, by what it counts against: price asked, credit and cap."""
    limits = [[filters.max_price_cents, credit.limit_cents(cap)] for cap in CAPS]
    return np.array(
        [min((limit for limit in both if limit is not None), default=FOREVER_US) for both in limits]
    )
