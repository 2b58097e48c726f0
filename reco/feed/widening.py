"""The slate that widens the horizon most while it keeps its relevance (docs/horizon.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import ValueTable
from reco.errors import InvalidInput
from reco.feed.slate import Quota, as_matrices
from reco.kernel import widening
from reco.kernel.pooling import gather_values, likeliest_of_values

STEPS = 10
"""Of the search between gain and relevance, at most; half of them are usual."""


@dataclass(frozen=True)
class Values:
    """What each of C candidates can add to a horizon: values that are not met, numbered anew."""

    start: NDArray[np.int64]
    """(C + 1,) bounds of each candidate's entries in `value`."""
    value: NDArray[np.int32]
    """(E,) numbers from 0 to W."""
    worth: NDArray[np.float64]
    """(W,) points times the probability that no page before has earned them."""
    code: NDArray[np.int64]
    """(W,) the value's code in the table that it was taken from."""


@dataclass(frozen=True)
class Pool:
    """The candidates of one slate, C of them, by descending probability; ties are broken."""

    probability: NDArray[np.float64]
    """(C,) that each is booked if shown."""
    values: Values
    quotas: Sequence[Quota] = ()
    outside_probability: float = 0.0
    """The most that a candidate has that is not in the pool; 0: there is none."""
    outside_points: float = 0.0
    """The most points that such a candidate can earn."""


@dataclass(frozen=True)
class Aim:
    """What a slate is asked to be."""

    n: int
    floor: float
    """Share of the likeliest slate's relevance that is kept, from 0 to 1; 1: that slate itself."""
    intensity: float = 1.0
    """Slates like this one that the person is expected to see."""
    least_new_categories: int = 0
    """Categories not met that the slate must have, as many as the pool has."""
    points_a_booking: float = 0.0
    """What an expected booking at the first place counts beside the points that it earns, for
    whomever: where little is to be had for relevance, less of it is given up than the floor allows.
    0: all that the floor allows."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.floor <= 1.0:
            raise InvalidInput("floor", f"{self.floor} is no share", ["0.0 to 1.0"])
        if not self.intensity > 0.0:
            raise InvalidInput("intensity", f"{self.intensity} is not positive")
        if not 0.0 <= self.points_a_booking < float("inf"):
            raise InvalidInput(
                "points_a_booking", f"{self.points_a_booking} is negative or endless"
            )
        if self.n < 0 or self.least_new_categories < 0:
            raise InvalidInput("n", "numbers of offers and categories are not negative")


@dataclass(frozen=True)
class Widened:
    """A slate, and how good it is by its own measure."""

    chosen: NDArray[np.int64]
    """(n,) rows of the pool, in the order shown: each one's rank by probability alone."""
    relevance_kept: float
    """Discounted sum of probabilities over that of the likeliest slate, 1 at most; the floor, at
    least, of what is found."""
    gains: NDArray[np.float64]
    """(n,) points that each is expected to add to those before it, at intensity 1."""
    gain: float
    """Expected points of the slate, at the intensity asked for."""
    bound: float
    """No slate of so many candidates, with or without floor and quotas, has a higher gain."""

    @property
    def gain_once(self) -> float:
        """Expected points of the slate shown once."""
        return float(self.gains.sum())


def widen(pool: Pool, aim: Aim, is_category: NDArray[np.bool_] | None = None) -> Widened:
    """Return the first of `widen_and_likeliest`."""
    return widen_and_likeliest(pool, aim, is_category)[0]


def likeliest(pool: Pool, aim: Aim, is_category: NDArray[np.bool_] | None = None) -> Widened:
    """Return the second of `widen_and_likeliest`."""
    return widen_and_likeliest(pool, aim, is_category)[1]


