"""From which regularisation on a factorisation of a matrix has no factors left."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_ROUNDS = 15


def vanishing_regularisation(
    matrix: "csr_array[np.float32]",
    user_ridge: NDArray[np.float64],
    item_ridge: NDArray[np.float64],
) -> float:
    """Return the regularisation from which on factors of iALS that are small only shrink.

    Where factors are small, the loss of all pairs is, but for what is of a higher order, `r (sum of
    d_u x_u^2 + sum of d_i y_i^2) - 2 (sum of w_ui x_u y_i)`: it falls away from zero if r is below
    the largest singular value of `w_ui / sqrt(d_u d_i)`, and a direction of a smaller singular
    value than r has no factor of its own. That value is found by power iteration.

    Parameters
    ----------
    matrix
        (U, I) weights w of the observed pairs, none negative.
    user_ridge, item_ridge
        (U,) and (I,) what the squared factors cost at a regularisation of one, d; positive where
        anything was observed.

    Returns
    -------
    0 where nothing was observed.
    """
    user, item = _inverse_roots(user_ridge), _inverse_roots(item_ridge)
    # All signs alike, as those of the largest singular vector of a matrix without negative values.
    vector = np.asarray(matrix.sum(axis=0), dtype=np.float64) * item
    largest = 0.0
    for _ in range(_ROUNDS):
        length = np.linalg.norm(vector)
        if length == 0.0:
            break
        turned = user * (matrix @ (item * (vector / length)).astype(np.float32))
        largest = float(np.linalg.norm(turned))
        vector = item * (matrix.T @ (user * turned).astype(np.float32))
    return largest


def _inverse_roots(ridge: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / np.sqrt(np.where(ridge > 0.0, ridge, np.inf))
