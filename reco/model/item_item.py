"""Item-item neighbours: an item is scored by its similarity to the items of the history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.scoring import sums
from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.lending import Rooms
from reco.model.scorer import Bounds, Parameters, bounds_of, unknown


@dataclass(frozen=True)
class ItemItem:
    """A sparse similarity matrix: the nearest neighbours of each item, itself not among them.

    The score of item j is the sum over the history's items i of `weight_i * similarity[i, j]`, and
    NaN where j is the neighbour of none of them.
    """

    kind: ClassVar[str] = "itemknn"
    layout: ClassVar[Layout] = {
        "neighbour_start": ("int64", ("bounds of items",)),
        "neighbour_item": ("int32", ("neighbours",)),
        "neighbour_similarity": ("float32", ("neighbours",)),
    }

    neighbour_start: NDArray[np.int64]
    """(I + 1,) the neighbours of item i are `neighbour_start[i]:neighbour_start[i + 1]`."""
    neighbour_item: NDArray[np.int32]
    """(nnz,)"""
    neighbour_similarity: NDArray[np.float32]
    """(nnz,) positive."""
    _totals: Rooms = field(default_factory=Rooms, init=False, repr=False, compare=False)
    """Zeros to add up in."""
    _scores: Rooms = field(default_factory=Rooms, init=False, repr=False, compare=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        del parameters
        return cls(**{name: arrays[name] for name in cls.layout})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs."""
        return {
            "neighbour_start": self.neighbour_start,
            "neighbour_item": self.neighbour_item,
            "neighbour_similarity": self.neighbour_similarity,
        }

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the sum of similarities of each item of `rows` to the history's items."""
        scores = np.empty(len(rows))
        self._add_up(history, rows, scores)
        return scores

    def _add_up(
        self, history: History, rows: NDArray[np.int32], scores: NDArray[np.float64]
    ) -> None:
        with self._totals.lent(len(self.neighbour_start) - 1) as total:
            sums(
                self.neighbour_start, self.neighbour_item, self.neighbour_similarity,
                history.rows, history.weights, rows, total, scores,
            )  # fmt: skip

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return the scores: they are few sums."""
        with self._scores.lent(len(rows)) as scores:
            self._add_up(history, rows, scores)
            return bounds_of(scores, room)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the similarity of each item of `rows` to `row`, NaN where it is no neighbour."""
        if row < 0:
            return unknown(rows)
        alone = History(np.array([row], dtype=np.int32), np.ones(1, dtype=np.float32))
        return self.scores(alone, rows)
