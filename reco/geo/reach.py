"""Venues around a place: PostGIS says which any point of a cell could reach, once; the rest is told
by its geodesic distance, compiled."""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.venues import Venues
from reco.geo.ellipsoid import cartesian_of
from reco.geo.points import Point
from reco.kernel.geodesic import within as _within

REACHED = """
select string_agg(int8send(v.id), '')
from (select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point) here
join core.venue v on v.location && _st_expand(here.point, %(reach_m)s)
"""
"""The ids of all venues that ST_DWithin would look at for `reach_m` around (`lon`, `lat`), 8 bytes
each: those in a box around it, from the index. The kernel tells how far away they are for a small
part of what that takes in PostGIS."""

MAX_BYTES = 64_000_000
"""What a worker remembers of places; a town is a few kilobytes."""

_LEAST_SIDE_M = 1e3
_SIDE_OF_RADIUS = 0.5
"""A cell's side: the larger it is, the fewer places are asked for, and the more venues the kernel
has to look at."""
_DEGREE_M = 111_700.0
"""No degree of the ellipsoid is longer."""
_REACHES_M = (1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 5e4, 7.5e4, 1e5, 1.5e5, 2e5)
"""Radii that are remembered; any other takes the next larger."""
_BORDER_M = 1e-3
"""Far more than the compiled distance may be wrong by (`reco.kernel.geodesic.arc`)."""


@dataclass(frozen=True)
class Reach:
    """What to ask for once for a cell half as wide as the radius: `reach_m` around its centre."""

    lon: float
    lat: float
    reach_m: float

    @classmethod
    def of(cls, here: Point, radius_m: float) -> "Reach":
        """Return the reach that holds all that lies within `radius_m` of `here`."""
        most_m = next(reach_m for reach_m in (*_REACHES_M, radius_m) if reach_m >= radius_m)
        side_m = max(_LEAST_SIDE_M, _SIDE_OF_RADIUS * most_m)
        # The same number on both sides of the equator: no row has a wider parallel inside.
        rows = 2 * math.ceil(90 * _DEGREE_M / side_m)
        height = 180.0 / rows
        row = min(math.floor((here.lat + 90.0) / height), rows - 1)
        south = row * height - 90.0
        # Where a parallel is longest within the row, a cell is as wide as it is high.
        parallel = max(math.cos(math.radians(south)), math.cos(math.radians(south + height)))
        columns = max(1, math.ceil(2 * rows * parallel))
        width = 360.0 / columns
        column = min(math.floor((here.lon + 180.0) / width), columns - 1)
        # No way from the centre that turns evenly in both coordinates is longer.
        margin_m = 0.5 * _DEGREE_M * math.hypot(height, width * parallel)
        return cls((column + 0.5) * width - 180.0, south + 0.5 * height, most_m + margin_m)


class PlaceMemory:
    """Rows of venues by reach, for the venues as they are; the longest unused go first.

    What PostGIS said is kept only where it is what the catalogue's venues say themselves, so that
    it holds for as long as they are the same: nothing that a replica or a change left behind.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[str, Reach], NDArray[np.int32]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, venues: Venues, reach: Reach) -> NDArray[np.int32] | None:
        """Return the rows of `venues` within the reach, None where they are to be asked for."""
        with self._lock:
            rows = self._rows.get((venues.version, reach))
            if rows is not None:
                self._rows.move_to_end((venues.version, reach))
            return rows

    def learn(self, venues: Venues, reach: Reach, said: bytes | None) -> NDArray[np.int32]:
        """Return the rows of what `REACHED` said, and remember them."""
        found = venues.rows(np.frombuffer(said or b"", dtype=">i8").astype(np.int64))
        boxed, centre = np.sort(found[found >= 0]).astype(np.int32), Point(reach.lon, reach.lat)
        rows, own = (
            within(venues, some, centre, reach.reach_m)[0].copy()
            for some in (boxed, venues.all_rows)
        )
        if np.array_equal(rows, own):
            self._keep((venues.version, reach), rows)
        return rows

    def _keep(self, key: tuple[str, Reach], rows: NDArray[np.int32]) -> None:
        with self._lock:
            if key not in self._rows:
                self._rows[key] = rows
                self._bytes += rows.nbytes + _ENTRY_BYTES
            while self._bytes > self._max_bytes:
                _, dropped = self._rows.popitem(last=False)
                self._bytes -= dropped.nbytes + _ENTRY_BYTES

    def __len__(self) -> int:
        return len(self._rows)


_ENTRY_BYTES = 400
"""What an entry takes beside its rows."""


def ask(connection: psycopg.Connection[Any], reach: Reach) -> psycopg.Cursor[Any]:
    """Ask PostGIS which venues may lie within the reach: one row of one value, for `learn`."""
    # Planned for the very place: many venues are better read page by page, few one by one.
    return connection.cursor(binary=True).execute(REACHED, vars(reach), prepare=False)


def within(
    venues: Venues, rows: NDArray[np.int32], here: Point, radius_m: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return those of `rows` within `radius_m` of `here` on the spheroid, and their distances."""
    x, y, z, sin_lat = cartesian_of(here.lon, here.lat)
    found, distance_m = np.empty(len(rows), np.int32), np.empty(len(rows))
    count = _within(
        rows, venues.venue_lon, venues.venue_lat,
        venues.venue_x_m, venues.venue_y_m, venues.venue_z_m, venues.venue_sin_lat,
        here.lon, here.lat, x, y, z, sin_lat, radius_m, _BORDER_M, found, distance_m,
    )  # fmt: skip
    return found[:count], distance_m[:count]
