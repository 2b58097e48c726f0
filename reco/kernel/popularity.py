"""How popular an item is by its bookings near, as log-odds."""

import math

from numba import float64, int64

from reco.kernel.compiled import READ_F64, compiled


@compiled(float64(int64, READ_F64, READ_F64))
def popular_log_odds(near, few, terms):
    """Return `reco.feed.popular.Popular` at a number of bookings near.

    Parameters
    ----------
    few, terms
        Its tables: the log-odds at each of few bookings, and what those at more are worked out by.
    """
    if near < len(few):
        return few[near]
    return terms[2] + terms[3] * math.log(math.expm1(terms[0] * (float(near) + terms[1])))