def widen_and_likeliest(
    pool: Pool, aim: Aim, is_category: NDArray[np.bool_] | None = None
) -> tuple[Widened, Widened]:
    """Return the slate of most expected gain found that keeps the floor, and the likeliest one.

    METRICS' objective: greedy choice on a weighted sum of gain and discounted probability, the
    weight found by search. Quotas hold while others can take the place, then they relax.
    The likeliest slate that the floor refers to is chosen under the same quotas and demands.

    Parameters
    ----------
    is_category
        (W,) which of `pool.values` are categories; needed for `least_new_categories` alone.

    Raises
    ------
    InvalidInput
        Categories are demanded, but not told from other values.
    """
    values = pool.values
    if is_category is None:
        if aim.least_new_categories:
            raise InvalidInput("least_new_categories", "needs to know which values are categories")
        is_category = np.zeros(len(values.worth), dtype=np.bool_)
    count = len(pool.probability)
    group, limit, groups = as_matrices(pool.quotas, count)
    best, first = np.empty((2, aim.n), dtype=np.int64)
    gains, first_gains, figures = np.empty(aim.n), np.empty(aim.n), np.zeros(5)
    length = widening.widen(
        pool.probability, values.start, values.value, values.worth, group, limit, groups,
        is_category, aim.least_new_categories, aim.floor,
        float(aim.intensity), float(aim.points_a_booking), STEPS, pool.outside_probability,
        pool.outside_points, best, gains, first, first_gains, figures,
    )  # fmt: skip
    relevance, most_relevance, gain, bound, first_gain = figures.tolist()
    kept = share_kept(relevance, most_relevance)
    return (
        Widened(best[:length], kept, gains[:length], gain, bound),
        Widened(first[:length], 1.0, first_gains[:length], first_gain, bound),
    )


def share_kept(relevance: float, most: float) -> float:
    """Return the share of the likeliest slate's relevance that is kept.

    That slate is greedy, and several quotas may make it miss the most: then all is kept, no more.
    """
    return min(1.0, relevance / most) if most > 0.0 else 1.0


@dataclass(frozen=True)
class ValueScratch:
    """Memory for `values_of_rows`, for a table of V values; for one request at a time."""

    share: NDArray[np.float64]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, table: ValueTable) -> "ValueScratch":
        """Return memory for the values of `table`."""
        return cls(np.ones(len(table.points)), np.full(len(table.points), -1, dtype=np.int32))


def values_of_rows(
    table: ValueTable,
    rows: NDArray[np.int64],
    changed: NDArray[np.int64],
    unmet: NDArray[np.float64],
    scratch: ValueScratch,
) -> Values:
    """Return what the offers at `rows` of the table can add.

    Parameters
    ----------
    changed, unmet
        (M,) codes, and the share of their points that is still to be earned: 0 for what was met,
        the probability that nothing was booked for what pages before have shown.
    """
    most = int((table.start[rows + 1] - table.start[rows]).sum())
    start = np.empty(len(rows) + 1, dtype=np.int64)
    value, code = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int64)
    worth = np.empty(most)
    count = gather_values(
        rows, table.start, table.value, table.points, changed, unmet, scratch.share,
        scratch.place, start, value, code, worth,
    )  # fmt: skip
    return Values(start, value[: start[-1]], worth[:count], code[:count])


def pool_rows(
    probability: NDArray[np.float64],
    table: ValueTable,
    is_wanted: NDArray[np.bool_],
    most: int,
    of_each: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rows of a pool: the likeliest, and the likeliest of each wanted value.

    Parameters
    ----------
    probability
        (R,) of all candidates, by row of the table; NaN: no candidate.
    is_wanted
        (V,) values not met whose likeliest candidates must have their chance.
    most, of_each
        How many of the likeliest, and of each such value's.

    Returns
    -------
    Rows by descending probability, ties by row, and which are of the likeliest of a wanted value.
    """
    comparable = np.where(np.isnan(probability), -1.0, probability)
    rows = np.arange(len(probability))
    if len(probability) > most:
        border = np.partition(comparable, len(probability) - most)[len(probability) - most]
        rows = np.flatnonzero(comparable >= border)
    rows = rows[np.argsort(-comparable[rows], kind="stable")][:most]
    best = np.full((len(table.points), of_each), -1, dtype=np.int64)
    if of_each:
        likeliest_of_values(probability, table.start, table.value, is_wanted, of_each, best)
    rows = np.union1d(rows, best[is_wanted].ravel())
    rows = rows[rows >= 0]
    rows = rows[comparable[rows] >= 0.0]
    rows = rows[np.argsort(-comparable[rows], kind="stable")]
    return rows, np.isin(rows, best[is_wanted])
