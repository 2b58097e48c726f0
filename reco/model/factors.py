"""Latent factors: a user is solved for from the history, as in training; a score is a product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.solving import add_terms
from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.latent import Latent, solved
from reco.model.scorer import Parameters


@dataclass(frozen=True)
class Factors(Latent):
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

    def _solved(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history.

        It solves `(Y'Y + Y'(C - 1)Y + regularisation) x = Y'C 1` (Hu et al., equation 4), which is
        what training alternates with, so that fresh interactions count at once.
        """
        left, right = history.once(self, self._equations)
        return np.asarray(solved(left, right[np.newaxis])[0])

    def normal_equations(self, history: History) -> NDArray[np.float64]:
        """Return the left side, (F, F), of what the user's factor solves."""
        left, _ = history.once(self, self._equations)
        return left

    def _equations(self, history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        extra = self.alpha * history.weights.astype(np.float64)
        left, right = np.array(self.gramian), np.zeros(len(self.gramian))
        left.flat[:: len(left) + 1] += self.regularisation
        add_terms(self.item_factors, history.rows, extra, 1.0 + extra, left, right)
        return left, right
