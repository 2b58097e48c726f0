"""Whether as many people see each variant as should: else the figures compare unlike people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

ALARM = 0.001
"""A split that is right is called wrong at most this often, over all looks together."""

_CONCENTRATIONS = np.array([10.0, 100.0, 1_000.0, 10_000.0])


@dataclass(frozen=True)
class Split:
    """People by variant, beside what was planned."""

    people: tuple[int, ...]
    expected: tuple[float, ...]
    p: float
    """Valid at every look."""

    @property
    def is_wrong(self) -> bool:
        """Whether something beside the draw decides who is counted where."""
        return self.p < ALARM


def split(people: Sequence[int], weights: Sequence[float]) -> Split:
    """Return how the people split, with a p-value that holds however often one looks.

    The Bayes factor of Lindon and Malek 2022 (Anytime-valid inference for multinomial count data,
    NeurIPS), of Dirichlet alternatives around what was planned against it; averaged over how far
    they lie around it. Under the plan it is a martingale, so that by Ville's inequality it exceeds
    1 / p at any time with probability p at most.
    """
    count, share = np.array(people, dtype=float), np.array(weights) / np.sum(weights)
    prior = _CONCENTRATIONS[:, np.newaxis] * share
    log_factors = (
        gammaln(_CONCENTRATIONS)
        - gammaln(_CONCENTRATIONS + count.sum())
        + (gammaln(prior + count) - gammaln(prior)).sum(axis=1)
        - float(count @ np.log(share))
    )
    log_factor = float(logsumexp(log_factors)) - np.log(len(_CONCENTRATIONS))
    expected = tuple((count.sum() * share).tolist())
    return Split(tuple(people), expected, float(np.exp(-max(0.0, log_factor))))
