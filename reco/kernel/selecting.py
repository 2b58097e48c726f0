"""The likeliest candidates: which rows can be among them, without the score of all in order."""

import math

import numpy as np
from numba import float64, int64

from reco.kernel.compiled import READ_F64, READ_I32, READ_I64, READ_MATRIX_I64, compiled

_MARGIN = 1e-9
"""Far more than the log-odds computed here may differ from those of `reco.feed.scoring`."""


@compiled(float64(float64, float64, float64, float64))
def _log_odds(score, intercept, slope, scale):
    """Return `reco.model.calibration.Calibration.log_odds`, nearly."""
    scaled = abs(score / scale)
    return intercept + slope * math.copysign(math.log(scaled + math.sqrt(scaled**2 + 1.0)), score)


@compiled(float64(float64, float64, float64, float64))
def _score(log_odds, intercept, slope, scale):
    """Return the score at which `_log_odds` is `log_odds`, a little less for safety."""
    most = (log_odds - intercept) / slope
    if abs(most) > 700.0:
        return math.copysign(np.inf, most)
    score = math.sinh(most) * scale
    return score - 1e-6 * (abs(score) + scale)


@compiled(int64(float64[::1], int64, float64))
def _sift_up(heap, at, value):
    """Put `value` at the end `at` of a heap whose least value comes first."""
    while at > 0 and heap[(at - 1) >> 1] > value:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = value
    return at


@compiled(int64(float64[::1], int64, float64))
def _sift_down(heap, filled, value):
    """Put `value` in the place of the least one."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= filled:
            break
        if child + 1 < filled and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value
    return at


@compiled(
    int64(
        READ_F64, READ_I32, READ_I32, READ_F64, int64, int64, int64,
        READ_F64, READ_F64, float64, float64, float64, int64, float64[::1], int64[::1],
    )
)  # fmt: skip
def likeliest(
    score, offer, bookings, cost, online_from, base_rows, fresh_online_from,
    popular_at_venues, popular_online, intercept, slope, scale, most, heap, found,
):  # fmt: skip
    """Write the places of all candidates that may be among the `most` likeliest; return how many.

    Parameters
    ----------
    score
        The model's, NaN where it cannot say; empty: for all.
    offer, online_from, base_rows, fresh_online_from
        Rows of offers; which of them are digital (`gathering.take_out`).
    bookings, popular_at_venues, popular_online
        Where the model cannot say: bookings near, and the log-odds at each number of them.
    intercept, slope, scale
        Of the calibration.
    most, heap
        Room for so many log-odds.
    found
        Room for every candidate, since all may be equal.
    """
    count = 0
    filled = 0
    least = -np.inf
    # What costs nothing must score at least this to be among the likeliest.
    least_score = -np.inf
    for turn in range(2):
        if turn == 1:
            least = (heap[0] if filled == most else -np.inf) - _MARGIN
            least_score = _score(least, intercept, slope, scale)
        for place in range(len(cost)):
            said = score[place] if len(score) else np.nan
            if said < least_score:
                continue
            if not math.isnan(said):
                log_odds = _log_odds(said, intercept, slope, scale)
            else:
                row = offer[place]
                is_online = (row >= online_from) & ((row < base_rows) | (row >= fresh_online_from))
                near = bookings[place]
                log_odds = popular_online[near] if is_online else popular_at_venues[near]
            log_odds -= cost[place]
            if turn == 1:
                found[count] = place
                count += log_odds >= least
            elif filled < most:
                filled += 1
                _sift_up(heap, filled - 1, log_odds)
                if filled == most:
                    least = heap[0]
                    least_score = _score(least, intercept, slope, scale)
            elif log_odds > least:
                _sift_down(heap, filled, log_odds)
                least = heap[0]
                least_score = _score(least, intercept, slope, scale)
    return count


@compiled(int64(READ_F64, READ_F64, int64[::1]))
def count_above(score, values, above):
    """Count the scores above each of `values`; return how many scores are known."""
    known = 0
    for place in range(len(score)):
        said = score[place]
        known += not math.isnan(said)
        for at in range(len(values)):
            above[at] += said > values[at]
    return known


@compiled(int64(READ_I64, READ_MATRIX_I64, READ_MATRIX_I64, int64[:, ::1], int64[::1]))
def take_within(order, code, limit, shown, place):
    """Write the places in `order` of rows whose groups have room; return how many.

    Parameters
    ----------
    order
        Rows, the first to be taken first.
    code, limit
        By quota and row: its group, and the most of that group.
    shown
        By quota and group: zeros.
    place
        Room for as many as are wanted.
    """
    count = 0
    for at in range(len(order)):
        if count == len(place):
            break
        row = order[at]
        has_room = True
        for quota in range(len(code)):
            if shown[quota, code[quota, row]] >= limit[quota, row]:
                has_room = False
        if has_room:
            for quota in range(len(code)):
                shown[quota, code[quota, row]] += 1
            place[count] = at
            count += 1
    return count
