"""Candidates: every item that can be booked around a person, each at its best offer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.credit import Budget
from features.pairs import COSTS_BY_HAND, Costs
from reco.catalogue.shelf import ONLINE, Shelf
from reco.catalogue.snapshot import Catalogue
from reco.feed.asking import Asked, asked_of
from reco.feed.budget import budget_at
from reco.feed.situation import Situation
from reco.feed.surroundings import Surroundings
from reco.feed.workspace import Scratch
from reco.kernel import gathering, nearness, selecting
from reco.kernel.spelling import spell_out


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
    venue_row: NDArray[np.int64]
    """Row of the venue in the catalogue; −1 for digital offers."""

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """Which are offers without a venue."""
        return np.asarray(self.venue_id == ONLINE)

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class Gathered:
    """Candidates of a request, one an item; arrays of shape (C,).

    Only what every candidate needs is here, for there may be a hundred thousand.
    """

    sweep: "Sweep"
    item: NDArray[np.int32]
    """Row of the item in the catalogue."""
    offer: NDArray[np.int32]
    """Row of its offer of least cost: of the base, or after those, of the fresh shelf."""
    cost: NDArray[np.float64]
    bookings_near: NDArray[np.int32]
    online: int
    """How many are digital."""

    def __len__(self) -> int:
        return len(self.item)

    @property
    def online_rows(self) -> tuple[int, int, int]:
        """Offers from the first row to before the second, and from the third on, are digital."""
        return _online_rows(self.sweep.catalogue)

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """Which are digital."""
        first, base_rows, fresh_first = self.online_rows
        offer = self.offer
        return (offer >= first) & ((offer < base_rows) | (offer >= fresh_first))

    def take(self, places: NDArray[np.int64]) -> "Gathered":
        """Return some of them."""
        return Gathered(
            sweep=self.sweep,
            item=self.item[places],
            offer=self.offer[places],
            cost=self.cost[places],
            bookings_near=self.bookings_near[places],
            online=int(np.count_nonzero(self.is_online[places])),
        )

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return some of them, spelled out."""
        catalogue, around = self.sweep.catalogue, self.sweep.around
        base, fresh = catalogue.base, catalogue.fresh
        offer_id, venue_id, venue_row = np.empty((3, len(places)), dtype=np.int64)
        distance_m = np.empty(len(places))
        spell_out(
            places, self.offer, base.offer_start, base.offer_id, fresh.offer_start, fresh.offer_id,
            catalogue.venues.venue_id, around.venue_rows, around.distance_m,
            ONLINE, offer_id, venue_id, venue_row, distance_m,
        )  # fmt: skip
        return Candidates(
            item=self.item[places],
            offer_id=offer_id,
            venue_id=venue_id,
            distance_m=distance_m,
            cost=self.cost[places],
            bookings_near=self.bookings_near[places],
            venue_row=venue_row,
        )

    def everything(self) -> Candidates:
        """Return all of them, spelled out."""
        return self.at(np.arange(len(self)))


@dataclass(frozen=True)
class Sweep:
    """The offers around a person, ready to be gone through, as often as need be."""

    catalogue: Catalogue
    around: Surroundings
    scratch: Scratch
    """Where what is near and what is gathered lies, until there is another sweep."""
    away: NDArray[np.float64]
    """What the distance of each venue around costs, and last what a digital offer costs."""
    asked: Asked
    budget: Budget
    """What the person can afford."""
    offers: tuple[int, int]
    """How many offers there are at the venues around and online, whatever is asked."""
    bookings: tuple[int, int]
    """Of these offers."""

    @property
    def near(self) -> NDArray[Any]:
        """(I,) of dtype `NEAR`: what is near of each item."""
        return self.scratch.near[: len(self.catalogue.items)]

    @property
    def is_out(self) -> NDArray[np.bool_]:
        """(I,) which items are not of the categories asked for, or settled or shown before."""
        return self.scratch.is_out[: len(self.catalogue.items)]

    @property
    def online_cost(self) -> float:
        """What a digital offer costs for being one."""
        return float(self.away[-1])

    def gather(self, items: NDArray[np.int32]) -> Gathered:
        """Return what can be booked of some items, each at its cheapest offer."""
        scratch, base = self.scratch, self.catalogue.base
        gathering.number(items, scratch.is_chosen, scratch.slot)
        for shelf, first_row, replaced in _shelves(self.catalogue):
            gathering.gather(
                shelf.offer_start, base.offer_id, self.catalogue.fresh.offer_id, first_row,
                shelf.offer_item, shelf.offer_bookings, shelf.offer_price, replaced,
                shelf.session_start, shelf.session,
                self.around.venue_rows, self.away, scratch.is_chosen, scratch.slot,
                *self.asked.of_offers, scratch.best,
            )  # fmt: skip
        online = np.zeros(1, dtype=np.int64)
        count = gathering.take_out(
            scratch.best, items, scratch.is_chosen,
            scratch.item, scratch.offer, scratch.cost, scratch.bookings,
            *_online_rows(self.catalogue), online,
        )  # fmt: skip
        return Gathered(
            sweep=self,
            item=scratch.item[:count],
            offer=scratch.offer[:count],
            cost=scratch.cost[:count],
            bookings_near=scratch.bookings[:count],
            online=int(online[0]),
        )

    def all_items(self) -> NDArray[np.int32]:
        """Return all items that are near or digital, but for those that are out."""
        chosen, is_online = self.scratch.chosen, self.catalogue.is_online_item
        return chosen[: selecting.choose_all(self.near, is_online, self.is_out, chosen)]

    def everything(self) -> Gathered:
        """Return every item that the request may show."""
        return self.gather(self.all_items())


