"""Scores of linear filters: sums over the items of a history, sparse, dense or of low rank."""

import numpy as np
from numba import boolean, float32, float64

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F32,
    READ_F64,
    READ_I32,
    READ_I64,
    READ_MATRIX_F32,
    compiled,
)
from reco.kernel.scoring import product

_ROUNDING = float32(2.0**-22)


@compiled(boolean(READ_I64, READ_I32, READ_F32, READ_I32, READ_F64, float64[::1]))
def spread(start, neighbour, similarity, history, weight, total):
    """Add the weighted neighbours of the history's items to `total` (I,)."""
    for place in range(len(history)):
        for entry in range(start[history[place]], start[history[place] + 1]):
            total[neighbour[entry]] += float64(similarity[entry]) * weight[place]
    return True


@compiled(boolean(READ_I64, READ_I32, READ_I32, float64[::1]))
def cleared(start, neighbour, history, total):
    """Set `total` (I,) to zero wherever `spread` has added to it."""
    for place in range(len(history)):
        for entry in range(start[history[place]], start[history[place] + 1]):
            total[neighbour[entry]] = 0.0
    return True


@compiled(
    boolean(READ_MATRIX_F32, READ_BOOL, READ_I32, READ_F64, READ_I32, float64[::1], float64[::1])
)
def dense_sums(similarity, met, history, weight, rows, total, score):
    """Write the weighted sum of the history's rows at each of `rows`; NaN for −1 and the unmet.

    `total` holds a zero for every item, and does so again afterwards.
    """
    for place in range(len(history)):
        of_item = similarity[history[place]]
        for item in range(len(total)):
            total[item] += float64(of_item[item]) * weight[place]
    for place in range(len(rows)):
        row = rows[place]
        score[place] = total[row] if row >= 0 and met[row] else np.nan
    total[:] = 0.0
    return True


@compiled(boolean(READ_F64, READ_F32, READ_MATRIX_F32, READ_F64, READ_BOOL, READ_I32, float64[::1]))
def filtered(total, bias, factors, user, met, rows, score):
    """Write `total`, `bias` and the product with the user for each of `rows`.

    NaN for −1 and the unmet.
    """
    for place in range(len(rows)):
        row = rows[place]
        if row < 0 or not met[row]:
            score[place] = np.nan
        else:
            score[place] = float64(bias[row]) + total[row] + product(factors[row], user)
    return True


@compiled(boolean(READ_F64, READ_F32, READ_BOOL, READ_I32, float32[::1], float32[::1]))
def widened(total, bias, met, rows, score, slack):
    """Add `total` and `bias` to bounds of products, which are NaN where all factors are zero."""
    for place in range(len(rows)):
        row = rows[place]
        if row < 0 or not met[row]:
            score[place] = np.nan
            slack[place] = float32(0.0)
            continue
        of_product = float32(0.0) if np.isnan(score[place]) else score[place]
        others = float32(float64(bias[row]) + total[row])
        score[place] = of_product + others
        most = max(abs(of_product), abs(others))
        slack[place] += _ROUNDING * (most + abs(score[place]))
    return True
