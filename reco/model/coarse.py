"""Products of factors in eight bits: a quarter of the memory to read, and how far off they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.kernel.scoring import coarse_products
from reco.model.scorer import Bounds

_PIECE = 8_192


@dataclass(frozen=True)
class CoarseFactors:
    """Factors as small integers: about `code * step`, to half a step."""

    code: NDArray[np.int8]
    """(I, F) from −127 to 127."""
    step: NDArray[np.float32]
    """(I,) zero where all factors are."""

    @classmethod
    def of(cls, factors: NDArray[np.float32]) -> "CoarseFactors":
        """Return the nearest to `factors`, of shape (I, F)."""
        code = np.empty(factors.shape, dtype=np.int8)
        step = np.empty(len(factors), dtype=np.float32)
        for first in range(0, len(factors), _PIECE):
            piece = factors[first : first + _PIECE].astype(np.float64)
            step[first : first + _PIECE] = np.abs(piece).max(axis=1, initial=0.0) / 127.0
            finite = np.maximum(step[first : first + _PIECE], np.finfo(np.float32).tiny)
            code[first : first + _PIECE] = np.clip(np.rint(piece / finite[:, None]), -127, 127)
        return cls(code, step)

    def take(self, rows: NDArray[np.int32]) -> "CoarseFactors":
        """Return those of `rows`, one after the other; zeros for −1."""
        code, step = self.code[rows], self.step[rows]
        code[rows < 0], step[rows < 0] = 0, 0.0
        return CoarseFactors(code, step)

    def bounds(self, user: NDArray[np.float64], rows: NDArray[np.int32], room: Bounds) -> Bounds:
        """Return bounds of the products of `user` (F,) with the factors of `rows`, in `room`.

        NaN for the row -1 and where all factors are zero.
        """
        coarse_products(self.code, self.step, rows, *coarse_user(user), room.score, room.slack)
        return room


def coarse_user(user: NDArray[np.float64]) -> tuple[NDArray[np.int16], float, float]:
    """Return a user's factor (F,) as small integers, its step, and how far off products may be.

    About `code * step`, to half a step; products with coarse factors in steps of the item's.
    """
    # As fine as the sum of products may be without leaving 32 bits.
    steps = min(32_767, 2**31 // (128 * len(user)) - 1)
    step = max(float(np.abs(user).max(initial=0.0)) / steps, np.finfo(float).tiny)
    code = np.rint(user / step)
    # Half a step of each factor, of the item's and of the user's, and a little for rounding.
    slack_steps = 0.5 * step * float(np.abs(code).sum() + 128 * len(user)) * (1.0 + 1e-3)
    return code.astype(np.int16), step, slack_steps