def sweep_of(
    catalogue: Catalogue, situation: Situation, scratch: Scratch, costs: Costs = COSTS_BY_HAND
) -> Sweep:
    """Return the sweep over what the request may show; its results lie in `scratch`."""
    around, totals = situation.around, catalogue.totals
    away, sums = np.empty(len(around.venue_rows) + 1), np.empty(4, dtype=np.int64)
    nearness.reach(
        around.venue_rows, around.distance_m, costs.distance.cost, costs.distance.knots_per_unit,
        costs.online, totals.offers, totals.bookings, away, sums,
    )  # fmt: skip
    at_venues, online, booked_there, booked_online = sums.tolist()
    budget = budget_at(situation.state, situation.query.now)
    sweep = Sweep(
        catalogue=catalogue,
        around=around,
        scratch=scratch,
        away=away,
        asked=asked_of(catalogue, situation, budget, costs),
        budget=budget,
        offers=(at_venues, online),
        bookings=(booked_there, booked_online),
    )
    _come_near(sweep)
    _leave_out(catalogue, situation, sweep.is_out)
    return sweep


def bytes_to_touch(sweep: Sweep) -> int:
    """Return how many bytes of the catalogue a request must read at least, for a benchmark.

    Item, price and bookings of every offer around, and the sessions that need a look.
    """
    total = 0
    for shelf, _, _ in _shelves(sweep.catalogue):
        known = sweep.around.venue_rows[sweep.around.venue_rows < shelf.online_row]
        group = np.append(known, shelf.online_row)
        first, last = shelf.offer_start[group], shelf.offer_start[group + 1]
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


def _shelves(catalogue: Catalogue) -> Iterator[tuple[Shelf, int, NDArray[np.bool_]]]:
    """Yield the shelves with the row of their first offer, and what of them is not true any more.

    Empty: all is.
    """
    base, fresh = catalogue.base, catalogue.fresh
    yield base, 0, catalogue.replaced if catalogue.has_replaced else _NONE
    if len(fresh.offer_id):
        yield fresh, len(base.offer_id), _NONE


_NONE = np.empty(0, dtype=bool)


def _online_rows(catalogue: Catalogue) -> tuple[int, int, int]:
    base, fresh = catalogue.base, catalogue.fresh
    rows = len(base.offer_id)
    first = int(base.offer_start[base.online_row])
    return first, rows, rows + int(fresh.offer_start[fresh.online_row])


def _come_near(sweep: Sweep) -> None:
    near = sweep.near
    near.view(np.int64).fill(nearness.NOT_NEAR)
    for shelf, _, _ in _shelves(sweep.catalogue):
        nearness.come_near(
            shelf.offer_start, shelf.offer_item, shelf.offer_bookings,
            sweep.around.venue_rows, sweep.away, near,
        )  # fmt: skip


def _leave_out(catalogue: Catalogue, situation: Situation, is_out: NDArray[np.bool_]) -> None:
    """Write which items are not of the categories asked for, or settled or shown before."""
    query = situation.query
    is_out.fill(False)
    if query.filters.categories:
        is_other = np.ones(max(catalogue.categories, default=0) + 1, dtype=bool)
        is_other[
            [key for key, name in catalogue.categories.items() if name in query.filters.categories]
        ] = False
        np.take(is_other, catalogue.items.item_category, out=is_out, mode="clip")
    over = situation.state.settled_items | query.shown_items
    rows = catalogue.item_rows(np.fromiter(over, np.int64, len(over)))
    is_out[rows[rows >= 0]] = True
