"""What a feed answers: the body that goes over the wire, as frozen records."""

from collections.abc import Mapping
from datetime import datetime

from reco.experiments.exposure import Exposure
from reco.records import record

Parameter = str | int | float | None
"""A number or a name that an explanation tells."""


@record
class LocationUsed:
    """Where distances are measured from, rounded to 100 m."""

    lat: float | None
    lon: float | None
    source: str
    """request, home, or none (nation-wide)."""


@record
class VenueShown:
    """Where an offer takes place."""

    venue_id: str
    name: str | None
    type: str | None
    lat: float
    lon: float
    timezone: str | None


@record
class Session:
    """One bookable stock."""

    stock_id: str
    starts_at: datetime | None
    price_cents: int
    left: int | None
    """None: unlimited."""
    ends_at: datetime | None = None
    """None: nobody has said."""


@record
class Statement:
    """One fact of the computation that explains an offer or a slate."""

    code: str
    parameters: Mapping[str, Parameter]
    text: str
    """The same in the language asked for, short enough for a card."""


@record
class FeedItem:
    """One offer of the slate."""

    offer_id: str
    item_id: str
    title: str | None
    category: str
    subcategory: str | None
    image_url: str | None
    is_digital: bool
    is_duo: bool
    """Whether two places can be booked, of a session that has two left."""
    venue: VenueShown | None
    distance_m: float | None
    sessions: tuple[Session, ...]
    """That can be booked as asked, by start: the first, the cheapest of all among them."""
    sessions_total: int
    """How many there are; 1 of an event in an agenda to keep, which is the one that is planned."""
    probability: float | None
    """That the user books it if shown; None where offers are listed without a person."""
    gain: float
    """Horizon points that this offer is expected to add to those before it (METRICS: G, m = 1)."""
    reasons: tuple[str, ...]
    rank: int | None = None
    """By probability alone, from 1, what the pages before have shown counted with the probability
    that it was shown with; None where it is beyond the few hundred that are known, and the
    explanation says after how many."""
    explanation: tuple[Statement, ...] = ()
    """What drew it, what it would bring that is new, its rank; empty where nobody asks."""


@record
class Addition:
    """A value that the user has not met and the slate offers."""

    attribute: str
    value: str
    name: str | None
    """Of a venue."""
    points: float
    """That its first booking earns."""
    chance: float
    """That the slates like this one lead to it, and none of the pages before."""


@record
class HorizonShown:
    """How far the user has gone."""

    points: float
    categories: tuple[str, ...]
    met: Mapping[str, tuple[str, ...]]
    """By attribute, the values of all bookings."""
    additions: tuple[Addition, ...]
    """What the slate offers that is new; first what most points are expected of."""
    gain: float
    """Points that the slate is expected to add, if it is shown once (METRICS: G, m = 1)."""
    intensity: float
    """Slates like this one that the person is expected to see."""
    gain_at_intensity: float
    """Points expected of them together."""
    bound: float
    """No slate of this length, whatever its relevance, is expected to add more than this."""


@record
class FeedAnswer:
    """A slate and how it came about."""

    slate_id: str
    model_version: str
    experiment: Exposure | None
    """That the slate is a part of."""
    now: datetime
    location_used: LocationUsed
    radius_m: float | None
    """How far was looked, which may be wider than asked for; None without a place: nothing is
    around."""
    floor: float
    points_a_booking: float | None
    """The price of relevance; None: all that the floor allows was given up."""
    relevance_kept: float
    explanation: tuple[Statement, ...]
    """What the slate keeps of the likeliest one's relevance, and what it gains over it."""
    items: tuple[FeedItem, ...]
    horizon: HorizonShown
    next_cursor: str | None
    """Leads to what was not shown; None at the end, and on an empty page that was cut short."""
    notes: tuple[str, ...]
    """Codes of what to know about this answer.

    `cut_short`: so much was withdrawn or sold out a moment ago that the slate was not chosen again
    until it was full. What it shows can be booked; it may be short, or empty, and keep less than
    the floor, which refers to a slate that may hold what is gone. There may be more: asked again
    seconds later, or by `next_cursor`, which an empty page has not.
    """
