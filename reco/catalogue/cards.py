"""What works and venues are called: a card each, mapped from a snapshot, and what changed since.

A feed tells of dozens of works and venues, which hardly ever change: to join them from the database
each time costs more than all else that it reads. Who reads offers also reads which works and venues
have changed since the cards were written (`UNSEEN`), and those are read anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Generic, LiteralString, NamedTuple, TypeVar

import numpy as np
import orjson
import psycopg
from numpy.typing import NDArray

from reco.catalogue.rows import rows_of
from reco.catalogue.seen import Seen
from reco.core.deposits import Cap
from reco.db.arrays import LENGTH, fetch_packed

MOST_UNSEEN = 1_000
"""After so many changes nothing that is on a card is trusted."""
MOST_AT_HAND = 20_000
"""Cards of a table that a worker keeps read."""
_NONE: frozenset[int] = frozenset()
_NEVER = (1 << 62) + 3
"""No transaction will have that number."""

# A card is written where the columns are, and read where they are shown: in the order of the fields
# of `ItemCard` and `VenueCard`.
_ITEM_CARDS = """
select i.id, convert_to(json_build_array(i.external_id, i.title, i.image_url, i.genres, c.name,
  s.name, coalesce(s.is_digital, false), json_build_array(
    core.cap_of(s.is_event, s.is_digital, s.is_physical, false, false),
    core.cap_of(s.is_event, s.is_digital, s.is_physical, false, true),
    core.cap_of(s.is_event, s.is_digital, s.is_physical, true, false),
    core.cap_of(s.is_event, s.is_digital, s.is_physical, true, true)))::text, 'UTF8')
from core.item i
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
where i.{which} order by i.id
"""
_VENUE_CARDS = """
select v.id, convert_to(json_build_array(v.external_id, v.name, v.venue_type, v.timezone,
  st_y(v.location::geometry), st_x(v.location::geometry))::text, 'UTF8')
