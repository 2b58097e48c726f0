"""The slate of most expected gain that relevance can carry: greedy choice, search, bound.

Rows are the candidates of a pool by descending probability; the gain of one more row is its
probability times the points still to be earned with its values, which shrink with every row taken.
"""

import numpy as np
from numba import boolean, float64, int64, types

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F64,
    READ_I32,
    READ_I64,
    READ_MATRIX_I64,
    compiled,
)
from reco.kernel.gain import bound_of, gain_of, open_points, relevance_of
from reco.kernel.selecting import has_room

_CLOSE = 0.04
"""The search ends with a slate that spends all but this share of what the floor gives up, or that
adds all but this share of what a slate could."""
_APART = 1.02
"""Or where the rates on both sides are not farther apart."""
_FAR = 16.0
"""So many times as much is looked at of a side that has no end."""
_NEARLY = 0.9
"""Of the least that a row of the last slate is worth now; few slates have a row worth less."""


@compiled(
    int64(
        int64, int64, READ_F64, READ_I64, READ_I32, READ_MATRIX_I64,
        float64[::1], int64[:, ::1], boolean[::1], int64[::1],
    )
)  # fmt: skip
def _take(row, count, chance, start, value, group, still, shown, is_taken, picks):
    for entry in range(start[row], start[row + 1]):
        still[value[entry]] *= 1.0 - chance[row]
    for quota in range(len(group)):
        shown[quota, group[quota, row]] += 1
    is_taken[row] = True
    picks[count] = row
    return count + 1


@compiled(boolean(int64, int64, float64[::1]))
def _comes_first(row, other, key):
    return key[row] > key[other] or (key[row] == key[other] and row < other)


@compiled(boolean(int64[::1], int64, int64, float64[::1]))
def _sift_down(heap, at, filled, key):
    """Let the row at `at` sink to its place in a heap whose greatest key comes first."""
    row = heap[at]
    while True:
        child = 2 * at + 1
        if child >= filled:
            break
        if child + 1 < filled and _comes_first(heap[child + 1], heap[child], key):
            child += 1
        if not _comes_first(heap[child], row, key):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = row
    return True


@compiled(boolean(int64, READ_I64, READ_I32, READ_F64, float64[::1], READ_BOOL))
def _brings_category(row, start, value, worth, still, is_category):
    for entry in range(start[row], start[row + 1]):
        code = value[entry]
        if is_category[code] and still[code] == worth[code]:
            return True
    return False


@compiled(
    boolean(
        int64, float64, float64, float64[::1], float64[::1], READ_I64, READ_I32, float64[::1],
        float64[::1],
    )
)  # fmt: skip
def _put_key(
    row, gain_weight, relevance_weight, relevance, chance, start, value, still, key
):  # fmt: skip
    """Write what the row is worth now; return whether that is less than what was written."""
    gain = chance[row] * open_points(row, start, value, still)
    now = gain_weight * gain + relevance_weight * relevance[row]
    has_shrunk = now < key[row]
    key[row] = now
    return has_shrunk


