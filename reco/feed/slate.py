"""The slate by relevance: the likeliest candidates, no venue and no screen taking all of it."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MAX_A_VENUE = 3
"""Offers of one venue in a slate, while there are others."""
MAX_DIGITAL_SHARE = 0.25
"""Share of a slate that may be digital, while there are others."""


def relevance_order(
    probability: NDArray[np.float64], item_id: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the places of the candidates by descending probability, ties by item id."""
    return np.lexsort((item_id, -probability))


def choose(
    order: NDArray[np.int64], venue_row: NDArray[np.int64], digital_row: int, n: int
) -> list[int]:
    """Return up to `n` of `order`, as many as there are.

    The quotas (`MAX_A_VENUE`, `MAX_DIGITAL_SHARE`, the latter at least one) hold while others can
    take the place; then they relax, so that a quota never shortens a slate. The result keeps the
    order of `order`.

    >>> choose(np.array([0, 1, 2, 3, 4]), np.array([7, 7, 7, 7, 8]), digital_row=9, n=4)
    [0, 1, 2, 4]
    """
    within = list(_within_quotas(order, venue_row, digital_row, n))
    missing = n - len(within)
    if missing > 0:
        taken = set(within)
        spare = [place for place in range(len(order)) if place not in taken]
        within = sorted(within + spare[:missing])
    return [int(order[place]) for place in within]


def _within_quotas(
    order: NDArray[np.int64], venue_row: NDArray[np.int64], digital_row: int, n: int
) -> Iterator[int]:
    quota = {digital_row: max(1, int(n * MAX_DIGITAL_SHARE))}
    shown: Counter[int] = Counter()
    for place, venue in enumerate(venue_row[order].tolist()):
        if shown[venue] < quota.get(venue, MAX_A_VENUE):
            shown[venue] += 1
            yield place
            if shown.total() == n:
                return
