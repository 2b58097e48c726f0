"""Maps without tiles: people on a grid, venues as dots, a few towns for orientation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from htpy import Element, Node

from training.report.svg import WIDTH, Place, Scale, circle, picture, square, words
from training.report.towns import Town, towns_by_size

_LEVELS = 5
_TOWNS = 6
_APART = 70.0
_TALLEST = 380.0
_LEAST_SIDE = 0.3
_MARGIN = 0.05
"""Around what is shown, as a share of its width or height."""


@dataclass(frozen=True)
class Square:
    """One cell of a grid: its size tells how many people live there, its shade the figure."""

    lon: float
    lat: float
    size: float
    """Share of the whole cell's area."""
    css: str
    told: str


@dataclass(frozen=True)
class Dot:
    """One venue."""

    lon: float
    lat: float
    radius: float
    css: str
    told: str


@dataclass(frozen=True)
class Ground:
    """What a map shows, in degrees: equirectangular, true in the middle."""

    west: float
    east: float
    south: float
    north: float
    step: float
    """Side of the cells."""
    places: tuple[tuple[float, float], ...]
    """(lon, lat) of what is shown."""

    @classmethod
    def around(cls, places: Sequence[tuple[float, float]], step: float) -> "Ground":
        """Return what holds all cells around some (lon, lat), and a margin for the largest dot."""
        lon, lat = np.array(places).T
        margin = max(step, _MARGIN * float(max(np.ptp(lon), np.ptp(lat))))
        west, south = float(lon.min()) - margin, float(lat.min()) - margin
        east, north = float(lon.max()) + margin, float(lat.max()) + margin
        return cls(west, east, south, north, step, tuple(places))

    @cached_property
    def height(self) -> float:
        """Of the map, in the units of its view box."""
        return min(_TALLEST, WIDTH / self._ratio)

    @cached_property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell."""
        (x, y), (right, top) = self.at(0.0, 0.0), self.at(self.step, self.step)
        return right - x, y - top

    def at(self, lon: float, lat: float) -> Place:
        """Return where a place lies."""
        width = self.height * self._ratio
        left = (WIDTH - width) / 2
        across = Scale(self.west, self.east, left, left + width)
        return across(lon), Scale(self.south, self.north, self.height, 0.0)(lat)

    @cached_property
    def towns(self) -> Node:
        """The largest towns that have room beside each other: where something is shown, if any."""
        within = [
            town
            for town in towns_by_size()
            if self.west < town.lon < self.east and self.south < town.lat < self.north
        ]
        placed: list[tuple[Place, str]] = []
        for town in [town for town in within if self._is_shown(town)] or within:
            at = self.at(town.lon, town.lat)
            if all(math.dist(at, other) > _APART for other, _ in placed):
                placed.append((at, town.name))
            if len(placed) == _TOWNS:
                break
        return [_town(at, name) for at, name in placed]

    def _is_shown(self, town: Town) -> bool:
        return any(
            abs(town.lon - lon) <= self.step and abs(town.lat - lat) <= self.step
            for lon, lat in self.places
        )

    @property
    def _ratio(self) -> float:
        """Width over height."""
        narrowing = math.cos(math.radians((self.south + self.north) / 2))
        return (self.east - self.west) * narrowing / (self.north - self.south)


def _town(at: Place, name: str) -> Node:
    x, y = at
    is_right = x > WIDTH * 0.72
    beside = (x - 5, y - 4) if is_right else (x + 5, y - 4)
    return [circle(".town", at, 2.0), words(".place", beside, name, "end" if is_right else "start")]


def levels(values: Sequence[float]) -> list[float]:
    """Return the borders between five levels, at most, that hold as many of `values` each."""
    inner = np.linspace(0.0, 1.0, _LEVELS + 1)[1:-1]
    edges = np.unique(np.quantile(values, inner))
    return [float(edge) for edge in edges[edges > min(values)]]


def level_of(value: float, edges: Sequence[float]) -> int:
    """Return the level of a value, from 0; spread over all shades where there are fewer levels."""
    at = int(np.searchsorted(edges, value, side="right"))
    return round(at * (_LEVELS - 1) / max(1, len(edges)))


def grid_map(name: str, told: str, ground: Ground, squares: Sequence[Square]) -> Element:
    """Return people on a grid."""
    marks = []
    for one in squares:
        side = max(_LEAST_SIDE, math.sqrt(one.size))
        size = (side * ground.cell[0], side * ground.cell[1])
        marks.append(square(f".{one.css}", ground.at(one.lon, one.lat), size, one.told))
    return picture(name, told, [marks, ground.towns], ground.height)


def dot_map(name: str, told: str, ground: Ground, dots: Sequence[Dot]) -> Element:
    """Return venues as dots."""
    marks = [
        circle(f".venue.{one.css}", ground.at(one.lon, one.lat), one.radius, one.told)
        for one in dots
    ]
    return picture(name, told, [marks, ground.towns], ground.height)
