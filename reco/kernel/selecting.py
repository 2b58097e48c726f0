"""Which items are looked into: down to which log-odds, and those that may have them."""

import numpy as np
from numba import boolean, float32, float64, int32, int64

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F32,
    READ_I16,
    READ_I32,
    READ_I64,
    READ_MATRIX_I64,
    compiled,
)
from reco.kernel.nearness import READ_NEAR

ANY = float32(np.finfo(np.float32).min)
"""Less than the least: minus infinity is not in question."""
_LOWEST = float32(-32.0)
_BINS_A_UNIT = float32(16.0)
BINS = 640
"""Of a histogram of log-odds, from the lowest on, for each group."""


@compiled(int64(float32, int64, int64))
def bin_of(log_odds, group, groups):
    """Return the bin of log-odds in the histogram: those of all groups lie side by side."""
    step = min(max((log_odds - _LOWEST) * _BINS_A_UNIT, float32(0.0)), float32(BINS - 1))
    return np.int64(step) * groups + group


@compiled(boolean(READ_I32, READ_BOOL, int64, int64, float64[::1]))
def levels(histogram, is_asked, count, count_of_group, least):
    """Write log-odds that about `count` items have, and no fewer; −∞ where there are no more.

    Parameters
    ----------
    histogram
        How many items of each group are in each bin (`bin_of`).
    least
        Receives for each group down to where there are `count_of_group`, infinity where it is not
        asked for, and at last down to where there are `count` of all.
    """
    groups, of_all = len(is_asked), 0
    reached = np.zeros(groups, dtype=np.int64)
    least[groups] = -np.inf
    for group in range(groups):
        least[group] = -np.inf if is_asked[group] else np.inf
    for step in range(BINS - 1, 0, -1):
        edge = float64(_LOWEST) + float64(step) / float64(_BINS_A_UNIT) - 1e-3
        bins, before = histogram[step * groups : (step + 1) * groups], of_all
        for group in range(groups):
            known = reached[group]
            reached[group] += bins[group]
            of_all += bins[group]
            is_here = is_asked[group] and known < count_of_group <= reached[group]
            least[group] = edge if is_here else least[group]
        if before < count <= of_all:
            least[groups] = edge
    return True


@compiled(boolean(READ_F32, READ_I16, READ_BOOL, READ_NEAR, float64, int32[::1]))
def count_in(most, group, is_wanted, near, farthest, histogram):
    """Count items of wanted groups by their group and log-odds.

    Those alone whose nearest offer costs no more than `farthest`: infinity where nothing is near.
    """
    histogram[:] = 0
    for row in range(np.uint64(len(most))):
        is_close = near[row].cost <= farthest
        if is_close and is_wanted[np.uint64(group[row])] and most[row] >= ANY:
            histogram[bin_of(most[row], group[row], len(is_wanted))] += int32(1)
    return True


@compiled(int64(READ_F32, READ_I16, READ_F32, READ_NEAR, float64, int32[::1]))
def choose(most, group, least_of_group, near, farthest, chosen):
    """Write the rows of the items that may have the least log-odds of their group, ascending.

    Those alone that are near enough, as above; return how many there are.

    Parameters
    ----------
    most, group
        (I,) what each item may have at most, and its group.
    """
    count = np.uint64(0)
    for row in range(np.uint64(len(most))):
        chosen[count] = np.int32(row)
        is_likely = most[row] >= max(least_of_group[np.uint64(group[row])], ANY)
        count += np.uint64(is_likely & (near[row].cost <= farthest))
    return np.int64(count)


@compiled(int64(READ_NEAR, READ_BOOL, READ_BOOL, int32[::1]))
def choose_all(near, is_online, is_out, chosen):
    """Write the rows of all items that are near or digital, but for those that are out."""
    count = np.uint64(0)
    for row in range(np.uint64(len(near))):
        chosen[count] = np.int32(row)
        count += np.uint64((near[row].cost < np.inf or is_online[row]) and not is_out[row])
    return np.int64(count)


@compiled(boolean(int64, int64, READ_MATRIX_I64, READ_MATRIX_I64, int64[:, ::1]))
def has_room(row, given_up, code, limit, shown):
    """Say whether the quotas leave room for the row, but for those given up.

    Parameters
    ----------
    given_up
        A set of quotas, as bits: the last quota is the lowest.
    """
    found, quotas = True, len(code)
    for quota in range(quotas):
        is_given_up = (given_up >> (quotas - 1 - quota)) & 1 == 1
        found &= is_given_up or shown[quota, code[quota, row]] < limit[quota, row]
    return found


@compiled(
    int64(
        READ_I64, READ_MATRIX_I64, READ_MATRIX_I64, int64, int64[:, ::1], boolean[::1], int64[::1]
    )
)  # fmt: skip
def take_within(order, code, limit, given_up, shown, is_taken, place):
    """Write the places in `order` of rows whose groups have room; return how many.

    Parameters
    ----------
    order
        Rows, the first to be taken first.
    code, limit
        By quota and row: its group, and the most of that group.
    given_up
        Where there is room for more, these sets of quotas are given up, one after the other, from
        none to this one (`has_room`): the last quota first, the first one last, and none that is
        not in the way. What is taken then comes after the others.
    shown
        By quota and group: zeros.
    is_taken
        By place: false.
    place
        Room for as many as are wanted.
    """
    count = 0
    for without in range(given_up + 1):
        for at in range(len(order)):
            if count == len(place):
                break
            row = order[at]
            if not is_taken[at] and has_room(row, without, code, limit, shown):
                for quota in range(len(code)):
                    shown[quota, code[quota, row]] += 1
                is_taken[at] = True
                place[count] = at
                count += 1
    return count
