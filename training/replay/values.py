"""What offers of a past add to a horizon, as a table over one numbering of all values."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.horizon import POINTS, Value, ValueTable
from reco.catalogue.numbering import ATTRIBUTES, Numbering
from reco.catalogue.shelf import ONLINE
from training.replay.past import Past


@dataclass(frozen=True)
class Attributes:
    """The attribute values of the offers of a past; N numbers, whatever the moment."""

    past: Past

    @cached_property
    def numbering(self) -> Numbering:
        """That of every catalogue of this past."""
        past = self.past
        return Numbering.of(
            past.categories, past.subcategories, past.venue_types, past.venues, past.genres
        )

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """(N,) that a first booking of each value earns."""
        sizes = np.diff(self.numbering.first)
        return np.repeat(np.array([POINTS[name] for name in ATTRIBUTES]), sizes)

    @cached_property
    def names(self) -> tuple[Value, ...]:
        """(N,) with an empty name where a number stands for what is unknown."""
        first = self.numbering.first
        named = [(name, "") for name, size in zip(ATTRIBUTES, np.diff(first), strict=True)
                 for _ in range(size)]  # fmt: skip
        for value, number in self.numbering.number.items():
            named[number] = value
        at = int(first[ATTRIBUTES.index("venue")]) + 1
        for row, venue in enumerate(self.past.venues.venue_external_id.tolist()):
            named[at + row] = ("venue", venue.decode())
        return tuple(named)

    def numbers(self, offers: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return (R, 4 + MOST_GENRES) numbers of the values of offers, −1 where there is none."""
        past = self.past
        item = past.offers.item[offers]
        venue_id = past.offers.venue[offers]
        venue = np.where(venue_id == ONLINE, -1, past.venues.rows(venue_id))
        kind = np.append(past.venues.venue_type, np.int16(0))[venue]
        genres = past.items.item_genres[item]
        codes = np.column_stack(
            [
                past.items.item_category[item],
                past.items.item_subcategory[item],
                kind,
                venue + 1,
                genres,
            ]
        ).astype(np.int64)
        first = self.numbering.first[:-1].repeat([1, 1, 1, 1, genres.shape[1]])
        return np.where(codes > 0, first + codes, -1)

    def table(self, offers: NDArray[np.integer]) -> ValueTable:
        """Return the values of offers as a table of R rows, with the codes of `numbering`."""
        numbers = self.numbers(offers)
        numbers.sort(axis=1)
        is_new = numbers >= 0
        is_new[:, 1:] &= numbers[:, 1:] != numbers[:, :-1]
        start = np.append(0, np.cumsum(is_new.sum(axis=1))).astype(np.int64)
        return ValueTable(self.names, start, numbers[is_new].astype(np.int32), self.points)
