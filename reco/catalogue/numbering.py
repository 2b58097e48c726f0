"""One number for every attribute value that a catalogue knows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from reco.catalogue.venues import Venues
from reco.catalogue.vocabulary import codes_by_name

ATTRIBUTES = ("category", "subcategory", "venue_type", "venue", "genre")
"""In the order of their numbers."""


@dataclass(frozen=True)
class Numbering:
    """The values of five attributes in one space: the attribute's first number, plus a code.

    A code is the id of a category or subcategory, a venue's row plus 1, or the place of a venue
    type or genre among the catalogue's, from 1 on; 0 is unknown.
    """

    first: NDArray[np.int64]
    """(6,) of each of `ATTRIBUTES`, and after them how many numbers there are."""
    number: Mapping[Value, int]
    """Of every value but venues, which are many."""
    venues: Venues

    @classmethod
    def of(
        cls,
        categories: Mapping[int, str],
        subcategories: Mapping[int, str],
        venue_types: tuple[str, ...],
        venues: Venues,
        genres: tuple[str, ...],
    ) -> "Numbering":
        """Return the numbers of the values that these have."""
        codes: dict[str, Mapping[str, int]] = {
            "category": {name: key for key, name in categories.items()},
            "subcategory": {name: key for key, name in subcategories.items()},
            "venue_type": codes_by_name(venue_types),
            "genre": codes_by_name(genres),
        }
        sizes = {name: max(known.values(), default=0) + 1 for name, known in codes.items()}
        sizes["venue"] = len(venues) + 1
        first = np.append(0, np.cumsum([sizes[name] for name in ATTRIBUTES])).astype(np.int64)
        number = {
            (attribute, name): int(first[ATTRIBUTES.index(attribute)]) + code
            for attribute, known in codes.items()
            for name, code in known.items()
        }
        return cls(first, number, venues)

    def numbers(self, values: Collection[Value]) -> NDArray[np.int64]:
        """Return the number of each of `values`, in order; −1 where the catalogue lacks it."""
        numbers = np.fromiter(map(self.number.get, values, repeat(-1)), np.int64, len(values))
        venues = {at: name for at, (kind, name) in enumerate(values) if kind == "venue"}
        if venues:
            rows = self.venues.rows_of_external(list(venues.values()))
            first = self.first[ATTRIBUTES.index("venue")]
            numbers[list(venues)] = np.where(rows >= 0, first + 1 + rows, -1)
        return numbers
