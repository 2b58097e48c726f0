"""Dense item-item weights, for catalogues of some ten thousand items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.filtering import spread_rows
from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.scorer import Bounds, Parameters, bounds_of, unknown


@dataclass(frozen=True)
class DenseItemItem:
    """The score of item j is the sum over the history's items i of `weight_i * similarity[i, j]`.

    NaN where nobody met an item, and for an empty history.
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
        scores = unknown(rows)
        if not len(history):
            return scores
        total = np.zeros(len(self.is_met))
        spread_rows(self.similarity, history.rows, history.weights.astype(np.float64), total)
        known = np.flatnonzero(rows >= 0)
        said = known[self.is_met[rows[known]]]
        scores[said] = total[rows[said]]
        return scores

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return the scores: they are one sum of rows, then looked up."""
        return bounds_of(self.scores(history, rows), room)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the weight of `row` in the score of each item of `rows`."""
        if row < 0 or not self.is_met[row]:
            return unknown(rows)
        alone = History(np.array([row], dtype=np.int32), np.ones(1, dtype=np.float32))
        return self.scores(alone, rows)
