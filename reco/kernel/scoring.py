"""Scores of items, for the kinds of model that need more than a look-up."""

import numpy as np
from numba import boolean, float32, float64, int32, uint64

from reco.kernel.compiled import (
    READ_F32,
    READ_F64,
    READ_I16,
    READ_I32,
    READ_I64,
    READ_MATRIX_F32,
    READ_MATRIX_I8,
    compiled,
)


@compiled(float64(READ_F32, READ_F64), reorders=True)
def product(factor, user):
    """Return the product of single precision factors and a user, summed in double."""
    total = 0.0
    for place in range(len(user)):
        total += float64(factor[place]) * user[place]
    return total


@compiled(float64(READ_MATRIX_F32, READ_I32))
def _fetch(factors, rows):
    """Return the sum of the ends of some rows: what is far away in memory, asked for at once."""
    total, last = 0.0, np.uint64(factors.shape[1] - 1)
    for row in rows:
        if row >= 0:
            total += factors[np.uint64(row), np.uint64(0)] + factors[np.uint64(row), last]
    return total


@compiled(boolean(READ_MATRIX_F32, READ_F64, READ_I32, float64[::1]))
def products(factors, user, rows, score):
    """Write the product of `user` with each row of `factors`; NaN for −1 and for zero factors.

    Return whether the rows begin and end with finite factors.
    """
    fetched = _fetch(factors, rows)
    for place in range(len(rows)):
        row = rows[place]
        if row < 0:
            score[place] = np.nan
            continue
        found = product(factors[row], user)
        if found == 0.0 and not np.any(factors[row] != float32(0.0)):
            found = np.nan
        score[place] = found
    return bool(np.isfinite(fetched))


@compiled(int32(READ_MATRIX_I8, uint64, READ_I16))
def coarse_product(code, row, user):
    """Return the product of the small integers of a row and of a user."""
    total = int32(0)
    for factor in range(np.uint64(len(user))):
        total += int32(code[row, factor]) * int32(user[factor])
    return total


@compiled(
    boolean(
        READ_MATRIX_I8, READ_F32, READ_I32, READ_I16, float64, float64, float32[::1], float32[::1]
    )
)
def coarse_products(code, step, rows, user, user_step, slack_steps, score, slack):
    """Write the product of the user with each row, and how far off it may be.

    Parameters
    ----------
    code, step
        Factors are about `code * step`, a step a row; it is 0 where the factors are.
    user, user_step
        The same of the user.
    slack_steps
        How far off a product may be, in steps of its row.
    score, slack
        Receive the results; NaN for the row −1 and for zero factors.
    """
    for place in range(len(rows)):
        row = rows[place]
        if row < 0 or step[row] == float32(0.0):
            score[place] = np.nan
            slack[place] = 0.0
            continue
        at = np.uint64(row)
        score[place] = coarse_product(code, at, user) * user_step * step[at]
        slack[place] = slack_steps * step[at]
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
