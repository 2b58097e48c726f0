"""Popularity, weighted by the strength of interest."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.model.popularity import Popularity
from training.models.fitted import Advance, Fitted


@dataclass(frozen=True)
class PopularityParameters:
    """Settings of popularity."""

    kind: ClassVar[str] = "popularity"
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return 1


def fit_popularity(
    matrix: "csr_array[np.float32]", parameters: PopularityParameters, advance: Advance
) -> Fitted:
    """Sum the interest of all users (U, I) in each item."""
    del parameters
    popularity = item_popularity(matrix)
    advance()

    def score_users(users: NDArray[np.int32]) -> NDArray[np.float64]:
        return np.tile(popularity.astype(np.float64), (len(users), 1))

    return Fitted(Popularity(popularity), score_users)


def item_popularity(matrix: "csr_array[np.float32]") -> NDArray[np.float32]:
    """Return the sum of each column, NaN where it is empty."""
    total = np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])
    return np.where(total > 0, total, np.nan).astype(np.float32)
