"""Venues around a place: PostGIS says which any point of a cell could reach, once; the rest is told
by the same geodesic distance, compiled."""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.venues import Venues
from reco.geo.ellipsoid import cartesian
from reco.geo.points import Point
from reco.kernel.geodesic import within as _within

REACHED = """
select string_agg(int8send(v.id), '')
from (select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point) here
join core.venue v on st_dwithin(v.location, here.point, %(reach_m)s)
"""
"""The ids of all venues within `reach_m` of (`lon`, `lat`) by the spheroid, 8 bytes each."""

MAX_BYTES = 64_000_000
"""What a worker remembers of places; a town is a few kilobytes."""

_ROWS_A_DEGREE = 100
_DEGREE_M = 111_700.0
"""No degree of the ellipsoid is longer."""
_REACHES_M = (1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 5e4, 7.5e4, 1e5, 1.5e5, 2e5)
"""Radii that are remembered; any other takes the next larger."""
_BORDER_M = 1e-3
"""Far more than the compiled distance may be wrong by (`reco.kernel.geodesic.arc`)."""


@dataclass(frozen=True)
class Reach:
    """What to ask for once for a cell of about a kilometre: `reach_m` around its centre."""

    lon: float
    lat: float
    reach_m: float

    @classmethod
    def of(cls, here: Point, radius_m: float) -> "Reach":
        """Return the reach that holds all that lies within `radius_m` of `here`."""
        row = min(math.floor((here.lat + 90.0) * _ROWS_A_DEGREE), 180 * _ROWS_A_DEGREE - 1)
        south = row / _ROWS_A_DEGREE - 90.0
        # Where a parallel is longest within the row, a cell is as wide as it is high.
        parallel = max(math.cos(math.radians(south)), math.cos(math.radians(south + 0.01)))
        columns = max(1, math.ceil(360 * _ROWS_A_DEGREE * parallel))
        column = min(math.floor((here.lon + 180.0) / 360.0 * columns), columns - 1)
        half_width = 180.0 / columns
        # Half the cell's height along the meridian, then half its width along the parallel.
        margin_m = _DEGREE_M * (0.5 / _ROWS_A_DEGREE + half_width * parallel)
        most_m = next(reach_m for reach_m in (*_REACHES_M, radius_m) if reach_m >= radius_m)
        lon = (2 * column + 1) * half_width - 180.0
        return cls(lon, south + 0.5 / _ROWS_A_DEGREE, most_m + margin_m)


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
        rows = np.sort(found[found >= 0]).astype(np.int32)
        own, _ = within(venues, venues.all_rows, Point(reach.lon, reach.lat), reach.reach_m)
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
    """Ask PostGIS which venues lie within the reach: one row of one value, for `learn`."""
    return connection.cursor(binary=True).execute(REACHED, vars(reach))


def within(
    venues: Venues, rows: NDArray[np.int32], here: Point, radius_m: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return those of `rows` within `radius_m` of `here` on the spheroid, and their distances."""
    x, y, z, sin_lat = (
        float(value[0]) for value in cartesian(np.array([here.lon]), np.array([here.lat]))
    )
    found, distance_m = np.empty(len(rows), np.int32), np.empty(len(rows))
    count = _within(
        rows, venues.venue_lon, venues.venue_lat,
        venues.venue_x_m, venues.venue_y_m, venues.venue_z_m, venues.venue_sin_lat,
        here.lon, here.lat, x, y, z, sin_lat, radius_m, _BORDER_M, found, distance_m,
    )  # fmt: skip
    return found[:count], distance_m[:count]