@compiled(int64(float64, float64[::1], boolean[::1], int64[::1]))
def _heap_of(border, key, is_taken, heap):
    """Make a heap of the rows that are worth as much as the border; return how many they are."""
    filled = 0
    for row in range(len(key)):
        if key[row] >= border and not is_taken[row]:
            heap[filled] = row
            filled += 1
    for at in range(filled // 2 - 1, -1, -1):
        _sift_down(heap, at, filled, key)
    return filled


@compiled(
    int64(
        float64, float64, float64, float64[::1], float64[::1], READ_I64, READ_I32, READ_F64,
        READ_MATRIX_I64, READ_MATRIX_I64, READ_BOOL, int64, float64[::1],
        float64[::1], float64[::1], int64[::1], int64[:, ::1], boolean[::1], int64[::1], int64[::1],
    )
)  # fmt: skip
def _greedy(
    gain_weight, relevance_weight, border, relevance, chance, start, value, worth, group,
    limit, is_category, least_new, alone, still, key, heap, shown, is_taken, picks, held,
):  # fmt: skip
    """Write a slate by descending weighted sum of gain and relevance; return its length.

    Gains only shrink as rows are taken, so that a row whose stale key comes first and turns out to
    be right is the best one (Minoux 1978). What the quotas shut out comes back where the slate
    would be short, those in the way being given up, the last one rather than those before it: it
    has as many rows as there are, and n at most.

    Parameters
    ----------
    border
        Rows that are worth less than this are left aside until no other is left: any number gives
        the same slate, one that most rows do not reach gives it sooner.
    relevance
        (C,) descending: the probability of each row, discounted.
    alone
        The gain of each row alone.
    held
        (2^Q,) receives how many rows there are once each set of quotas was given up (`has_room`).

    The others are those of `widen`, and memory.
    """
    still[:] = worth
    shown[:] = 0
    is_taken[:] = False
    rows, n, count = len(relevance), len(picks), 0
    for row in range(rows):
        key[row] = gain_weight * alone[row] + relevance_weight * relevance[row]
    for _ in range(min(least_new, n)):
        best = -1
        for given_up in range(len(held)):
            for row in range(rows):
                if is_taken[row] or not has_room(row, given_up, group, limit, shown):
                    continue
                if not _brings_category(row, start, value, worth, still, is_category):
                    continue
                _put_key(
                    row, gain_weight, relevance_weight, relevance, chance, start, value, still, key
                )
                if best < 0 or key[row] > key[best]:
                    best = row
            if best >= 0:
                break
        if best < 0:
            break
        count = _take(best, count, chance, start, value, group, still, shown, is_taken, picks)
    for given_up in range(len(held)):
        filled = _heap_of(border, key, is_taken, heap) if count < n else 0
        while count < n:
            if border > -np.inf and (filled == 0 or key[heap[0]] < border):
                border = -np.inf
                filled = _heap_of(border, key, is_taken, heap)
            if filled == 0:
                break
            row = heap[0]
            if has_room(row, given_up, group, limit, shown):
                if _put_key(
                    row, gain_weight, relevance_weight, relevance, chance, start, value, still, key
                ):
                    _sift_down(heap, 0, filled, key)
                    continue
                count = _take(
                    row, count, chance, start, value, group, still, shown, is_taken, picks
                )
            filled -= 1
            heap[0] = heap[filled]
            _sift_down(heap, 0, filled, key)
        held[given_up] = count
    count = 0
    for row in range(rows):
        if is_taken[row]:
            picks[count] = row
            count += 1
    return count


@compiled(float64(float64, int64[::1], int64, float64[::1], float64[::1]))
def _border_of(rate, picks, count, gains, relevance):
    """Return what most rows of the next slate are worth at least, judged from those of the last."""
    least = np.inf
    for place in range(count):
        least = min(least, gains[place] + rate * relevance[picks[place]])
    return _NEARLY * least if count == len(picks) else -np.inf


@compiled(float64(float64[::1], float64[::1]))
def _rate_of_line(low, high):
    """Return the points a unit of relevance between two slates; −1: no slate lies between.

    Parameters
    ----------
    low, high
        (3,) the rate that found a slate, its relevance and its gain.
    """
    gained, given_up = low[2] - high[2], high[1] - low[1]
    return gained / given_up if gained > 0.0 and given_up > 0.0 else -1.0


@compiled(float64(float64[::1], float64[::1], float64, float64))
def _rate_giving_up(before, last, most_relevance, share):
    """Return the rate at which a slate gives up a share of the relevance; −1: nothing tells.

    What is given up falls with a power of the rate, as between the last two slates; the second
    where these do not tell: near the likeliest slate gains grow with the root of what it costs.
    """
    lost, lost_before = most_relevance - last[1], most_relevance - before[1]
    if lost <= 0.0 or last[0] <= 0.0:
        return -1.0
    power = 2.0
    if lost_before > 0.0 and before[0] > 0.0 and before[0] != last[0]:
        power = np.log(lost_before / lost) / np.log(last[0] / before[0])
    aim = (1.0 - 0.5 * _CLOSE) * share * most_relevance
    return last[0] * (lost / aim) ** (1.0 / min(max(power, 0.5), 4.0))


@compiled(float64(float64, float64, float64))
def _rate_between(low, high, steepest):
    """Return a rate between two, the middle of their logarithms, where these are no ends."""
    top = high
    if top == np.inf:
        top = _FAR * low if low > 0.0 else steepest
    return np.sqrt(max(low, top / _FAR) * top)


@compiled(
    types.Tuple((float64, boolean))(
        float64[::1], float64[::1], float64[::1], float64[::1], float64, float64, float64, boolean,
        boolean,
    )
)  # fmt: skip
def _next_rate(
    low, high, before, last, most_relevance, share, steepest, is_known, was_of_line
):  # fmt: skip
    """Return the rate that is tried next, and whether it is that of the line.

    −1: nothing is left to be tried.

    Parameters
    ----------
    low, high
        The slates on both sides (`_rate_of_line`), one of them the last.
    share
        Of the relevance, that the floor gives up.
    steepest
        The most points that any row has for its relevance.
    is_known
        Whether the last slate is no other than that of its side before.
    was_of_line
        Whether the last rate was that of the line.
    """
    if not is_known and before[0] < np.inf:
        rate = _rate_giving_up(before, last, most_relevance, share)
        if low[0] < rate < high[0]:
            return rate, False
    if not (is_known and was_of_line):
        rate = _rate_of_line(low, high)
        if low[0] < rate < high[0]:
            return rate, True
    if high[0] <= _APART * low[0]:
        return -1.0, False
    rate = _rate_between(low[0], high[0], steepest)
    return (rate if low[0] < rate < high[0] else -1.0), False


@compiled(
    int64(
        READ_F64, READ_I64, READ_I32, READ_F64, READ_MATRIX_I64, READ_MATRIX_I64, int64,
        READ_BOOL, int64, float64, float64, float64, int64, float64, float64,
        int64[::1], float64[::1], int64[::1], float64[::1], float64[::1],
    )
)  # fmt: skip
def widen(
    probability, start, value, worth, group, limit, groups,
    is_category, least_new, floor, intensity, least_rate, steps, outside_probability,
    outside_points, best, gains, likeliest, likeliest_gains, figures,
):  # fmt: skip
    """Write the slate of most gain found whose relevance keeps the floor; return its length.

    What relevance counts in points is searched between the least rate and endlessly much, which is
    the likeliest slate and keeps any floor: where what is given up, as a power of the rate, comes
    to what the floor allows, on the line between the slates on both sides where that tells nothing
    new, and in the middle where neither does. The relevance of a row is its probability, discounted
    as in the likeliest slate, beyond that as at its last place: what stands high costs more of a
    slate's relevance than what stands low.

    Parameters
    ----------
    probability
        (C,) descending, from 0 to 1.
    start, value, worth
        Values of each row, and the points to be earned with each value.
    group, limit, groups
        (Q, C) quotas: each row's group, the most of that group, and how many groups there are.
    is_category, least_new
        Which values are categories, and how many new ones the slate must have where it can.
    least_rate
        Points that a booking counts beside those that it earns, at least; 0: the floor alone holds.
    steps
        Of the search, at most.
    outside_probability, outside_points
        The most that candidates outside the pool have.
    best, gains
        Room for the slate: rows in order, and what each adds to the gain of those before it, at
        intensity 1.
    likeliest, likeliest_gains
        The same for the likeliest slate.
    figures
        Room for: relevance, that of the likeliest slate, gain at the intensity, its bound, gain of
        the likeliest slate.
    """
    rows, n = len(probability), len(best)
    chance, alone, relevance_of_row = np.empty(rows), np.empty(rows), np.empty(rows)
    still, everything = worth.copy(), worth.copy()
    steepest = 0.0
    for row in range(rows):
        chance[row] = probability[row]
        if intensity != 1.0:
            chance[row] = -np.expm1(intensity * np.log1p(-probability[row]))
        alone[row] = chance[row] * open_points(row, start, value, worth)
        relevance_of_row[row] = probability[row] / np.log2(max(min(row, n - 1), 0) + 2.0)
        if probability[row] > 0.0:
            steepest = max(steepest, alone[row] / relevance_of_row[row])
        for entry in range(start[row], start[row + 1]):
            everything[value[entry]] *= 1.0 - chance[row]
    outside = -np.expm1(intensity * np.log1p(-outside_probability))
    key, marginal, kept = np.empty(rows), np.empty(rows), np.empty(n)
    heap = np.empty(rows, dtype=np.int64)
    shown = np.empty((len(group), groups), dtype=np.int64)
    is_taken = np.empty(rows, dtype=np.bool_)
    picks = np.empty(n, dtype=np.int64)

    least = least_rate * intensity
    rate, low, high, last, before = np.inf, np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    is_of_line, most_possible = False, np.inf
    most_gain, most_relevance = -1.0, 0.0
    length, border = 0, -np.inf
    held = np.empty(1 << len(group), dtype=np.int64)
    least_held = held.copy()
    for step in range(steps + 2):
        count = _greedy(
            0.0 if step == 0 else 1.0, 1.0 if step == 0 else rate, border, relevance_of_row, chance,
            start, value, worth, group, limit, is_category, least_new, alone, still, key, heap,
            shown, is_taken, picks, held,
        )  # fmt: skip
        relevance = relevance_of(probability, picks, count)
        gain = gain_of(chance, picks, count, start, value, worth, still, kept)
        if step == 0:
            most_relevance, length = relevance, count
            least_held[:] = held
            likeliest[:count] = picks[:count]
            figures[4] = gain
        excess = (relevance / most_relevance if most_relevance > 0.0 else 1.0) - floor
        is_allowed = excess >= 0.0 and (held >= least_held).all()
        if is_allowed and gain > most_gain:
            best[:count] = picks[:count]
            figures[0], figures[2] = relevance, gain
            most_gain = gain
        is_last = floor >= 1.0 or steepest == 0.0
        if step == 1 or is_last:
            # The slate of the least rate is nearest the optimum, which makes the bound tight.
            figures[3] = bound_of(
                picks, count, chance, start, value, worth, outside, outside_points,
                still, everything, marginal, gains, n,
            )  # fmt: skip
        is_close = step == 1 or (step > 1 and excess <= _CLOSE * (1.0 - floor))
        if is_last or (is_allowed and is_close):
            break
        if step > 0:
            needed = floor * most_relevance
            possible = gain + rate * (relevance - needed)
            # No slate that keeps the floor has more, were this the best slate of its rate. Where
            # quotas led it astray the best so far is better, and it tells nothing.
            if possible >= most_gain + rate * (figures[0] - needed):
                most_possible = min(most_possible, possible)
            added = most_gain - figures[4]
            if added > 0.0 and added >= (1.0 - _CLOSE) * (most_possible - figures[4]):
                break
        end = high if is_allowed else low
        is_known = step > 1 and relevance == end[1] and gain == end[2]
        before[:] = last
        last[0], last[1], last[2] = rate, relevance, gain
        end[:] = last
        if step == 0:
            rate = least
            continue
        rate, is_of_line = _next_rate(
            low, high, before, last, most_relevance, 1.0 - floor, steepest, is_known, is_of_line
        )
        if rate < 0.0:
            break
        border = _border_of(rate, picks, count, kept, relevance_of_row)
    figures[1] = most_relevance
    gain_of(probability, best, length, start, value, worth, still, gains)
    gain_of(probability, likeliest, length, start, value, worth, still, likeliest_gains)
    return length
