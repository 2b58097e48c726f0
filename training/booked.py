"""What people booked, offer by offer, with the values that count for a horizon."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import class_row

from features.horizon import Value, values_of
from reco.frames.sources import FolderSource, read_frames


@dataclass(frozen=True)
class BookedOffer:
    """One booking."""

    user_id: str
    item_id: str
    at: datetime | None
    split: str | None
    """train, valid or test, where a data set says."""
    category: str | None
    subcategory: str | None
    genres: Sequence[str] | None
    venue_type: str | None
    venue: str | None
    cancelled_at: datetime | None = None
    """None: it stands."""

    def stands(self, cutoff: datetime | None) -> bool:
        """Say whether it stands, as `Events.stands` says it; a cutoff of None is today."""
        if self.cancelled_at is None or cutoff is None or self.at is None:
            return self.cancelled_at is None
        return self.at < cutoff <= self.cancelled_at

    @property
    def values(self) -> frozenset[Value]:
        """The attribute values of the offer that was booked (METRICS, 1)."""
        return values_of(
            category=self.category,
            venue_type=self.venue_type,
            subcategory=self.subcategory,
            venue=self.venue,
            genres=self.genres or (),
        )


_BOOKED = """
select u.external_id user_id, i.external_id item_id, b.at, b.cancelled_at, b.split,
       c.name category, s.name subcategory, i.genres, v.venue_type, v.external_id venue
from (
    select b.user_id, t.offer_id, b.booked_at at, b.cancelled_at, null split
    from core.booking b join core.stock t on t.id = b.stock_id
    union all
    select user_id, offer_id, at, null, split from core.interaction where kind = 'booking'
) b
join core.beneficiary u on u.id = b.user_id
join core.offer o on o.id = b.offer_id
join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
where u.external_id = any(%s)
"""


def booked_in_database(conninfo: str, users: Iterable[str]) -> list[BookedOffer]:
    """Return the bookings of `users` (external ids) in a world, the cancelled ones among them."""
    with psycopg.connect(conninfo) as connection:
        cursor = connection.cursor(row_factory=class_row(BookedOffer))
        return cursor.execute(_BOOKED, (list(users),)).fetchall()


def booked_in_frames(folder: Path, users: Iterable[str]) -> list[BookedOffer]:
    """Return the bookings of `users` in a folder of frames, the cancelled ones among them.

    Raises
    ------
    InvalidInput, FramesRefused
        A frame or a column is missing, or rows are bad.
    """
    frames = {name: table.to_pandas() for name, table in read_frames(FolderSource(folder)).items()}
    booked = pd.concat(_bookings(frames))
    offers = (
        frames["offers"][["offer_id", "item_id", "venue_id"]]
        .merge(frames["items"][["item_id", "category", "subcategory", "genre"]], on="item_id")
        .merge(frames["venues"][["venue_id", "venue_type"]], on="venue_id", how="left")
    )
    rows = booked[booked["user_id"].isin(set(users))].merge(offers, on="offer_id")
    return [_from_frames(row) for row in rows.to_dict("records")]


def _bookings(frames: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    done = frames["interactions"]
    yield done.loc[done["kind"] == "booking", ["user_id", "offer_id", "at", "split"]]
    if "bookings" in frames:
        sold = frames["bookings"].merge(frames["stocks"][["stock_id", "offer_id"]], on="stock_id")
        columns = ["user_id", "offer_id", "at", "cancelled_at"]
        yield sold.rename(columns={"booked_at": "at"})[columns]


def _from_frames(row: Mapping[Any, Any]) -> BookedOffer:
    known: dict[str, Any] = {
        name: None if pd.isna(cell) else cell for name, cell in row.items() if name != "offer_id"
    }
    genres, venue = known.pop("genre"), known.pop("venue_id")
    return BookedOffer(**known, genres=genres.split("|") if genres else (), venue=venue)
