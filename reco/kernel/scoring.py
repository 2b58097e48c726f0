"""Scores of items, for the kinds of model that need more than a look-up."""

import numpy as np
from numba import boolean, float32, float64

from reco.kernel.compiled import (
    READ_F32,
    READ_F64,
    READ_I32,
    READ_I64,
    READ_MATRIX_F32,
    compiled,
)


@compiled(float64(READ_F32, READ_F64), reorders=True)
def _product(factor, user):
    total = 0.0
    for place in range(len(user)):
        total += float64(factor[place]) * user[place]
    return total


@compiled(boolean(READ_MATRIX_F32, READ_F64, READ_I32, float64[::1]))
def products(factors, user, rows, score):
    """Write the product of `user` with each row of `factors`; NaN for −1 and for zero factors."""
    for place in range(len(rows)):
        row = rows[place]
        if row < 0:
            score[place] = np.nan
            continue
        product = _product(factors[row], user)
        if product == 0.0 and not np.any(factors[row] != float32(0.0)):
            product = np.nan
        score[place] = product
    return True


@compiled(
    boolean(READ_I64, READ_I32, READ_F32, READ_I32, READ_F32, READ_I32, float64[::1], float64[::1])
)
def sums(start, neighbour, similarity, history, weight, rows, total, score):
    """Write the weighted similarities of each of `rows` to the history; NaN where there is none.

    `total` holds a zero for every item, and does so again afterwards.
    """
    for place in range(len(history)):
        for entry in range(start[history[place]], start[history[place] + 1]):
            total[neighbour[entry]] += float64(similarity[entry]) * float64(weight[place])
    for place in range(len(rows)):
        found = total[rows[place]] if rows[place] >= 0 else 0.0
        score[place] = found if found > 0.0 else np.nan
    for place in range(len(history)):
        for entry in range(start[history[place]], start[history[place] + 1]):
            total[neighbour[entry]] = 0.0
    return True
