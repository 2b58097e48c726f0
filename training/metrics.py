"""Accuracy of ranked lists, one row a user; averaged by the caller.

A list holds k item rows, best first, filled up with -1. With R the first k of it and T the user's
targets (never empty), gains are binary. Definitions agree with ranx 0.3, but for `recall`, which
divides by what k places can hold (Liang et al. 2018); `recall_full` divides by all of T.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Metric = Callable[[NDArray[np.bool_], NDArray[np.int64], int], NDArray[np.float64]]
"""Hits (n, K), number of targets (n,), k <= K -> figure of each user (n,)."""


def hits(ranked: NDArray[np.int32], targets: "csr_array[np.bool_]") -> NDArray[np.bool_]:
    """Return which places of the lists `ranked` (n, K) hold one of the `targets` (n, I)."""
    users, items = targets.shape
    bounds = np.diff(targets.indptr)
    wanted = np.repeat(np.arange(users, dtype=np.int64), bounds) * items + targets.indices
    shown = np.arange(users, dtype=np.int64)[:, np.newaxis] * items + ranked
    return np.isin(shown, wanted) & (ranked >= 0)


def recall(hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return |R ∩ T| / min(k, |T|)."""
    return np.asarray(hit[:, :k].sum(axis=1) / np.minimum(k, relevant), dtype=np.float64)


def recall_full(hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return |R ∩ T| / |T|."""
    return np.asarray(hit[:, :k].sum(axis=1) / relevant, dtype=np.float64)


def ndcg(hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the discounted gain over that of the best list of k."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(k, relevant) - 1]
    gain = hit[:, :k] @ discount[: hit[:, :k].shape[1]]
    return np.asarray(gain / ideal, dtype=np.float64)


def mrr(hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return 1 over the place of the first hit, 0 without one."""
    del relevant
    top = hit[:, :k]
    return np.asarray(np.divide(top.any(axis=1), top.argmax(axis=1) + 1), dtype=np.float64)


def average_precision(
    hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Return the sum over hits of the precision at their place, over |T|."""
    top = hit[:, :k]
    precision = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    return np.asarray((precision * top).sum(axis=1) / relevant, dtype=np.float64)


def hit_rate(hit: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return 1 where there is a hit, else 0."""
    del relevant
    return np.asarray(np.any(hit[:, :k], axis=1), dtype=np.float64)


METRICS: Mapping[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "recall_full": recall_full,
    "mrr": mrr,
    "map": average_precision,
    "hit": hit_rate,
}
"""Every metric, by the name that reports use."""


def user_figures(
    ranked: NDArray[np.int32], targets: "csr_array[np.bool_]", cutoffs: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    """Return `metric@k` of each user for every metric and every k of `cutoffs`."""
    hit = hits(ranked, targets)
    relevant = np.diff(targets.indptr).astype(np.int64)
    return {
        f"{name}@{k}": metric(hit, relevant, k) for k in cutoffs for name, metric in METRICS.items()
    }
