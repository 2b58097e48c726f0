"""Catalogue snapshots on disk: one builds, all others map the same pages."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from reco.array_folder import Frozen, Layout, check_layout, read_arrays, write_arrays
from reco.catalogue.snapshot import Catalogue

SCHEMA_VERSION = 1
"""Rises when older code could no longer read the folder right."""

_KEPT = 3
"""Snapshots that stay: the one in use, and those that a slow reader may still be opening."""

_LAYOUT: Layout = {
    "venue_id": ("int64", ("venues",)),
    "offer_start": ("int64", ("venue bounds",)),
    "offer_id": ("int64", ("offers",)),
    "offer_item": ("int32", ("offers",)),
    "offer_bookings": ("int32", ("offers",)),
    "stock_start": ("int64", ("offer bounds",)),
    "stock_id": ("int64", ("stocks",)),
    "stock_price_cents": ("int32", ("stocks",)),
    "stock_starts_us": ("int64", ("stocks",)),
    "stock_opens_us": ("int64", ("stocks",)),
    "stock_closes_us": ("int64", ("stocks",)),
    "item_id": ("int64", ("items",)),
    "item_external_id": ("S", ("items",)),
    "item_category": ("int16", ("items",)),
    "item_subcategory": ("int16", ("items",)),
    "item_is_digital": ("bool", ("items",)),
    "item_is_physical": ("bool", ("items",)),
}


class _CatalogueFacts(Frozen):
    version: str
    at: datetime
    categories: dict[int, str]
    subcategories: dict[int, str]
    users: int
    seen_before_xid: int


_FACTS = tuple(_CatalogueFacts.model_fields)


def save_catalogue(catalogue: Catalogue, parent: Path) -> Path:
    """Write `catalogue` below `parent`, drop the oldest others, and return its folder."""
    folder = parent / catalogue.version
    if not folder.exists():
        facts = {name: getattr(catalogue, name) for name in _FACTS}
        write_arrays(
            folder, _CatalogueFacts(**facts), catalogue.arrays(), schema_version=SCHEMA_VERSION
        )
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
    check_layout(folder, found.arrays, _LAYOUT)
    facts: dict[str, Any] = {name: getattr(found.facts, name) for name in _FACTS}
    arrays: dict[str, Any] = {name: found.arrays[name] for name in _LAYOUT}
    return Catalogue(**facts, **arrays)


def snapshots(parent: Path) -> list[Path]:
    """Return the snapshots below `parent`, the newest first."""
    if not parent.exists():
        return []
    return sorted((p for p in parent.iterdir() if not p.name.startswith(".")), reverse=True)
