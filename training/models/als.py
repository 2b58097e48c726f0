"""Alternating least squares for implicit feedback, through implicit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from reco.model.factors import Factors
from training.models.fitted import Advance, Fitted


@dataclass(frozen=True)
class AlsParameters:
    """Settings of ALS (Hu, Koren and Volinsky 2008).

    The defaults are those that do well on the validation parts of a simulated world, of Meetup's
    events and of Yelp's places, none of them best everywhere.
    """

    kind: ClassVar[str] = "als"
    factors: int = 32
    regularisation: float = 10.0
    alpha: float = 10.0
    """A pair of weight w is observed with confidence `1 + alpha * w`."""
    iterations: int = 15
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return self.iterations


def fit_als(matrix: "csr_array[np.float32]", parameters: AlsParameters, advance: Advance) -> Fitted:
    """Factorise `matrix` (U, I); the same seed gives the same factors."""
    # implicit runs one user a thread; a BLAS with threads of its own would slow it tenfold.
    with threadpool_limits(1, "blas"):
        model = _model(parameters)
        confidence = _confidence(matrix, parameters)
        model.fit(confidence, show_progress=False, callback=lambda *_: advance())
    return folded_in(model.item_factors, matrix, parameters)


def folded_in(
    item_factors: NDArray[np.float32], matrix: "csr_array[np.float32]", parameters: AlsParameters
) -> Fitted:
    """Return the model of these item factors (I, F): each user of `matrix` (U, I) is solved for.

    Exactly, as serving does: the iterations' conjugate gradients come near only.
    """
    met = _met_factors(item_factors, matrix)
    with threadpool_limits(1, "blas"):
        model = _model(parameters)
        model.item_factors = met
        rows = np.arange(matrix.shape[0])
        try:
            user_factors = model.recalculate_user(rows, _confidence(matrix, parameters))
        except ValueError as error:
            # So the solver of implicit says that the equations have no single solution.
            raise np.linalg.LinAlgError(str(error)) from error
    wide = met.astype(np.float64)
    scorer = Factors(met, wide.T @ wide, parameters.alpha, parameters.regularisation)
    return Fitted(scorer, _ScoreUsers(user_factors, met, matrix))


def _model(parameters: AlsParameters) -> AlternatingLeastSquares:
    return AlternatingLeastSquares(
        factors=parameters.factors,
        regularization=parameters.regularisation,
        iterations=parameters.iterations,
        random_state=parameters.seed,
    )


def _confidence(matrix: "csr_array[np.float32]", parameters: AlsParameters) -> csr_matrix:
    return csr_matrix(
        (1.0 + parameters.alpha * matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape
    ).astype(np.float32)


@dataclass(frozen=True)
class _ScoreUsers:
    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    matrix: "csr_array[np.float32]"

    def __call__(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = (self.user_factors[users] @ self.item_factors.T).astype(np.float64)
        scores[:, ~self.item_factors.any(axis=1)] = np.nan
        scores[np.diff(self.matrix.indptr)[users] == 0] = np.nan
        return scores


def _met_factors(
    factors: NDArray[np.float32], matrix: "csr_array[np.float32]"
) -> NDArray[np.float32]:
    met = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
    return np.where(met[:, np.newaxis], factors, np.float32(0.0))
