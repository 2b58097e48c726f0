"""Popularity: the same for everybody; the floor under every other model."""

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
class Popularity:
    """Interest that all users together showed in each item."""

    kind: ClassVar[str] = "popularity"
    layout: ClassVar[Layout] = {"popularity": ("float32", ("items",))}

    popularity: NDArray[np.float32]
    """(I,) sum of the weights of all users; NaN where nobody met the item."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        del parameters
        return cls(arrays["popularity"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs."""
        return {"popularity": self.popularity}

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the popularity of each item of `rows`, for any history."""
        del history
        scores = unknown(rows)
        known = rows >= 0
        scores[known] = self.popularity[rows[known]]
        return scores

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
