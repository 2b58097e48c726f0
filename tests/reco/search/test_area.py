"""How far what is found is, however far, and which venues lie in a box."""

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NOW

from reco.catalogue.venues import Venues
from reco.errors import InvalidInput
from reco.search.area import area_of, distances_m
from reco.search.box import Box
from reco.search.query import search_query

PARIS = (2.352, 48.857)
DISTANCES = """
select st_distance(st_setsrid(st_makepoint(%s, %s), 4326)::geography,
  st_setsrid(st_makepoint(lon, lat), 4326)::geography)
from unnest(%s::float8[], %s::float8[]) with ordinality place (lon, lat, n) order by n
"""
lons, lats = st.floats(-180, 180), st.floats(-90, 90)
places = st.tuples(lons, lats)


def asked(**query):
    return search_query(now=NOW, zone=ZoneInfo("UTC"), default_radius_m=5e4, **query)


def venues_at(points):
    lon, lat = np.array(points, dtype=np.float64).reshape(-1, 2).T.copy()
    names = np.array([f"v{row}".encode() for row in range(len(points))], dtype=np.bytes_)
    return Venues.by_place(np.arange(len(points)), lon, lat, np.zeros(len(points), "i2"), names)


def in_area(venues, **query):
    return area_of(SimpleNamespace(venues=venues), asked(**query), None)


@pytest.fixture(scope="module")
def connection(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        yield connection


@given(places, st.lists(places, min_size=1, max_size=20))
@settings(max_examples=60)
def test_distances_are_those_of_postgis_all_over_the_globe(connection, here, points):
    # Also on the other side of it, where the geodesic is hardest.
    lon, lat = here
    points += [(lon + (-180 if lon > 0 else 180), -lat + step) for step in (0, 0.1) if -lat < 89]
    venues = venues_at(points)
    area = in_area(venues, lon=lon, lat=lat, bbox="-180,-90,180,90")
    place = asked(lon=lon, lat=lat).here
    parameters = (place.lon, place.lat, venues.venue_lon.tolist(), venues.venue_lat.tolist())
    expected = np.array([row[0] for row in connection.execute(DISTANCES, parameters)])
    assert area.rows.tolist() == list(range(len(venues)))
    is_opposite = expected > 19_850_000
    near, far = (expected[side] for side in (~is_opposite, is_opposite))
    assert area.distance_m[~is_opposite] == pytest.approx(near, abs=2e-3)
    assert area.distance_m[is_opposite] == pytest.approx(far, rel=0.01)


whole_lons, whole_lats = (st.integers(-most, most).map(float) for most in (180, 90))


@given(
    st.lists(st.tuples(whole_lons, whole_lats), min_size=1, max_size=30),
    *(whole_lons, whole_lons, whole_lats, whole_lats),
)
def test_a_box_holds_what_lies_between_its_borders(points, west, east, south, north):
    south, north = sorted((south, north))
    venues = venues_at(points)
    area = in_area(venues, bbox=f"{west},{south},{east},{north}")

    def lies(lon, lat):
        if abs(lon) == 180 and (west == -180 or east == 180):
            return True
        # From west to east the way that maps are read, over the antimeridian where it must be.
        return (lon - west) % 360 <= (east - west) % 360 if west > east else west <= lon <= east

    expected = [
        row
        for row, (lon, lat) in enumerate(zip(venues.venue_lon, venues.venue_lat, strict=True))
        if lies(lon, lat) and south <= lat <= north
    ]
    assert area.rows.tolist() == expected
    assert np.isnan(area.distance_m).all()


def test_a_venue_that_is_gone_lies_nowhere():
    venues = venues_at([PARIS, (2.36, 48.86)])
    gone = venues.amended(venues.venue_id[:1], venues_at([]))
    for where in ({}, {"bbox": "-180,-90,180,90"}, {"bbox": "170,-90,3,90"}):
        assert in_area(gone, **where).rows.tolist() == [1]
    assert in_area(gone, lon=PARIS[0], lat=PARIS[1]).rows.tolist() == [1]


def test_the_radius_is_measured_over_the_antimeridian_and_the_poles():
    venues = venues_at([(-179.999, -17.0), (179.999, -17.0), (0.0, 89.9), (180.0, 89.9)])
    near = in_area(venues, lon=179.99, lat=-17.0, radius_km=5)
    assert {venues.venue_lon[row] for row in near.rows} == {-179.999, 179.999}
    assert len(in_area(venues, lon=90.0, lat=90.0, radius_km=20).rows) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "is not west,south,east,north") for text in ("", "1,2,3", "1,2,3,4,5", "a,b,c,d")),
        ("181,0,1,1", "west is 181"),
        ("0,-91,1,1", "south is -91"),
        ("0,0,-181,1", "east is -181"),
        ("0,0,1,90.1", "north is 90.1"),
        ("nan,0,1,1", "west is nan"),
        ("0,0,1,inf", "north is inf"),
        ("0,10,1,9", "south, 10, lies north of north, 9"),
    ],
)
def test_a_bad_box_is_told(text, reason):
    with pytest.raises(InvalidInput, match=reason) as told:
        Box.parsed(text)
    assert told.value.field == "bbox"


def test_nobody_is_near_no_place():
    assert distances_m(venues_at([]), np.empty(0, np.int64), asked(lon=0, lat=0).here).size == 0
