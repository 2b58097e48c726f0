"""Small symmetric systems of equations, whose left side is positive definite."""

import math

import numpy as np
from numba import boolean, float64, int64, void

from reco.kernel.compiled import READ_F64, READ_I32, READ_MATRIX_F32, READ_MATRIX_F64, compiled


@compiled(
    boolean(READ_MATRIX_F32, READ_I32, READ_F64, READ_F64, float64[:, ::1], float64[::1]),
    reorders=True,
)
def add_terms(factors, rows, weight, confidence, left, right):
    """Add `weight y y'` to the left side and `confidence y` to the right one, for each of `rows`.

    Four terms are added at once, so that the left side is read and written a quarter as often.

    Parameters
    ----------
    factors
        (I, F) of which `rows` (n,) are the y.
    left, right
        (F, F) and (F,)
    """
    size = len(right)
    y, w = np.zeros((4, size)), np.zeros(4)
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    for first in range(0, len(rows), 4):
        for k in range(4):
            place = first + k
            if place >= len(rows):
                w[k] = 0.0
                continue
            of, into = factors[rows[place]], y[k]
            w[k], sure = weight[place], confidence[place]
            for factor in range(size):
                into[factor] = of[factor]
                right[factor] += sure * into[factor]
        for row in range(size):
            a, b, c, d = w[0] * y0[row], w[1] * y1[row], w[2] * y2[row], w[3] * y3[row]
            into = left[row]
            for factor in range(size):
                terms = (a * y0[factor] + b * y1[factor]) + (c * y2[factor] + d * y3[factor])
                into[factor] += terms
    return True


@compiled(void(float64[:, ::1], int64), reorders=True)
def _take_away(left, first):
    """Take what four rows of U bring to their product out of all rows after them."""
    for row in range(first + 4, len(left)):
        u0, u1, u2, u3 = (
            left[first, row:],
            left[first + 1, row:],
            left[first + 2, row:],
            left[first + 3, row:],
        )
        a, b, c, d = u0[0], u1[0], u2[0], u3[0]
        into = left[row, row:]
        for k in range(len(into)):
            into[k] -= (a * u0[k] + b * u1[k]) + (c * u2[k] + d * u3[k])


@compiled(boolean(float64[:, ::1]), reorders=True)
def _factorise(left):
    """Turn `left` (F, F) into U of `U'U = left`, in place; return whether it was definite.

    What lies under the diagonal is neither read nor written. Inner loops go over slices from 0:
    an index that might be negative keeps them from being vectorised.
    """
    size = len(left)
    for first in range(0, size, 4):
        end = min(first + 4, size)
        for row in range(first, end):
            of = left[row, row:]
            if not 0.0 < of[0] < math.inf:
                return False
            scale = 1.0 / math.sqrt(of[0])
            for k in range(len(of)):
                of[k] *= scale
            for other in range(row + 1, end):
                into, rest = left[other, other:], of[other - row :]
                times = rest[0]
                for k in range(len(into)):
                    into[k] -= times * rest[k]
        _take_away(left, first)
    return True


@compiled(boolean(READ_MATRIX_F64, float64[:, ::1]), reorders=True)
def solve(left, sides):
    """Solve for each of `sides` (k, F), in place; return whether the left side was definite.

    By Cholesky's factorisation of `left` (F, F), of which nothing under the diagonal is read.
    """
    upper = left.copy()
    if not _factorise(upper):
        return False
    size = len(upper)
    for at in range(len(sides)):
        for row in range(size):
            of, side = upper[row, row:], sides[at, row:]
            side[0] /= of[0]
            for k in range(1, len(of)):
                side[k] -= of[k] * side[0]
        for row in range(size - 1, -1, -1):
            of, side = upper[row, row:], sides[at, row:]
            rest = side[0]
            for k in range(1, len(of)):
                rest -= of[k] * side[k]
            side[0] = rest / of[0]
    return True


@compiled(
    boolean(READ_MATRIX_F32, READ_I32, READ_F64, READ_F64, float64[::1]), reorders=True
)  # fmt: skip
def solve_by_items(factors, rows, weight, diagonal, x):
    """Solve `(D + Y' W Y) x = Y' w` for x (F,), D a diagonal, by as many equations as `rows`.

    By Woodbury's identity: x = D^-1 V' (1 + V D^-1 V')^-1 v with v the roots of the weights and
    V = v Y, so that what has faded to nothing divides by nothing.

    Parameters
    ----------
    factors
        (I, F) of which `rows` (n,) are the y, of weights w (n,).
    diagonal
        (F,) D, positive.
    """
    size, count = len(diagonal), len(rows)
    seen, over = np.empty((count, size)), np.empty((count, size))
    inner, side = np.eye(count), np.empty((1, count))
    for place in range(count):
        root, of = math.sqrt(weight[place]), factors[rows[place]]
        side[0, place] = root
        into, shrunk = seen[place], over[place]
        for factor in range(size):
            into[factor] = root * of[factor]
            shrunk[factor] = into[factor] / diagonal[factor]
    for place in range(count):
        of = seen[place]
        for other in range(place, count):
            total, shrunk = 0.0, over[other]
            for factor in range(size):
                total += of[factor] * shrunk[factor]
            inner[place, other] += total
    if not solve(inner, side):
        return False
    x[:] = 0.0
    for place in range(count):
        times, shrunk = side[0, place], over[place]
        for factor in range(size):
            x[factor] += times * shrunk[factor]
    return True
