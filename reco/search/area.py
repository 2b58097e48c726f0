"""The venues that a search looks at: around a place, in a box, open now."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.clock import zone_of
from reco.catalogue.snapshot import Catalogue
from reco.catalogue.venues import Venues
from reco.geo.ellipsoid import cartesian_of
from reco.geo.points import Point
from reco.kernel.search import distances
from reco.search.answer import OpenFound
from reco.search.hours import Hours, opening_spans
from reco.search.query import SearchQuery

_OPENING = "select id, opening, timezone from core.venue where opening is not null"


@dataclass(frozen=True)
class Area:
    """Venues to look at; arrays of shape (A,)."""

    rows: NDArray[np.int64]
    """In the catalogue's `venues`."""
    distance_m: NDArray[np.float64]
    """NaN where no place is given."""
    open_now: OpenFound | None = None


@dataclass(frozen=True)
class Opening:
    """When venues are open."""

    venues: Venues
    hours: Hours
    """Of each; only what is understood is said."""


def read_opening(connection: psycopg.Connection[Any], venues: Venues) -> Opening:
    """Return the hours of all `venues` as they are now."""
    read = connection.execute(_OPENING).fetchall()
    rows = venues.rows(np.array([venue for venue, _, _ in read], dtype=np.int64)).tolist()
    zones = {name: zone_of(name) for name in {name for _, _, name in read}}
    said = [
        (row, spans, zones[name])
        for row, (_, text, name) in zip(rows, read, strict=True)
        if row >= 0 and (spans := opening_spans(text)) is not None
    ]
    return Opening(venues, Hours.of(said, len(venues)))


def area_of(catalogue: Catalogue, query: SearchQuery, opening: Opening | None) -> Area:
    """Return the venues that lie where `query` says.

    Parameters
    ----------
    opening
        Where only those count that are open at `query.now`.
    """
    venues = catalogue.venues
    lies = np.isfinite(venues.venue_lon)
    if query.box is not None:
        lies &= query.box.holds(venues.venue_lon, venues.venue_lat)
    if query.here is not None and query.radius_m is not None:
        lies &= _may_reach(venues, query.here, query.radius_m)
    rows = np.flatnonzero(lies)
    distance_m = np.full(len(rows), np.nan)
    if query.here is not None:
        distance_m = distances_m(venues, rows, query.here)
        if query.radius_m is not None:
            near = distance_m <= query.radius_m
            rows, distance_m = rows[near], distance_m[near]
    area = Area(rows, distance_m)
    return area if opening is None else _open_of(area, opening, query.now, query.zone)


def _may_reach(venues: Venues, here: Point, radius_m: float) -> NDArray[np.bool_]:
    """Return which venues are not farther along a straight line, which is never the longer way."""
    x_m, y_m, z_m, _ = cartesian_of(here.lon, here.lat)
    squared = (venues.venue_x_m - x_m) ** 2
    squared += (venues.venue_y_m - y_m) ** 2
    squared += (venues.venue_z_m - z_m) ** 2
    return np.asarray(squared <= (radius_m + 1.0) ** 2)


def distances_m(venues: Venues, rows: NDArray[np.int64], here: Point) -> NDArray[np.float64]:
    """Return how far the venues of `rows` are from `here`, in metres on the ellipsoid.

    Beyond 19,850 km, on the other side of the globe, to a hundredth.
    """
    x_m, y_m, z_m, sin_lat = cartesian_of(here.lon, here.lat)
    columns = (
        *(venues.venue_lon, venues.venue_lat),
        *(venues.venue_x_m, venues.venue_y_m, venues.venue_z_m, venues.venue_sin_lat),
    )
    found = np.empty(len(rows))
    distances(rows, *columns, here.lon, here.lat, x_m, y_m, z_m, sin_lat, found)
    return found


def _open_of(area: Area, opening: Opening, now: datetime, zone: tzinfo) -> Area:
    """Return the venues of `area` that are open, and how many are not, or do not say."""
    here = opening.hours.states(area.rows, now, zone)
    found = OpenFound(
        closed_venues=int(np.count_nonzero(here == 0)),
        unknown_venues=int(np.count_nonzero(here < 0)),
    )
    return Area(area.rows[here == 1], area.distance_m[here == 1], found)
