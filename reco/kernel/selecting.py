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


@compiled(boolean(READ_F32, float64, float64, float64, float32[::1]))
def _calibrated(said, intercept, slope, scale, most):
    """Write the log-odds that the model gives to scores, NaN to NaN.

    In single precision, and the logarithm of `asinh` by a polynomial over the mantissa, right to
    1e-6: so that eight or sixteen candidates are done at once.
    """
    unit, first, times = float32(1.0 / scale), float32(intercept), float32(slope)
    for place in range(len(said)):
        scaled = abs(said[place] * unit)
        most[place] = scaled + math.sqrt(scaled * scaled + float32(1.0))
    bits = most.view(np.int32)
    for place in range(len(said)):
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
        most[place] = first + times * math.copysign(log, said[place])
    return True


@compiled(boolean(READ_I32, READ_F32, READ_F32, float32[::1]))
def _most_said(item, score, slack, said):
    """Write what the model may say at most of each of `item`, NaN where it cannot say."""
    for place in range(len(item)):
        row = np.uint64(item[place])
        said[place] = score[row] + slack[row] if len(score) else np.nan
    return True


@compiled(float64(int64, READ_F64, READ_F64))
def _popular_log_odds(near, few, kind):
    """Return `reco.feed.popular.Popular` at a number of bookings near, nearly."""
    if near < len(few):
        return few[near]
    share = kind[0] * (float(near) + kind[1])
    return kind[2] + kind[3] * math.log(math.expm1(share))


@compiled(
    boolean(
        READ_I32, READ_F32, READ_F32, READ_I32, READ_I32, READ_F64, int64, int64, int64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64, READ_F32,
        float64, float64, float64, float32[::1], float32[::1],
    )
)  # fmt: skip
def most_log_odds(
    item, score, slack, offer, bookings, cost, online_from, base_rows, fresh_online_from,
    few_at_venues, at_venues, few_online, online, rest, liked,
    intercept, slope, scale, said, most,
):  # fmt: skip
    """Write the log-odds that each candidate may have at most, but for rounding.

    Parameters
    ----------
    item
        (C,)
    score, slack
        (I,) the model's (`reco.model.scorer.Bounds`); empty: it cannot say for any.
    offer, online_from, base_rows, fresh_online_from
        Rows of offers; which of them are digital (`gathering.take_out`).
    bookings, few_at_venues, at_venues, few_online, online
        (C,) bookings near, and the log-odds at each number of them: of few in a table, of more by
        `reco.feed.popular.Popular.terms`.
    rest
        How much these count beside the model's; all, where it cannot say.
    liked
        (I,) what each item gains from stated tastes; empty: nothing was said.
    cost
        (C,) what the best offer takes away.
    intercept, slope, scale
        Of the calibration, times what the model counts.
    said, most
        (C,) memory, and what receives the log-odds.
    """
    _most_said(item, score, slack, said)
    _calibrated(said, intercept, slope, scale, most)
    for place in range(len(cost)):
        row, near = offer[place], bookings[place]
        is_online = (row >= online_from) & ((row < base_rows) | (row >= fresh_online_from))
        if is_online:
            popular = _popular_log_odds(near, few_online, online)
        else:
            popular = _popular_log_odds(near, few_at_venues, at_venues)
        if math.isnan(said[place]):
            most[place] = popular - cost[place]
        else:
            most[place] += float32(rest * popular - cost[place])
    if len(liked):
        for place in range(len(cost)):
            most[place] += liked[item[place]]
    return True


@compiled(
    boolean(
        READ_I32, READ_F32, READ_F32, READ_F32, READ_I32, READ_BOOL, READ_I32, float64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64, READ_F32,
        float64, float64, float64, float32[::1], float32[::1],
    )
)  # fmt: skip
def most_log_odds_of_items(
    item, score, slack, near_cost, near_bookings, is_online, online_bookings, online_cost,
    few_at_venues, at_venues, few_online, online, rest, liked,
    intercept, slope, scale, said, most,
):  # fmt: skip
    """Write the log-odds that each of `item` (R,) may have at most, at offers without a price.

    Parameters
    ----------
    near_cost, near_bookings
        (I,) of offers at venues (`nearness.come_near`).
    is_online, online_bookings, online_cost
        (I,) which items are digital, the bookings of these offers, and what each costs for it.

    The others are as above; right to the same rounding.
    """
    _most_said(item, score, slack, said)
    _calibrated(said, intercept, slope, scale, most)
    few = len(few_online)
    for place in range(len(item)):
        row = np.uint64(item[place])
        bookings = near_bookings[row] + online_bookings[row]
        if bookings < few:
            there, everywhere = few_at_venues[np.uint64(bookings)], few_online[np.uint64(bookings)]
        else:
            there = _popular_log_odds(bookings, few_at_venues, at_venues)
            everywhere = _popular_log_odds(bookings, few_online, online)
        is_unknown = math.isnan(said[place])
        counts = 1.0 if is_unknown else rest
        there = counts * there - near_cost[row]
        everywhere = counts * everywhere - online_cost if is_online[row] else -np.inf
        likely = float32(max(there, everywhere))
        most[place] = likely if is_unknown else most[place] + likely
    if len(liked):
        for place in range(len(item)):
            most[place] += liked[item[place]]
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
    float64(
        READ_I32, READ_F32, READ_BOOL, int64, READ_I16, READ_BOOL, int64,
        float64[::1], int32[:, ::1],
    )
)  # fmt: skip
def levels(
    item, most, is_wanted, count, item_group, is_asked, count_of_group, least_of_group, histogram
):  # fmt: skip
    """Return log-odds that about `count` of the wanted of `item` may have, and no fewer.

    Minus infinity where there are no more than that. `least_of_group` receives the same for each
    group, infinity where it is not asked for; `histogram` holds zeros, a row a group.
    """
    for place in range(np.uint64(len(most))):
        step = int64((most[place] - _LOWEST) * _BINS_A_UNIT)
        step = min(max(step, 0), BINS - 1)
        group = item_group[np.uint64(item[place])]
        histogram[np.uint64(group), np.uint64(step)] += is_wanted[place]
    for group in range(len(is_asked)):
        least_of_group[group] = np.inf
        if is_asked[group]:
            least_of_group[group] = _reached(histogram[group], count_of_group)
    for group in range(1, len(histogram)):
        for step in range(BINS):
            histogram[0, step] += histogram[group, step]
    return _reached(histogram[0], count)


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
def _least_log_odds(item, at_most, score, slack, slope, scale, margin):
    """Return the log-odds that a candidate has for certain: only the model's part is not known."""
    if len(score) == 0 or math.isnan(score[item]):
        return at_most - 2.0 * margin
    off = float64(slack[item]) / scale
    # No steeper is `asinh` between the two than where it comes nearest to 0.
    nearest = max(0.0, abs(float64(score[item])) / scale - off)
    return at_most - 2.0 * margin - slope * 2.0 * off / math.sqrt(1.0 + nearest * nearest)


