"""A shelf of offers: arrays grouped by venue and offer, looked up by venue."""

from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.cheapest import Cheapest, cheapest_of
from reco.catalogue.rows import run_starts
from reco.catalogue.venues import Venues
from reco.core.deposits import Cap
from reco.db.arrays import FOREVER_US

ONLINE = np.iinfo(np.int64).max
"""Stands for the missing venue of a digital offer; sorts after every venue."""
RECENT = timedelta(days=28)
"""How old a booking may be to count for popularity."""

_MAX_WHOLE = 1 << 31

CAPS: tuple[Cap, ...] = ("none", "digital", "physical")
"""What a stock counts against; the index is the int8 code."""


@dataclass(frozen=True)
class Shelf:
    """Offers with their stocks; immutable.

    V venues, O offers and S stocks. Offers are grouped by venue, stocks by offer: those of venue
    row v are `offer_start[v]:offer_start[v + 1]`. Row V of `offer_start` holds the digital offers.
    Times are int64 microseconds since 1970 UTC.
    """

    venue_id: NDArray[np.int64]
    """(V,) the first V of `Venues`, which come by place."""
    offer_start: NDArray[np.int64]
    """(V + 2,)"""
    offer_id: NDArray[np.int64]
    """(O,) sorted within a venue."""
    offer_by_id: NDArray[np.int32]
    """(O,) rows of the offers by ascending id."""
    offer_item: NDArray[np.int32]
    """(O,) row of the item."""
    offer_bookings: NDArray[np.int32]
    """(O,) bookings of the time (`RECENT`) before it was read, and those without a time."""
    offer_price: NDArray[np.int32]
    """(O,) `cents << 2 | cap` of an offer's only stock where that is always open; else −1 − t: its
    sessions are `session_start[t]:session_start[t + 1]`."""
    session_start: NDArray[np.int64]
    """(T + 1,)"""
    session: NDArray[np.int64]
    """(N, 5) start, opening and closing of a stock as below, `cents << 2 | cap`, its hour of the
    week."""
    offer_is_duo: NDArray[np.bool_]
    """(O,) two places may be booked at once."""
    stock_start: NDArray[np.int64]
    """(O + 1,)"""
    stock_id: NDArray[np.int64]
    """(S,) by offer, then by start."""
    stock_price_cents: NDArray[np.int32]
    """(S,)"""
    stock_starts_us: NDArray[np.int64]
    """(S,) `FOREVER_US` where undated."""
    stock_opens_us: NDArray[np.int64]
    """(S,) published from here on."""
    stock_closes_us: NDArray[np.int64]
    """(S,) not bookable from here on: begun, past its booking limit or withdrawn."""
    stock_cap: NDArray[np.int8]
    """(S,) index in `CAPS`."""
    stock_week_hour: NDArray[np.int16]
    """(S,) at which it begins where it takes place (`features.clock`)."""

    @property
    def online_row(self) -> int:
        """The row of `offer_start` that holds the digital offers."""
        return len(self.venue_id)

    @cached_property
    def group_bookings(self) -> NDArray[np.int64]:
        """(V + 1,) bookings at each venue, and of what is digital."""
        summed = np.append(0, np.cumsum(self.offer_bookings, dtype=np.int64))
        return np.asarray(np.diff(summed[self.offer_start]))

    @cached_property
    def item_bookings(self) -> NDArray[np.int32]:
        """Bookings of each item, up to the last one that is here."""
        return np.bincount(self.offer_item, self.offer_bookings).astype(np.int32)

    @cached_property
    def online_item_bookings(self) -> NDArray[np.int32]:
        """Bookings of the digital offers of each item, up to the last one that has any."""
        online = slice(self.offer_start[self.online_row], None)
        return np.bincount(self.offer_item[online], self.offer_bookings[online]).astype(np.int32)

    @cached_property
    def is_online_item(self) -> NDArray[np.bool_]:
        """Which items have digital offers, up to the last one that has any."""
        online = self.offer_item[self.offer_start[self.online_row] :]
        return np.asarray(np.bincount(online) > 0)

    @cached_property
    def cheapest(self) -> Cheapest:
        """What is known of the prices of items."""
        item = np.repeat(self.offer_item, np.diff(self.stock_start))
        return cheapest_of(item, self.stock_price_cents, self.stock_cap)

    def groups_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of `offer_start` that each of these offers belongs to."""
        return np.asarray(np.searchsorted(self.offer_start, rows, side="right") - 1)

    def offer_rows(self, offer_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of those of `offer_ids` that are here."""
        if not len(self.offer_id):
            return np.empty(0, dtype=np.int64)
        place = np.searchsorted(self.offer_id, offer_ids, sorter=self.offer_by_id)
        rows = self.offer_by_id[np.minimum(place, len(self.offer_id) - 1)]
        is_here: NDArray[np.bool_] = self.offer_id[rows] == offer_ids
        return rows[is_here].astype(np.int64)

    def bookings(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return how often offers (all, or those of `rows`) were booked: at venues, and online."""
        first_online = self.offer_start[self.online_row]
        if rows is None:
            at_venues = self.offer_bookings[:first_online]
            online = self.offer_bookings[first_online:]
        else:
            at_venues = self.offer_bookings[rows[rows < first_online]]
            online = self.offer_bookings[rows[rows >= first_online]]
        return np.array([at_venues.sum(dtype=np.int64), online.sum(dtype=np.int64)])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class StockRows:
    """Stocks as rows of one table, each offer's by start and id; all arrays of shape (S,)."""

    venue: NDArray[np.int64]
    """Id; `ONLINE` for digital offers."""
    offer: NDArray[np.int64]
    item: NDArray[np.int32]
    """Row of the item."""
    bookings: NDArray[np.int32]
    """Of the offer."""
    is_duo: NDArray[np.bool_]
    """Of the offer."""
    stock: NDArray[np.int64]
    price_cents: NDArray[np.int32]
    starts: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    cap: NDArray[np.int8]
    week_hour: NDArray[np.int16]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "StockRows":
        """Return the rows that a mask or an index chooses."""
        return StockRows(**{name: column[rows] for name, column in vars(self).items()})

    def merged(self, other: "StockRows") -> "StockRows":
        """Return both together, in order."""
        both = StockRows(
            **{
                name: np.concatenate([column, getattr(other, name)])
                for name, column in vars(self).items()
            }
        )
        return both.take(np.lexsort((both.stock, both.starts, both.offer, both.venue)))

    def shelf(self, venues: Venues, at_us: int) -> Shelf:
        """Return the shelf that holds these rows, for each of `venues` what is there.

        Nobody asks it what was open before `at_us`.
        """
        row = np.where(self.venue == ONLINE, len(venues), venues.rows(self.venue))
        by_place = self.take(np.argsort(row, kind="stable"))
        first = np.flatnonzero(run_starts(by_place.offer))
        row = np.sort(row)[first]
        offer_id = by_place.offer[first]
        return Shelf(
            venue_id=venues.venue_id,
            offer_start=np.searchsorted(row, np.arange(len(venues) + 2)),
            offer_id=offer_id,
            offer_by_id=np.argsort(offer_id, kind="stable").astype(np.int32),
            offer_item=by_place.item[first],
            offer_bookings=by_place.bookings[first],
            **_prices(by_place, first, at_us),
            offer_is_duo=by_place.is_duo[first],
            stock_start=np.append(first, len(by_place.stock)),
            stock_id=by_place.stock,
            stock_price_cents=by_place.price_cents,
            stock_starts_us=by_place.starts,
            stock_opens_us=by_place.opens,
            stock_closes_us=by_place.closes,
            stock_cap=by_place.cap,
            stock_week_hour=by_place.week_hour,
        )


def _prices(rows: StockRows, first: NDArray[np.int64], at_us: int) -> dict[str, NDArray[Any]]:
    """Return the prices of offers, whose rows begin at `first`, and the sessions that need a look.

    Most offers have one stock, at any time: their price alone says what a request must know.
    """
    price = rows.price_cents.astype(np.int64) << 2 | rows.cap
    counts = np.diff(first, append=len(rows.stock))
    is_always_open = (counts == 1) & (rows.opens[first] <= at_us)
    is_always_open &= (rows.closes[first] == FOREVER_US) & (price[first] < _MAX_WHOLE)
    looked_at = ~is_always_open
    sessions = np.repeat(looked_at, counts)
    columns = (rows.starts, rows.opens, rows.closes, price, rows.week_hour)
    return {
        "offer_price": np.where(
            is_always_open, price[first], -np.cumsum(looked_at).astype(np.int64)
        ).astype(np.int32),
        "session_start": np.append(0, np.cumsum(counts[looked_at])),
        "session": np.stack([column[sessions] for column in columns], axis=1, dtype=np.int64),
    }


def rows_on(shelf: Shelf) -> StockRows:
    """Return what lies on `shelf` as rows."""
    venues = np.append(shelf.venue_id, ONLINE)
    offer = np.repeat(np.arange(len(shelf.offer_id)), np.diff(shelf.stock_start))
    venue = np.repeat(venues, np.diff(shelf.offer_start))
    return StockRows(
        venue=venue[offer],
        offer=shelf.offer_id[offer],
        item=shelf.offer_item[offer],
        bookings=shelf.offer_bookings[offer],
        is_duo=shelf.offer_is_duo[offer],
        stock=shelf.stock_id,
        price_cents=shelf.stock_price_cents,
        starts=shelf.stock_starts_us,
        opens=shelf.stock_opens_us,
        closes=shelf.stock_closes_us,
        cap=shelf.stock_cap,
        week_hour=shelf.stock_week_hour,
    )
