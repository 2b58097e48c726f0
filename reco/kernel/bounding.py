"""What each item may have at most, all items of a catalogue in one pass, and those with the most.

An upper bound: what the model may say at most, at an offer as near as the nearest, as cheap as any
offer of the item, at once and at an hour that costs nothing. Single precision is enough, for
whoever asks leaves a margin.
"""

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
    READ_MATRIX_F64,
    compiled,
)
from reco.kernel.gathering import cost_of_price
from reco.kernel.nearness import READ_NEAR
from reco.kernel.popularity import popular_log_odds
from reco.kernel.selecting import ANY, bin_of, levels

_LN2 = float32(math.log(2.0))
_AT_ONCE = 1_024
_SAMPLE = 8
"""Of so many pieces, spread evenly, all items are counted; of others those as high as they tell."""
_SURE = 4.0
"""So many times as many of all as their share are taken for enough."""


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


@compiled(
    boolean(READ_I64, READ_F64, READ_MATRIX_F64, READ_F64, float64, READ_I64, int64, float32[::1])
)
def least_costs(cents, budget, of_cents, price_cost, price_knots, limit_cents, classes, least):
    """Write what an item's price costs at least, by its class and what it counts against.

    Parameters
    ----------
    cents
        The least price of each class.
    limit_cents
        What may be spent, by what it counts against.
    classes
        Room for so many classes follows for each of these, and at last for items that count against
        several.
    """
    caps = len(limit_cents)
    for at in range(len(cents)):
        of_any = np.inf
        for cap in range(caps):
            cost = np.inf
            if cents[at] <= limit_cents[cap]:
                cost = cost_of_price(cents[at], cap, budget, of_cents, price_cost, price_knots)
            least[cap * classes + at] = float32(cost)
            of_any = min(of_any, cost)
        least[caps * classes + at] = float32(of_any)
    return True


@compiled(
    boolean(
        READ_F32, READ_NEAR, READ_BOOL, READ_I32, float64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64,
        READ_F64, float64[::1], int32[::1], float32[::1],
    )
)  # fmt: skip
def _add_place(
    said, near, is_online, online_bookings, online_cost,
    few_at_venues, at_venues, few_online, online, rest, both, pair, bookings, most,
):  # fmt: skip
    """Add to what the model gives the more of being near and being online, less what that costs.

    Parameters
    ----------
    both
        The tables of few bookings, pairs of single precision.
    pair, bookings
        Room for as many as there are items.
    """
    lanes, few, most_bookings = np.uint64(len(said)), int32(len(both) - 1), int32(0)
    for lane in range(lanes):
        bookings[lane] = near[lane].bookings + online_bookings[lane]
        most_bookings = max(most_bookings, bookings[lane])
    for lane in range(lanes):
        pair[lane] = both[np.uint64(min(bookings[lane], few))]
    each = pair.view(np.float32)
    part, cost, never = float32(rest), float32(online_cost), float32(-np.inf)
    for lane in range(lanes):
        is_unknown = math.isnan(said[lane])
        counts = float32(1.0) if is_unknown else part
        there = counts * each[np.uint64(2) * lane] - near[lane].cost
        home = counts * each[np.uint64(2) * lane + np.uint64(1)] - cost
        home = home if is_online[lane] else never
        known = float32(0.0) if is_unknown else most[lane]
        most[lane] = known + max(there, home)
    if most_bookings <= few:
        return True
    for lane in range(lanes):
        if bookings[lane] > few:
            counts = 1.0 if math.isnan(said[lane]) else rest
            there = popular_log_odds(bookings[lane], few_at_venues, at_venues) - few_at_venues[few]
            home = popular_log_odds(bookings[lane], few_online, online) - few_online[few]
            # More than so many are worth: no less than what was added lacks.
            most[lane] += float32(counts * max(there, home))
    return True


@compiled(
    int64(
        int64, READ_I16, READ_F32, READ_BOOL, READ_I16, READ_F32,
        float32[::1], int32[::1], int64, int32[::1],
    )
)  # fmt: skip
def _note(first, group, floor, is_out, price, least_cost, most, row, count, histogram):
    """Add to `count` rows those of some items that lie no lower than the floor of their group.

    For them, what is out is left out, and what the price costs is taken away.

    Parameters
    ----------
    first
        Row of the first of the items.
    """
    for lane in range(np.uint64(len(most))):
        least = floor[np.uint64(group[lane])]
        # Of all others nothing more need be known.
        if most[lane] >= least:
            most[lane] -= least_cost[np.uint64(price[lane])]
            if is_out[lane]:
                most[lane] = float32(-np.inf)
            if most[lane] >= least:
                histogram[bin_of(most[lane], group[lane], len(floor))] += int32(1)
                row[count] = np.int32(first + np.int64(lane))
                count += 1
    return count


