"""The catalogue: every bookable offer of a moment, as arrays, looked up by venue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.affinity import Kinds
from reco.catalogue.cards import NO_CARDS, Cards
from reco.catalogue.cheapest import price_codes
from reco.catalogue.labels import Labels
from reco.catalogue.numbering import Numbering
from reco.catalogue.rows import rows_of
from reco.catalogue.seen import Seen
from reco.catalogue.shelf import Shelf, StockRows
from reco.catalogue.totals import Totals, totals_of
from reco.catalogue.venues import Venues
from reco.kernel.kinds import number_kinds

MOST_GENRES = 8
"""Of an item that are known."""


def known_genres(genres: Iterable[str]) -> list[str]:
    """Return those genres of an item that are known, in their order; the others earn nothing.

    >>> known_genres(["rock", "", "jazz", "rock"])
    ['jazz', 'rock']
    """
    return sorted({name for name in genres if name})[:MOST_GENRES]


@dataclass(frozen=True)
class Items:
    """What is known of each item; arrays of shape (I,) but for the genres."""

    item_id: NDArray[np.int64]
    item_external_id: NDArray[np.bytes_]
    """The id that models know."""
    item_category: NDArray[np.int16]
    """Key of the catalogue's `categories`."""
    item_subcategory: NDArray[np.int16]
    """Key of the catalogue's `subcategories`, 0 unknown."""
    item_is_digital: NDArray[np.bool_]
    item_genres: NDArray[np.int16]
    """(I, MOST_GENRES) codes of the catalogue's `genres`, zeros after them. Of an item with more
    genres the first in alphabetical order are known, the others earn nothing."""

    def __len__(self) -> int:
        return len(self.item_id)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def kinds(self) -> Kinds:
        """What they are told apart by."""
        return Kinds(self.item_category, self.item_subcategory, self.item_genres)

    @cached_property
    def numbered_kinds(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(I,) and (K,): which of K kinds each item is of, and the first item of each kind.

        Of one kind are items alike in category, subcategory and genres.
        """
        kind, first = np.empty((2, len(self)), dtype=np.int32)
        count = number_kinds(
            self.item_category, self.item_subcategory, self.item_genres, kind, first
        )
        return kind, first[:count].copy()

    @cached_property
    def labels(self) -> Labels:
        """What searches tell items apart by."""
        return Labels.of(self.item_category, self.item_subcategory, self.item_is_digital)

    @cached_property
    def most_genres(self) -> int:
        """The most genres that are known of any item."""
        return int(np.count_nonzero(self.item_genres.any(axis=0)))

    @cached_property
    def families(self) -> NDArray[np.int64]:
        """(2, P) every pair of a subcategory and a category that items have; ids."""
        columns = (self.item_subcategory, self.item_category)
        is_there = np.zeros([int(ids.max(initial=0)) + 1 for ids in columns], dtype=bool)
        is_there[columns] = True
        return np.stack(np.nonzero(is_there))

    @cached_property
    def family(self) -> NDArray[np.int16]:
        """(I,) the subcategory of each item; where it has none its category, told apart."""
        if self.item_subcategory.all():
            return self.item_subcategory
        return self.family_of(self.item_subcategory, self.item_category).astype(np.int16)

    def family_of(
        self, subcategory: NDArray[np.integer], category: NDArray[np.integer]
    ) -> NDArray[np.integer]:
        """Return the family of each pair that items have: categories come after subcategories."""
        after = int(self.families[0].max(initial=0)) + 1
        return np.where(subcategory > 0, subcategory, category + after)

    def amended(self, rows: NDArray[np.int64], now: "Items") -> "Items":
        """Return these items with `now` in the place of those of `rows` (−1: after them).

        Where nothing differs, these very items.
        """
        is_known = rows >= 0
        known, later = rows[is_known], now.take(~is_known)
        is_same = all(
            np.array_equal(column[known], getattr(now, name)[is_known])
            for name, column in self.arrays().items()
        )
        items = self if is_same else self._replaced(known, now.take(is_known))
        return items.joined(later) if len(later) else items

    def take(self, chosen: NDArray[np.bool_]) -> "Items":
        """Return the items that a mask chooses."""
        return Items(**{name: column[chosen] for name, column in self.arrays().items()})

    def _replaced(self, rows: NDArray[np.int64], now: "Items") -> "Items":
        columns = {name: np.array(column) for name, column in self.arrays().items()}
        for name, column in columns.items():
            column[rows] = getattr(now, name)
        return Items(**columns)

    def joined(self, other: "Items") -> "Items":
        """Return these items, then those of `other`."""
        return Items(
            **{
                name: np.concatenate([column, getattr(other, name)])
                for name, column in self.arrays().items()
            }
        )


@dataclass(frozen=True)
class Catalogue:
    """What can be booked; immutable, shared by all requests.

    A large base, which the workers of a machine share, and beside it what has changed since: the
    changed offers are struck from the base and stand, as they are now, on a fresh shelf.
    """

    version: str
    """Of the base; with `+` and a number where something has changed since."""
    at: datetime
    """When the base was read."""
    seen: Seen
    """What the base and the fresh shelf show."""
    categories: Mapping[int, str]
    """Name of each category id."""
    subcategories: Mapping[int, str]
    genres: tuple[str, ...]
    """Code k of an item's genre names entry k − 1; so it is with `venue_types`."""
    venue_types: tuple[str, ...]
    users: int
    """People in the world: with the bookings, how often anything is booked at all."""
    items: Items
    """The base's by ascending id; after them those that came since, in any order."""
    base_items: int
    """How many of the items are the base's."""
    venues: Venues
    base: Shelf
    replaced: NDArray[np.bool_]
    """(O,) which offers of the base are no longer true."""
    fresh: Shelf
    bookings: NDArray[np.int64]
    """(2,) recent bookings of all offers: at venues, and online."""
    cards: Cards = NO_CARDS
    """What works and venues are called."""

    @classmethod
    def of(
        cls,
        *,
        version: str,
        at: datetime,
        seen: Seen,
        categories: Mapping[int, str],
        subcategories: Mapping[int, str],
        genres: tuple[str, ...],
        venue_types: tuple[str, ...],
        users: int,
        items: Items,
        venues: Venues,
        base: Shelf,
        cards: Cards = NO_CARDS,
    ) -> "Catalogue":
        """Return a catalogue of which nothing has changed; `items` by ascending id."""
        return cls(
            version=version,
            at=at,
            seen=seen,
            categories=categories,
            subcategories=subcategories,
            genres=genres,
            venue_types=venue_types,
            users=users,
            items=items,
            base_items=len(items),
            venues=venues,
            base=base,
            replaced=np.zeros(len(base.offer_id), dtype=bool),
            fresh=EMPTY,
            bookings=base.bookings(),
            cards=cards,
        )

    @cached_property
    def has_replaced(self) -> bool:
        """Whether any offer of the base is no longer true."""
        return bool(self.replaced.any())

    @cached_property
    def totals(self) -> Totals:
        """How much there is at each venue and of each item."""
        return totals_of(self.base, self.fresh, self.replaced, len(self.venues), len(self.items))

    @cached_property
    def price_codes(self) -> NDArray[np.int16]:
        """(I,) the least that each item costs anywhere (`reco.catalogue.cheapest`)."""
        return price_codes((self.base.cheapest, self.fresh.cheapest), len(self.items))

    @cached_property
    def item_bookings(self) -> NDArray[np.int64]:
        """(I,) recent bookings of each item's offers, as they are now."""
        struck = np.flatnonzero(self.replaced)
        bookings = self.totals.item_bookings.astype(np.int64)
        np.subtract.at(bookings, self.base.offer_item[struck], self.base.offer_bookings[struck])
        return bookings

    @cached_property
    def online_bookings(self) -> NDArray[np.int32]:
        """(I,) recent bookings of each item's digital offers, no fewer."""
        bookings = np.zeros(len(self.items), dtype=np.int32)
        for shelf in (self.base, self.fresh):
            bookings[: len(shelf.online_item_bookings)] += shelf.online_item_bookings
        return bookings

    @cached_property
    def is_online_item(self) -> NDArray[np.bool_]:
        """(I,) which items have, or had, digital offers: they are around everybody."""
        is_online = np.zeros(len(self.items), dtype=bool)
        for shelf in (self.base, self.fresh):
            is_online[: len(shelf.is_online_item)] |= shelf.is_online_item
        return is_online

    @cached_property
    def numbering(self) -> Numbering:
        """One number for every attribute value of what can be booked."""
        return Numbering.of(
            self.categories, self.subcategories, self.venue_types, self.venues, self.genres
        )

    @property
    def changed_offers(self) -> int:
        """How many entries of offers differ from the base: struck from it, or fresh."""
        return int(np.count_nonzero(self.replaced)) + len(self.fresh.offer_id)

    def item_rows(self, item_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each item, −1 where it is not in the catalogue."""
        known, later = self.items.item_id[: self.base_items], self.items.item_id[self.base_items :]
        rows = rows_of(known, item_ids)
        if len(later):
            order = np.argsort(later)
            place = rows_of(later[order], item_ids)
            rows = np.where(place >= 0, self.base_items + order[place], rows)
        return rows

    def items_amended(self, now: Items) -> Items:
        """Return the items with `now` in their place, the very same where nothing differs."""
        return self.items.amended(self.item_rows(now.item_id), now)

    def nbytes(self) -> int:
        """Return the size of all arrays in bytes."""
        parts = (self.base, self.fresh, self.items, self.venues)
        columns: list[NDArray[Any]] = [
            getattr(part, field.name) for part in parts for field in fields(part)
        ]
        return self.replaced.nbytes + sum(column.nbytes for column in columns)


def _no_rows() -> StockRows:
    def empty(dtype: type[np.integer[Any]]) -> NDArray[Any]:
        return np.empty(0, dtype=dtype)

    return StockRows(
        venue=empty(np.int64),
        offer=empty(np.int64),
        item=empty(np.int32),
        bookings=empty(np.int32),
        is_duo=np.empty(0, dtype=bool),
        stock=empty(np.int64),
        price_cents=empty(np.int32),
        starts=empty(np.int64),
        opens=empty(np.int64),
        closes=empty(np.int64),
        cap=empty(np.int8),
        week_hour=empty(np.int16),
    )


_NOWHERE = Venues.of(
    np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int16), np.empty(0, np.bytes_)
)

EMPTY = _no_rows().shelf(_NOWHERE, 0)
"""A shelf with nothing on it."""
