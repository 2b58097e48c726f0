"""Offers spelled out: their ids, the venues where they are, and how far away those are."""

import numpy as np
from numba import boolean, float64, int64

from reco.kernel.compiled import READ_F64, READ_I32, READ_I64, compiled


@compiled(int64(READ_I64, READ_I32, int64))
def _place_of(offer_start, venue, offer):
    """Return the place in `venue`, ascending rows, of the venue of an offer at one of them."""
    venues = len(offer_start) - 2
    low, high = 0, len(venue)
    while low < high:
        middle = (low + high) >> 1
        row = np.uint64(venue[np.uint64(middle)])
        # What came after the shelf lies behind all that is on it.
        if row < venues and offer_start[row] <= offer:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compiled(
    boolean(
        READ_I64, READ_I32,
        READ_I64, READ_I64, READ_I64, READ_I64, READ_I64, READ_I32, READ_F64,
        int64, int64[::1], int64[::1], int64[::1], float64[::1],
    )
)  # fmt: skip
def spell_out(
    places, offer,
    offer_start, offer_id, fresh_offer_start, fresh_offer_id,
    venue_id, venue_rows, venue_distance_m,
    no_venue, ids, venues, groups, distance_m,
):  # fmt: skip
    """Write the id of each offer at `places`, its venue's id and row, and how far away that is.

    Parameters
    ----------
    offer
        Rows of offers: of the base, and after those, of the fresh shelf.
    venue_rows, venue_distance_m
        Ascending rows of the venues around, and how far away they are.
    no_venue
        Stands for the venue of digital offers, whose row is −1, and which are NaN away.
    """
    base_rows = len(offer_id)
    for at in range(len(places)):
        row = int64(offer[places[at]])
        is_fresh = row >= base_rows
        start = fresh_offer_start if is_fresh else offer_start
        if is_fresh:
            row -= base_rows
            ids[at] = fresh_offer_id[row]
        else:
            ids[at] = offer_id[row]
        if row >= start[len(start) - 2]:
            venues[at], groups[at], distance_m[at] = no_venue, -1, np.nan
            continue
        place = _place_of(start, venue_rows, row)
        groups[at] = venue_rows[place]
        venues[at], distance_m[at] = venue_id[groups[at]], venue_distance_m[place]
    return True
