"""What items gain by how often this person has booked their kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.affinity import KINDS, ByKind, Tally, log_lifts, met, of_items
from features.horizon import Value
from reco.catalogue.numbering import ATTRIBUTES, Numbering
from reco.catalogue.snapshot import MOST_GENRES, Items
from reco.feed.generation import Generation
from reco.feed.state import Booked
from reco.kernel.affinity import add_gained


@dataclass(frozen=True)
class Affinity:
    """Log-odds by category, subcategory and genre: as small as the taxonomy, not the catalogue."""

    items: Items
    """Of the catalogue."""
    gained: ByKind
    """By code of the catalogue; an item gains by the finest kind known of it."""
    met: NDArray[np.float64]
    """By subcategory: what items gain, or lose, by one of theirs having been booked before."""

    @property
    def most(self) -> float:
        """No item gains or loses more."""
        tables = (*self.gained, self.met)
        return sum(float(np.abs(table).max(initial=0.0)) for table in tables)

    def of_items(self, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return what each of `items` (C,) gains."""
        kinds = self.items.kinds.take(items)
        return of_items(self.gained, kinds) + self.met[kinds.subcategory]

    def add(self, items: NDArray[np.int32], log_odds: NDArray[np.float32]) -> None:
        """Add to `log_odds` (C,) what each of `items` (C,) gains, but for rounding."""
        kinds = self.items.kinds
        add_gained(
            items, kinds.category, kinds.subcategory, kinds.genres, *self.gained, self.met, log_odds
        )


def affinity_of(serving: Generation, bookings: Sequence[Booked]) -> Affinity | None:
    """Return what items gain by these bookings of a person.

    None: nothing, for nothing was booked, or nothing was learned of it.
    """
    learned = serving.ranker.facts.affinity if serving.ranker else None
    if learned is None or not bookings:
        return None
    own = _tally(serving.catalogue.numbering, bookings)
    lifts = log_lifts(own, serving.bookings_by_kind, learned.prior_bookings)
    category, subcategory, genre = (learned.lift * lift for lift in lifts)
    gained = (category, subcategory, genre)
    return Affinity(serving.catalogue.items, gained, learned.met * met(own))


def _tally(numbering: Numbering, bookings: Sequence[Booked]) -> Tally:
    """Return the bookings by kind, as `features.affinity.tally_of` counts items."""
    numbers = numbering.numbers([value for booked in bookings for value in _values(booked)])
    first = [numbering.first[ATTRIBUTES.index(kind) :][:2] for kind in KINDS]
    category, subcategory, genre = (
        np.bincount(
            numbers[(numbers >= start) & (numbers < end)] - start, minlength=int(end - start)
        ).astype(np.float64)
        for start, end in first
    )
    return Tally((category, subcategory, genre), float(len(bookings)))


def _values(booked: Booked) -> list[Value]:
    genres = sorted(set(booked.genres))[:MOST_GENRES]
    values = [("category", booked.category), *(("genre", genre) for genre in genres)]
    return [*values, ("subcategory", booked.subcategory)] if booked.subcategory else values
