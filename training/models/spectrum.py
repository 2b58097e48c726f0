"""The largest singular values of a matrix, and their vectors on the side of the items."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

_SPARE = 32
"""Vectors carried along beside those asked for, so that the last of them are near."""
_ITERATIONS = 4
_LEAST = 1e-10
"""Squared singular values below this share of the largest count as zero."""


def right_spectrum(
    matrix: "csr_array[np.float32] | LinearOperator", size: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return at most `size` squared singular values, largest first, and right vectors (I, size).

    Subspace iteration from a random start (Halko et al. 2011, algorithm 4.4), orthonormalised
    through the small Gramian, which is all matrix products.
    """
    items = matrix.shape[1]
    columns = min(size + _SPARE, *matrix.shape)
    start = np.random.default_rng(seed).standard_normal((items, columns), dtype=np.float32)
    back = matrix.T.tocsr() if issparse(matrix) else matrix.T
    basis = start
    for _ in range(_ITERATIONS + 1):
        basis = _orthonormal(back @ (matrix @ basis))
    ahead = matrix @ basis
    values, turn = np.linalg.eigh((ahead.T @ ahead).astype(np.float64))
    kept = np.flatnonzero(values > _LEAST * max(values[-1:].sum(), 1e-30))[::-1][:size]
    return values[kept], np.asarray(basis @ turn[:, kept].astype(np.float32))


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    values, turn = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    kept = values > _LEAST * max(values[-1:].sum(), 1e-30)
    return np.asarray(columns @ (turn[:, kept] / np.sqrt(values[kept])).astype(np.float32))
