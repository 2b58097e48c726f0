"""How much there is at each venue and of each item, whatever anybody asks for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import Shelf


@dataclass(frozen=True)
class Totals:
    """Sums over the offers of a catalogue; V venues, I items."""

    offers: NDArray[np.int64]
    """(V + 1,) at each venue, and of what is digital."""
    bookings: NDArray[np.int64]
    """(V + 1,) of these offers."""
    item_bookings: NDArray[np.int32]
    """(I,) no item has more."""


def totals_of(
    base: Shelf, fresh: Shelf, replaced: NDArray[np.bool_], venues: int, items: int
) -> Totals:
    """Return the sums over the offers of `base` that are not `replaced`, and those of `fresh`."""
    offers, bookings = np.zeros((2, venues + 1), dtype=np.int64)
    for shelf in (base, fresh):
        places = np.append(np.arange(shelf.online_row), venues)
        offers[places] += np.diff(shelf.offer_start)
        bookings[places] += shelf.group_bookings
    struck = np.flatnonzero(replaced)
    group = base.groups_of(struck)
    group[group == base.online_row] = venues
    np.subtract.at(offers, group, 1)
    np.subtract.at(bookings, group, base.offer_bookings[struck])
    item_bookings = np.zeros(items, dtype=np.int32)
    for shelf in (base, fresh):
        item_bookings[: len(shelf.item_bookings)] += shelf.item_bookings
    return Totals(offers, bookings, item_bookings)
