"""What all scorers have in common whose scores are products of two factors, and nothing else."""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reco.kernel.scoring import products
from reco.kernel.solving import solve
from reco.model.coarse import CoarseFactors
from reco.model.history import History
from reco.model.scorer import Bounds, cosines, nothing_known, unknown

NO_SOLUTION = "The equations of a user have no single solution."


class Latent(ABC):
    """A score is the product of the user's factor and the item's; NaN where nobody met any of the
    history."""

    item_factors: NDArray[np.float32]
    """(I, F); zero where nobody met the item."""

    @abstractmethod
    def _solved(self, history: History) -> NDArray[np.float64]: ...

    def user_factor(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history."""
        return history.once(self, self._solved)

    def knows(self, history: History) -> bool:
        """Say whether anybody met an item of the history: nothing follows from others."""
        return history.once(self, self._has_met)

    def _has_met(self, history: History) -> bool:
        return bool(self.item_factors[history.rows].any())

    def scores(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the product of the user's factor and each item's; NaN where none is known."""
        if not self.knows(history):
            return unknown(rows)
        scores = np.empty(len(rows))
        products(self.item_factors, self.user_factor(history), rows, scores)
        return scores

    def bounds(self, history: History, rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return products of factors in eight bits, a quarter of the memory to read."""
        if not self.knows(history):
            return nothing_known(room)
        return self.coarse.bounds(self.user_factor(history), rows, room)

    @cached_property
    def coarse(self) -> CoarseFactors:
        """The item factors in eight bits."""
        return CoarseFactors.of(self.item_factors)

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the cosine of the factors of `row` and of each item of `rows`."""
        return cosines(self.item_factors, row, rows)


def solved(left: NDArray[np.float64], sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what `left` (F, F) times each row is to become that row of `sides` (k, F).

    Raises
    ------
    LinAlgError
        `left` is not positive definite.
    """
    found = np.array(sides)
    if not solve(left, found):
        raise np.linalg.LinAlgError(NO_SOLUTION)
    return found
