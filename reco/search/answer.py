"""What a search answers: the body that goes over the wire, as frozen records."""

from dataclasses import dataclass
from datetime import date, datetime

from reco.feed.answer import Session, VenueShown


@dataclass(frozen=True)
class SearchItem:
    """One offer, with sessions that pass the filters."""

    offer_id: str
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    image_url: str | None
    is_digital: bool
    is_duo: bool
    venue: VenueShown | None
    distance_m: float | None
    sessions: tuple[Session, ...]
    """By start: the first, the cheapest of all among them."""
    sessions_total: int
    """How many there are."""


@dataclass(frozen=True)
class ValueCount:
    """How many items have a value, under all filters but that of the facet itself."""

    value: str
    count: int


@dataclass(frozen=True)
class FlagCount:
    """The same of a yes or no."""

    value: bool
    count: int


@dataclass(frozen=True)
class DayCount:
    """The same of a day: items with a session on it."""

    value: date
    count: int


@dataclass(frozen=True)
class BandCount:
    """The same of a band of prices."""

    min_cents: int
    max_cents: int | None
    """Included; None: no limit."""
    count: int


@dataclass(frozen=True)
class Facets:
    """Counts of items by what might be asked next.

    An item counts for each value that one of its sessions has, once: the counts of a facet add up
    to more than the items where an item has several.
    """

    category: tuple[ValueCount, ...]
    subcategory: tuple[ValueCount, ...]
    day: tuple[DayCount, ...]
    """31 days from today or from the first day asked for, in the zone of the question (`tz`); days
    without anything are left out."""
    later: int
    undated: int
    price: tuple[BandCount, ...]
    duo: tuple[FlagCount, ...]
    digital: tuple[FlagCount, ...]


@dataclass(frozen=True)
class Place:
    """Where distances are measured from, rounded to 100 m."""

    lat: float
    lon: float


@dataclass(frozen=True)
class TextFound:
    """What the text alone found in the whole country."""

    items: int
    is_cut: bool
    """More items or venues match than are looked at: a narrower text finds the rest."""
    similar: bool
    """Little matches as it was typed: titles that look like it were taken too."""
    venues: int
    """Venues whose name matches."""


@dataclass(frozen=True)
class OpenFound:
    """What `open_now` left out of the venues around."""

    closed_venues: int
    unknown_venues: int
    """Without hours, or with hours that are not understood."""


@dataclass(frozen=True)
class SearchAnswer:
    """A page of what was found, and how."""

    now: datetime
    catalogue_version: str
    sort: tuple[str, ...]
    """All that the order comes from, in order; nothing else moves an offer."""
    group: str
    location: Place | None
    radius_m: float | None
    bbox: tuple[float, float, float, float] | None
    """west, south, east, north"""
    starts_from: datetime | None
    starts_before: datetime | None
    total_items: int
    total_offers: int
    items: tuple[SearchItem, ...]
    facets: Facets | None
    text: TextFound | None
    open_now: OpenFound | None
    next_cursor: str | None
    """Leads to the rows after these; None at the end. A page that was cut short is not the end."""
    notes: tuple[str, ...]
    """Codes of what to know about this answer.

    `cut_short`: so much was withdrawn or sold out a moment ago that the page ends early, maybe
    without a row. Its rows can be booked, none before them is left out, and the next page goes on.
    """


@dataclass(frozen=True)
class Cluster:
    """Venues of one cell of the grid, or a single one."""

    lat: float
    """Of the centroid of its venues, each counted once."""
    lon: float
    bounds: tuple[float, float, float, float]
    """west, south, east, north of its venues."""
    venues: int
    offers: int
    venue_id: str | None
    """Of a single venue."""
    name: str | None


@dataclass(frozen=True)
class MapAnswer:
    """The clusters of a box."""

    now: datetime
    zoom: int
    cell_deg: float
    """Side of a cell of the grid, in degrees; 0: venues stand alone."""
    total_venues: int
    total_offers: int
    clusters: tuple[Cluster, ...]
    open_now: OpenFound | None
    notes: tuple[str, ...]
