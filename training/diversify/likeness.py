"""Lists of unlike offers: maximal marginal relevance, and determinantal point processes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reco.feed.slate import Quota, within_quotas
from training.diversify.candidates import Candidates
from training.diversify.room import Room

_LEAST_VARIANCE = 1e-10


def mmr(candidates: Candidates, relevance_weight: float, k: int) -> NDArray[np.int64]:
    """Choose by probability less likeness to what is chosen (Carbonell and Goldstein 1998).

    Probabilities count over the largest one; likeness is the cosine of the latent vectors.
    """
    relevance = _relative(candidates.probability)
    nearest = np.zeros(len(relevance))
    is_free = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(k, len(relevance))):
        worth = relevance_weight * relevance - (1.0 - relevance_weight) * nearest
        best = int(np.argmax(np.where(is_free, worth, -np.inf)))
        chosen.append(best)
        is_free[best] = False
        likeness = candidates.latent_likeness[best]
        nearest = likeness if len(chosen) == 1 else np.maximum(nearest, likeness)
    return np.array(chosen, dtype=np.int64)


def dpp_latent(candidates: Candidates, power: float, k: int) -> NDArray[np.int64]:
    """Choose by a DPP of `probability ** power` and latent likeness: the programme's own kernel."""
    quality = candidates.probability**power
    return _likeliest_set(quality, candidates.latent, k, candidates.quotas)


def dpp_attributes(candidates: Candidates, power: float, k: int) -> NDArray[np.int64]:
    """Choose by a DPP of `probability ** power` and likeness of attributes."""
    quality = candidates.probability**power
    return _likeliest_set(quality, candidates.attribute_vectors, k, candidates.quotas)


def _likeliest_set(
    quality: NDArray[np.float64], vectors: NDArray[np.float64], k: int, quotas: Sequence[Quota]
) -> NDArray[np.int64]:
    """Return the greedy most probable set of `diag(q) S diag(q)` (Chen et al. 2018, algorithm 1).

    S are the cosines of unit `vectors`, of which only the rows of what is chosen are worked out. Of
    what the quotas leave room for. When nothing unlike is left, the best by quality follow.
    """
    size = min(k, len(quality))
    scale = quality / max(float(quality.max(initial=0.0)), 1e-300)
    variance = scale**2
    factors = np.zeros((size, len(quality)))
    room = Room.empty(len(quality), quotas)
    chosen: list[int] = []
    for row in range(size):
        best = int(np.argmax(np.where(room.is_free, variance, -np.inf)))
        if not room.is_free[best] or variance[best] <= _LEAST_VARIANCE * scale[best] ** 2:
            order = np.append(chosen, _best(quality, room.is_free)).astype(np.int64)
            return order[within_quotas(order, quotas, size)]
        chosen.append(best)
        room.take(best)
        kernel = scale[best] * (vectors @ vectors[best]) * scale
        new = (kernel - factors[:row, best] @ factors[:row]) / np.sqrt(variance[best])
        factors[row] = new
        variance = np.maximum(variance - new**2, 0.0)
    return np.array(chosen, dtype=np.int64)


def _best(quality: NDArray[np.float64], is_free: NDArray[np.bool_]) -> NDArray[np.int64]:
    rest = np.flatnonzero(is_free)
    return rest[np.argsort(-quality[rest], kind="stable")]


def _relative(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    return probability / max(float(probability.max(initial=0.0)), 1e-300)
