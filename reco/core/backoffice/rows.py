"""Rows of a partner's catalogue, and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["venue", "offer", "stock"]
Result = Literal["created", "changed", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A venue; `id` is the partner's own, coordinates are WGS 84 degrees."""

    id: str
    name: str | None
    lat: float
    lon: float
    venue_type: str | None = None
    timezone: str | None = None
    opening: str | None = None


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A work that the partner describes itself; `id` is the partner's own."""

    id: str
    title: str | None
    category: str
    subcategory: str | None = None
    genres: tuple[str, ...] = ()
    description: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer: either of a known work (`item_id`, on the wire) or of one of its own (`work`)."""

    id: str
    venue_id: str | None
    """The partner's own id; None: digital."""
    item_id: str | None
    work: WorkRow | None = None
    is_duo: bool = False
    url: str | None = None
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockRow:
    """A stock; `id` and `offer_id` are the partner's own."""

    id: str
    offer_id: str
    price_cents: int
    starts_at: datetime | None = None
    """None: it can be had at any time."""
    ends_at: datetime | None = None
    quantity: int | None = None
    """None: without limit."""
    booking_limit_at: datetime | None = None


Row = VenueRow | OfferRow | StockRow


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong or odd about a field."""

    field: str
    detail: str
    accepted: tuple[str, ...] = ()
    """The values that are accepted, where they can be listed."""
    is_foreign: bool = False
    """Whether it is something of another's, which this partner may not touch."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row; it is refused where there are errors."""

    kind: Kind
    id: str
    public_id: str | None
    """The id on the wire; None: there is no such thing."""
    outcome: Result
    warnings: tuple[Fault, ...] = ()
    errors: tuple[Fault, ...] = ()


def kind_of(row: Row) -> Kind:
    """Return the kind of `row`."""
    if isinstance(row, VenueRow):
        return "venue"
    return "offer" if isinstance(row, OfferRow) else "stock"
