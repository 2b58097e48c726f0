"""Small symmetric systems of equations, whose left side is positive definite."""

import math

import numpy as np
from numba import boolean, float64

from reco.kernel.compiled import READ_F64, READ_I32, READ_MATRIX_F32, READ_MATRIX_F64, compiled


@compiled(float64(READ_F64, READ_F64), reorders=True)
def _dot(one, other):
    total = 0.0
    for place in range(len(one)):
        total += one[place] * other[place]
    return total


@compiled(
    boolean(READ_MATRIX_F32, READ_I32, READ_F64, READ_F64, float64[:, ::1], float64[::1]),
    reorders=True,
)
def add_terms(factors, rows, weight, confidence, left, right):
    """Add `weight y y'` to the left side and `confidence y` to the right one, for each of `rows`.

    Parameters
    ----------
    factors
        (I, F) of which `rows` (n,) are the y.
    left, right
        (F, F) and (F,)
    """
    size = len(right)
    y = np.empty(size)
    for place in range(len(rows)):
        of = factors[rows[place]]
        for factor in range(size):
            y[factor] = of[factor]
            right[factor] += confidence[place] * y[factor]
        for row in range(size):
            times, into = weight[place] * y[row], left[row]
            for factor in range(size):
                into[factor] += times * y[factor]
    return True


@compiled(boolean(READ_MATRIX_F64, float64[:, ::1]))
def solve(left, sides):
    """Solve for each of `sides` (k, F), in place; return whether the left side was definite.

    By Cholesky's factorisation: `left` (F, F) is `L L'`, L lower triangular.
    """
    size = len(left)
    lower = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            rest = left[row, column] - _dot(lower[row, :column], lower[column, :column])
            if column < row:
                lower[row, column] = rest / lower[column, column]
            elif rest > 0.0:
                lower[row, row] = math.sqrt(rest)
            else:
                return False
    for at in range(len(sides)):
        side = sides[at]
        for row in range(size):
            side[row] = (side[row] - _dot(lower[row, :row], side[:row])) / lower[row, row]
        for row in range(size - 1, -1, -1):
            side[row] /= lower[row, row]
            for column in range(row):
                side[column] -= lower[row, column] * side[row]
    return True
