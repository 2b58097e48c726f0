"""What is known of a user, as a model sees it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.interactions import strongest


@dataclass(frozen=True)
class History:
    """The items that a user showed interest in, and how much."""

    rows: NDArray[np.int32]
    """(n,) sorted unique rows of the model's items."""
    weights: NDArray[np.float32]
    """(n,) positive, in bookings (`features.interactions.EVENT_WEIGHTS`)."""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> "History":
        """Return the history of events in any order; unknown items (row -1) are left out."""
        known = rows >= 0
        unique, strength = strongest(rows[known], weights[known])
        return cls(unique.astype(np.int32), strength)

    def merged(self, other: "History") -> "History":
        """Return both histories as one, each item with its strongest interest."""
        return History.of(
            np.concatenate([self.rows, other.rows]), np.concatenate([self.weights, other.weights])
        )
