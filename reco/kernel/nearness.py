"""What is near: one pass over the offers around, before any of them is looked into."""

import numpy as np
from numba import boolean, float32, int32, int64

from reco.kernel.compiled import READ_BOOL, READ_F32, READ_F64, READ_I32, READ_I64, compiled


@compiled(boolean(READ_I64, READ_I32, READ_I32, READ_I32, READ_F64, float32[::1], int32[::1]))
def come_near(offer_start, offer_item, offer_bookings, group, group_cost, near_cost, near_bookings):
    """Add the offers of a shelf at some groups to what is near.

    Parameters
    ----------
    near_cost, near_bookings
        (I,) what the distance of each item's nearest offer costs, infinity if there is none, and
        the bookings of all.
    """
    groups = len(offer_start) - 1
    for place in range(len(group)):
        if group[place] < groups:
            first, last = offer_start[group[place]], offer_start[group[place] + 1]
            away = np.float32(group_cost[place])
            for offer in range(np.uint64(first), np.uint64(last)):
                row = np.uint64(offer_item[offer])
                near_cost[row] = min(near_cost[row], away)
                near_bookings[row] += offer_bookings[offer]
    return True


@compiled(int64(READ_F32, READ_BOOL, boolean[::1], int32[::1]))
def come_in_question(near_cost, is_online, is_out, item):
    """Write the items that are near or digital, in order, but for those that are out.

    `is_out` becomes true of all others, too.
    """
    # First without counting, which can be done for many at once.
    for row in range(np.uint64(len(near_cost))):
        is_out[row] |= ~((near_cost[row] < np.inf) | is_online[row])
    count = np.uint64(0)
    for row in range(np.uint64(len(near_cost))):
        item[count] = row
        count += np.uint64(~is_out[row])
    return np.int64(count)
