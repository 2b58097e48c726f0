"""Popularity, the floor under every other model: with everybody, or with those of an area."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.scorer import Bounds, Parameters, bounds_of, unknown

_PIECE = 8_192


@dataclass(frozen=True)
class Areas:
    """What is popular with the people of each area; a history says where its person goes."""

    layout: ClassVar[Layout] = {
        "item_area": ("int32", ("items",)),
        "area_popularity": ("float32", ("areas", "items")),
    }

    item_area: NDArray[np.int32]
    """(I,) row of the area that an item is in; -1 where its place is not known."""
    popularity: NDArray[np.float32]
    """(A, I), on the scale of the popularity of all."""

    @classmethod
    def are_among(cls, arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Return whether an artifact's arrays hold areas."""
        return bool(cls.layout.keys() & arrays.keys())

    @classmethod
    def among(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """Return the areas among an artifact's arrays, None where it has none."""
        if not cls.are_among(arrays):
            return None
        return cls(arrays["item_area"], arrays["area_popularity"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `among` needs."""
        return {"item_area": self.item_area, "area_popularity": self.popularity}

    def shares(self, history: History) -> NDArray[np.float64]:
        """Return (A,) how much of the interest in items of known places is in each area."""
        area = self.item_area[history.rows]
        weight = np.where(area >= 0, history.weights, 0.0)
        spent = np.bincount(np.maximum(area, 0), weight, len(self.popularity))
        return np.asarray(spent / max(float(spent.sum()), np.finfo(np.float64).tiny))


@dataclass(frozen=True)
class Popularity:
    """Interest that all users together showed in each item, or those of where a person goes.

    Whose history has no item of a known place is told what is popular with all.
    """

    kind: ClassVar[str] = "popularity"
    layout: ClassVar[Layout] = {"popularity": ("float32", ("items",))}

    popularity: NDArray[np.float32]
    """(I,) sum of the weights of all users; NaN where nobody met the item."""
    areas: Areas | None = None
    """None: everywhere is alike."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        del parameters
        return cls(arrays["popularity"], Areas.among(arrays))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs."""
        return {"popularity": self.popularity, **(self.areas.arrays() if self.areas else {})}

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the popularity of each item of `rows` with those who go where the history does."""
        scores = unknown(rows)
        known = rows >= 0
        scores[known] = history.once(self, self._around)[rows[known]]
        return scores

    def _around(self, history: History) -> NDArray[np.float64] | NDArray[np.float32]:
        """Return (I,) what is popular where the history goes."""
        shares = self.areas.shares(history) if self.areas else np.empty(0)
        if self.areas is None or not shares.any():
            return self.popularity
        found = np.where(np.isnan(self.popularity), np.nan, 0.0)
        for area in np.flatnonzero(shares):
            found += shares[area] * self.areas.popularity[area]
        return found

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return the scores: they are looked up, some at a time."""
        for first in range(0, len(rows), _PIECE):
            piece = slice(first, first + _PIECE)
            bounds_of(self.scores(history, rows[piece]), room.take(piece))
        return room

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return NaN: popularity knows nothing of similarity."""
        del row
        return unknown(rows)
