"""What a probability expects users to find in lists: no draw of users moves it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.rows import rows_of
from training.slate_pools import Pools


@dataclass(frozen=True)
class Expectation:
    """The probability of each user's candidates, E of them, to be looked up; arrays (E,)."""

    items: int
    pair: NDArray[np.int64]
    """User times `items` plus item, ascending."""
    chance: NDArray[np.float64]

    @classmethod
    def of(cls, pools: Pools, probability: NDArray[np.float64], items: int) -> "Expectation":
        """Return that of pools of so many items, with the probability (E,) of each candidate."""
        pair = pools.user * items + pools.item
        order = np.argsort(pair)
        return cls(items, pair[order], probability[order])

    def dcg(self, ranked: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the expected sum (n,) of what lists (n, k) of candidates find, discounted.

        A place j counts 1 / log2(j + 1), from 1 on; -1 is an empty one.
        """
        users, k = ranked.shape
        pair = np.arange(users)[:, np.newaxis] * self.items + ranked
        row = rows_of(self.pair, np.where(ranked >= 0, pair, -1))
        chance = np.where(row >= 0, self.chance[row], 0.0)
        return np.asarray(chance @ (1.0 / np.log2(np.arange(2, k + 2))))
