"""Catalogue snapshots on disk: one builds, all others map the same pages."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reco.array_folder import Frozen, Layout, check_layout, drafts, read_arrays, write_arrays
from reco.catalogue.cards import Cards, Texts, cards_of
from reco.catalogue.seen import Seen
from reco.catalogue.shelf import Shelf
from reco.catalogue.snapshot import Catalogue, Items
from reco.catalogue.venues import Venues

SCHEMA_VERSION = 9
"""Rises when older code could no longer read the folder right."""

_KEPT = 3
"""Snapshots that stay: the one in use, and those that a slow reader may still be opening."""

_SHELF_LAYOUT: Layout = {
    "offer_start": ("int64", ("venue bounds",)),
    "offer_id": ("int64", ("offers",)),
    "offer_by_id": ("int32", ("offers",)),
    "offer_item": ("int32", ("offers",)),
    "offer_bookings": ("int32", ("offers",)),
    "offer_price": ("int32", ("offers",)),
    "session_start": ("int64", ("session bounds",)),
    "session": ("int64", ("sessions", "times, price and hour")),
    "offer_is_duo": ("bool", ("offers",)),
    "stock_start": ("int64", ("offer bounds",)),
    "stock_id": ("int64", ("stocks",)),
    "stock_price_cents": ("int32", ("stocks",)),
    "stock_starts_us": ("int64", ("stocks",)),
    "stock_opens_us": ("int64", ("stocks",)),
    "stock_closes_us": ("int64", ("stocks",)),
    "stock_cap": ("int8", ("stocks",)),
    "stock_week_hour": ("int16", ("stocks",)),
}
_VENUE_LAYOUT: Layout = {
    "venue_id": ("int64", ("venues",)),
    "venue_by_id": ("int32", ("venues",)),
    "venue_lon": ("float64", ("venues",)),
    "venue_lat": ("float64", ("venues",)),
    "venue_x_m": ("float64", ("venues",)),
    "venue_y_m": ("float64", ("venues",)),
    "venue_z_m": ("float64", ("venues",)),
    "venue_sin_lat": ("float64", ("venues",)),
    "venue_type": ("int16", ("venues",)),
    "venue_external_id": ("S", ("venues",)),
    "venue_by_external_id": ("int32", ("venues",)),
}
_ITEM_LAYOUT: Layout = {
    "item_id": ("int64", ("items",)),
    "item_external_id": ("S", ("items",)),
    "item_category": ("int16", ("items",)),
    "item_subcategory": ("int16", ("items",)),
    "item_is_digital": ("bool", ("items",)),
    "item_genres": ("int16", ("items", "genres")),
}
_DECKS = ("items", "venues")
_CARD_LAYOUT: Layout = {
    f"{deck}_card_{name}": (dtype, (f"{deck}' {dimension}",))
    for deck in _DECKS
    for name, dtype, dimension in (
        ("id", "int64", "cards"),
        ("start", "int64", "card bounds"),
        ("text", "uint8", "bytes of cards"),
    )
}


LAYOUT: Layout = {**_VENUE_LAYOUT, **_SHELF_LAYOUT, **_ITEM_LAYOUT, **_CARD_LAYOUT}
"""Every array of a snapshot."""


class _CatalogueFacts(Frozen):
    version: str
    at: datetime
    categories: dict[int, str]
    subcategories: dict[int, str]
    genres: tuple[str, ...]
    venue_types: tuple[str, ...]
    users: int
    seen_database: str
    seen_snapshot: str


@contextmanager
def sole_writer(parent: Path) -> Iterator[None]:
    """Wait until nobody else writes below `parent`, and delete what a killed one has left there."""
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for draft in drafts(parent):
            shutil.rmtree(draft, ignore_errors=True)
        yield


def save_catalogue(catalogue: Catalogue, parent: Path) -> Path:
    """Write the base of `catalogue` below `parent`, drop the oldest others, return its folder.

    Others may be writing, too, unless this is called within `sole_writer`.
    """
    folder = parent / catalogue.version
    if not folder.exists():
        facts = _CatalogueFacts(
            version=catalogue.version,
            at=catalogue.at,
            categories=dict(catalogue.categories),
            subcategories=dict(catalogue.subcategories),
            genres=catalogue.genres,
            venue_types=catalogue.venue_types,
            users=catalogue.users,
            seen_database=catalogue.seen.database,
            seen_snapshot=catalogue.seen.snapshot,
        )
        parts = (catalogue.venues, catalogue.base, catalogue.items)
        arrays = {f.name: getattr(part, f.name) for part in parts for f in fields(part)}
        arrays |= _card_arrays(catalogue.cards)
        write_arrays(folder, facts, arrays, schema_version=SCHEMA_VERSION)
    others = [other for other in snapshots(parent) if other != folder]
    for old in others[_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def load_catalogue(folder: Path) -> Catalogue:
    """Return the catalogue in `folder`, verified and memory-mapped.

    Raises
    ------
    ArtifactRefused
        The folder is not what its manifest says, or not what this code reads.
    """
    found = read_arrays(folder, _CatalogueFacts, schema_version=SCHEMA_VERSION)
    check_layout(folder, found.arrays, LAYOUT)
    facts, arrays = found.facts, found.arrays
    venues = Venues(**{name: arrays[name] for name in _VENUE_LAYOUT})
    base = {name: arrays[name] for name in _SHELF_LAYOUT}
    seen = Seen(facts.seen_database, facts.seen_snapshot)
    return Catalogue.of(
        version=facts.version,
        at=facts.at,
        seen=seen,
        categories=facts.categories,
        subcategories=facts.subcategories,
        genres=facts.genres,
        venue_types=facts.venue_types,
        users=facts.users,
        items=Items(**{name: arrays[name] for name in _ITEM_LAYOUT}),
        venues=venues,
        base=Shelf(venue_id=venues.venue_id, **base),
        cards=cards_of(_texts(arrays, "items"), _texts(arrays, "venues"), seen),
    )


def _card_arrays(cards: Cards) -> dict[str, NDArray[Any]]:
    return {
        f"{deck}_card_{name}": array
        for deck in _DECKS
        for name, array in getattr(cards, deck).base.texts._asdict().items()
    }


def _texts(arrays: Mapping[str, NDArray[Any]], deck: str) -> Texts:
    return Texts(*(arrays[f"{deck}_card_{name}"] for name in Texts._fields))


def snapshots(parent: Path) -> list[Path]:
    """Return the snapshots below `parent`, the newest first."""
    if not parent.exists():
        return []
    return sorted((p for p in parent.iterdir() if not p.name.startswith(".")), reverse=True)
