"""Latent factors: a user is solved for from the history, as in training; a score is a product."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.scoring import products
from reco.model.artifact import Layout
from reco.model.coarse import CoarseFactors
from reco.model.history import History
from reco.model.scorer import Bounds, Parameters, bounds_of, cosines, unknown


@dataclass(frozen=True)
class Factors:
    """Item factors of weighted matrix factorisation (Hu, Koren and Volinsky 2008).

    A pair of weight w is observed with confidence `1 + alpha * w`, all others with 1.
    """

    kind: ClassVar[str] = "als"
    layout: ClassVar[Layout] = {
        "item_factors": ("float32", ("items", "factors")),
        "gramian": ("float64", ("factors", "factors")),
    }

    item_factors: NDArray[np.float32]
    """(I, F); zero where nobody met the item."""
    gramian: NDArray[np.float64]
    """(F, F) `item_factors.T @ item_factors`."""
    alpha: float
    regularisation: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        return cls(
            arrays["item_factors"],
            arrays["gramian"],
            alpha=float(parameters["alpha"] or 0.0),
            regularisation=float(parameters["regularisation"] or 0.0),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs, beside alpha and regularisation."""
        return {"item_factors": self.item_factors, "gramian": self.gramian}

    def user_factor(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history."""
        return history.once(self, self._solved)

    def _solved(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history.

        It solves `(Y'Y + Y'(C - 1)Y + regularisation) x = Y'C 1` (Hu et al., equation 4), which is
        what training alternates with, so that fresh interactions count at once.
        """
        seen = self.item_factors[history.rows].astype(np.float64)
        right = seen.T @ (1.0 + self.alpha * history.weights.astype(np.float64))
        return np.asarray(np.linalg.solve(self.normal_equations(history), right), dtype=np.float64)

    def normal_equations(self, history: History) -> NDArray[np.float64]:
        """Return the left side, (F, F), of what the user's factor solves."""
        seen = self.item_factors[history.rows].astype(np.float64)
        extra = self.alpha * history.weights.astype(np.float64)
        left = self.gramian + seen.T @ (seen * extra[:, np.newaxis])
        left[np.diag_indices_from(left)] += self.regularisation
        return left

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the product of the user's factor and each item's; NaN for an empty history."""
        if not len(history):
            return unknown(rows)
        scores = np.empty(len(rows))
        products(self.item_factors, self.user_factor(history), rows, scores)
        return scores

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return products of factors in eight bits, a quarter of the memory to read."""
        if not len(history):
            return bounds_of(unknown(rows), room)
        return self.coarse.bounds(self.user_factor(history), rows, room)

    @cached_property
    def coarse(self) -> CoarseFactors:
        """The item factors in eight bits."""
        return CoarseFactors.of(self.item_factors)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the cosine of the factors of `row` and of each item of `rows`."""
        return cosines(self.item_factors, row, rows)
