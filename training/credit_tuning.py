"""How much a price beyond a person's fair one costs, chosen on visits that nothing learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from training.intervals import Estimate, mean_intervals
from training.ranked import Parts
from training.ranker import learn_ranker
from training.reliability import losses
from training.visit_figures import by_person

CREDIT_WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Tried; the first is that of no penalty."""


@dataclass(frozen=True)
class CreditTrial:
    """One weight, with all else learned beside it on the earlier visits."""

    weight: float
    log_loss: Estimate
    """Over the candidates of a later visit."""
    change: Estimate
    """Of it, against no penalty, as a share; the interval is of the paired difference."""


def credit_trials(
    parts: Parts, weights: Sequence[float] = CREDIT_WEIGHTS, seed: int = 0
) -> list[CreditTrial]:
    """Return how likely each weight makes what was booked at the later visits.

    Parameters
    ----------
    weights
        The first is what the others are compared with.
    seed
        Of the intervals, over people.
    """
    later, user = parts.later, parts.later_visits.user
    table = np.stack(
        [
            by_person(later, user, losses(expit(learned.log_odds(later)), later.is_booked))
            for learned in (learn_ranker(parts.earlier, weight) for weight in weights)
        ],
        axis=1,
    )
    base = table[:, :1]
    estimates = mean_intervals(np.hstack([table, (table - base) / base.mean()]), seed)
    own, apart = estimates[: len(weights)], estimates[len(weights) :]
    return [CreditTrial(*told) for told in zip(weights, own, apart, strict=True)]


def likeliest_of(trials: Sequence[CreditTrial]) -> CreditTrial:
    """Return the trial of least log-loss, the lighter of several that are equal."""
    return min(trials, key=lambda trial: (trial.log_loss.value, trial.weight))
