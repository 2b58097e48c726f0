"""Who looks at which place of a slate, and what chance adds: the same for every policy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.cohort.assumptions import Assumptions


def attention(assumptions: Assumptions) -> NDArray[np.float64]:
    """Return the chance (n,) that the offer at each place is considered.

    In proportion to the discount of METRICS to the power of the position bias; its mean is the
    simulator's `impression_rate`, so that the bias moves attention and adds none.
    """
    discount = np.log2(np.arange(assumptions.n) + 2.0) ** -assumptions.position_bias
    rate = assumptions.parameters.impression_rate
    return np.asarray(np.minimum(1.0, rate * discount / discount.mean()))


def seen(assumptions: Assumptions) -> float:
    """Return the chance that anything of a slate is looked at."""
    return float(1.0 - np.prod(1.0 - attention(assumptions)))


@dataclass(frozen=True)
class Chances:
    """What is drawn for a week, before any slate is chosen; all (people, n) in [0, 1)."""

    is_looked_at: NDArray[np.bool_]
    other_end: NDArray[np.float64]
    booking: NDArray[np.float64]
    session: NDArray[np.float64]
    for_two: NDArray[np.float64]

    @classmethod
    def of_week(cls, assumptions: Assumptions, seed: int, week: int) -> "Chances":
        """Return those of a week: the same for a seed, whoever lives under what."""
        generator = np.random.default_rng([seed, week, _STREAM])
        shape = (assumptions.people, assumptions.n)
        looks, *others = generator.random((5, *shape))
        return cls(looks < attention(assumptions), *others)


_STREAM = 20_260_907
"""Tells these draws from the world's own."""
