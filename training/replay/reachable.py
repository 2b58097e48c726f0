"""What candidates of a person could earn at most: the values that lie within reach."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.horizon import POINTS
from reco.catalogue.numbering import ATTRIBUTES
from reco.catalogue.snapshot import Catalogue
from reco.db.arrays import micros
from reco.feed.surroundings import Surroundings

_VENUE = ATTRIBUTES.index("venue")
_NAMED = tuple(name for name in ATTRIBUTES if name != "venue")


@dataclass(frozen=True)
class Reachable:
    """The values of what can be booked at each venue, and online, whatever it costs.

    What is only announced is in a catalogue too, but cannot be booked yet.
    """

    catalogue: Catalogue

    def most_points(self, around: Surroundings, met: NDArray[np.integer], n: int) -> float:
        """Return U_n (METRICS, 3) over all that can be booked around.

        Parameters
        ----------
        met
            Numbers of the values that the person has met (`Catalogue.numbering`).
        """
        reached = np.bitwise_or.reduce(self._packed[np.append(around.venue_rows, -1)], axis=0)
        has = np.unpackbits(reached, count=len(self._attribute)).astype(bool)
        first, last = self.catalogue.numbering.first[_VENUE : _VENUE + 2]
        is_venue = (met >= first) & (met < last)
        has[self._place[met[~is_venue]]] = False
        new = np.bincount(self._attribute[has], minlength=len(ATTRIBUTES))
        open_venues = around.venue_rows[self._has_offers[around.venue_rows]]
        new[_VENUE] = len(np.setdiff1d(open_venues, met[is_venue] - first - 1))
        return float((self._points * np.minimum(n * self._widest, new)).sum())

    @property
    def bookable_venues(self) -> int:
        """How many venues have anything that can be booked."""
        return int(np.count_nonzero(self._has_offers))

    @property
    def bookable_items(self) -> int:
        """How many works can be booked anywhere."""
        return len(np.unique(self.catalogue.base.offer_item[self._open]))

    @cached_property
    def _open(self) -> NDArray[np.int64]:
        """Rows of the offers with a session that can be booked now."""
        shelf, at_us = self.catalogue.base, micros(self.catalogue.at)
        offer = np.repeat(np.arange(len(shelf.offer_item)), np.diff(shelf.stock_start))
        is_open = (shelf.stock_opens_us <= at_us) & (shelf.stock_closes_us > at_us)
        return np.unique(offer[is_open])

    @cached_property
    def _has_offers(self) -> NDArray[np.bool_]:
        group = self.catalogue.base.groups_of(self._open)
        return np.bincount(group, minlength=len(self.catalogue.venues) + 1)[:-1] > 0

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        return np.array([POINTS[name] for name in ATTRIBUTES])

    @cached_property
    def _widest(self) -> NDArray[np.int64]:
        """The most values of each attribute that one offer has."""
        item = self.catalogue.base.offer_item[self._open]
        genres = int((self.catalogue.items.item_genres[item] > 0).sum(axis=1).max(initial=0))
        return np.array([genres if name == "genre" else 1 for name in ATTRIBUTES])

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """Of every value but venues, ascending."""
        first, last = self.catalogue.numbering.first[_VENUE : _VENUE + 2]
        every = np.arange(int(self.catalogue.numbering.first[-1]))
        return np.asarray(every[(every < first) | (every >= last)])

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        place = np.full(int(self.catalogue.numbering.first[-1]), -1)
        place[self._numbers] = np.arange(len(self._numbers))
        return place

    @cached_property
    def _attribute(self) -> NDArray[np.int64]:
        first = self.catalogue.numbering.first
        group = np.searchsorted(first, self._numbers, side="right") - 1
        return np.asarray(group).astype(np.int64)

    @cached_property
    def _packed(self) -> NDArray[np.uint8]:
        """(V + 1, B) the values at each venue, and online, as bits."""
        catalogue, shelf = self.catalogue, self.catalogue.base
        items, venues = catalogue.items, catalogue.venues
        group, item = shelf.groups_of(self._open), shelf.offer_item[self._open]
        kinds = np.append(venues.venue_type, np.int16(0))[group]
        columns = {
            "category": [items.item_category[item]],
            "subcategory": [items.item_subcategory[item]],
            "venue_type": [kinds],
            "genre": list(items.item_genres[item].T),
        }
        has = np.zeros((len(venues) + 1, len(self._numbers)), dtype=bool)
        for name in _NAMED:
            first = catalogue.numbering.first[ATTRIBUTES.index(name)]
            for code in columns[name]:
                is_known = code > 0
                has[group[is_known], self._place[first + code[is_known].astype(np.int64)]] = True
        return np.packbits(has, axis=1)
