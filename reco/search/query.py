"""What a search is asked for: checked once, then carried unchanged through the stages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, datetime, tzinfo

from reco.core.accents import composed
from reco.errors import InvalidInput
from reco.geo.points import Point, checked_radius_m
from reco.moments import check_end
from reco.search.box import Box
from reco.search.layout import SORTS
from reco.search.windows import named_window

MAX_N = 100
MAX_TEXT = 200
"""Characters of a text."""
GROUPS = ("item", "offer")
_DEAREST_CENTS = 2**31 - 1


@dataclass(frozen=True)
class SearchFilters:
    """What is asked to see; empty or None: everything."""

    text: str | None = None
    categories: tuple[str, ...] = ()
    subcategories: tuple[str, ...] = ()
    when: str | None = None
    """The name of the window, where it was named."""
    starts_from: datetime | None = None
    """With either border sessions are dated ..."""
    starts_before: datetime | None = None
    with_undated: bool = False
    """... or undated too, if this is asked."""
    min_price_cents: int = 0
    max_price_cents: int = _DEAREST_CENTS
    is_duo: bool | None = None
    is_digital: bool | None = None
    open_now: bool = False

    @property
    def has_window(self) -> bool:
        """Whether dates are asked for."""
        return self.starts_from is not None or self.starts_before is not None


@dataclass(frozen=True)
class SearchQuery:
    """One request. Times carry a zone; nothing below reads a clock but `now`."""

    now: datetime
    zone: tzinfo
    """Whose days are counted, and whose clock venues without a zone have."""
    filters: SearchFilters = SearchFilters()
    here: Point | None = None
    """Rounded to 100 m."""
    radius_m: float | None = None
    box: Box | None = None
    sort: tuple[str, ...] = ()
    """Names in `SORTS`; the id of the offer comes after them."""
    group: str = "item"
    n: int = 20
    with_facets: bool = True


def search_query(
    *,
    now: datetime,
    zone: tzinfo,
    default_radius_m: float,
    lat: float | None = None,
    lon: float | None = None,
    radius_km: float | None = None,
    bbox: str | None = None,
    sort: str | None = None,
    group: str = "item",
    n: int = 20,
    with_facets: bool = True,
    filters: SearchFilters | None = None,
) -> SearchQuery:
    """Check what is asked and return the query.

    Raises
    ------
    InvalidInput
        Names the parameter as it is written on the wire: lat, lon, radius_km, bbox, sort, group, n.
    """
    filters = filters or SearchFilters()
    here = Point.checked(lon, lat)
    box = Box.parsed(bbox) if bbox is not None else None
    if radius_km is not None and here is None:
        raise InvalidInput("radius_km", "a radius needs a place: lat and lon")
    radius_m = checked_radius_m(radius_km * 1000.0) if radius_km is not None else None
    if here is not None and box is None and radius_m is None:
        radius_m = default_radius_m
    if not 1 <= n <= MAX_N:
        raise InvalidInput("n", f"{n} is not between 1 and {MAX_N}")
    if group not in GROUPS:
        raise InvalidInput("group", f"{group!r} is unknown", GROUPS)
    return SearchQuery(
        now=now.astimezone(UTC),
        zone=zone,
        filters=filters,
        here=here.rounded() if here else None,
        radius_m=radius_m,
        box=box,
        sort=_sorts(sort, has_place=here is not None, has_text=filters.text is not None),
        group=group,
        n=n,
        with_facets=with_facets,
    )


def search_filters(
    *,
    now: datetime,
    zone: tzinfo,
    text: str | None = None,
    categories: Sequence[str] = (),
    subcategories: Sequence[str] = (),
    when: str | None = None,
    starts_from: datetime | None = None,
    starts_before: datetime | None = None,
    with_undated: bool = False,
    min_price_eur: float | None = None,
    max_price_eur: float | None = None,
    is_duo: bool | None = None,
    is_digital: bool | None = None,
    open_now: bool = False,
) -> SearchFilters:
    """Check what is asked to see and return the filters.

    Raises
    ------
    InvalidInput
        Names the parameter as it is written on the wire: q, when, from, to, min_price_eur,
        max_price_eur.
    """
    if when is not None:
        if starts_from or starts_before:
            raise InvalidInput("when", "it cannot go with from or to: they say the same")
        starts_from, starts_before = named_window(when, now, zone)
    if starts_from and starts_from.year == MAXYEAR:
        raise InvalidInput("from", f"{starts_from} is the end of the calendar: no days follow it")
    if starts_before:
        check_end(starts_before, starts_from, now)
    filters = SearchFilters(
        text=_text(text),
        categories=tuple(dict.fromkeys(categories)),
        subcategories=tuple(dict.fromkeys(subcategories)),
        when=when,
        starts_from=starts_from,
        starts_before=starts_before,
        with_undated=with_undated,
        is_duo=is_duo,
        is_digital=is_digital,
        open_now=open_now,
    )
    if min_price_eur is not None:
        filters = replace(filters, min_price_cents=_cents(min_price_eur, "min_price_eur"))
    if max_price_eur is not None:
        filters = replace(filters, max_price_cents=_cents(max_price_eur, "max_price_eur"))
    if filters.min_price_cents > filters.max_price_cents:
        raise InvalidInput(
            "max_price_eur", f"{max_price_eur} is less than min_price_eur, {min_price_eur}"
        )
    return filters


def _text(text: str | None) -> str | None:
    """Return what to look for; blanks alone look for nothing."""
    if text is None or not text.strip():
        return None
    if len(text) > MAX_TEXT:
        raise InvalidInput("q", f"it has {len(text)} characters, more than {MAX_TEXT}")
    return " ".join(composed(text).split())


def _sorts(asked: str | None, *, has_place: bool, has_text: bool) -> tuple[str, ...]:
    """Return the sorts asked for, or those that suit, and after them what settles ties."""
    usual = ("text",) * has_text + ("distance",) * has_place + ("date",)
    named = usual if asked is None else tuple(part.strip() for part in asked.split(","))
    for name in named:
        if name not in SORTS:
            raise InvalidInput("sort", f"{name!r} is unknown", SORTS)
    if "distance" in named and not has_place:
        raise InvalidInput("sort", "distance needs a place: lat and lon")
    if "text" in named and not has_text:
        raise InvalidInput("sort", "text needs a text: q")
    settling = tuple(name for name in usual if name != "text")
    return tuple(dict.fromkeys((*named, *settling)))


def _cents(price_eur: float, field: str) -> int:
    if not (math.isfinite(price_eur) and 0.0 <= price_eur <= 1_000_000.0):
        raise InvalidInput(field, f"{price_eur} is no price: 0 or more, in euros")
    return round(price_eur * 100)
