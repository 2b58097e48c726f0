"""What is known of a user, as a model sees it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.interactions import strongest

T = TypeVar("T")


@dataclass(frozen=True)
class History:
    """The items that a user showed interest in, and how much."""

    rows: NDArray[np.int32]
    """(n,) sorted unique rows of the model's items."""
    weights: NDArray[np.float32]
    """(n,) positive, in bookings (`features.interactions.EVENT_WEIGHTS`)."""

    _worked_out: dict[tuple[int, str], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, by: object, work_out: "Callable[[History], T]") -> "T":
        """Return what `work_out`, a method of `by`, makes of this history, made once."""
        key = id(by), work_out.__name__
        if key not in self._worked_out:
            self._worked_out[key] = work_out(self)
        made: T = self._worked_out[key]
        return made

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def evidence(self) -> float:
        """The interest shown in all, in bookings."""
        return float(self.weights.sum(dtype=np.float64))

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
