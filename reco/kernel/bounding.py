"""What each item may have at most, all items of a catalogue in one pass, and those with the most.

An upper bound: what the model may say at most, at an offer as near as the nearest, as cheap as any
offer of the item, at once and at an hour that costs nothing. Single precision is enough, for
whoever asks leaves a margin.

A model of factors says no more of an item than the lengths of both factors allow (Cauchy-Schwarz;
Teflioudi et al. 2015, "LEMP"): that rules most items out, and only of those that are left factors
are read.
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
    READ_MATRIX_I8,
    compiled,
)
from reco.kernel.gathering import cost_of_price
from reco.kernel.nearness import READ_NEAR
from reco.kernel.popularity import popular_log_odds
from reco.kernel.scoring import coarse_product
from reco.kernel.selecting import ANY, bin_of, levels

_LN2 = float32(math.log(2.0))
_AT_ONCE = 1_024
_FEW_UNKNOWN = 64
"""So few of a piece are worked out one by one."""
_SAMPLE = 8
"""Of so many pieces, spread evenly, all items are counted; of others those as high as they tell."""
_SURE = 4.0
"""So many times as many of all as their share are taken for enough; twice as many by length."""
_LEAST = 4
"""So many more of a group, of which a sample has few."""


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
    part, cost, never = float32(rest), float32(online_cost), float32(-np.inf)
    unknown = int32(0)
    for lane in range(lanes):
        unknown += int32(math.isnan(said[lane]))
    if rest == 0.0 and unknown < _FEW_UNKNOWN:
        # Bookings count for what the model does not know alone.
        for lane in range(lanes):
            home = -cost if is_online[lane] else never
            most[lane] += max(-near[lane].cost, home)
        if not unknown:
            return True
        for lane in range(lanes):
            if math.isnan(said[lane]):
                booked = near[lane].bookings + online_bookings[lane]
                there = popular_log_odds(booked, few_at_venues, at_venues) - float64(
                    near[lane].cost
                )
                home = popular_log_odds(booked, few_online, online) - online_cost
                most[lane] = float32(max(there, home) if is_online[lane] else there)
        return True
    for lane in range(lanes):
        bookings[lane] = near[lane].bookings + online_bookings[lane]
        most_bookings = max(most_bookings, bookings[lane])
    for lane in range(lanes):
        pair[lane] = both[np.uint64(min(bookings[lane], few))]
    each = pair.view(np.float32)
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
        int64, READ_F32, READ_I16, READ_F32, READ_I16, READ_F32,
        int64, int32[::1], float32[::1], int32[::1],
    )
)  # fmt: skip
def _note(first, most, group, floor, price, least_cost, count, row, value, histogram):
    """Add to `count` rows those of some items that lie no lower than the floor of their group.

    With what they have less the price of the cheapest offer.

    Parameters
    ----------
    first
        Row of the first of the items.
    row
        Room for one more than may be noted.
    """
    ends = np.uint64(count)
    for lane in range(np.uint64(len(most))):
        # Whether one lies so high cannot be foreseen: no branch, all that is noted comes after.
        row[ends] = np.int32(lane)
        ends += np.uint64(most[lane] >= floor[np.uint64(group[lane])])
    for place in range(np.uint64(count), ends):
        item = np.uint64(row[place])
        found = most[item] - least_cost[np.uint64(price[item])]
        row[place], value[place] = np.int32(first + np.int64(item)), found
        if found >= ANY:
            histogram[bin_of(found, group[item], len(floor))] += int32(1)
    return np.int64(ends)


@compiled(int64(READ_F32, READ_I16, READ_F32, int64, int32[::1], float32[::1]))
def _still_noted(most, group, floor, count, row, value):
    """Keep of what was noted what would be with this floor, whatever its price; return how many."""
    kept = 0
    for place in range(count):
        item = row[place]
        row[kept], value[kept] = item, value[place]
        kept += most[item] >= floor[np.uint64(group[item])]
    return kept


@compiled(
    int64(
        READ_F32, READ_I16, READ_F32, READ_F32, READ_I16, READ_F32,
        int64, int32[::1], float32[::1],
    )
)  # fmt: skip
def _note_below(most, group, floor, before, price, least_cost, count, row, value):
    """Add those that lie no lower than the floor, but lower than the one before.

    By `most`, before the price: so all others are noted already, and none is noted twice.
    """
    for item in range(np.uint64(len(most))):
        of = np.uint64(group[item])
        if floor[of] <= most[item] < before[of]:
            row[count] = np.int32(item)
            value[count] = most[item] - least_cost[np.uint64(price[item])]
            count += 1
    return count


@compiled(
    boolean(
        READ_MATRIX_I8, READ_F32, READ_F32, READ_I16, float64, float64, float64,
        float64, float64, float64, READ_I32, float32[::1], float32[::1],
    )
)  # fmt: skip
def _come_closer(
    code, step, length, user, user_step, slack_steps, user_length,
    intercept, slope, scale, row, said, value,
):  # fmt: skip
    """Put what factors in eight bits say at most of some items in the place of what lengths do.

    Parameters
    ----------
    row, value
        Of the items: their rows, and log-odds that what lengths say is part of.
    said
        Room for four times as many.
    """
    items, fetched = len(row), int64(0)
    for place in range(items):
        # What is far away in memory is asked for at once.
        item = np.uint64(row[place])
        if item < np.uint64(len(code)):
            fetched += code[item, np.uint64(0)]
    for place in range(items):
        item = np.uint64(row[place])
        said[items + place] = np.nan
        if item < np.uint64(len(code)):
            total = coarse_product(code, item, user)
            by_length = length[item] * float32(user_length)
            by_factors = (total * user_step + slack_steps) * float64(step[item])
            said[place], said[items + place] = min(float32(by_factors), by_length), by_length
    both, log_odds = said[: 2 * items], said[2 * items : 4 * items]
    _calibrated(both, intercept, slope, scale, log_odds)
    for place in range(items):
        if not math.isnan(said[items + place]):
            value[place] += log_odds[place] - log_odds[items + place]
    return fetched != 0


@compiled(int64(READ_I16, READ_F32, int64, int64, int32[::1], float32[::1]))
def _bring_forward(group, floor, done, count, row, value):
    """Bring those forward, after the first `done`, that lie no lower than the floor.

    Return up to where they go.
    """
    front = done
    for place in range(np.uint64(done), np.uint64(count)):
        item, found = row[place], value[place]
        # Few do, so that this branch can be foreseen.
        if found >= floor[np.uint64(group[np.uint64(item)])]:
            row[place], value[place] = row[front], value[front]
            row[front], value[front] = item, found
            front += 1
    return front


@compiled(boolean(READ_I16, READ_I32, READ_F32, int64, int32[::1]))
def _count(group, row, value, groups, histogram):
    """Add items to the histogram."""
    for place in range(len(row)):
        if value[place] >= ANY:
            of = group[np.uint64(row[place])]
            histogram[bin_of(value[place], of, groups)] += int32(1)
    return True


@compiled(boolean(READ_I32, READ_BOOL, int64, int64, float64[::1], float32[::1]))
def _lay_floor(histogram, is_asked, count, count_of_group, least, floor):
    """Write down to where those reach that are wanted, by group (`levels`)."""
    levels(histogram, is_asked, count, count_of_group, least)
    for group in range(len(floor)):
        floor[group] = max(float32(min(least[group], least[len(floor)])), ANY)
    return True


@compiled(
    int64(
        READ_F32, READ_I16, READ_BOOL, READ_I16, READ_F32, int64, int64,
        READ_MATRIX_I8, READ_F32, READ_F32, READ_I16, float64, float64, float64,
        float64, float64, float64,
        float32[::1], int64, int32[::1], float32[::1], float32[::1], float64[::1], int32[::1],
    )
)  # fmt: skip
def _closest(
    most, group, is_asked, price, least_cost, count, count_of_group,
    code, step, length, user, user_step, slack_steps, user_length, intercept, slope, scale,
    floor, noted, row, value, said, least, histogram,
):  # fmt: skip
    """Come closer to what those have that may be wanted; return how many are noted by then.

    First to more than are wanted, of those with the most by lengths: the least that these have is
    where the others are looked for, which `floor` receives.
    """
    groups, known, done = len(is_asked), floor.copy(), 0
    _lay_floor(histogram, is_asked, 2 * count, 2 * count_of_group, least, floor)
    histogram[:] = 0
    for is_last in (False, True):
        if is_last:
            _lay_floor(histogram, is_asked, count, count_of_group, least, floor)
            if np.any(floor < known):
                noted = _note_below(most, group, floor, known, price, least_cost, noted, row, value)
        front = _bring_forward(group, floor, done, noted, row, value)
        for begin in range(done, front, _AT_ONCE):
            end = min(begin + _AT_ONCE, front)
            _come_closer(
                code, step, length, user, user_step, slack_steps, user_length,
                intercept, slope, scale, row[begin:end], said, value[begin:end],
            )  # fmt: skip
        _count(group, row[done:front], value[done:front], groups, histogram)
        done = front
    return noted


@compiled(
    int64(
        READ_I16, READ_BOOL, int64, int64, READ_F32, int64, int32[::1], READ_F32,
        float32[::1], float64[::1], READ_I32,
    )
)  # fmt: skip
def _told(
    group, is_asked, count, count_of_group, floor, noted, row, value, most, least, histogram
):  # fmt: skip
    """Keep the rows of those that are wanted, and write what they have; return how many.

    Where less was noted than was hoped for, it is told down to where.
    """
    groups = len(is_asked)
    border = np.empty(groups, dtype=np.float32)
    _lay_floor(histogram, is_asked, count, count_of_group, least, border)
    for at in range(groups):
        border[at] = max(border[at], floor[at])
        reached = float64(border[at]) if border[at] > ANY else -np.inf
        least[at] = reached if is_asked[at] else np.inf
        least[groups] = max(least[groups], reached)
    kept = 0
    for place in range(noted):
        item = row[place]
        most[item] = value[place]
        if value[place] >= border[np.uint64(group[item])]:
            row[kept] = item
            kept += 1
    return kept


@compiled(
    int64(
        READ_NEAR, READ_BOOL, READ_BOOL, READ_I32, float64,
        READ_F64, READ_F64, READ_F64, READ_F64, float64,
        READ_F32, READ_I32, READ_F32, READ_I16, READ_F32,
        float64, float64, float64,
        READ_MATRIX_I8, READ_F32, READ_F32, READ_I16, float64, float64, float64,
        READ_I16, READ_BOOL, int64, int64,
        float32[::1], float32[::1], int32[::1], float64[::1], int32[::1],
    )
)  # fmt: skip
def most_log_odds(
    near, is_out, is_online, online_bookings, online_cost,
    few_at_venues, at_venues, few_online, online, rest,
    frequent, kind, of_kind, price, least_cost,
    intercept, slope, scale,
    code, step, length, user, user_step, slack_steps, user_length,
    group, is_asked, count, count_of_group,
    most, value, row, least, histogram,
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
    code, step, length, user, user_step, slack_steps, user_length
        Factors of the first items, and their lengths (`model.arranged.FactorBounds`), from which is
        told what the model may say at most; empty: `most` says it for these, too.
    group, is_asked
        The group of each item, and by group whether it is asked for.
    most
        What the model may say of each item at most, NaN: it cannot say; receives the results.
    value, row
        Room for as many; for one more in `row`.
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
    said, of_lengths = np.empty(4 * _AT_ONCE, dtype=np.float32), float32(user_length)
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
            by_length = length[first:last]
            for lane in range(np.uint64(len(by_length))):
                own[lane] = by_length[lane] * of_lengths
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
            is_out_here = is_out[first:last]
            for lane in range(lanes):
                own[lane] = float32(-np.inf) if is_out_here[lane] else own[lane]
            left = _note(
                first, own, group[first:last], floor, price[first:last],
                least_cost, left, row, value, histogram,
            )  # fmt: skip
        if is_sample and stride > 1:
            sure, of_group = _SURE, count_of_group
            if len(code):
                # What is promised too high is looked for below; without factors it is only told.
                sure = 2.0 * _SURE
                of_group = min(int64(sure * count_of_group / stride) + _LEAST, count_of_group)
            of_sample = int64(sure * count / stride) + 1
            _lay_floor(histogram, is_asked, of_sample, of_group, least, floor)
            left = _still_noted(most, group, floor, left, row, value)
    if len(code):
        left = _closest(
            most, group, is_asked, price, least_cost, count, count_of_group,
            code, step, length, user, user_step, slack_steps, user_length,
            intercept, slope, scale, floor, left, row, value, said, least, histogram,
        )  # fmt: skip
    return _told(
        group, is_asked, count, count_of_group, floor, left, row, value, most, least, histogram
    )
