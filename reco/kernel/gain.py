"""The expected gain of a slate, and what the gain of no slate exceeds.

Rows are candidates; a row earns the points of its values, those not earned by rows before it, with
its chance to be booked.
"""

import numpy as np
from numba import float64, int64

from reco.kernel.compiled import READ_F64, READ_I32, READ_I64, compiled


@compiled(float64(int64, READ_I64, READ_I32, READ_F64))
def open_points(row, start, value, still):
    """Return the points of a row that are still to be earned."""
    total = 0.0
    for entry in range(start[row], start[row + 1]):
        total += still[value[entry]]
    return total


@compiled(float64(READ_F64, int64[::1], int64))
def relevance_of(probability, picks, count):
    """Return the discounted sum of the probabilities of rows in order (METRICS, 1)."""
    total = 0.0
    for place in range(count):
        total += probability[picks[place]] / np.log2(place + 2.0)
    return total


@compiled(
    float64(READ_F64, int64[::1], int64, READ_I64, READ_I32, READ_F64, float64[::1], float64[::1])
)
def gain_of(chance, picks, count, start, value, worth, still, gains):
    """Return the expected gain of the picks, with what each adds; `still` is what they leave."""
    still[:] = worth
    total = 0.0
    for place in range(count):
        row = picks[place]
        gains[place] = chance[row] * open_points(row, start, value, still)
        total += gains[place]
        for entry in range(start[row], start[row + 1]):
            still[value[entry]] *= 1.0 - chance[row]
    return total


@compiled(
    float64(
        int64[::1], int64, float64[::1], READ_I64, READ_I32, READ_F64, float64, float64,
        float64[::1], float64[::1], float64[::1], float64[::1], int64,
    )
)  # fmt: skip
def bound_of(
    picks, count, chance, start, value, worth, outside_chance, outside_points,
    still, everything, marginal, kept, n,
):  # fmt: skip
    """Return what the gain of no set of `n` exceeds, judged from the slate `picks`.

    For a submodular G and sets S and T, G(T) is at most G(S), plus what each row of T alone adds to
    S, minus what each row of S that T lacks adds to the rest of both (Nemhauser, Wolsey and Fisher
    1978, proposition 2.1); the last is at least what it adds to all the others together.

    Parameters
    ----------
    picks
        The first `count` of them: n rows, or all of fewer.
    outside_chance, outside_points
        The most that candidates outside the pool have.
    everything
        By value: points to be earned times the chance that nothing in the pool earns them.
    """
    total = gain_of(chance, picks, count, start, value, worth, still, kept)
    rows = len(chance)
    for row in range(rows):
        marginal[row] = chance[row] * open_points(row, start, value, still)
    unseen = (1.0 - outside_chance) ** n
    for place in range(count):
        row = picks[place]
        marginal[row] = 0.0
        kept[place] = 0.0
        if chance[row] < 1.0:
            odds = chance[row] / (1.0 - chance[row])
            kept[place] = unseen * odds * open_points(row, start, value, everything)
    size = min(n, rows)
    added = np.sort(np.partition(marginal, rows - size)[rows - size :]) if size else marginal
    kept[:count].sort()
    outside = outside_chance * outside_points
    for place in range(n):
        best = max(outside, added[size - 1 - place] if place < size else 0.0)
        total += max(0.0, best - (kept[place] if place < count else 0.0))
    return total
