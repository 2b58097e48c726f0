"""The attribute values of candidates, read from the catalogue's columns."""

import numba
from numba import float64, int32, int64

from reco.kernel.compiled import READ_F64, READ_I16, READ_I32, READ_I64, compiled

_READ_MATRIX_I16 = numba.types.Array(numba.int16, 2, "C", readonly=True)


@compiled(
    int64(
        READ_I32, READ_I64, READ_I16, READ_I16, READ_I16, _READ_MATRIX_I16, READ_I64, READ_F64,
        READ_I64, READ_F64, int32[::1], int64[::1], int32[::1], int64[::1], float64[::1],
    )
)  # fmt: skip
def values_of(
    item, venue, category, subcategory, venue_type, genres, first, points,
    changed, unmet, place, start, value, code, worth,
):  # fmt: skip
    """Write the values that can earn something, numbered anew; return how many there are.

    Parameters
    ----------
    item, venue
        (C,) rows of each candidate; venue −1: none.
    category, subcategory, venue_type, genres
        Codes by row of the item, or of the venue; 0 unknown, in `genres` from there on.
    first, points
        Of category, subcategory, venue type, venue and genre: the number of code 0, and what a
        first booking earns.
    changed, unmet
        Numbers of values, and the share of their points that is still to be earned; of a value
        named twice the last counts. Those not named earn all.
    place
        Zeros, by number; they are so again afterwards.
    start, value, code, worth
        Room for C + 1, and for every value. They receive the values by candidate, and by new
        number the number and the points to be earned.
    """
    for at in range(len(changed)):
        place[changed[at]] = -at - 1
    count = 0
    entries = 0
    start[0] = 0
    for at in range(len(item)):
        row = item[at]
        for slot in range(4 + genres.shape[1]):
            attribute = min(slot, 4)
            known = int64(0)
            if attribute == 0:
                known = category[row]
            elif attribute == 1:
                known = subcategory[row]
            elif attribute == 4:
                known = genres[row, slot - 4]
                if known == 0:
                    break
            elif venue[at] >= 0:
                known = venue_type[venue[at]] if attribute == 2 else venue[at] + 1
            if known == 0:
                continue
            number = first[attribute] + known
            if place[number] <= 0:
                share = unmet[-place[number] - 1] if place[number] < 0 else 1.0
                if points[attribute] * share <= 0.0:
                    continue
                code[count] = number
                worth[count] = points[attribute] * share
                count += 1
                place[number] = count
            value[entries] = place[number] - 1
            entries += 1
        start[at + 1] = entries
    for at in range(len(changed)):
        place[changed[at]] = 0
    for at in range(count):
        place[code[at]] = 0
    return count
