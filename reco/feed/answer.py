"""What a feed answers: the body that goes over the wire, as frozen records."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LocationUsed:
    """Where distances are measured from, rounded to 100 m."""

    lat: float | None
    lon: float | None
    source: str
    """request, home, or none (nation-wide)."""


@dataclass(frozen=True)
class VenueShown:
    """Where an offer takes place."""

    venue_id: str
    name: str | None
    type: str | None
    lat: float
    lon: float
    timezone: str | None


@dataclass(frozen=True)
class Session:
    """One bookable stock."""

    stock_id: str
    starts_at: datetime | None
    price_cents: int
    left: int | None
    """None: unlimited."""


@dataclass(frozen=True)
class FeedItem:
    """One offer of the slate."""

    offer_id: str
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    image_url: str | None
    is_digital: bool
    venue: VenueShown | None
    distance_m: float | None
    sessions: tuple[Session, ...]
    probability: float | None
    """That the user books it if shown; None where offers are listed without a person."""
    gain: float
    """Horizon points that this offer is expected to add to those before it (METRICS: G, m = 1)."""
    reasons: tuple[str, ...]
    rank: int | None = None
    """By probability alone, from 1; None where it is beyond the few hundred that are known."""


@dataclass(frozen=True)
class HorizonShown:
    """How far the user has gone."""

    points: float
    categories: tuple[str, ...]
    gain: float
    """Points that the slate is expected to add, if it is shown once (METRICS: G, m = 1)."""
    intensity: float
    """Slates like this one that the person is expected to see."""
    gain_at_intensity: float
    """Points expected of them together."""
    bound: float
    """No slate of this length, whatever its relevance, is expected to add more than this."""


@dataclass(frozen=True)
class FeedAnswer:
    """A slate and how it came about."""

    slate_id: str
    model_version: str
    now: datetime
    location_used: LocationUsed
    radius_m: float
    floor: float
    relevance_kept: float
    items: tuple[FeedItem, ...]
    horizon: HorizonShown
    next_cursor: str | None
    notes: tuple[str, ...]
