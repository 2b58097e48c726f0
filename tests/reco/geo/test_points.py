"""Points and radii: checked once, with the field named."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import InvalidInput
from reco.geo.points import MAX_RADIUS_M, Point, checked_radius_m


@pytest.mark.parametrize(
    ("lon", "lat", "field"),
    [
        (None, 48.8, "lon"),
        (2.3, None, "lat"),
        (2.3, 91.0, "lat"),
        (181.0, 48.8, "lon"),
        (math.nan, 48.8, "lon"),
        (2.3, math.inf, "lat"),
    ],
)
def test_a_bad_coordinate_is_named(lon, lat, field):
    with pytest.raises(InvalidInput) as caught:
        Point.checked(lon, lat)
    assert caught.value.field == field


def test_no_coordinates_are_no_point():
    assert Point.checked(None, None) is None


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_rounding_moves_a_point_by_less_than_a_hundred_metres_each_way(lon, lat):
    rounded = Point(lon, lat).rounded()
    metres_a_degree = 111_320
    assert abs(rounded.lat - lat) * metres_a_degree <= 56
    assert abs(rounded.lon - lon) * metres_a_degree * math.cos(math.radians(lat)) <= 56
    assert rounded.rounded() == rounded


@pytest.mark.parametrize(
    "radius_m", [0.0, 99.0, -1.0, 1e-300, MAX_RADIUS_M + 1, math.nan, math.inf]
)
def test_a_bad_radius_is_refused(radius_m):
    with pytest.raises(InvalidInput, match="radius_km"):
        checked_radius_m(radius_m)
