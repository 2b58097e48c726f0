"""What items gain by how often this person has booked their kind."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.affinity import KINDS, ByKind, Tally, log_lifts, met, of_items
from features.horizon import Value
from reco.catalogue.numbering import ATTRIBUTES, Numbering
from reco.catalogue.snapshot import Items, known_genres
from reco.feed.generation import Generation
from reco.feed.readback import LiveOffer
from reco.feed.state import Booked
from reco.kernel.kinds import add_gained


@dataclass(frozen=True)
class Affinity:
    """Log-odds by category, subcategory and genre: as small as the taxonomy, not the catalogue."""

    items: Items
    """Of the catalogue."""
    gained: ByKind
    """By code of the catalogue; an item gains by the finest kind known of it."""
    met: NDArray[np.float64]
    """By subcategory: what items gain, or lose, by one of theirs having been booked before."""

    def of_items(self, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return what each of `items` (C,) gains."""
        kinds = self.items.kinds.take(items)
        return of_items(self.gained, kinds) + self.met[kinds.subcategory]

    def of_value(self, value: Value, numbering: Numbering) -> float:
        """Return what is gained by one of `KINDS` alone; 0: the catalogue does not know it."""
        number = numbering.number.get(value)
        if number is None:
            return 0.0
        kind = value[0]
        code = number - int(numbering.first[ATTRIBUTES.index(kind)])
        return float(self.gained[KINDS.index(kind)][code])

    def add(self, items: NDArray[np.int32], gain: NDArray[np.float64]) -> None:
        """Add to `gain` (C,) what each of `items` (C,) gains."""
        kinds = self.items.kinds
        add_gained(
            items, kinds.category, kinds.subcategory, kinds.genres, *self.gained, self.met, gain
        )


TOLD_FROM = math.log(1.5)
"""Log-odds from which on it is told what an item gains."""


@dataclass(frozen=True)
class Preferred:
    """What a person books more of than others do, and an offer is."""

    value: Value
    bookings: int
    """Of it that the person has made."""
    gained: float
    """Log-odds of a booking that the offer has by it."""


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


def preferred_of(
    affinity: Affinity,
    numbering: Numbering,
    gained: NDArray[np.float64],
    bookings: Sequence[Booked],
    offers: Sequence[LiveOffer],
) -> list[Preferred | None]:
    """Return for each offer what it gains much by; None where there is no such.

    Of several genres the one that is booked most beyond what others book of it: an offer may gain
    in all, and that one be booked less.

    Parameters
    ----------
    gained
        (n,) log-odds of a booking that each offer has by what was booked before.
    """
    booked = Counter(value for one in bookings for value in _values(one))

    def lift(value: Value) -> float:
        return affinity.of_value(value, numbering) if value in booked else 0.0

    of_each = zip(offers, gained.tolist(), strict=True)
    return [_preferred(offer, gain, booked, lift) for offer, gain in of_each]


def _preferred(
    offer: LiveOffer, gained: float, booked: Mapping[Value, int], lift: Callable[[Value], float]
) -> Preferred | None:
    if gained < TOLD_FROM:
        return None
    values = [("genre", genre) for genre in known_genres(offer.genres)]
    if not values:
        of_family = ("subcategory", offer.subcategory) if offer.subcategory else None
        values = [of_family or ("category", offer.category)]
    value = max(values, key=lift)
    return Preferred(value, booked[value], gained) if lift(value) > 0.0 else None


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
    genres = [("genre", genre) for genre in known_genres(booked.genres)]
    values = [("category", booked.category), *genres]
    return [*values, ("subcategory", booked.subcategory)] if booked.subcategory else values
