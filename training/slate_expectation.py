"""What a probability expects users to find in lists: no draw of users moves it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.horizon import ValueTable
from reco.catalogue.rows import rows_of
from reco.feed.rating import chance_within
from training.beyond import expected_gain
from training.slate_pools import Pools


def gain_name(intensity: float) -> str:
    """Return what G at an intensity is called, but for its `@k`."""
    return "expected_gain" if intensity == 1.0 else f"gain_at_{intensity:g}"


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
        return np.asarray(self.listed(ranked) @ (1.0 / np.log2(np.arange(2, ranked.shape[1] + 2))))

    def gain(
        self,
        ranked: NDArray[np.int32],
        items: ValueTable,
        met: "csr_array[np.float64]",
        intensity: float,
    ) -> NDArray[np.float64]:
        """Return G (n,) of lists that are seen `intensity` times; see `expected_gain`."""
        return expected_gain(ranked, chance_within(self.listed(ranked), intensity), items, met)

    def listed(self, ranked: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the chance (n, k) of what each place shows, 0 where it shows nothing."""
        pair = np.arange(len(ranked))[:, np.newaxis] * self.items + ranked
        row = rows_of(self.pair, np.where(ranked >= 0, pair, -1))
        return np.where(row >= 0, self.chance[row], 0.0)
