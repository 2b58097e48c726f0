"""Venues around a place equal those of PostGIS on the spheroid, asked or remembered, anywhere."""

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spots import SPOTS, near_spot
from worlds import NOW, small_world

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import amended, read_changes
from reco.feed.generation import generation
from reco.feed.surroundings import look_around
from reco.geo.points import Point
from reco.geo.reach import REACHED, PlaceMemory, Reach, ask, within

VENUES = 120


@pytest.fixture(scope="module")
def globe(new_world):
    """Venues around every spot, and a catalogue of them."""
    chance = np.random.default_rng(1)
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        for spot in SPOTS:
            for number in range(VENUES):
                place = near_spot(spot, *chance.uniform(-1.0, 1.0, 2))
                connection.execute(
                    "insert into core.venue (external_id, location)"
                    " values (%s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
                    (f"{spot} {number}", *place),
                )
        yield connection, generation(build_catalogue(connection, NOW), None)


def truth(connection, lon, lat, radius_m):
    return dict(
        connection.execute(
            "select id, st_distance(location, here) from core.venue,"
            " (select st_setsrid(st_makepoint(%s, %s), 4326)::geography as here) at"
            " where st_dwithin(location, here, %s)",
            (lon, lat, radius_m),
        ).fetchall()
    )


places = st.builds(
    near_spot, st.sampled_from(sorted(SPOTS)), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)
)


@given(places, st.floats(100.0, 200_000.0), st.data())
@settings(max_examples=150)
def test_the_radius_is_that_of_postgis(globe, place, radius_m, data):
    connection, serving = globe
    venues = serving.catalogue.venues
    everything = truth(connection, *place, 200_000.0)
    if everything:
        # A radius that ends at a venue, to the millimetre.
        border_m = data.draw(st.sampled_from(sorted(everything.values())))
        off_m = data.draw(st.sampled_from([0.0, 0.002, -0.002]))
        radius_m = data.draw(st.sampled_from([radius_m, max(100.0, border_m + off_m)]))
    expected = truth(connection, *place, radius_m)
    for _ in ("asked", "remembered"):
        found = look_around(connection, serving, Point(*place), "request", radius_m)
        ids = venues.venue_id[found.venue_rows].tolist()
        told = dict(zip(ids, found.distance_m.tolist(), strict=True))
        # PostGIS compares with a tolerance of its own, far below a millimetre.
        differing = told.keys() ^ expected.keys()
        assert all(abs(everything.get(id_, radius_m) - radius_m) < 1e-4 for id_ in differing)
        for id_ in told.keys() & expected.keys():
            assert told[id_] == pytest.approx(expected[id_], abs=2e-3)
        assert np.all(np.diff(found.venue_rows) > 0)
        reach = Reach.of(Point(*place), radius_m)
        assert serving.workspace.places.recall(venues, reach) is not None


@given(places, st.floats(100.0, 200_000.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_reach_holds_whatever_any_point_of_its_cell_could_reach(
    globe, place, radius_m, east, north
):
    _, serving = globe
    venues, here = serving.catalogue.venues, Point(*place)
    reach = Reach.of(here, radius_m)
    within_reach, _ = within(venues, venues.all_rows, Point(reach.lon, reach.lat), reach.reach_m)
    away = 0.4 * max(1e3, radius_m) / 111e3
    other = Point(
        (here.lon + away * east + 180.0) % 360.0 - 180.0,
        min(90.0, max(-90.0, here.lat + away * north)),
    )
    for point in (here, other):
        if Reach.of(point, radius_m) == reach:
            found, _ = within(venues, venues.all_rows, point, radius_m)
            assert set(found.tolist()) <= set(within_reach.tolist())


def test_what_is_remembered_is_not_asked_again_and_ends_with_the_venues(connection):
    small_world(connection)
    catalogue = build_catalogue(connection, NOW)
    memory, reach = PlaceMemory(), Reach.of(Point(5.7245, 45.1885), 3_000.0)
    assert memory.recall(catalogue.venues, reach) is None
    rows = memory.learn(catalogue.venues, reach, ask(connection, reach).fetchone()[0])
    assert len(rows) == 3
    assert memory.recall(catalogue.venues, reach) is rows
    connection.execute(
        "update core.venue set location = st_setsrid(st_makepoint(6.8, 47.2), 4326)::geography"
        " where external_id = 'cinema'"
    )
    moved = amended(catalogue, read_changes(connection, catalogue, NOW))
    assert memory.recall(moved.venues, reach) is None
    # What the database says before the catalogue knows it is used, and not remembered.
    later = memory.learn(catalogue.venues, reach, ask(connection, reach).fetchone()[0])
    assert len(later) == 2
    assert len(memory) == 1
    assert len(memory.learn(moved.venues, reach, ask(connection, reach).fetchone()[0])) == 2
    assert memory.recall(moved.venues, reach) is not None


def test_what_was_used_long_ago_is_forgotten_first(globe):
    _, serving = globe
    venues = serving.catalogue.venues
    memory = PlaceMemory(max_bytes=3_000)
    reaches = [Reach.of(Point(0.01 * n, 0.0), 1_000.0) for n in range(12)]
    for reach in reaches:
        memory.learn(venues, reach, None)
        memory.recall(venues, reaches[0])
    assert len(memory) < len(reaches)
    assert memory.recall(venues, reaches[0]) is not None
    assert memory.recall(venues, reaches[1]) is None


def test_postgis_uses_its_index(globe):
    connection, _ = globe
    connection.execute("analyze core.venue")
    reach = Reach.of(Point(2.35, 48.86), 2_000.0)
    plan = connection.execute("explain " + REACHED, vars(reach)).fetchall()
    assert "venue_location_idx" in str(plan)


def test_radii_that_take_the_same_reach_share_what_is_remembered():
    here = Point(5.7, 45.2)
    assert Reach.of(here, 40_001.0) == Reach.of(here, 50_000.0)
    assert Reach.of(here, 50_001.0) != Reach.of(here, 50_000.0)