from core.venue v where v.{which} order by v.id
"""

_SENT = ("int8send(column_0)", "int4send(octet_length(column_1))", "column_1")

# Whatever is asked, the planner guesses the same of the borders, so that one plan will do. What a
# dump brought from another cluster may lie above.
UNSEEN = """
select array_agg(case entity when 'venue' then -entity_id else entity_id end) from (
  select entity, entity_id from core.change
  where entity in ('item', 'venue')
    and transaction_id >= (select pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint)
    and transaction_id < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    and not pg_visible_in_snapshot(transaction_id::text::xid8, %(seen)s::pg_snapshot)
  limit 1001
) unseen
"""
"""The works, and with a minus the venues, that a statement sees otherwise than cards of the
snapshot `seen`; one more than `MOST_UNSEEN`, where there are more."""


class ItemCard(NamedTuple):
    """What a work is."""

    item_id: str
    title: str | None
    image_url: str | None
    genres: list[str]
    category: str
    subcategory: str | None
    is_digital: bool
    caps: Sequence[Cap]
    """What a stock of it counts against, by twice whether it is dated, plus whether at a venue."""

    def cap(self, *, is_dated: bool, has_venue: bool) -> Cap:
        """Return what a stock counts against (`core.cap_of`)."""
        return self.caps[2 * is_dated + has_venue]


class VenueCard(NamedTuple):
    """What a venue is."""

    venue_id: str
    name: str | None
    venue_type: str | None
    timezone: str | None
    lat: float
    lon: float


Card = TypeVar("Card", ItemCard, VenueCard)


class Texts(NamedTuple):
    """The cards of one table: N JSON arrays by ascending id."""

    id: NDArray[np.int64]
    start: NDArray[np.int64]
    """(N + 1,) bounds of each card in `text`."""
    text: NDArray[np.uint8]

    @classmethod
    def packed(cls, ids: bytes, lengths: bytes, text: bytes) -> "Texts":
        """Return the cards that come packed, as `_SENT` says."""
        bounds = np.append(0, np.cumsum(np.frombuffer(lengths, dtype=LENGTH), dtype=np.int64))
        key = np.frombuffer(ids, dtype=">i8").astype(np.int64)
        return cls(key, bounds, np.frombuffer(text, dtype=np.uint8))


@dataclass(frozen=True)
class Base(Generic[Card]):
    """The cards of one table as a snapshot has them."""

    texts: Texts
    make: Callable[[Sequence[Any]], Card]
    _at_hand: dict[int, Card] = field(default_factory=dict)

    def find(self, ids: Collection[int]) -> dict[int, Card]:
        """Return the cards of those of `ids` that have one."""
        at_hand = self._at_hand
        # Another thread may empty it just now.
        found = {key: card for key in ids if (card := at_hand.get(key)) is not None}
        if len(found) < len(ids):
            read = self._read([key for key in ids if key not in found])
            if len(at_hand) > MOST_AT_HAND:
                at_hand.clear()
            at_hand |= read
            found |= read
        return found

    def _read(self, ids: Sequence[int]) -> dict[int, Card]:
        texts, make, loads = self.texts, self.make, orjson.loads
        rows = rows_of(texts.id, np.array(ids, dtype=np.int64))
        bounds = rows.tolist(), texts.start[rows].tolist(), texts.start[rows + 1].tolist()
        text = texts.text.data
        return {
            key: make(loads(text[first:end]))
            for key, row, first, end in zip(ids, *bounds, strict=True)
            if row >= 0
        }


@dataclass(frozen=True)
class Deck(Generic[Card]):
    """The cards of one table, as they were at one moment of the database."""

    base: Base[Card]
    statement: LiteralString
    """Reads them anew."""
    since: Mapping[int, Card] = field(default_factory=dict)
    """Those that are new or other than in the base."""

    def amended(self, connection: psycopg.Connection[Any], changed: list[int]) -> "Deck[Card]":
        """Return the deck with the cards of the ids `changed` as they are now."""
        if not changed:
            return self
        return replace(self, since={**self.since, **self._now(connection, changed)})

    def find(
        self, connection: psycopg.Connection[Any], ids: Collection[int], changed: Set[int]
    ) -> dict[int, Card]:
        """Return the cards of `ids`; those of `changed`, and that are not there, are read anew."""
        found = self.base.find(ids)
        since = self.since
        if since:
            found |= {key: since[key] for key in ids if key in since}
        missing = [key for key in ids if key not in found or key in changed]
        return found | self._now(connection, missing) if missing else found

    def _now(self, connection: psycopg.Connection[Any], ids: list[int]) -> dict[int, Card]:
        return Base(_read(connection, self.statement, ids), self.base.make).find(ids)


@dataclass(frozen=True)
class Cards:
    """All cards, as they were at one moment of the database."""

    items: Deck[ItemCard]
    venues: Deck[VenueCard]
    seen: Seen

    def find(
        self,
        connection: psycopg.Connection[Any],
        items: Collection[int],
        venues: Collection[int],
        unseen: Collection[int] | None = None,
    ) -> tuple[dict[int, ItemCard], dict[int, VenueCard]]:
        """Return the cards of works and venues by id: of what was unseen, or has none, as it is.

        Parameters
        ----------
        unseen
            What `UNSEEN` said.
        """
        changed = frozenset(unseen) if unseen else _NONE
        # One work may have changed many times: there are more changes than are told.
        if unseen and len(unseen) > MOST_UNSEEN:
            changed = frozenset([*items, *(-key for key in venues)])
        of_venues = frozenset(-key for key in changed) if changed else _NONE
        return (
            self.items.find(connection, items, changed),
            self.venues.find(connection, venues, of_venues),
        )

    def amended(
        self, connection: psycopg.Connection[Any], seen: Seen, items: list[int], venues: list[int]
    ) -> "Cards":
        """Return the cards as they are at `seen`, until which these works and venues changed."""
        return Cards(
            self.items.amended(connection, items), self.venues.amended(connection, venues), seen
        )

    def has_decks_of(self, other: "Cards") -> bool:
        """Say whether no card differs from those of `other`, which it was amended from."""
        return self.items is other.items and self.venues is other.venues


def cards_of(items: Texts, venues: Texts, seen: Seen) -> Cards:
    """Return the cards that say these texts."""
    return Cards(
        Deck(Base(items, ItemCard._make), _ITEM_CARDS),
        Deck(Base(venues, VenueCard._make), _VENUE_CARDS),
        seen,
    )


def read_cards(connection: psycopg.Connection[Any], seen: Seen) -> Cards:
    """Return all cards, within the running transaction, which sees `seen`."""
    return cards_of(_read(connection, _ITEM_CARDS), _read(connection, _VENUE_CARDS), seen)


_NO_TEXTS = Texts.packed(b"", b"", b"")
NO_CARDS = cards_of(_NO_TEXTS, _NO_TEXTS, Seen("", f"{_NEVER}:{_NEVER}:"))
"""Everything is read from the database."""


def _read(
    connection: psycopg.Connection[Any], cards: LiteralString, ids: list[int] | None = None
) -> Texts:
    which = cards.format(which="id is not null" if ids is None else "id = any(%(ids)s)")
    return Texts.packed(*fetch_packed(connection, which, 2, _SENT, {"ids": ids}))
