"""Figures of pairs of visits and items, summed over each visit and over each person's visits."""

import numpy as np
from numpy.typing import NDArray

from training.replays import Pairs


def by_visit(pairs: Pairs, figure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of a figure of pairs (P,) over each visit (W,), the mean that of all."""
    visits = len(pairs.visit_drawn)
    summed = np.bincount(pairs.visit, figure / pairs.drawn, minlength=visits).astype(np.float64)
    return np.asarray(summed * visits / float((1.0 / pairs.visit_drawn).sum()))


def by_person(
    pairs: Pairs, user: NDArray[np.integer], figure: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the same over all visits of each person (U,); the mean stays that of a visit.

    The visits of one person are no independent samples.

    Parameters
    ----------
    user
        (W,) whose each visit is.
    """
    summed = np.bincount(np.unique(user, return_inverse=True)[1], by_visit(pairs, figure))
    return np.asarray(summed * len(summed) / len(user), dtype=np.float64)
