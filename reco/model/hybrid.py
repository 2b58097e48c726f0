"""iALS and a linear filter as one model: both see the same history, and their scores are added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.lending import Rooms
from reco.model.linear_filter import LinearFilter
from reco.model.scorer import Bounds, Parameters
from reco.model.weighted_factors import WeightedFactors


@dataclass(frozen=True)
class Hybrid:
    """The score of `factors` and that of `beside`, which is already weighted."""

    kind: ClassVar[str] = "hybrid"
    layout: ClassVar[Layout] = {**WeightedFactors.layout, **LinearFilter.layout}

    factors: WeightedFactors
    beside: LinearFilter
    _rooms: Rooms = field(
        default_factory=partial(Rooms, np.float32), init=False, repr=False, compare=False
    )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        return cls(
            WeightedFactors.from_arrays(arrays, parameters),
            LinearFilter.from_arrays(arrays, parameters),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs, beside the parameters of both."""
        return {**self.factors.arrays(), **self.beside.arrays()}

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the sum of both scores."""
        return self.factors.scores(history, rows) + self.beside.scores(history, rows)

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return the sum of both, each with the factors in eight bits."""
        found = self.factors.bounds(history, rows, room)
        with self._rooms.lent(2 * len(rows)) as lent:
            other = self.beside.bounds(history, rows, Bounds(*lent.reshape(2, -1)))
            np.add(found.score, other.score, out=found.score)
            np.add(found.slack, other.slack, out=found.slack)
            # The sum is rounded too.
            rounding = np.abs(found.score, out=other.slack)
            np.multiply(rounding, np.float32(2.0**-22), out=rounding)
            np.add(found.slack, rounding, out=found.slack)
        return found

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the cosine of the factors of `row` and of each item of `rows`."""
        return self.factors.similar(row, rows)
