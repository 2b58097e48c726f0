"""BPR, through implicit; people are folded in from their history by a map that the fit learns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, diags_array

from reco.model.linear_filter import LinearFilter
from training.models.fitted import Advance, Fitted
from training.models.linear import score_users

_MAP_RIDGE = 1e-3
"""Of the map's gramian, over its mean diagonal."""


@dataclass(frozen=True)
class BprParameters:
    """Settings of BPR (Rendle et al. 2009)."""

    kind: ClassVar[str] = "bpr"
    factors: int = 32
    learning_rate: float = 0.05
    regularisation: float = 0.1
    iterations: int = 100
    half_life_days: float | None = None
    """Age at which an event counts half in a history; BPR itself sees pairs only."""
    history_power: float = 1.0
    """A history of weights w counts as `w / sum(w) ** history_power`."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return self.iterations


def fit_bpr(matrix: "csr_array[np.float32]", parameters: BprParameters, advance: Advance) -> Fitted:
    """Learn to rank what a user met before the rest of `matrix` (U, I).

    BPR gives no factor to people who come later. Ridge regression of the users' factors on the mean
    factors of what they met gives everybody the same treatment, fresh interactions included.
    """
    model = BayesianPersonalizedRanking(
        factors=parameters.factors,
        learning_rate=parameters.learning_rate,
        regularization=parameters.regularisation,
        iterations=parameters.iterations,
        random_state=parameters.seed,
        num_threads=1,
    )
    pairs = csr_matrix(
        (np.ones(matrix.nnz, dtype=np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    model.fit(pairs, show_progress=False, callback=lambda *_: advance())
    is_met = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
    factors = np.where(is_met[:, np.newaxis], model.item_factors[:, :-1], np.float32(0.0))
    scorer = LinearFilter(
        neighbour_start=np.zeros(matrix.shape[1] + 1, dtype=np.int64),
        neighbour_item=np.empty(0, dtype=np.int32),
        neighbour_similarity=np.empty(0, dtype=np.float32),
        input_factors=_inputs(matrix, factors, model.user_factors[:, :-1], parameters),
        output_factors=factors,
        item_bias=np.where(is_met, model.item_factors[:, -1], np.float32(0.0)),
        is_met=is_met,
        history_power=parameters.history_power,
    )
    return Fitted(scorer, score_users(scorer, matrix))


def _inputs(
    matrix: "csr_array[np.float32]",
    items: NDArray[np.float32],
    users: NDArray[np.float32],
    parameters: BprParameters,
) -> NDArray[np.float32]:
    """Return what each item of a history adds: its factor, through the map."""
    weight = np.asarray(matrix.sum(axis=1), dtype=np.float64)
    active = weight > 0
    power = np.zeros(len(weight))
    power[active] = weight[active] ** -parameters.history_power
    mean = np.asarray(diags_array(power) @ matrix @ items.astype(np.float64))[active]
    gramian = mean.T @ mean
    ridge = _MAP_RIDGE * float(np.trace(gramian)) / max(len(gramian), 1) + 1e-12
    gramian[np.diag_indices_from(gramian)] += ridge
    through = np.linalg.solve(gramian, mean.T @ users[active].astype(np.float64))
    return np.asarray(items @ through, dtype=np.float32)
