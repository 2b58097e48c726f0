"""The nearest venues: a PostGIS statement, and who runs it."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from reco.geo.points import Point

# By the index the nearest are found on a sphere: no farther than these are those on the spheroid.
# Two ways to measure one distance differ by far less than a millimetre.
_NEAREST = """
with here as (
  select st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography as point
), within as (
  select max(st_distance(about.location, about.point)) as radius_m from (
    select v.location, here.point from here
    join core.venue v on st_dwithin(v.location, here.point, %(radius_m)s)
    order by v.location <-> here.point limit %(n)s
  ) about
)
select v.external_id as venue_id, v.name, v.venue_type as type,
  st_y(v.location::geometry) as lat, st_x(v.location::geometry) as lon,
  st_distance(v.location, here.point) as distance_m
from here cross join within
join core.venue v
  on st_dwithin(v.location, here.point, least(within.radius_m + 0.001, %(radius_m)s))
order by distance_m, v.id
limit %(n)s
"""


@dataclass(frozen=True)
class NearVenue:
    """A venue and how far it is."""

    venue_id: str
    name: str | None
    type: str | None
    lat: float
    lon: float
    distance_m: float


def venues_near(
    connection: psycopg.Connection[Any], here: Point, radius_m: float, n: int
) -> list[NearVenue]:
    """Return the `n` nearest venues within `radius_m` of `here`, nearest first."""
    with connection.cursor(row_factory=class_row(NearVenue)) as cursor:
        return cursor.execute(
            _NEAREST, {"lon": here.lon, "lat": here.lat, "radius_m": radius_m, "n": n}
        ).fetchall()
