"""Which items are near each other: a sparse matrix that a model adds to what people say."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.spatial import KDTree

_SCALES = 5.0
"""Beyond so many scales, where the kernel is below .007, nothing is near."""
_CROWDING_POWER = 0.25


def nearness(ball: NDArray[np.float64], scale_m: float, most: int) -> "csr_array[np.float32]":
    """Return how near items are: `exp(-d / scale)`, less where they are many.

    An entry is divided by (c c') ** .25, c being 1 and the sum of an item's kernel: of a street of
    restaurants each is near all others, which says little of it.

    Parameters
    ----------
    ball
        (I, 3) points in metres, NaN where the place of an item is not known.
    scale_m
        Distance at which the kernel is 1 / e.
    most
        Nearest items kept of each.

    Returns
    -------
    (I, I) float32 without a diagonal; nothing where a place is not known.
    """
    items = len(ball)
    placed = np.flatnonzero(~np.isnan(ball).any(axis=1))
    if len(placed) < 2:
        nothing = np.empty(0, dtype=np.int64)
        return csr_array((nothing.astype(np.float32), (nothing, nothing)), shape=(items, items))
    near = min(most + 1, len(placed))
    found = KDTree(ball[placed]).query(ball[placed], near, distance_upper_bound=_SCALES * scale_m)
    distance_m, other = np.asarray(found[0]), np.asarray(found[1])
    row = np.repeat(np.arange(len(placed)), near).reshape(distance_m.shape)
    is_pair = np.isfinite(distance_m) & (other != row)
    kernel = np.exp(-distance_m[is_pair] / scale_m)
    pairs = placed[row[is_pair]], placed[other[is_pair]]
    matrix = csr_array((kernel, pairs), shape=(items, items))
    crowding = diags_array((1.0 + matrix.sum(axis=1)) ** -_CROWDING_POWER)
    return csr_array(crowding @ matrix @ crowding).astype(np.float32)
