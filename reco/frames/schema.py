"""The interchange format: which files, which columns, of which kind.

A folder of CSV or Parquet files, UTF-8, header line; ids are strings, times ISO 8601 with zone,
coordinates WGS 84 degrees, several values in one cell separated by `|`. In memory a frame is a
`pyarrow.Table` of exactly `FRAMES[name].arrow_schema()`. What is read of texts has the accents of
its letters in one piece (Unicode's NFC); ids and addresses are as they were written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

Frames = Mapping[str, pa.Table]
"""Frames in memory, by name."""


class Kind(Enum):
    """What a cell holds."""

    ID = "id"
    TEXT = "text"
    TEXTS = "texts"
    """Several values, separated by `|`."""
    URL = "url"
    FLAG = "flag"
    """true or false."""
    LON = "lon"
    LAT = "lat"
    MONEY_EUR = "money_eur"
    COUNT = "count"
    NUMBER = "number"
    TIME = "time"
    DATE = "date"
    INTERACTION = "interaction"
    SPLIT = "split"


_ARROW: Mapping[Kind, pa.DataType] = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.TEXTS: pa.string(),
    Kind.URL: pa.string(),
    Kind.FLAG: pa.bool_(),
    Kind.LON: pa.float64(),
    Kind.LAT: pa.float64(),
    Kind.MONEY_EUR: pa.float64(),
    Kind.COUNT: pa.int32(),
    Kind.NUMBER: pa.float64(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.DATE: pa.date32(),
    Kind.INTERACTION: pa.string(),
    Kind.SPLIT: pa.string(),
}


@dataclass(frozen=True)
class Column:
    """One column; a column that is not required may be absent, and its cells empty."""

    name: str
    kind: Kind
    required: bool
    references: str | None = None
    """The frame whose key this column names."""

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column in memory."""
        return _ARROW[self.kind]


@dataclass(frozen=True)
class FrameSpec:
    """One file of the format."""

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    """The column whose values may appear once only."""
    required: bool = True

    def arrow_schema(self) -> pa.Schema:
        """Return the schema that the frame has in memory."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])


def _column(text: str) -> Column:
    """Read `name?:kind>reference` (`?`: may be absent or empty)."""
    head, _, reference = text.partition(">")
    name, _, kind = head.partition(":")
    return Column(name.rstrip("?"), Kind(kind), not name.endswith("?"), reference or None)


def _frame(name: str, columns: str, key: str | None = None, *, required: bool = True) -> FrameSpec:
    return FrameSpec(name, tuple(_column(text) for text in columns.split()), key, required)


FRAMES: Mapping[str, FrameSpec] = {
    spec.name: spec
    for spec in (
        _frame(
            "taxonomy",
            "category:text subcategory:text is_event:flag is_digital:flag is_physical:flag",
            "subcategory",
            required=False,
        ),
        _frame(
            "items",
            "item_id:id category:text title?:text subcategory?:text genre?:texts "
            "description?:text image_url?:url",
            "item_id",
        ),
        _frame(
            "venues",
            "venue_id:id lon:lon lat:lat name?:text venue_type?:text timezone?:text opening?:text",
            "venue_id",
        ),
        _frame(
            "offers",
            "offer_id:id item_id:id>items venue_id?:id>venues is_duo?:flag url?:url "
            "published_at?:time withdrawn_at?:time",
            "offer_id",
        ),
        _frame(
            "stocks",
            "stock_id:id offer_id:id>offers price_eur:money_eur starts_at?:time ends_at?:time "
            "quantity?:count booking_limit_at?:time created_at?:time cancelled_at?:time",
            "stock_id",
        ),
        _frame(
            "users",
            "user_id:id birth_date?:date lon?:lon lat?:lat credit_eur?:money_eur "
            "credit_granted_at?:time credit_expires_at?:time",
            "user_id",
        ),
        _frame(
            "bookings",
            "user_id:id>users stock_id:id>stocks quantity:count amount_eur:money_eur "
            "booked_at:time cancelled_at?:time used_at?:time",
            required=False,
        ),
        _frame(
            "interactions",
            "user_id:id>users offer_id:id>offers kind:interaction at?:time value?:number "
            "slate_id?:text split?:split",
        ),
    )
}
"""Every frame, in an order in which references point backwards."""
