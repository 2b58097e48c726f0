"""How good a slate is that no search has found: one with a place left to chance, or cut short."""

import numpy as np
from numpy.typing import NDArray

from reco.feed.widening import Aim, Pool, Widened, share_kept
from reco.kernel.gain import bound_of, gain_of


def with_rows(
    found: Widened, pool: Pool, rows: NDArray[np.int64], likeliest: NDArray[np.int64], aim: Aim
) -> Widened:
    """Return another slate than was found, of no more `rows`, and how good it is.

    Parameters
    ----------
    likeliest
        Rows of the slate that relevance refers to.
    """
    best, values = relevance_of(pool, likeliest), pool.values
    chance = chance_within(pool.probability, aim.intensity)
    _, gains = _gain(pool, pool.probability, rows)
    gain, _ = _gain(pool, chance, rows)
    everything = values.worth.copy()
    row_of_entry = np.repeat(np.arange(len(chance)), np.diff(values.start))
    np.multiply.at(everything, values.value, 1.0 - chance[row_of_entry])
    bound = bound_of(
        rows, len(rows), chance, values.start, values.value, values.worth,
        float(chance_within(np.array(pool.outside_probability), aim.intensity)),
        pool.outside_points, np.empty(len(values.worth)), everything, np.empty(len(chance)),
        np.empty(len(rows)), len(rows),
    )  # fmt: skip
    return Widened(
        chosen=rows,
        relevance_kept=share_kept(relevance_of(pool, rows), best),
        gains=gains,
        gain=gain,
        # What no longer slate exceeds no shorter one does.
        bound=min(bound, found.bound),
    )


def discounts(n: int) -> NDArray[np.float64]:
    """Return what a probability counts at each of `n` places."""
    return np.asarray(1.0 / np.log2(np.arange(n) + 2.0))


def relevance_of(pool: Pool, rows: NDArray[np.int64]) -> float:
    """Return the discounted sum of the probabilities of `rows`, in order."""
    return float(pool.probability[rows] @ discounts(len(rows)))


def chance_within(probability: NDArray[np.float64], intensity: float) -> NDArray[np.float64]:
    """Return the chance of a booking where slates like this one are seen so many times."""
    with np.errstate(divide="ignore"):  # of what is certain
        return np.asarray(-np.expm1(intensity * np.log1p(-probability)))


def _gain(
    pool: Pool, chance: NDArray[np.float64], rows: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the expected points of `rows`, and what each adds to those before it."""
    values, gains = pool.values, np.empty(len(rows))
    total = gain_of(
        chance, rows, len(rows), values.start, values.value, values.worth,
        np.empty(len(values.worth)), gains,
    )  # fmt: skip
    return float(total), gains
