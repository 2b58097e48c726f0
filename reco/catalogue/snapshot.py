"""The catalogue: every bookable offer of a moment, as arrays, looked up by venue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Catalogue:
    """What can be booked, seen from `at`; immutable, shared by all requests.

    V venues, O offers, S stocks and I items. Offers are grouped by venue, stocks by offer: those
    of venue row v are `offer_start[v]:offer_start[v + 1]`. Row V of `offer_start` holds the
    digital offers. Times are int64 microseconds since 1970 UTC.
    """

    version: str
    at: datetime
    categories: Mapping[int, str]
    """Name of each category id."""
    subcategories: Mapping[int, str]
    users: int
    """People in the world: with the counts below, how often anything is booked at all."""
    seen_before_xid: int
    """Every transaction below this was over, and seen, when it was built."""

    venue_id: NDArray[np.int64]
    """(V,) sorted."""
    offer_start: NDArray[np.int64]
    """(V + 2,)"""
    offer_id: NDArray[np.int64]
    """(O,)"""
    offer_item: NDArray[np.int32]
    """(O,) row of the item."""
    offer_bookings: NDArray[np.int32]
    """(O,) bookings of the 28 days before `at`, and those without a time."""
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
    """(S,) not bookable from here on: begun, past its booking limit, withdrawn or cancelled."""
    item_id: NDArray[np.int64]
    """(I,) sorted."""
    item_external_id: NDArray[np.bytes_]
    """(I,) the id that models know."""
    item_category: NDArray[np.int16]
    """(I,) key of `categories`."""
    item_subcategory: NDArray[np.int16]
    """(I,) key of `subcategories`, 0 unknown."""
    item_is_digital: NDArray[np.bool_]
    item_is_physical: NDArray[np.bool_]

    @property
    def digital_row(self) -> int:
        """The row of `offer_start` that holds the digital offers."""
        return len(self.venue_id)

    def venue_rows(self, venue_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each venue, −1 where it has nothing bookable."""
        return rows_of(self.venue_id, venue_ids)

    def nbytes(self) -> int:
        """Return the size of all arrays in bytes."""
        return sum(value.nbytes for value in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}


def rows_of(sorted_ids: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each of `ids` in `sorted_ids`, −1 where it is not there."""
    if not len(sorted_ids):
        return np.full(len(ids), -1, dtype=np.int64)
    rows = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.where(sorted_ids[rows] == ids, rows, -1).astype(np.int64)


def ragged_rows(
    start: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the member rows of `groups`, one after the other, and for each its place in `groups`.

    >>> ragged_rows(np.array([0, 2, 2, 5]), np.array([2, 0]))
    (array([2, 3, 4, 0, 1]), array([0, 0, 0, 1, 1]))
    """
    counts = start[groups + 1] - start[groups]
    owner = np.repeat(np.arange(len(groups)), counts)
    before = np.cumsum(counts) - counts
    within = np.arange(len(owner)) - before[owner]
    return start[groups][owner] + within, owner


def run_starts(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a mask of the places where a new run of equal values begins."""
    return np.append(np.ones(min(1, len(values)), dtype=bool), values[1:] != values[:-1])
