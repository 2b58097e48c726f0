"""The log-odds of candidates, exactly: what orders them, and what probabilities are made of."""

import math

import numpy as np
from numba import boolean, float64, int64

from reco.kernel.compiled import READ_F32, READ_F64, READ_I32, compiled
from reco.kernel.popularity import popular_log_odds


@compiled(
    boolean(
        READ_I32, READ_I32, READ_I32, READ_F64, READ_F64, int64, int64, int64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64,
        float64, float64, float64, READ_F32, READ_I32, READ_F64, float64[::1],
    )
)  # fmt: skip
def log_odds_of(
    item, offer, bookings, cost, said, online_from, base_rows, fresh_online_from,
    few_at_venues, at_venues, few_online, online, rest,
    intercept, slope, scale, frequent, kind, of_kind, log_odds,
):  # fmt: skip
    """Write the log-odds that a person books each candidate.

    Parameters
    ----------
    item, offer, bookings, cost
        (C,) row, row of its best offer, bookings near, and what that offer takes away.
    said
        (C,) score by the model, NaN where it cannot say.
    online_from, base_rows, fresh_online_from
        Which offers are digital (`gathering.take_out`).
    few_at_venues, at_venues, few_online, online, rest
        What is popular, and how much that counts beside the model (`bounding.most_log_odds`).
    intercept, slope, scale
        Of the calibration, times what the model counts.
    frequent, kind, of_kind
        What each item gains by itself, and by its kind (`bounding.most_log_odds`).
    """
    for place in range(len(item)):
        row, at = np.uint64(item[place]), offer[place]
        if at >= online_from and (at < base_rows or at >= fresh_online_from):
            popular = popular_log_odds(bookings[place], few_online, online)
        else:
            popular = popular_log_odds(bookings[place], few_at_venues, at_venues)
        if math.isnan(said[place]):
            found = popular
        else:
            found = rest * popular + (intercept + slope * math.asinh(said[place] / scale))
        if len(frequent):
            found += frequent[row]
        if len(of_kind):
            found += of_kind[np.uint64(kind[row])]
        log_odds[place] = found - cost[place]
    return True
