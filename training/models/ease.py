"""EASE: item-item weights in closed form."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array

from reco.errors import InvalidInput
from reco.model.dense import DenseItemItem
from training.models.fitted import Advance, Fitted

MAX_ITEMS = 20_000
"""Of the catalogue: the weights take 4 bytes a pair, 1.6 GB, and the fit twice that."""


@dataclass(frozen=True)
class EaseParameters:
    """Settings of EASE (Steck 2019, "Embarrassingly shallow autoencoders")."""

    kind: ClassVar[str] = "ease"
    regularisation: float = 100.0
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return 1


def fit_ease(
    matrix: "csr_array[np.float32]", parameters: EaseParameters, advance: Advance
) -> Fitted:
    """Solve for the weights between the items that anybody met in `matrix` (U, I).

    Raises
    ------
    InvalidInput
        There are more items than `MAX_ITEMS`, whether or not anybody met them.
    """
    items = matrix.shape[1]
    if items > MAX_ITEMS:
        raise InvalidInput(
            "model",
            f"ease holds a weight for each pair of items, and {items:,} items are more than "
            f"{MAX_ITEMS:,}",
            ["filter", "ials", "itemknn"],
        )
    is_met = np.bincount(matrix.indices, minlength=items) > 0
    met = np.flatnonzero(is_met)
    weights = _weights(matrix[:, met], parameters.regularisation)
    advance()
    scorer = DenseItemItem(_spread(weights, met, items), is_met)
    return Fitted(scorer, _ScoreUsers(matrix, scorer))


@dataclass(frozen=True)
class _ScoreUsers:
    matrix: "csr_array[np.float32]"
    scorer: DenseItemItem

    def __call__(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        history = self.matrix[users]
        scores = np.asarray(history @ self.scorer.similarity, dtype=np.float64)
        scores[:, ~self.scorer.is_met] = np.nan
        scores[np.diff(history.indptr) == 0] = np.nan
        return scores


def _weights(matrix: "csr_array[np.float32]", regularisation: float) -> NDArray[np.float32]:
    """Return `-P / diag(P)` by column, zero on the diagonal, with P the inverse (equation 8)."""
    gramian = np.asfortranarray((matrix.T @ matrix).toarray(), dtype=np.float32)
    gramian[np.diag_indices_from(gramian)] += np.float32(regularisation)
    factor, failed = lapack.spotrf(gramian, lower=0, overwrite_a=1)
    if failed:
        raise InvalidInput("regularisation", f"{regularisation} is too small to solve by")
    inverse, _ = lapack.spotri(factor, lower=0, overwrite_c=1)
    inverse = np.triu(inverse)
    inverse += np.triu(inverse, 1).T
    inverse /= -np.diag(inverse).copy()
    inverse[np.diag_indices_from(inverse)] = 0.0
    return np.asarray(inverse, dtype=np.float32)


def _spread(
    weights: NDArray[np.float32], met: NDArray[np.int64], items: int
) -> NDArray[np.float32]:
    """Return the weights among all items, zero where one of a pair was not met."""
    if len(met) == items:
        return np.ascontiguousarray(weights)
    spread = np.zeros((items, items), dtype=np.float32)
    spread[np.ix_(met, met)] = weights
    return spread
