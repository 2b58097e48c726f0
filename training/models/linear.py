"""The scores of a linear filter for many users at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from reco.model.linear_filter import LinearFilter
from training.evaluate import ScoreUsers


def score_users(scorer: LinearFilter, matrix: "csr_array[np.float32]") -> ScoreUsers:
    """Return what scores all items for users of `matrix` (U, I)."""
    items = matrix.shape[1]
    neighbours = csr_array(
        (scorer.neighbour_similarity, scorer.neighbour_item, scorer.neighbour_start),
        shape=(items, items),
    )
    weight = np.asarray(matrix.sum(axis=1), dtype=np.float64)
    scale = np.zeros(len(weight))
    scale[weight > 0] = weight[weight > 0] ** -scorer.history_power
    factors = np.ascontiguousarray(scorer.output_factors.T)

    def scores_of(users: NDArray[np.int32]) -> NDArray[np.float64]:
        history = (diags_array(scale[users]) @ matrix[users]).astype(np.float32)
        scores = (history @ neighbours).toarray().astype(np.float64)
        scores += np.asarray(history @ scorer.input_factors) @ factors
        scores += scorer.item_bias
        scores[:, ~scorer.is_met] = np.nan
        scores[weight[users] == 0] = np.nan
        return scores

    return scores_of