@compiled(
    int64(READ_I32, READ_F32, READ_BOOL, READ_I16, READ_F32, boolean[::1], int32[::1], int32[::1])
)
def choose(item, most, is_wanted, item_group, least_of_group, is_chosen, slot, slot_item):
    """Number the wanted of `item` that may have the least log-odds of their group; return how many.

    `is_chosen` receives by item which these are, `slot` their numbers, and `slot_item` the items by
    number.
    """
    count = np.uint64(0)
    for place in range(np.uint64(len(item))):
        row = np.uint64(item[place])
        # Few may: of the others nothing is written.
        if is_wanted[place] and most[place] >= least_of_group[np.uint64(item_group[row])]:
            is_chosen[row] = True
            slot[row] = np.int32(count)
            slot_item[count] = item[place]
            count += np.uint64(1)
    return np.int64(count)


@compiled(int64(READ_I32, boolean[::1], int32[::1], int32[::1]))
def choose_all(item, is_chosen, slot, slot_item):
    """Number all of `item`, as `choose` does."""
    for place in range(len(item)):
        row = item[place]
        is_chosen[row], slot[row], slot_item[place] = True, place, row
    return len(item)


@compiled(
    int64(
        READ_F32, READ_I32, READ_F32, READ_F32,
        READ_I16, READ_BOOL, boolean, READ_I32, int64, int64, int64,
        READ_I16, READ_BOOL, float64, float64, float64, int64, float64[::1], float64[:, ::1],
        int64[::1],
    )
)  # fmt: skip
def likeliest(
    most_log_odds, item, score, slack,
    item_family, is_full, is_online_full, offer, online_from, base_rows, fresh_online_from,
    item_group, is_asked, slope, scale, margin, most, heap, best,
    found,
):  # fmt: skip
    """Write the places of all that may be among the `most` likeliest candidates; return how many.

    Also of those that may be among the likeliest of a group asked for.

    Parameters
    ----------
    most_log_odds
        What `most_log_odds` wrote, right to `margin`.
    item, score, slack
        (C,) and (I,)
    item_family, is_full, is_online_full
        Candidates of items whose family is full, or that are digital where that is full, are not
        among the likeliest of all; empty: no family is full.
    item_group, is_asked
        The group of each item, and which groups are asked for; empty: there is one that is not.
    heap
        Room for `most` log-odds.
    best
        A row a group, as long as many are asked for, of minus infinities; it receives log-odds that
        so many of the group have for certain.
    found
        Room for every candidate, since all may be equal.

    The others are as above.
    """
    count = 0
    filled = 0
    # So many candidates have at least these log-odds for certain.
    least = -np.inf if most > 0 else np.inf
    of_each = best.shape[1]
    for turn in range(2):
        for place in range(len(item)):
            at_most = float64(most_log_odds[place]) + margin
            row = item[place]
            group = int64(item_group[row]) if len(item_group) else 0
            is_of_group = is_asked[group] and at_most >= best[group, 0] - margin
            is_of_all = (
                at_most >= least
                and not (len(is_full) and is_full[item_family[row]])
                and not (
                    is_online_full
                    and offer[place] >= online_from
                    and (offer[place] < base_rows or offer[place] >= fresh_online_from)
                )
            )
            if not (is_of_all or is_of_group):
                continue
            if turn == 1:
                found[count] = place
                count += 1
                continue
            at_least = _least_log_odds(row, at_most, score, slack, slope, scale, margin)
            if is_of_group and at_least > best[group, 0]:
                _sift_down(best[group], of_each, at_least)
            if not is_of_all:
                continue
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
