"""The attribute values of a pool's candidates, and the likeliest candidates of every value."""

import numpy as np
from numba import boolean, float64, int32, int64

from reco.kernel.compiled import READ_BOOL, READ_F64, READ_I32, READ_I64, compiled


@compiled(
    int64(
        READ_I64, READ_I64, READ_I32, READ_F64, READ_I64, READ_F64, float64[::1], int32[::1],
        int64[::1], int32[::1], int64[::1], float64[::1],
    )
)  # fmt: skip
def gather_values(
    rows, start, value, points, changed, unmet, share, place,
    pool_start, pool_value, pool_code, worth,
):  # fmt: skip
    """Write the values of `rows` that can earn something, numbered anew; return how many there are.

    Parameters
    ----------
    start, value, points
        Values of all offers, as `features.horizon.ValueTable` has them.
    changed, unmet
        Codes of values, and the share of their points that is still to be earned: 0 where the
        value was met. Those not named earn all.
    share, place
        By code: ones, and minus ones; they are so again afterwards.
    pool_start
        Room for one more than there are rows.
    pool_value, pool_code, worth
        Room for the values of all rows. They receive the values by row, and by new number the
        code and the points to be earned.
    """
    for at in range(len(changed)):
        share[changed[at]] = unmet[at]
    count = 0
    entries = 0
    pool_start[0] = 0
    for at in range(len(rows)):
        for entry in range(start[rows[at]], start[rows[at] + 1]):
            code = value[entry]
            if points[code] * share[code] <= 0.0:
                continue
            if place[code] < 0:
                place[code] = count
                pool_code[count] = code
                worth[count] = points[code] * share[code]
                count += 1
            pool_value[entries] = place[code]
            entries += 1
        pool_start[at + 1] = entries
    for at in range(count):
        place[pool_code[at]] = -1
    for at in range(len(changed)):
        share[changed[at]] = 1.0
    return count


@compiled(int64(READ_F64, READ_I64, READ_I32, READ_BOOL, int64, int64[:, ::1]))
def likeliest_of_values(probability, start, value, is_wanted, most, best):
    """Write, for each wanted value, the `most` likeliest rows with it; ties by row.

    Parameters
    ----------
    probability
        By row; NaN: the row is no candidate.
    best
        By value: `most` minus ones. They receive the rows, the likeliest first.
    """
    found = 0
    for row in range(len(probability)):
        chance = probability[row]
        if np.isnan(chance):
            continue
        for entry in range(start[row], start[row + 1]):
            code = value[entry]
            if not is_wanted[code]:
                continue
            last = best[code, most - 1]
            if last >= 0 and chance <= probability[last]:
                continue
            found += last < 0
            at = most - 1
            while at > 0:
                before = best[code, at - 1]
                if before >= 0 and chance <= probability[before]:
                    break
                best[code, at] = before
                at -= 1
            best[code, at] = row
    return found


@compiled(int64(READ_I64, int64[::1]))
def numbered(group, code):
    """Write the groups, numbered from 0 on in the order they are met; return how many there are."""
    size = 16
    while size < 2 * len(group):
        size *= 2
    mask = np.uint64(size - 1)
    first = np.full(size, -1, dtype=np.int64)
    count = 0
    for place in range(len(group)):
        # Fibonacci hashing, then linear probing: at most half of the places are taken.
        at = (np.uint64(group[place]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
        while first[at] >= 0 and group[first[at]] != group[place]:
            at = (at + np.uint64(1)) & mask
        if first[at] < 0:
            first[at] = place
            code[place] = count
            count += 1
        else:
            code[place] = code[first[at]]
    return count


@compiled(boolean(READ_I32, READ_I32, int32[::1], boolean[::1]))
def not_among(item, others, mark, is_new):
    """Write which of `item` are not among `others`; of all items `mark` may hold anything."""
    for place in range(len(item)):
        mark[item[place]] = 0
    for place in range(len(others)):
        mark[others[place]] = 1
    for place in range(len(item)):
        is_new[place] = mark[item[place]] == 0
    return True
