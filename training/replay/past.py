"""All that a world has on record, as arrays with times: each moment of it can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.horizon import Value
from reco.catalogue.shelf import ONLINE
from reco.catalogue.snapshot import Items
from reco.catalogue.venues import Venues
from reco.core.deposits import Deposit

UNLIMITED_PLACES = np.iinfo(np.int32).max
"""Of a stock that cannot be sold out."""


@dataclass(frozen=True)
class Stocks:
    """What S stocks are; times in microseconds since 1970, `FOREVER_US` where there is none."""

    offer: NDArray[np.int32]
    price_cents: NDArray[np.int32]
    places: NDArray[np.int32]
    """`UNLIMITED_PLACES` where there is no limit."""
    starts_us: NDArray[np.int64]
    ends_us: NDArray[np.int64]
    limit_us: NDArray[np.int64]
    """Not bookable from here on."""
    cancelled_us: NDArray[np.int64]
    created_us: NDArray[np.int64]
    """`NEVER_US` where unknown."""


@dataclass(frozen=True)
class Offers:
    """What O offers are."""

    item: NDArray[np.int32]
    venue: NDArray[np.int64]
    """Id in `Venues`; `ONLINE` for digital offers."""
    is_duo: NDArray[np.bool_]
    published_us: NDArray[np.int64]
    withdrawn_us: NDArray[np.int64]


Columns = TypeVar("Columns", Stocks, Offers)


@dataclass(frozen=True)
class Before(Generic[Columns]):
    """Rows as they were before they were changed, N of them."""

    row: NDArray[np.int64]
    until_us: NDArray[np.int64]
    """When each was changed; of one row, the latest first."""
    columns: Columns

    def applied(self, now: Columns, at_us: int) -> Columns:
        """Return the rows `now` as they were at a moment."""
        later = np.flatnonzero(self.until_us > at_us)
        if not len(later):
            return now
        kept = {}
        for field in fields(now):
            column = getattr(now, field.name).copy()
            # Of several changes after the moment the first tells, and it is written last.
            column[self.row[later]] = getattr(self.columns, field.name)[later]
            kept[field.name] = column
        return type(now)(**kept)


@dataclass(frozen=True)
class Bookings:
    """What was booked: by user, and of each by time; all (B,)."""

    start: NDArray[np.int64]
    """(U + 1,) bounds of each user's."""
    stock: NDArray[np.int32]
    quantity: NDArray[np.int32]
    amount_cents: NDArray[np.int32]
    at_us: NDArray[np.int64]
    cancelled_us: NDArray[np.int64]

    def stand(self, at_us: int) -> NDArray[np.bool_]:
        """Return which had been made by a moment and not been cancelled."""
        return (self.at_us <= at_us) & (self.cancelled_us > at_us)


@dataclass(frozen=True)
class Deeds:
    """Views, clicks and the like: by user, and of each by time; all (N,)."""

    start: NDArray[np.int64]
    """(U + 1,) bounds of each user's."""
    offer: NDArray[np.int32]
    kind: NDArray[np.int8]
    """Index in `EVENT_KINDS`."""
    at_us: NDArray[np.int64]
    """`NEVER_US` where unknown: long ago."""


@dataclass(frozen=True)
class People:
    """U people."""

    names: Sequence[str]
    """Their external ids."""
    home: NDArray[np.float64]
    """(U, 2) longitude and latitude on the grid of 100 m that feeds see, NaN unknown."""
    deposits: Mapping[int, Sequence[Deposit]]
    """Of those who have any, by row, in order of time."""
    tastes: Mapping[int, Sequence[tuple[Value, int]]]
    """What each said to like, and when; items as ("item", its external id)."""

    def __len__(self) -> int:
        return len(self.names)

    def are_there(self, at: datetime) -> NDArray[np.bool_]:
        """Return who (U,) is there at a moment: all but those whose first deposit comes later."""
        is_there = np.ones(len(self), dtype=bool)
        is_there[[row for row, own in self.deposits.items() if own[0].granted_at > at]] = False
        return is_there


@dataclass(frozen=True)
class Names:
    """What things are called."""

    item_title: pa.ChunkedArray
    item_genres: pa.ChunkedArray
    """All of them, separated by `|`."""
    item_description: pa.ChunkedArray
    item_image_url: pa.ChunkedArray
    offer_id: pa.ChunkedArray
    stock_id: pa.ChunkedArray
    venue_name: pa.ChunkedArray
    """By venue id, from 1 on."""


class Place(NamedTuple):
    """A venue as people know it."""

    row: int
    """In `Past.venues`."""
    venue_id: str
    venue_type: str | None


@dataclass(frozen=True)
class Past:
    """A world: rows are those of its frames, ids are rows from 1 on, as an import numbers them."""

    items: Items
    """All, with an id for each."""
    categories: Mapping[int, str]
    subcategories: Mapping[int, str]
    flags: NDArray[np.int8]
    """(subcategories + 1, 3) is_event, is_digital, is_physical: 1 or 0, -1 unknown."""
    genres: tuple[str, ...]
    venues: Venues
    venue_types: tuple[str, ...]
    venue_zones: tuple[str | None, ...]
    """By venue id, from 1 on."""
    offers: Offers
    offers_before: Before[Offers] | None
    stocks: Stocks
    stocks_before: Before[Stocks] | None
    people: People
    population: int
    """People that there are, those who are erased too."""
    joined_us: NDArray[np.int64]
    """When each of them joined of whom it is known, ascending."""
    bookings: Bookings
    unnamed: Bookings
    """Of people who are erased: they took places, and belong to nobody."""
    deeds: Deeds
    names: Names

    def population_at(self, at_us: int) -> int:
        """Return how many people there were at a moment; who joined nobody knows when counts."""
        later = len(self.joined_us) - np.searchsorted(self.joined_us, at_us, side="right")
        return self.population - int(later)

    def genres_of(self, item: int) -> list[str]:
        """Return the genres of the item of row `item`."""
        genres = self.names.item_genres[item].as_py()
        return genres.split("|") if genres else []

    def place_of(self, venue_id: int) -> Place | None:
        """Return the venue of an id, from 1 on; None: `ONLINE`."""
        if venue_id == ONLINE:
            return None
        row = int(self.venues.venue_by_id[venue_id - 1])
        kind = int(self.venues.venue_type[row])
        return Place(
            row,
            self.venues.venue_external_id[row].decode(),
            self.venue_types[kind - 1] if kind else None,
        )

    def stocks_at(self, at_us: int) -> Stocks:
        """Return the stocks as they were at a moment."""
        return self.stocks_before.applied(self.stocks, at_us) if self.stocks_before else self.stocks

    def offers_at(self, at_us: int) -> Offers:
        """Return the offers as they were at a moment."""
        return self.offers_before.applied(self.offers, at_us) if self.offers_before else self.offers
