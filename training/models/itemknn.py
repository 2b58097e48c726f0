"""Item-item nearest neighbours, through implicit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, diags_array

from reco.model.item_item import ItemItem
from training.models.fitted import Advance, Fitted


@dataclass(frozen=True)
class ItemKnnParameters:
    """Settings of item-kNN; the defaults were chosen as those of ALS."""

    kind: ClassVar[str] = "itemknn"
    neighbours: int = 200
    """Nearest neighbours kept of each item."""
    user_power: float = 0.5
    """An active user's items are weighted by (number of items) ** -user_power in similarities."""
    item_power: float = 0.1
    """Similarities are divided by the length of both items' columns; .5 is the cosine."""
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return 1


_LEAST_INTEREST = 1e-12
"""What has faded to less counts this much: else the powers of it are beyond all numbers."""


def fit_itemknn(
    matrix: "csr_array[np.float32]", parameters: ItemKnnParameters, advance: Advance
) -> Fitted:
    """Keep the nearest neighbours of each item of `matrix` (U, I)."""
    similarity = _similarity(matrix, parameters)
    advance()
    scorer = ItemItem(
        similarity.indptr.astype(np.int64),
        similarity.indices.astype(np.int32),
        similarity.data.astype(np.float32),
    )

    def score_users(users: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = (matrix[users].astype(np.float64) @ similarity.astype(np.float64)).toarray()
        scores[scores <= 0] = np.nan
        return scores

    return Fitted(scorer, score_users)


def _similarity(
    matrix: "csr_array[np.float32]", parameters: ItemKnnParameters
) -> "csr_array[np.float32]":
    weighted = _weighted(matrix, parameters.user_power)
    length = np.sqrt(weighted.multiply(weighted).sum(axis=0))
    scaled = weighted @ diags_array(_power(length, -2.0 * parameters.item_power))
    # One more than asked for: an item is its own nearest neighbour, and is taken out again.
    model = ItemItemRecommender(K=parameters.neighbours + 1)
    model.fit(csr_matrix(scaled.astype(np.float64)), show_progress=False)
    nearest = csr_array(model.similarity)
    nearest.setdiag(0.0)
    nearest.eliminate_zeros()
    nearest.sort_indices()
    return nearest.astype(np.float32)


def _weighted(
    matrix: "csr_array[np.float32]", user_power: float
) -> "csr_array[np.float64, tuple[int, int]]":
    """Return the interest of users in items, by how active they are; no copy beside it is kept."""
    interest = matrix.astype(np.float64)
    np.maximum(interest.data, _LEAST_INTEREST, out=interest.data, where=interest.data > 0)
    return csr_array(diags_array(_power(interest.sum(axis=1), -user_power)) @ interest)


def _power(values: NDArray[np.floating], exponent: float) -> NDArray[np.float64]:
    positive = values > 0
    powers = np.zeros(len(values))
    np.power(values, exponent, where=positive, out=powers)
    return powers
