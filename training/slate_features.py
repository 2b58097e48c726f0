"""What tells how likely a person is to book an offer of a kind that is new to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.metrics.pairwise import haversine_distances

from features.interactions import interaction_matrix
from training.beyond import as_matrix
from training.slate_pools import Pools
from training.slate_tasks import SlateTask

_EARTH_M = 6_371_008.8
_ATTRIBUTES = ("category", "subcategory", "genre", "venue_type")
_SHRINKAGE = 20.0
"""Bookings of a category's people at which a bridge from it counts half."""
_OPENNESS_PRIOR = (1.0, 8.0)
"""First times, and bookings, that everybody is credited with."""


@dataclass(frozen=True)
class Population:
    """What the past says of everybody."""

    bridge: NDArray[np.float64]
    """(K, K) log of how much likelier people of a category (row) have met another, shrunk."""
    popularity: NDArray[np.float64]
    """(I,) log of the users of each item, and one."""


def population_of(slates: SlateTask) -> Population:
    """Return what the past of `slates` says of everybody."""
    categories = slates.times_met[:, slates.items.codes_of("category")]
    has_met = (categories > 0).astype(np.float64)
    together = (has_met.T @ has_met).toarray()
    people, users = np.diag(together), max(1, has_met.shape[0])
    share = (people + 1.0) / (users + 1.0)
    bridge = np.log((together + _SHRINKAGE * share) / (people[:, np.newaxis] + _SHRINKAGE) / share)
    matrix = interaction_matrix(slates.part.past)
    known = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return Population(bridge, np.log1p(known.astype(np.float64)))


def names(slates: SlateTask) -> list[str]:
    """Return the names of the features: the first four are of the model, the others of the pair."""
    of_attributes = [
        f"{what} of {attribute}"
        for attribute in _ATTRIBUTES
        if len(slates.items.codes_of(attribute))
        for what in ("met", "share", "new")
    ]
    return [
        "score", "rank", "second score", "second rank", "popularity", "bookings",
        *of_attributes, "openness", "bridge", "nearest_m", "median_m",
    ]  # fmt: skip


def features_of(
    slates: SlateTask, pools: Pools, population: Population, users: slice
) -> NDArray[np.float32]:
    """Return the features (E, F) of the pools of some users; NaN is unknown."""
    first, last = pools.start[users.start], pools.start[users.stop]
    item = pools.item[first:last]
    length = np.diff(pools.start[users.start : users.stop + 1])
    user = np.repeat(np.arange(len(length)), length)
    met = slates.times_met[slates.task.users[users]]
    items = as_matrix(slates.items)
    bookings = _bookings(slates, met)
    columns = [
        np.arcsinh(pools.score[first:last] * 100.0),
        _log_rank(pools.score[first:last], user),
        np.arcsinh(pools.second[first:last] * 100.0),
        _log_rank(pools.second[first:last], user),
        population.popularity[item],
        np.log1p(bookings)[user],
    ]
    for attribute in _ATTRIBUTES:
        code = slates.items.codes_of(attribute)
        if len(code):
            columns += _attribute_features(met[:, code], items[:, code], user, item, bookings)
    category = slates.items.codes_of("category")
    columns += _openness(met[:, category], bookings, user)
    columns.append(_bridges(met[:, category], items[:, category], population, user, item))
    columns += _distances(slates, user, item, users)
    return np.stack(columns, axis=1).astype(np.float32)


def _bookings(slates: SlateTask, met: "csr_array[np.float64]") -> NDArray[np.float64]:
    """Return how many bookings each user has: what any attribute counts at most."""
    counts: list[NDArray[np.float64]] = [
        np.asarray(met[:, slates.items.codes_of(attribute)].sum(axis=1))
        for attribute in {name for name, _ in slates.items.names}
    ]
    return np.max(counts, axis=0) if counts else np.zeros(met.shape[0])


def _attribute_features(
    met: "csr_array[np.float64]",
    items: "csr_array[np.float64]",
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    bookings: NDArray[np.float64],
) -> list[NDArray[np.float64]]:
    """Return how often the item's values were met, over all bookings, and how many are new."""
    count: NDArray[np.float64] = np.asarray(items.sum(axis=1))[item]
    times = (met @ items.T).toarray()[user, item]
    known = ((met > 0).astype(np.float64) @ items.T).toarray()[user, item]
    mean = np.divide(times, count, out=np.full(len(item), np.nan), where=count > 0)
    return [np.log1p(mean), mean / (bookings[user] + 1.0), count - known]


def _openness(
    met: "csr_array[np.float64]", bookings: NDArray[np.float64], user: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Return how probable the next category is a new one, by what was met once (Good 1953)."""
    times = met.toarray()
    once = np.count_nonzero(times == 1, axis=1).astype(np.float64)
    first_times, credit = _OPENNESS_PRIOR
    return [((once + first_times) / (bookings + credit))[user]]


def _bridges(
    met: "csr_array[np.float64]",
    items: "csr_array[np.float64]",
    population: Population,
    user: NDArray[np.int64],
    item: NDArray[np.int64],
) -> NDArray[np.float64]:
    has_met = (met > 0).astype(np.float64)
    lift = has_met @ population.bridge
    lift /= np.maximum(np.asarray(has_met.sum(axis=1)), 1.0)[:, np.newaxis]
    count = np.maximum(np.asarray(items.sum(axis=1)), 1.0)
    of_item = np.asarray(items @ lift.T).T
    return np.asarray(of_item[user, item] / count[item])


def _distances(
    slates: SlateTask, user: NDArray[np.int64], item: NDArray[np.int64], users: slice
) -> list[NDArray[np.float64]]:
    """Return logs of the distances to the nearest place of the history, and to the median one."""
    nearest, median = np.full(len(item), np.nan), np.full(len(item), np.nan)
    radians = np.radians(slates.place[:, ::-1])
    seen = slates.task.seen
    start = np.searchsorted(user, np.arange(users.stop - users.start + 1))
    for at, row in enumerate(slates.task.users[users]):
        there = radians[seen.indices[seen.indptr[row] : seen.indptr[row + 1]]]
        there = there[~np.isnan(there).any(axis=1)]
        span = slice(start[at], start[at + 1])
        here = radians[item[span]]
        known = ~np.isnan(here).any(axis=1)
        if not len(there) or not known.any():
            continue
        distance_m = haversine_distances(here[known], there) * _EARTH_M
        nearest[span][known] = np.log(distance_m.min(axis=1) + 100.0)
        median[span][known] = np.log(np.median(distance_m, axis=1) + 500.0)
    return [nearest, median]


def _log_rank(score: NDArray[np.float64], user: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log of the rank of each score among those of its user, from 1; NaN last."""
    order = np.lexsort((-score, user))
    rank = np.empty(len(score))
    first = np.searchsorted(user[order], user[order])
    rank[order] = np.log(np.arange(len(score)) - first + 1.0)
    return rank
