"""Ids and rows: where each id stands, where runs begin."""

import numpy as np
from numpy.typing import NDArray


def rows_of(sorted_ids: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each of `ids` in `sorted_ids`, −1 where it is not there."""
    if not len(sorted_ids):
        return np.full(len(ids), -1, dtype=np.int64)
    rows = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.where(sorted_ids[rows] == ids, rows, -1).astype(np.int64)


def run_starts(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return a mask of the places where a new run of equal values begins."""
    return np.append(np.ones(min(1, len(values)), dtype=bool), values[1:] != values[:-1])


def ragged_rows(
    start: NDArray[np.int64], groups: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the member rows of `groups`, one after the other, and for each its place in `groups`.

    >>> ragged_rows(np.array([0, 2, 2, 5]), np.array([2, 0]))
    (array([2, 3, 4, 0, 1]), array([0, 0, 0, 1, 1]))
    """
    counts = start[groups + 1] - start[groups]
    owner = np.repeat(np.arange(len(groups)), counts)
    before = np.cumsum(counts) - counts
    within = np.arange(len(owner)) - before[owner]
    return start[groups][owner] + within, owner
