"""A model's items in the order of a catalogue, so that all of them are bounded in one sweep."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reco.model.coarse import CoarseFactors, coarse_user
from reco.model.history import History
from reco.model.latent import Latent
from reco.model.scorer import Bounds, Scorer


@dataclass(frozen=True)
class FactorBounds:
    """What says how much a score is at most, for one user (`bounding.most_log_odds`)."""

    items: CoarseFactors
    """Of I items."""
    length: NDArray[np.float32]
    """(I,) no less than the Euclidean norm of each item's factor; NaN where that is zero."""
    user: NDArray[np.int16]
    """(F,) and the following: `coarse_user`."""
    user_step: float
    slack_steps: float
    user_length: float
    """No less than the Euclidean norm of the user's factor."""

    def as_passed(self) -> tuple[object, ...]:
        """Return it as the compiled pass takes it."""
        of_user = self.user, self.user_step, self.slack_steps, self.user_length
        return self.items.code, self.items.step, self.length, *of_user


NO_FACTORS = (
    np.empty((0, 0), dtype=np.int8), *np.empty((2, 0), dtype=np.float32),
    np.empty(0, dtype=np.int16), 0.0, 0.0, 0.0,
)  # fmt: skip
"""The same of no item."""


class Arranged(Protocol):
    """Some items of a model, in the order of somebody else."""

    def at_most(
        self, history: History, most: NDArray[np.float32], room: NDArray[np.float32], /
    ) -> FactorBounds | None:
        """Tell what `Scorer.scores` of each of them is at most, NaN where it cannot say.

        Parameters
        ----------
        most, room
            One for each of them, and as much to work in.

        Returns
        -------
        What says it, and `most` is not written to; None: `most` says it.
        """
        ...


def arranged(scorer: Scorer, rows: NDArray[np.int32]) -> Arranged:
    """Return the items of `rows` (−1: unknown), to be scored again and again."""
    if isinstance(scorer, Latent):
        return _InOrder.of(scorer, rows)
    return _ByRow(scorer, rows)


@dataclass(frozen=True)
class _InOrder:
    scorer: Latent
    coarse: CoarseFactors
    length: NDArray[np.float32]

    @classmethod
    def of(cls, scorer: Latent, rows: NDArray[np.int32]) -> "_InOrder":
        return cls(scorer, scorer.coarse.take(rows), _lengths(scorer.item_factors)[rows])

    def at_most(
        self, history: History, most: NDArray[np.float32], _room: NDArray[np.float32], /
    ) -> FactorBounds | None:
        if not self.scorer.knows(history):
            most.fill(np.nan)
            return None
        user = self.scorer.user_factor(history)
        length = _NO_LESS * float(np.linalg.norm(user))
        return FactorBounds(self.coarse, self.length, *coarse_user(user), length)


_NO_LESS = 1.0 + 2.0**-20
"""What single precision loses of a length, and of the product of two."""


def _lengths(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Euclidean norm of each of `factors` (I, F), NaN for 0, and last NaN: of no row."""
    length = np.sqrt(np.einsum("if,if->i", factors, factors, dtype=np.float64))
    length[length == 0.0] = np.nan
    return np.append(_NO_LESS * length, np.nan).astype(np.float32)


@dataclass(frozen=True)
class _ByRow:
    scorer: Scorer
    rows: NDArray[np.int32]

    def at_most(
        self, history: History, most: NDArray[np.float32], room: NDArray[np.float32], /
    ) -> None:
        found = self.scorer.bounds(history, self.rows, Bounds(most, room))
        np.add(found.score, found.slack, out=most)
