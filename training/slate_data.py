"""A data set as slates are judged on it: events, the offers behind them, their attribute values."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.horizon import Value, ValueTable, value_table, values_of
from features.interactions import Events
from reco.errors import InvalidInput
from reco.frames.schema import Frames
from reco.frames.sources import FolderSource, MemorySource, read_frames
from training.datasets.readers import READERS
from training.extract import events_and_offers

OTHER = "other"
_MOST_CATEGORIES = 40


@dataclass(frozen=True)
class SlateData:
    """Events of I items through O offers, and what the offers add to a horizon."""

    events: Events
    offer: NDArray[np.int32]
    """(N,) row of the offer of each event."""
    offer_item: NDArray[np.int32]
    """(O,) row of the item of each offer."""
    values: ValueTable
    """Of the offers."""
    venue: NDArray[np.int64]
    """(O,) number of the venue, -1: none."""
    place: NDArray[np.float64]
    """(O, 2) longitude and latitude in degrees, NaN: none."""


def read_slate_data(folder: Path, file_format: str) -> SlateData:
    """Return the data of a folder in one of the formats of `FORMATS`.

    Raises
    ------
    InvalidInput
        The format is unknown, or a file or a column is missing.
    FramesRefused
        There are bad rows.
    """
    if file_format not in FORMATS:
        raise InvalidInput("format", f"{file_format!r} is unknown", list(FORMATS))
    if file_format == "frames":
        frames = read_frames(FolderSource(folder))
    else:
        frames = READERS[file_format](folder)
    return slate_data(frames, FORMATS[file_format])


def slate_data(frames: Frames, attributes: "AttributesOf") -> SlateData:
    """Return the data of frames, their offers described by `attributes`."""
    offers = frames["offers"].sort_by("offer_id")
    events, offer = events_and_offers(MemorySource({**frames, "offers": offers}))
    items = frames["items"].sort_by("item_id")
    offer_item = _rows(offers["item_id"], items["item_id"])
    venues = frames["venues"]
    venue = _rows(offers["venue_id"], venues["venue_id"]).astype(np.int64)
    places = np.stack([venues["lon"].to_numpy(), venues["lat"].to_numpy()], axis=1)
    place = np.full((len(venue), 2), np.nan)
    place[venue >= 0] = places[venue[venue >= 0]]
    of_item = attributes(items)
    of_venue = _venue_values(venues)
    values = value_table(
        [
            of_item[item] | (of_venue[at] if at >= 0 else frozenset())
            for item, at in zip(offer_item.tolist(), venue.tolist(), strict=True)
        ]
    )
    return SlateData(events, offer, offer_item, values, venue, place)


def _venue_values(venues: pa.Table) -> list[frozenset[Value]]:
    ids, kinds = venues["venue_id"].to_pylist(), venues["venue_type"].to_pylist()
    return [values_of(venue=venue, venue_type=kind) for venue, kind in zip(ids, kinds, strict=True)]


def _rows(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int32]:
    """Return the row of each of `ids` in `known`, -1 where it is null."""
    row = {name: at for at, name in enumerate(known.to_pylist())}
    return np.array([row.get(name, -1) for name in ids.to_pylist()], dtype=np.int32)


AttributesOf = Callable[[pa.Table], Sequence[frozenset[Value]]]
"""The attribute values of each row of the frame of items."""


def stated_attributes(items: pa.Table) -> list[frozenset[Value]]:
    """Return what the frame says; genres stand for categories where all items have one category.

    A single category is met with the first booking, so that it says nothing; genres are then the
    coarsest kinds that the set knows (films).
    """
    columns = (items[name].to_pylist() for name in ("category", "subcategory", "genre"))
    rows = [(cat, sub, _several(genre)) for cat, sub, genre in zip(*columns, strict=True)]
    if len({category for category, _, _ in rows}) > 1:
        return [
            values_of(category=cat, subcategory=sub, genres=genres) for cat, sub, genres in rows
        ]
    return [
        values_of(subcategory=sub) | {("category", genre) for genre in genres}
        for _, sub, genres in rows
    ]


def ranked_kinds(items: pa.Table) -> list[frozenset[Value]]:
    """Return a category and a subcategory for items that have several kinds (genres) of one rank.

    The category is the item's most frequent kind, its second where the first is the most frequent
    of all; kinds beyond the 40 most frequent are one category. The subcategory is its least
    frequent kind.
    """
    kinds = [_several(cell) for cell in items["genre"].to_pylist()]
    count = Counter(kind for of_item in kinds for kind in of_item)
    order = {
        kind: at for at, kind in enumerate(sorted(count, key=lambda kind: (-count[kind], kind)))
    }
    return [_ranked(sorted(set(of_item), key=order.__getitem__), order) for of_item in kinds]


def _ranked(kinds: Sequence[str], order: Mapping[str, int]) -> frozenset[Value]:
    if not kinds:
        return frozenset()
    telling = kinds[1] if len(kinds) > 1 and order[kinds[0]] == 0 else kinds[0]
    category = telling if order[telling] < _MOST_CATEGORIES else OTHER
    return values_of(category=category, subcategory=kinds[-1])


def _several(cell: str | None) -> list[str]:
    return cell.split("|") if cell else []


FORMATS: Mapping[str, AttributesOf] = MappingProxyType(
    {
        "frames": stated_attributes,
        "yelp-poi": ranked_kinds,
        "movielens": stated_attributes,
        "meetup": stated_attributes,
    }
)
"""What tells the attributes of the offers, by the name of the format."""
