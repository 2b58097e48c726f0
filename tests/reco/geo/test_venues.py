"""The nearest venues are those by the distance that is told of them."""

import numpy as np
import psycopg

from reco.geo.points import Point
from reco.geo.venues import venues_near

LON, LAT = 4.43, 45.48


def test_the_nearest_are_the_nearest_by_the_distance_that_is_told(
    world, connection: psycopg.Connection
):
    del world
    # All around at nearly one distance: on a sphere others are nearest.
    for number, angle in enumerate(np.linspace(0, 2 * np.pi, 60, endpoint=False)):
        connection.execute(
            "insert into core.venue (external_id, location)"
            " values (%s, st_project(st_point(%s, %s)::geography, %s, %s))",
            (f"v{number}", LON, LAT, 6000 + number / 20, angle),
        )
    by_distance = [f"v{number}" for number in range(20)]
    found = venues_near(connection, Point(LON, LAT), 50_000, 20)
    assert [venue.venue_id for venue in found] == by_distance
    assert [venue.venue_id for venue in venues_near(connection, Point(LON, LAT), 6_000.37, 20)] == [
        f"v{number}" for number in range(8)
    ]
