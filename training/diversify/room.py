"""What a list that grows may still take while its quotas hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.feed.slate import Quota


@dataclass(frozen=True)
class Room:
    """Of C candidates, those that are neither taken nor of a group that is full."""

    is_free: NDArray[np.bool_]
    """(C,)"""
    quotas: Sequence[Quota]
    taken: Sequence[NDArray[np.int64]]
    """Of each quota, how many of each group are taken."""

    @classmethod
    def empty(cls, count: int, quotas: Sequence[Quota]) -> "Room":
        """Return that of a list that has nothing yet."""
        taken = [np.zeros(quota.code.max(initial=-1) + 1, dtype=np.int64) for quota in quotas]
        return cls(np.ones(count, dtype=bool), quotas, taken)

    def take(self, row: int) -> None:
        """Take a candidate, and with it what its groups have no more room for."""
        self.is_free[row] = False
        for quota, taken in zip(self.quotas, self.taken, strict=True):
            group = quota.code[row]
            taken[group] += 1
            if taken[group] >= quota.limit[row]:
                self.is_free[quota.code == group] = False
