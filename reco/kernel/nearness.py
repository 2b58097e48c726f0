"""What is near: what venues cost for their distance, and one pass over the offers around."""

import numba
import numpy as np
from numba import boolean, float32, float64, int64

from reco.kernel.compiled import READ_F64, READ_I32, READ_I64, compiled
from reco.kernel.gathering import cost_at

NEAR = np.dtype([("cost", np.float32), ("bookings", np.int32)], align=True)
"""What is near of an item: what the distance of its nearest offer costs, and the bookings of all.

Both at once, for both are far away in memory.
"""
NOT_NEAR = int(np.array((np.inf, 0), dtype=NEAR).view(np.int64))
"""The bits of an infinite cost and no booking."""
READ_NEAR = numba.types.Array(numba.from_dtype(NEAR), 1, "C", readonly=True)


@compiled(
    boolean(
        READ_I32, READ_F64, READ_F64, float64, float64, READ_I64, READ_I64,
        float64[::1], int64[::1],
    )
)  # fmt: skip
def reach(venue, distance_m, cost, knots_per_unit, online_cost, offers, bookings, away, totals):
    """Write what the distance of each venue costs, and after them what being digital costs.

    Parameters
    ----------
    offers, bookings
        By row of a venue, and last of all that is digital.
    totals
        (4,) receives the offers at these venues and online, and their bookings.
    """
    totals[0], totals[1] = 0, offers[len(offers) - 1]
    totals[2], totals[3] = 0, bookings[len(bookings) - 1]
    for place in range(len(venue)):
        row = np.uint64(venue[place])
        away[place] = cost_at(cost, knots_per_unit, distance_m[place])
        totals[0] += offers[row]
        totals[2] += bookings[row]
    away[len(venue)] = online_cost
    return True


@compiled(boolean(READ_I64, READ_I32, READ_I32, READ_I32, READ_F64, numba.from_dtype(NEAR)[::1]))
def come_near(offer_start, offer_item, offer_bookings, venue, away, near):
    """Add the offers of a shelf at some venues to what is near.

    Parameters
    ----------
    venue, away
        Ascending rows, and what `reach` wrote.
    near
        (I,) of dtype `NEAR`.
    """
    venues = len(offer_start) - 2
    for place in range(len(venue)):
        if venue[place] >= venues:
            # It came after the shelf, and so did those after it.
            break
        first, last = offer_start[venue[place]], offer_start[venue[place] + 1]
        cost = float32(away[place])
        for offer in range(np.uint64(first), np.uint64(last)):
            row = np.uint64(offer_item[offer])
            near[row].cost = min(near[row].cost, cost)
            near[row].bookings += offer_bookings[offer]
    return True
