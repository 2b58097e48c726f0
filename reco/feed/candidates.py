"""Candidates: every item that can be booked around a person, each at its best offer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.credit import Budget, strands_from_cents
from features.pairs import COSTS_BY_HAND, Costs
from reco.catalogue.shelf import CAPS, ONLINE, Shelf
from reco.catalogue.snapshot import Catalogue
from reco.core.deposits import Credit
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from reco.feed.budget import budget_at
from reco.feed.query import Filters
from reco.feed.situation import Situation
from reco.feed.surroundings import Surroundings
from reco.feed.workspace import Scratch
from reco.kernel import gathering, nearness, selecting


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
    """Candidates of a request, one an item, in the catalogue's order; arrays of shape (C,).

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

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return some of them, spelled out."""
        catalogue, around = self.sweep.catalogue, self.sweep.around
        base, fresh = catalogue.base, catalogue.fresh
        offer_id, venue_id, venue_row = np.empty((3, len(places)), dtype=np.int64)
        distance_m = np.empty(len(places))
        gathering.spell_out(
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
class _Part:
    """A shelf with the groups of offers on it that lie around, and what their distance costs."""

    shelf: Shelf
    first_row: int
    replaced: NDArray[np.bool_]
    group: NDArray[np.int32]
    group_cost: NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """The offers around a person, ready to be gone through, as often as need be."""

    catalogue: Catalogue
    around: Surroundings
    scratch: Scratch
    """Where what is gathered lies, until it is gathered again."""
    parts: tuple[_Part, ...]
    asked: tuple[object, ...]
    """What `gathering.gather` must know of the request."""
    budget: Budget
    """What the person can afford."""
    items: NDArray[np.int32]
    """(R,) the items with offers around that the request may show, as far as the item tells."""
    online_cost: float
    """What a digital offer costs for being one."""
    offers: tuple[int, int]
    """How many offers there are at the venues around and online, whatever is asked."""
    bookings: tuple[int, int]
    """Of these offers."""

    def gather(self, slots: int) -> Gathered:
        """Return what can be booked of the items that have a slot, each at its cheapest offer.

        Parameters
        ----------
        slots
            How many items were given one, in `scratch.slot` and `scratch.slot_item`.
        """
        scratch, base = self.scratch, self.catalogue.base
        for part in self.parts:
            shelf = part.shelf
            gathering.gather(
                shelf.offer_start, base.offer_id, self.catalogue.fresh.offer_id, part.first_row,
                shelf.offer_item, shelf.offer_bookings, shelf.offer_price, part.replaced,
                shelf.session_start, shelf.session,
                part.group, part.group_cost, scratch.is_chosen, scratch.slot, *self.asked,
                scratch.best,
            )  # fmt: skip
        online = np.zeros(1, dtype=np.int64)
        count = gathering.take_out(
            scratch.best, scratch.slot_item[:slots], scratch.is_chosen,
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

    def everything(self) -> Gathered:
        """Return every item that the request may show."""
        scratch = self.scratch
        return self.gather(
            selecting.choose_all(self.items, scratch.is_chosen, scratch.slot, scratch.slot_item)
        )


def sweep_of(
    catalogue: Catalogue, situation: Situation, scratch: Scratch, costs: Costs = COSTS_BY_HAND
) -> Sweep:
    """Return the sweep over what the request may show; its results lie in `scratch`."""
    around, totals = situation.around, catalogue.totals
    at_venues = [
        int(column[around.venue_rows].sum()) for column in (totals.offers, totals.bookings)
    ]
    parts = tuple(_parts(catalogue, around, costs))
    budget = budget_at(situation.state, situation.query.now)
    return Sweep(
        catalogue=catalogue,
        around=around,
        scratch=scratch,
        parts=parts,
        asked=_asked(catalogue, situation, budget, costs),
        budget=budget,
        items=_items(catalogue, situation, parts, scratch),
        online_cost=costs.online,
        offers=(at_venues[0], int(totals.offers[-1])),
        bookings=(at_venues[1], int(totals.bookings[-1])),
    )


def bytes_to_touch(sweep: Sweep) -> int:
    """Return how many bytes of the catalogue a request must read at least, for a benchmark.

    Item, price and bookings of every offer around, and the sessions that need a look.
    """
    total = 0
    for part in sweep.parts:
        shelf = part.shelf
        first, last = shelf.offer_start[part.group], shelf.offer_start[part.group + 1]
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


def _parts(catalogue: Catalogue, around: Surroundings, costs: Costs) -> Iterator[_Part]:
    venues, base = around.venue_rows, catalogue.base
    away, table = np.empty(len(venues)), costs.distance
    gathering.costs_at(table.cost, table.knots_per_unit, around.distance_m, away)
    for shelf, first_row, replaced in (
        (base, 0, catalogue.replaced if catalogue.has_replaced else _NONE),
        (catalogue.fresh, len(base.offer_id), _NONE),
    ):
        if len(shelf.offer_id):
            # Venues that came after the shelf have nothing on it.
            known = int(np.searchsorted(venues, shelf.online_row))
            group = np.append(venues[:known], np.int32(shelf.online_row))
            yield _Part(shelf, first_row, replaced, group, np.append(away[:known], costs.online))


def _asked(
    catalogue: Catalogue, situation: Situation, budget: Budget, costs: Costs
) -> tuple[object, ...]:
    query = situation.query
    after, before = query.filters.starts_from, query.filters.starts_before
    return (
        # A catalogue does not say what was open before it was read.
        micros(max(query.now, catalogue.at)),
        micros(after) if after else NEVER_US,
        micros(before) if before else FOREVER_US,
        _limits_cents(situation.state.credit, query.filters),
        _budget(budget, costs.credit),
        costs.of_cents,
        costs.price.cost,
        costs.price.knots_per_unit,
        costs.wait.cost,
        costs.wait.knots_per_unit,
    )


def _budget(budget: Budget, weight: float) -> NDArray[np.float64]:
    """Return a budget as `gathering.credit_cost` takes it, (6,)."""
    strands_from = strands_from_cents(budget.left_cents)
    log_left = np.log(max(budget.left_cents, 1.0))
    return np.append(np.log(budget.fair_cents), [strands_from, log_left, weight])


_NONE = np.empty(0, dtype=bool)


def _online_rows(catalogue: Catalogue) -> tuple[int, int, int]:
    base, fresh = catalogue.base, catalogue.fresh
    rows = len(base.offer_id)
    first = int(base.offer_start[base.online_row])
    return first, rows, rows + int(fresh.offer_start[fresh.online_row])


def _items(
    catalogue: Catalogue, situation: Situation, parts: Sequence[_Part], scratch: Scratch
) -> NDArray[np.int32]:
    """Return the items around of the categories asked for, not settled or shown before."""
    near_cost = scratch.near_cost[: len(catalogue.items)]
    near_cost[:], scratch.near_bookings[:] = np.inf, 0
    for part in parts:
        shelf, at_venues = part.shelf, slice(-1)
        nearness.come_near(
            shelf.offer_start, shelf.offer_item, shelf.offer_bookings,
            part.group[at_venues], part.group_cost[at_venues],
            near_cost, scratch.near_bookings,
        )  # fmt: skip
    is_out = _is_out(catalogue, situation, scratch.is_out)
    count = nearness.come_in_question(near_cost, catalogue.is_online_item, is_out, scratch.around)
    return scratch.around[:count]


def _is_out(
    catalogue: Catalogue, situation: Situation, room: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Write which items are not of the categories asked for, or settled or shown before."""
    query, is_out = situation.query, room[: len(catalogue.items)]
    is_out[:] = False
    if query.filters.categories:
        is_other = np.ones(max(catalogue.categories, default=0) + 1, dtype=bool)
        is_other[
            [key for key, name in catalogue.categories.items() if name in query.filters.categories]
        ] = False
        np.take(is_other, catalogue.items.item_category, out=is_out, mode="clip")
    over = situation.state.settled_items | query.shown_items
    rows = catalogue.item_rows(np.fromiter(over, np.int64, len(over)))
    is_out[rows[rows >= 0]] = True
    return is_out


def _limits_cents(credit: Credit, filters: Filters) -> NDArray[np.int64]:
    """Return what a stock may cost, by what it counts against: price asked, credit and cap."""
    limits = [[filters.max_price_cents, credit.limit_cents(cap)] for cap in CAPS]
    return np.array(
        [min((limit for limit in both if limit is not None), default=FOREVER_US) for both in limits]
    )
