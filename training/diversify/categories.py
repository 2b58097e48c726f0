"""Lists spread over categories: rotation, calibration to the history, xQuAD."""

import numpy as np
from numpy.typing import NDArray

from reco.feed.slate import within_quotas
from training.diversify.candidates import Candidates

_SMOOTHING = 0.01


def round_robin(candidates: Candidates, parameter: float, k: int) -> NDArray[np.int64]:
    """Take the best of each category in turn, the category of the likeliest first.

    What has several categories counts in its first, what has none in one of their own.
    """
    del parameter
    group = (
        np.where(candidates.categories.any(axis=1), candidates.categories.argmax(axis=1), -1)
        if candidates.categories.shape[1]
        else np.full(len(candidates.probability), -1)
    )
    order = np.argsort(group, kind="stable")
    _, first = np.unique(group[order], return_index=True)
    turn = np.empty(len(group), dtype=np.int64)
    turn[order] = np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group))))
    # Rows are in order of probability, so that within a turn the order of rows is theirs.
    order = np.lexsort((np.arange(len(group)), turn))
    return np.asarray(order[within_quotas(order, candidates.quotas, k)])


def calibrated(candidates: Candidates, calibration_weight: float, k: int) -> NDArray[np.int64]:
    """Choose by probability less the divergence of the list's categories (Steck 2018, equation 6).

    Probabilities count over the largest one.
    """
    relevance = candidates.probability / max(float(candidates.probability.max(initial=0)), 1e-300)
    wanted = candidates.tastes
    if not wanted.any():
        return np.arange(min(k, len(relevance)))
    sums = np.zeros(len(wanted))
    is_free = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    for length in range(1, min(k, len(relevance)) + 1):
        listed = (sums + candidates.categories) / length
        mixed = (1.0 - _SMOOTHING) * listed[:, wanted > 0] + _SMOOTHING * wanted[wanted > 0]
        divergence = (wanted[wanted > 0] * np.log(wanted[wanted > 0] / mixed)).sum(axis=1)
        worth = (1.0 - calibration_weight) * relevance - calibration_weight * divergence
        best = int(np.argmax(np.where(is_free, worth, -np.inf)))
        chosen.append(best)
        is_free[best] = False
        sums += candidates.categories[best]
    return np.array(chosen, dtype=np.int64)


def xquad(candidates: Candidates, diversity_weight: float, k: int) -> NDArray[np.int64]:
    """Choose by probability and by tastes not covered yet (Santos et al. 2010, equation 1).

    How far a candidate covers a category is its share of the probability of all of that category
    (Vargas et al. 2011, "Intent-oriented diversity in recommender systems").
    """
    relevance = candidates.probability / max(float(candidates.probability.sum()), 1e-300)
    of_category = (candidates.categories > 0) * candidates.probability[:, np.newaxis]
    covers = of_category / np.maximum(of_category.sum(axis=0), 1e-300)
    uncovered = candidates.tastes.copy()
    is_free = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(k, len(relevance))):
        worth = (1.0 - diversity_weight) * relevance + diversity_weight * (covers @ uncovered)
        best = int(np.argmax(np.where(is_free, worth, -np.inf)))
        chosen.append(best)
        is_free[best] = False
        uncovered *= 1.0 - covers[best]
    return np.array(chosen, dtype=np.int64)
