"""How long two models take to score the same requests."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.model.history import History
from reco.model.loaded import LoadedModel
from training.intervals import RESAMPLES, Estimate

Clock = Callable[[], float]
"""Seconds, from any moment on."""

_ROUNDS = 5
"""A request is timed so often by each model, in turn; the quickest counts, the rest is noise."""


@dataclass(frozen=True)
class Requests:
    """The same requests in the rows of one model."""

    model: LoadedModel
    histories: tuple[History, ...]
    rows: NDArray[np.int32]
    """(n,) the items that each request has scored, -1 unknown."""


def paired_latencies_ms(
    candidate: Requests, champion: Requests, clock: Clock
) -> NDArray[np.float64]:
    """Return (requests, 2): what the candidate took, and what the champion took.

    To fold in what is known of the person is part of it.
    """
    best = np.full((len(candidate.histories), 2), np.inf)
    for _ in range(_ROUNDS):
        for place in range(len(best)):
            for column, asked in enumerate((candidate, champion)):
                known = asked.histories[place]
                # A history remembers what it was solved to; a person who asks has one of their own.
                history = History(known.rows, known.weights)
                began = clock()
                asked.model.scorer.scores(history, asked.rows)
                best[place, column] = min(best[place, column], 1e3 * (clock() - began))
    return best


def median_intervals(
    figures: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the medians of two columns and of the difference of the medians, paired by row.

    Percentile intervals by bootstrap over rows (Efron and Tibshirani 1993, chapters 13 and 16).

    Parameters
    ----------
    figures
        (rows, 2), at least one row.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(figures), (resamples, len(figures)))
    medians = np.median(figures[drawn], axis=1)
    sampled = np.column_stack([medians, medians[:, 0] - medians[:, 1]])
    value = np.median(figures, axis=0)
    low, high = np.percentile(sampled, [2.5, 97.5], axis=0)
    values = (*value, value[0] - value[1])
    first, second, difference = (
        Estimate(float(middle), float(below), float(above))
        for middle, below, above in zip(values, low, high, strict=True)
    )
    return first, second, difference