@compiled(
    int64(
        READ_NEAR, READ_BOOL, READ_BOOL, READ_I32, float64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64,
        READ_F32, READ_I32, READ_F32, READ_I16, READ_F32,
        float64, float64, float64,
        READ_I16, READ_BOOL, int64, int64,
        float32[::1], int32[::1], float64[::1], int32[::1],
    )
)  # fmt: skip
def most_log_odds(
    near, is_out, is_online, online_bookings, online_cost,
    few_at_venues, at_venues, few_online, online, rest,
    frequent, kind, of_kind, price, least_cost,
    intercept, slope, scale,
    group, is_asked, count, count_of_group,
    most, row, least, histogram,
):  # fmt: skip
    """Write the log-odds that each item may have at most, and the rows of those with the most.

    Return how many rows that are, in no order: of about `count` items, and of about
    `count_of_group` of each group that is asked for. Minus infinity: an item is not in question.

    All arrays are of shape (I,) but for the tables.

    Parameters
    ----------
    near
        What is near of each item (`nearness.come_near`).
    is_out, is_online
        Which items are not in question, and which have digital offers: those are near everybody.
    online_bookings, online_cost
        Bookings of digital offers, and what each costs for being digital.
    few_at_venues, at_venues, few_online, online
        Tables of the log-odds by bookings near (`popularity.popular_log_odds`).
    rest
        How much these count beside the model's; all, where it cannot say.
    frequent
        What items gain, or lose, by how often they are booked; empty: nothing.
    kind, of_kind
        The kind of each item, and by kind what the person adds to it; empty: nothing.
    price, least_cost
        The least price of each item, as a place in a table of what that costs (`least_costs`).
    intercept, slope, scale
        Of the calibration, times what the model counts.
    group, is_asked
        The group of each item, and by group whether it is asked for.
    most
        What the model may say of each item at most, NaN: it cannot say; receives the results.
    row
        Room for the rows.
    least
        Receives for each group log-odds with which all of its items are among the rows, infinity
        where it is not asked for; and at last those with which all items are.
    histogram
        Room for `BINS` numbers a group.
    """
    both = np.empty((len(few_online), 2), dtype=np.float32)
    both[:, 0], both[:, 1] = few_at_venues, few_online
    pairs = both.reshape(-1).view(np.float64)
    pair, bookings = np.empty(_AT_ONCE), np.empty(_AT_ONCE, dtype=np.int32)
    said = np.empty(_AT_ONCE, dtype=np.float32)
    items, left, groups = len(most), 0, len(is_asked)
    floor = np.full(groups, ANY)
    histogram[:] = 0
    # Items of a kind often stand together, so that a sample must be spread.
    stride = max(1, items // (_AT_ONCE * _SAMPLE))
    for is_sample in (True, False):
        for first in range(0, items, _AT_ONCE):
            if (first // _AT_ONCE % stride == 0) != is_sample:
                continue
            last = min(first + _AT_ONCE, items)
            lanes, own, said_here = np.uint64(last - first), most[first:last], said[: last - first]
            said_here[:] = own
            _calibrated(said_here, intercept, slope, scale, own)
            _add_place(
                said_here, near[first:last], is_online[first:last], online_bookings[first:last],
                online_cost, few_at_venues, at_venues, few_online, online, rest,
                pairs, pair[: last - first], bookings, own,
            )  # fmt: skip
            if len(frequent):
                gained = frequent[first:last]
                for lane in range(lanes):
                    own[lane] += gained[lane]
            if len(of_kind):
                kinds = kind[first:last]
                for lane in range(lanes):
                    own[lane] += of_kind[np.uint64(kinds[lane])]
            left = _note(
                first, group[first:last], floor, is_out[first:last], price[first:last], least_cost,
                own, row, left, histogram,
            )  # fmt: skip
        if is_sample and stride > 1:
            # Of a group few may be left: the sample itself has to have enough of it.
            of_sample = int64(_SURE * count / stride) + 1
            levels(histogram, is_asked, of_sample, count_of_group, least)
            for at in range(groups):
                floor[at] = max(float32(min(least[at], least[groups])), ANY)
    levels(histogram, is_asked, count, count_of_group, least)
    # Where the sample promised too much, fewer are found, and it is told down to where.
    for at in range(groups):
        floor[at] = max(float32(min(least[at], least[groups])), floor[at])
        reached = float64(floor[at]) if floor[at] > ANY else -np.inf
        least[at] = reached if is_asked[at] else np.inf
        least[groups] = max(least[groups], reached)
    kept = 0
    for at in range(left):
        item = row[at]
        if most[item] >= floor[np.uint64(group[item])]:
            row[kept] = item
            kept += 1
    return kept
