"""Points on the ground, checked once and coarse enough to keep."""

import math
from dataclasses import dataclass
from typing import Self

from reco.errors import InvalidInput

MIN_RADIUS_M = 100.0
"""Places are rounded to this: a smaller radius would mean nothing."""
MAX_RADIUS_M = 200_000.0
"""No search looks farther than this."""


@dataclass(frozen=True)
class Point:
    """A point in WGS 84 degrees."""

    lon: float
    lat: float

    @classmethod
    def checked(cls, lon: float | None, lat: float | None) -> Self | None:
        """Return the point, or None where neither coordinate is given.

        Raises
        ------
        InvalidInput
            One of the two is missing, is not a number, or lies outside the globe.
        """
        if lon is None and lat is None:
            return None
        if lon is None:
            raise InvalidInput("lon", "a latitude needs a longitude with it")
        if lat is None:
            raise InvalidInput("lat", "a longitude needs a latitude with it")
        if not (math.isfinite(lat) and -90.0 <= lat <= 90.0):
            raise InvalidInput("lat", f"{lat} is no latitude, which goes from -90 to 90 degrees")
        if not (math.isfinite(lon) and -180.0 <= lon <= 180.0):
            raise InvalidInput("lon", f"{lon} is no longitude, which goes from -180 to 180 degrees")
        return cls(lon, lat)

    def rounded(self) -> Self:
        """Return the point on a grid of about 100 m (a thousandth of a degree).

        Done before a location is used, so that nothing that is kept or computed from it says more.
        """
        return type(self)(round(self.lon, 3), round(self.lat, 3))


def checked_radius_m(radius_m: float) -> float:
    """Return `radius_m`, or raise `InvalidInput` outside 100 m to 200 km."""
    if not (math.isfinite(radius_m) and MIN_RADIUS_M <= radius_m <= MAX_RADIUS_M):
        raise InvalidInput("radius_km", f"{radius_m / 1000:g} is not between 0.1 and 200 km")
    return radius_m
