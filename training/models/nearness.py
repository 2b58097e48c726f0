"""Which items are near each other: a sparse matrix that a model adds to what people say."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.spatial import KDTree

_SCALES = 5.0
"""Beyond so many scales, where the kernel is below .007, nothing is near."""
_CROWDING_POWER = 0.25
_PIECE = 4_096
"""Items whose neighbours are found at once."""


def nearness(
    ball: NDArray[np.float64], is_met: NDArray[np.bool_], scale_m: float, most: int
) -> "csr_array[np.float32]":
    """Return how near items are: `exp(-d / scale)`, less where they are many.

    An entry is divided by (c c') ** .25, c being 1 and the sum of an item's kernel: of a street of
    restaurants each is near all others, which says little of it.

    Parameters
    ----------
    ball
        (I, 3) points in metres, NaN where the place of an item is not known.
    is_met
        (I,) whether anybody met the item: others are near nothing.
    scale_m
        Distance at which the kernel is 1 / e.
    most
        Nearest items kept of each.

    Returns
    -------
    (I, I) float32 without a diagonal; nothing where a place is not known.
    """
    items = len(ball)
    placed = np.flatnonzero(is_met & ~np.isnan(ball).any(axis=1)).astype(np.int32)
    tree, counts = KDTree(ball[placed]), np.zeros(items, dtype=np.int64)
    columns, kernels = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.float32)]
    for first in range(0, len(placed), _PIECE):
        piece = placed[first : first + _PIECE]
        kernel, other = _kernel(tree, ball[piece], scale_m, most, first)
        counts[piece] = np.count_nonzero(kernel, axis=1)
        columns.append(placed[other[kernel > 0]])
        kernels.append(kernel[kernel > 0])
    start = np.concatenate([[0], np.cumsum(counts)])
    matrix = csr_array((np.concatenate(kernels), np.concatenate(columns), start), (items, items))
    matrix.sort_indices()
    crowding = diags_array((1.0 + matrix.sum(axis=1)) ** -_CROWDING_POWER)
    return csr_array(crowding @ matrix @ crowding).astype(np.float32)


def _kernel(
    tree: KDTree, points: NDArray[np.float64], scale_m: float, most: int, first: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the kernel of the nearest of each point, 0 where there is none, and which they are.

    The points are those of the tree from `first` on; none is near itself.
    """
    wanted = np.arange(1, min(most + 1, tree.n) + 1)
    found = tree.query(points, wanted, distance_upper_bound=_SCALES * scale_m)
    distance_m, other = np.asarray(found[0]), np.asarray(found[1])
    kernel = np.exp(-distance_m / scale_m).astype(np.float32)
    kernel[other == np.arange(first, first + len(points))[:, np.newaxis]] = 0.0
    # Of very many at one point the point itself may not be among those found.
    kernel[np.count_nonzero(kernel, axis=1) > most, -1] = 0.0
    return kernel, other
