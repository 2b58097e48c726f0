"""Independent, named random streams of one seed."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Streams:
    """A generator for each named stage, so that a change in one stage leaves the others alone."""

    seed: int

    def of(self, stage: str) -> np.random.Generator:
        """Return a fresh generator of `stage`; the same name gives the same numbers."""
        return np.random.default_rng([self.seed, zlib.crc32(stage.encode())])


def draw_in_segments(
    uniform: NDArray[np.float64],
    cumulative: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Draw one position from each row's segment of a list of weights.

    Inversion of the segment's distribution function by binary search, for all rows at once.

    Parameters
    ----------
    uniform
        (N,) in [0, 1).
    cumulative
        (M + 1,) running sum of the M weights, starting with 0.
    start, end
        (N,) segments [start, end) of positive weight.

    Returns
    -------
    (N,) positions, each in its own segment.
    """
    low, high = cumulative[start], cumulative[end]
    found = np.searchsorted(cumulative, low + uniform * (high - low), side="right") - 1
    return np.clip(found, start, end - 1).astype(np.int64)


def running_sum(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running sum of (M,) weights with a leading 0, shape (M + 1,)."""
    return np.concatenate([np.zeros(1), np.cumsum(weights)])


def triangular(
    generator: np.random.Generator,
    low: NDArray[np.float64],
    mode: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Draw from triangular distributions, one a row; equal ends give that value."""
    spread = np.where(high > low, high, low + 1e-9)
    return np.asarray(generator.triangular(low, np.clip(mode, low, spread), spread))
