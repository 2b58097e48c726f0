"""The likeliest candidates: which rows can be among them, without the score of all in order."""

import math

import numpy as np
from numba import boolean, float32, float64, int32, int64

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F32,
    READ_F64,
    READ_I16,
    READ_I32,
    READ_I64,
    READ_MATRIX_I64,
    compiled,
)

_LN2 = float32(math.log(2.0))


@compiled(boolean(READ_F32, READ_F32, float64, float64, float64, float32[::1]))
def _most_said(score, slack, intercept, slope, scale, most):
    """Write the log-odds that the model may give at most, NaN where it cannot say.

    In single precision, and the logarithm of `asinh` by a polynomial over the mantissa, right to
    1e-6: so that eight or sixteen candidates are done at once.
    """
    unit, first, times = float32(1.0 / scale), float32(intercept), float32(slope)
    for place in range(len(score)):
        scaled = abs((score[place] + slack[place]) * unit)
        most[place] = scaled + math.sqrt(scaled * scaled + float32(1.0))
    bits = most.view(np.int32)
    for place in range(len(score)):
        exponent = float32((bits[place] >> int32(23)) - int32(127))
        bits[place] = (bits[place] & int32(0x7FFFFF)) | int32(0x3F800000)
        m = most[place]
        # Around the middle of [1, 2]: log(m) = 2 artanh((m - 1) / (m + 1)).
        t = (m - float32(1.0)) / (m + float32(1.0))
        t2 = t * t
        series = float32(1.0) + t2 * (
            float32(1 / 3) + t2 * (float32(1 / 5) + t2 * (float32(1 / 7) + t2 * float32(1 / 9)))
        )
        log = exponent * _LN2 + float32(2.0) * t * series
        said = score[place] + slack[place]
        most[place] = first + times * math.copysign(log, said)
    return True


@compiled(
    boolean(
        READ_F32, READ_F32, READ_I32, READ_I32, READ_I32, READ_F64, int64, int64, int64,
        READ_F64, READ_F64, float64, READ_F32, float64, float64, float64, float32[::1],
    )
)  # fmt: skip
def most_log_odds(
    score, slack, item, offer, bookings, cost, online_from, base_rows, fresh_online_from,
    popular_at_venues, popular_online, rest, liked, intercept, slope, scale, most,
):  # fmt: skip
    """Write the log-odds that each candidate may have at most, but for rounding.

    Parameters
    ----------
    score, slack
        The model's (`reco.model.scorer.Bounds`); empty: it cannot say for any.
    offer, online_from, base_rows, fresh_online_from
        Rows of offers; which of them are digital (`gathering.take_out`).
    bookings, popular_at_venues, popular_online
        Bookings near, and the log-odds at each number of them.
    rest
        How much these count beside the model's; all, where it cannot say.
    liked
        What each item gains from stated tastes; empty: nothing was said.
    cost
        What the best offer takes away.
    intercept, slope, scale
        Of the calibration, times what the model counts.
    """
    _most_said(score, slack, intercept, slope, scale, most)
    for place in range(len(cost)):
        row, near = offer[place], bookings[place]
        is_online = (row >= online_from) & ((row < base_rows) | (row >= fresh_online_from))
        popular = popular_online[near] if is_online else popular_at_venues[near]
        if len(score) == 0 or math.isnan(score[place]):
            most[place] = popular - cost[place]
        else:
            most[place] += float32(rest * popular - cost[place])
    if len(liked):
        for place in range(len(cost)):
            most[place] += liked[item[place]]
    return True


@compiled(
    boolean(
        READ_F32, READ_F32, READ_I32, READ_F64, float64, READ_F32,
        float64, float64, float64, float32[::1],
    )
)  # fmt: skip
def most_log_odds_of_items(
    score, slack, bookings, popular, rest, liked, intercept, slope, scale, most
):  # fmt: skip
    """Write the log-odds that each item may have at most, at an offer that costs nothing.

    Parameters
    ----------
    bookings, popular
        The most bookings near that an item may have, and the most log-odds at each number of them.

    The others are as above; right to the same rounding.
    """
    _most_said(score, slack, intercept, slope, scale, most)
    for place in range(len(most)):
        likely = popular[bookings[place]]
        if len(score) == 0 or math.isnan(score[place]):
            most[place] = likely
        else:
            most[place] += float32(rest * likely)
    for place in range(len(liked)):
        most[place] += liked[place]
    return True


_LOWEST = float32(-40.0)
_BINS_A_UNIT = float32(8.0)
BINS = 512
"""Of the histograms that `levels` counts in."""


@compiled(float64(int32[::1], int64))
def _reached(histogram, count):
    """Return the lower edge of the bin down to which there are `count`."""
    reached = 0
    for step in range(BINS - 1, 0, -1):
        reached += histogram[step]
        if reached >= count:
            return float64(_LOWEST) + float64(step) / float64(_BINS_A_UNIT) - 1e-3
    return -np.inf


@compiled(
    float64(READ_F32, READ_BOOL, int64, READ_I16, READ_BOOL, int64, float64[::1], int32[:, ::1])
)
def levels(
    most, is_wanted, count, item_group, is_asked, count_of_group, least_of_group, histogram
):  # fmt: skip
    """Return log-odds that about `count` of the wanted items may have, and no fewer.

    Minus infinity where there are no more than that. `least_of_group` receives the same for each
    group, infinity where it is not asked for; `histogram` holds zeros, a row a group.
    """
    for place in range(np.uint64(len(most))):
        step = int64((most[place] - _LOWEST) * _BINS_A_UNIT)
        step = min(max(step, 0), BINS - 1)
        histogram[np.uint64(item_group[place]), np.uint64(step)] += is_wanted[place]
    for group in range(len(is_asked)):
        least_of_group[group] = np.inf
        if is_asked[group]:
            least_of_group[group] = _reached(histogram[group], count_of_group)
    for group in range(1, len(histogram)):
        for step in range(BINS):
            histogram[0, step] += histogram[group, step]
    return _reached(histogram[0], count)


