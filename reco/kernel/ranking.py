"""The best of many scores, for evaluation over all items."""

import numpy as np
from numba import boolean, float64, int32

from reco.kernel.compiled import compiled


@compiled(boolean(float64[:, ::1], int32[:, ::1], float64[::1]))
def best_columns(scores, ranked, kept):
    """Write the columns of the highest scores of each row, best first; ties by column; NaN never.

    Parameters
    ----------
    scores
        (n, I)
    ranked
        (n, k) receives them, -1 where there are no more.
    kept
        (k,) scratch.
    """
    most = ranked.shape[1]
    for user in range(len(scores)):
        row = scores[user]
        count = 0
        border = -np.inf
        for item in range(len(row)):
            score = row[item]
            # NaN is above nothing; an equal score of a later column displaces none before it.
            if not score > border:
                continue
            if count < most:
                count += 1
            place = count - 1
            while place > 0 and kept[place - 1] < score:
                kept[place] = kept[place - 1]
                ranked[user, place] = ranked[user, place - 1]
                place -= 1
            kept[place] = score
            ranked[user, place] = item
            if count == most:
                border = kept[most - 1]
        for place in range(count, most):
            ranked[user, place] = int32(-1)
    return True
