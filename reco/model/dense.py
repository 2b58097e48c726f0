"""Dense item-item weights, for catalogues of some ten thousand items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.filtering import dense_sums
from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.lending import Rooms
from reco.model.scorer import Bounds, Parameters, bounds_of, nothing_known, unknown


@dataclass(frozen=True)
class DenseItemItem:
    """The score of item j is the sum over the history's items i of `weight_i * similarity[i, j]`.

    NaN where nobody met an item, and where nobody met any of the history.
    """

    kind: ClassVar[str] = "ease"
    layout: ClassVar[Layout] = {
        "similarity": ("float32", ("items", "items")),
        "is_met": ("bool", ("items",)),
    }

    similarity: NDArray[np.float32]
    """(I, I) of either sign, zero on the diagonal."""
    is_met: NDArray[np.bool_]
    """(I,) whether anybody met the item."""
    _sums: Rooms = field(default_factory=Rooms, init=False, repr=False, compare=False)
    _scores: Rooms = field(default_factory=Rooms, init=False, repr=False, compare=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        del parameters
        return cls(arrays["similarity"], arrays["is_met"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs."""
        return {"similarity": self.similarity, "is_met": self.is_met}

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the weighted sum of the history's rows at each item of `rows`."""
        if not self.is_met[history.rows].any():
            return unknown(rows)
        scores = np.empty(len(rows))
        self._add_up(history, rows, scores)
        return scores

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return the scores: they are one sum of rows, then looked up."""
        if not self.is_met[history.rows].any():
            return nothing_known(room)
        with self._scores.lent(len(rows)) as scores:
            self._add_up(history, rows, scores)
            return bounds_of(scores, room)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the weight of `row` in the score of each item of `rows`."""
        if row < 0 or not self.is_met[row]:
            return unknown(rows)
        alone = History(np.array([row], dtype=np.int32), np.ones(1, dtype=np.float32))
        return self.scores(alone, rows)

    def _add_up(
        self, history: History, rows: NDArray[np.int32], scores: NDArray[np.float64]
    ) -> None:
        weights = history.weights.astype(np.float64)
        with self._sums.lent(len(self.is_met)) as total:
            dense_sums(self.similarity, self.is_met, history.rows, weights, rows, total, scores)
