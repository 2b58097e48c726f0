"""The venues around a place, asked of PostGIS where the place is not remembered."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.feed.generation import Generation
from reco.geo.points import Point
from reco.geo.reach import Reach, ask, within


@dataclass(frozen=True)
class Surroundings:
    """Venues within `radius_m` of `here` (None: nation-wide, no venue); arrays of shape (V,)."""

    here: Point | None
    source: str
    radius_m: float
    venue_rows: NDArray[np.int32]
    """Ascending rows of the catalogue's venues."""
    distance_m: NDArray[np.float64]

    @property
    def looked_m(self) -> float | None:
        """How far was looked; None where there is no place to look around."""
        return self.radius_m if self.here else None

    @classmethod
    def nowhere(cls, radius_m: float) -> "Surroundings":
        """Return what is around nobody knows where."""
        return cls(None, "none", radius_m, np.empty(0, np.int32), np.empty(0))


def look_around(
    connection: psycopg.Connection[Any],
    serving: Generation,
    here: Point,
    source: str,
    radius_m: float,
) -> Surroundings:
    """Return the venues within `radius_m` of `here`, asking only where the place is not known."""
    return Looked.at(serving, here, radius_m).sure(connection).surroundings(source)


@dataclass(frozen=True)
class Looked:
    """What is known of a place, or was asked in a pipeline that is not read yet."""

    serving: Generation
    here: Point
    radius_m: float
    reach: Reach
    known: NDArray[np.int32] | None
    asked: psycopg.Cursor[Any] | None = None

    @classmethod
    def at(cls, serving: Generation, here: Point, radius_m: float) -> "Looked":
        """Return what is remembered of `here`."""
        reach = Reach.of(here, radius_m)
        known = serving.workspace.places.recall(serving.catalogue.venues, reach)
        return cls(serving, here, radius_m, reach, known)

    def sure(self, connection: psycopg.Connection[Any]) -> "Looked":
        """Return the same, asked for where it is not known; the answer need not be there yet."""
        if self.known is not None:
            return self
        return replace(self, asked=ask(connection, self.reach))

    def surroundings(self, source: str) -> Surroundings:
        """Return what is around, of a place that `source` says."""
        venues, rows = self.serving.catalogue.venues, self.known
        if rows is None:
            row = self.asked.fetchone() if self.asked else None
            rows = self.serving.workspace.places.learn(venues, self.reach, row[0] if row else None)
        found, distance_m = within(venues, rows, self.here, self.radius_m)
        return Surroundings(self.here, source, self.radius_m, found, distance_m)