@compiled(float64(float64, float64, float64, float64))
def _log_odds(score, intercept, slope, scale):
    """Return `reco.model.calibration.Calibration.log_odds`, nearly."""
    scaled = abs(score / scale)
    return intercept + slope * math.copysign(math.log(scaled + math.sqrt(scaled**2 + 1.0)), score)


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


@compiled(float64(int64, float64, READ_F32, READ_F32, float64, float64, float64))
def _least_log_odds(place, at_most, score, slack, slope, scale, margin):
    """Return the log-odds that a candidate has for certain: only the model's part is not known."""
    if len(score) == 0 or math.isnan(score[place]):
        return at_most - 2.0 * margin
    said, off = float64(score[place]), float64(slack[place])
    unsure = _log_odds(said + off, 0.0, slope, scale) - _log_odds(said - off, 0.0, slope, scale)
    return at_most - 2.0 * margin - unsure


@compiled(int64(READ_F32, READ_BOOL, READ_I16, READ_F32, int32[::1], int32[::1]))
def choose(most, is_wanted, item_group, least_of_group, slot, slot_item):
    """Number the wanted items that may have the least log-odds of their group; return how many.

    `slot` receives the numbers from 1 by item, 0 for the others; `slot_item` the items by slot.
    """
    count = np.uint64(0)
    for place in range(np.uint64(len(most))):
        border = least_of_group[np.uint64(item_group[place])]
        is_chosen = is_wanted[place] & (most[place] >= border)
        slot_item[count] = place
        count += np.uint64(is_chosen)
        slot[place] = np.int32(count) * np.int32(is_chosen)
    return np.int64(count)


@compiled(int64(READ_BOOL, int32[::1], int32[::1]))
def choose_all(is_wanted, slot, slot_item):
    """Number all wanted items, as `choose` does."""
    count = np.uint64(0)
    for place in range(np.uint64(len(is_wanted))):
        slot_item[count] = place
        count += np.uint64(is_wanted[place])
        slot[place] = np.int32(count) * np.int32(is_wanted[place])
    return np.int64(count)


@compiled(
    int64(
        READ_F32, READ_F32, READ_F32, READ_I32, READ_I16, READ_BOOL,
        float64, float64, float64, float64[:, ::1], int64[::1],
    )
)  # fmt: skip
def likeliest_of_groups(
    most_log_odds, score, slack, item, item_group, is_asked,
    slope, scale, margin, best, found,
):  # fmt: skip
    """Write the places of all that may be among the likeliest of a group asked for.

    Parameters
    ----------
    best
        A row a group, as long as many are asked for, of minus infinities; it receives log-odds that
        so many of the group have for certain.

    The others are those of `likeliest`.
    """
    count = 0
    size = best.shape[1]
    for turn in range(2):
        for place in range(len(item)):
            group = item_group[item[place]]
            if not is_asked[group]:
                continue
            at_most = float64(most_log_odds[place]) + margin
            if at_most < best[group, 0] - margin:
                continue
            if turn == 1:
                found[count] = place
                count += 1
                continue
            at_least = _least_log_odds(place, at_most, score, slack, slope, scale, margin)
            if at_least > best[group, 0]:
                _sift_down(best[group], size, at_least)
    return count


@compiled(
    int64(
        READ_F32, READ_F32, READ_F32, READ_I32,
        READ_I16, READ_BOOL, boolean, READ_I32, int64, int64, int64,
        float64, float64, float64, int64, float64[::1], int64[::1],
    )
)  # fmt: skip
def likeliest(
    most_log_odds, score, slack, item,
    item_group, is_full, is_online_full, offer, online_from, base_rows, fresh_online_from,
    slope, scale, margin, most, heap, found,
):  # fmt: skip
    """Write the places of all that may be among the `most` likeliest candidates; return how many.

    Parameters
    ----------
    most_log_odds
        What `most_log_odds` wrote, right to `margin`.
    item, item_group, is_full, is_online_full
        Candidates of items whose group is full, or that are digital where that is full, are left
        out; empty: no group is full.
    heap
        Room for `most` log-odds.
    found
        Room for every candidate, since all may be equal.

    The others are as above.
    """
    count = 0
    filled = 0
    # So many candidates have at least these log-odds for certain.
    least = -np.inf
    for turn in range(2):
        for place in range(len(item)):
            at_most = float64(most_log_odds[place]) + margin
            if at_most < least:
                continue
            if len(is_full) and is_full[item_group[item[place]]]:
                continue
            row = offer[place]
            if (
                is_online_full
                and row >= online_from
                and (row < base_rows or row >= fresh_online_from)
            ):
                continue
            if turn == 1:
                found[count] = place
                count += 1
                continue
            at_least = _least_log_odds(place, at_most, score, slack, slope, scale, margin)
            if filled < most:
                filled += 1
                _sift_up(heap, filled - 1, at_least)
            elif at_least > heap[0]:
                _sift_down(heap, filled, at_least)
            if filled == most:
                # The logarithm here and that of NumPy may differ by a rounding.
                least = heap[0] - margin
    return count


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
