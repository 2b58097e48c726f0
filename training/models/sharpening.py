"""Sharpening as in BSPM (Choi et al. 2023, section 4.2): r' = -r P, with P the step over the graph.

One step of Runge and Kutta's method of fourth order, as there: a polynomial of P, and so a linear
filter like all the rest. Over long times it is far from the exponential, and that is part of it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_ORDER = 4


def left_by_sharpening(values: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    """Return what sharpening for `time` leaves of components whose eigenvalues are `values`."""
    left = term = np.ones_like(values)
    for order in range(1, _ORDER + 1):
        term = term * values * (-time / order)
        left = left + term
    return left


def sharpened(
    normal: "csr_array[np.float32]", columns: NDArray[np.float32], time: float
) -> NDArray[np.float32]:
    """Return `columns` (I, F) sharpened for `time`, with `P = normal.T @ normal` of (U, I)."""
    back = normal.T.tocsr()
    total = term = columns
    for order in range(1, _ORDER + 1):
        term = back @ (normal @ term) * np.float32(-time / order)
        total = total + term
    return total
