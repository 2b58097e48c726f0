"""A model's items in the order of a catalogue, so that all of them are scored in one sweep."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reco.kernel.scoring import BLOCK, blocked_most
from reco.model.coarse import CoarseFactors
from reco.model.history import History
from reco.model.latent import Latent
from reco.model.scorer import Bounds, Scorer


class Arranged(Protocol):
    """Some items of a model, in the order of somebody else."""

    def at_most(
        self, history: History, most: NDArray[np.float32], room: NDArray[np.float32], /
    ) -> None:
        """Write what `Scorer.scores` of each of them is at most, NaN where it cannot say.

        Parameters
        ----------
        most, room
            One for each of them, and as much to work in.
        """
        ...


def arranged(scorer: Scorer, rows: NDArray[np.int32]) -> Arranged:
    """Return the items of `rows` (−1: unknown), to be scored again and again."""
    if isinstance(scorer, Latent):
        return _InOrder.of(scorer, scorer.coarse.take(rows))
    return _ByRow(scorer, rows)


@dataclass(frozen=True)
class _InOrder:
    scorer: Latent
    code: NDArray[np.int8]
    step: NDArray[np.float32]

    @classmethod
    def of(cls, scorer: Latent, coarse: CoarseFactors) -> "_InOrder":
        items, factors = coarse.code.shape
        blocks, more = -(-items // BLOCK), -factors % 4
        padded = np.zeros((blocks * BLOCK, factors + more), dtype=np.int8)
        padded[:items, :factors] = coarse.code
        lanes = padded.reshape(blocks, BLOCK, factors + more).transpose(0, 2, 1)
        return cls(scorer, np.ascontiguousarray(lanes), coarse.step)

    def at_most(
        self, history: History, most: NDArray[np.float32], _room: NDArray[np.float32], /
    ) -> None:
        if not len(history):
            most.fill(np.nan)
            return
        user = np.zeros(self.code.shape[1], dtype=np.float32)
        factor = self.scorer.user_factor(history)
        user[: len(factor)] = factor
        # Half a step of the item's factors, and what sums in single precision may lose.
        slack_steps = float(np.abs(user).sum(dtype=np.float64)) * (
            0.5 + 127.0 * (len(user) + 6) * 2.0**-23
        )
        blocked_most(self.code, self.step, user, slack_steps, most)


@dataclass(frozen=True)
class _ByRow:
    scorer: Scorer
    rows: NDArray[np.int32]

    def at_most(
        self, history: History, most: NDArray[np.float32], room: NDArray[np.float32], /
    ) -> None:
        found = self.scorer.bounds(history, self.rows, Bounds(most, room))
        np.add(found.score, found.slack, out=most)
