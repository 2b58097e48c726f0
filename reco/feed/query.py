"""What a feed is asked for: checked once, then carried unchanged through the stages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from features.horizon import Value
from reco.errors import InvalidInput
from reco.experiments.exposure import Exposure
from reco.feed.dials import INTENSITY, POINTS_A_BOOKING, SERVED, Dials
from reco.geo.points import MAX_RADIUS_M, Point, checked_radius_m
from reco.moments import check_end

MAX_N = 100
"""The longest slate."""

LANGUAGES = ("fr", "en")
"""That explanations are written in."""


@dataclass(frozen=True)
class Filters:
    """What the person asked to see; empty or None: everything."""

    categories: tuple[str, ...] = ()
    max_price_cents: int | None = None
    starts_from: datetime | None = None
    """Dated sessions begin at or after this; undated offers can be booked any day and stay."""
    starts_before: datetime | None = None


@dataclass(frozen=True)
class FeedQuery:
    """One request. Times carry a zone; nothing below reads a clock but `now`."""

    user_id: str | None
    """External id; None: a guest."""
    location: Point | None
    """Already rounded to 100 m; None: the user's home."""
    radius_m: float
    widest_m: float
    """How far sparse surroundings may widen the radius: `radius_m` itself where it was asked."""
    filters: Filters
    n: int
    floor: float
    """Share of the most relevant slate's relevance to keep, from 0 to 1."""
    now: datetime
    intensity: float = INTENSITY
    """Slates like this one that the person is expected to see (METRICS: m)."""
    points_a_booking: float = POINTS_A_BOOKING
    """The price of relevance (`reco.feed.dials`); 0: none."""
    min_new_categories: int = 0
    """Categories that the person has not met and the slate must have, where there are so many."""
    max_per_category: int | None = None
    """Offers of one category that the slate may have, while there are others; None: any number."""
    language: str = LANGUAGES[0]
    """Of what is explained in words."""
    plan: bool = False
    """Whether no two of the slate may take place at the same time."""
    as_of: datetime | None = None
    """What was recorded after it is not known; None, live: all that is on record counts."""
    shown_items: frozenset[int] = frozenset()
    """Items of the pages before this one."""
    shown_offers: Mapping[int, float] = field(default_factory=dict)
    """Offers of the pages before, by id, with the probability that each was shown with."""
    unmet: Mapping[Value, float] = field(default_factory=dict)
    """For each value offered there, the probability that no offer with it is booked."""
    exploration: float = 0.0
    """Probability, from 0 to 1, that chance changes one position of the slate."""
    seed: int = 0
    """Of that chance."""
    unasked: frozenset[str] = frozenset()
    """What the request leaves to the service, and so to an experiment: `floor`, where it names
    neither a floor nor a price, and `intensity`."""
    exposure: Exposure | None = None
    """The experiment that the slate is a part of, and as what."""
    account: int | Literal["any"] | None = "any"
    """Whose `user_id` must be when it is read, in the database's ids; None: nobody's."""

    @property
    def dials(self) -> Dials:
        """How its slate is chosen."""
        return Dials(self.floor, self.intensity, self.points_a_booking)

    def with_dials(self, dials: Dials) -> "FeedQuery":
        """Return the query with its slate chosen otherwise."""
        return replace(
            self,
            floor=dials.floor,
            intensity=dials.intensity,
            points_a_booking=dials.points_a_booking,
        )


def feed_query(
    *,
    now: datetime,
    as_of: datetime | None = None,
    default_radius_m: float,
    user_id: str | None = None,
    lat: float | None = None,
    lon: float | None = None,
    radius_km: float | None = None,
    starts_from: datetime | None = None,
    starts_before: datetime | None = None,
    max_price_eur: float | None = None,
    categories: Sequence[str] = (),
    n: int = 20,
    floor: float | None = None,
    intensity: float | None = None,
    points_a_booking: float | None = None,
    served: Dials = SERVED,
    min_new_categories: int = 0,
    max_per_category: int | None = None,
    plan: bool = False,
    language: str = LANGUAGES[0],
    shown_items: frozenset[int] = frozenset(),
    exploration: float = 0.0,
    seed: int = 0,
    account: int | Literal["any"] | None = "any",
) -> FeedQuery:
    """Check what a person or a program asked and return the query; `as_of` only to look back.

    What is None of floor, intensity and price is as `served`; a price that is asked for without a
    floor has none, and a floor without a price no price.

    Raises
    ------
    InvalidInput
        Names the parameter as it is written on the wire: lat, lon, radius_km, from, to,
        max_price_eur, n, floor, intensity, points_a_booking, min_new_categories,
        max_per_category, lang.
    """
    here = Point.checked(lon, lat)
    dials = served.turned(floor, intensity, points_a_booking)
    asked = {"floor": (floor, points_a_booking), "intensity": (intensity,)}
    radius_m = default_radius_m if radius_km is None else checked_radius_m(radius_km * 1000.0)
    if not 1 <= n <= MAX_N:
        raise InvalidInput("n", f"{n} is not between 1 and {MAX_N}")
    if not 0 <= min_new_categories <= n:
        raise InvalidInput("min_new_categories", f"{min_new_categories} is not between 0 and n")
    if max_per_category is not None and not 1 <= max_per_category <= n:
        raise InvalidInput("max_per_category", f"{max_per_category} is not between 1 and n")
    if language not in LANGUAGES:
        raise InvalidInput("lang", f"{language!r} is not spoken here", LANGUAGES)
    for name, moment in (("from", starts_from), ("to", starts_before), ("at", now)):
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput(name, f"{moment} has no time zone; write it as 2026-11-28T20:00Z")
    if starts_before:
        check_end(starts_before, starts_from, now)
    return FeedQuery(
        user_id=user_id,
        location=here.rounded() if here else None,
        radius_m=radius_m,
        widest_m=MAX_RADIUS_M if radius_km is None else radius_m,
        filters=Filters(
            categories=tuple(dict.fromkeys(categories)),
            max_price_cents=_cents(max_price_eur),
            starts_from=starts_from,
            starts_before=starts_before,
        ),
        n=n,
        floor=dials.floor,
        intensity=dials.intensity,
        points_a_booking=dials.points_a_booking,
        min_new_categories=min_new_categories,
        max_per_category=max_per_category,
        plan=plan,
        language=language,
        now=now.astimezone(UTC),
        as_of=as_of,
        shown_items=shown_items,
        exploration=exploration,
        seed=seed,
        account=account,
        unasked=frozenset(name for name, told in asked.items() if set(told) == {None}),
    )


def _cents(price_eur: float | None) -> int | None:
    if price_eur is None:
        return None
    if not (math.isfinite(price_eur) and 0.0 <= price_eur <= 1_000_000.0):
        raise InvalidInput("max_price_eur", f"{price_eur} is no price: 0 or more, in euros")
    return round(price_eur * 100)
