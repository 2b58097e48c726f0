"""A plain model of rewards for the doubly robust estimate; it never sees what it speaks of."""

import numpy as np
from numpy.typing import NDArray

_PRIOR_ROWS = 20.0
"""So many rows of the mean of all stand beside those of a group."""


def cross_fitted_means(
    group: NDArray[np.integer], reward: NDArray[np.float64], groups: int, folds: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each row's fold, and for each fold the mean reward of every group in the others.

    Means are drawn towards that of all groups, which is what an unseen group gets. Rows take turns
    in the folds; cross-fitting is Chernozhukov et al. 2018, definition 3.1.

    Parameters
    ----------
    group
        (N,) from 0 to `groups` - 1: of what was shown.
    reward
        (N,)

    Returns
    -------
    (N,) and (folds, groups)
    """
    fold = np.arange(len(group)) % folds
    cell = (fold, group)
    total, count = np.zeros((folds, groups)), np.zeros((folds, groups))
    np.add.at(total, cell, reward)
    np.add.at(count, cell, 1.0)
    total, count = total.sum(axis=0) - total, count.sum(axis=0) - count
    overall = total.sum(axis=1) / np.maximum(count.sum(axis=1), 1.0)
    return fold, (total + _PRIOR_ROWS * overall[:, np.newaxis]) / (count + _PRIOR_ROWS)
