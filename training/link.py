"""Learn what the sums of a ranker's log-odds mean."""

import numpy as np
from numpy.typing import NDArray

from reco.model.link import FARTHEST, LinkFacts
from training.logistic import Sample, weight_of_draws
from training.replays import Pairs

_KNOTS = (0.2, 0.6)
"""Shares of the bookings whose sums lie below each knot."""
_APART = 1e-3
"""Log-odds that knots are apart at least: sums that are alike make one."""
_LEAST_SLOPE = 0.1


def learn_link(told: NDArray[np.float64], pairs: Pairs) -> LinkFacts:
    """Return the link that makes what came of `pairs` likeliest, where sums (P,) say so much.

    Straight below, between and above two knots, by a logistic regression in which each pair counts
    for as many as it stands for; the slopes are smoothed, and none is near 0. Learned on the pairs
    that the sums were learned on, it puts their shape right, not their optimism.
    """
    knots = np.quantile(told[pairs.is_booked], _KNOTS)
    knots = knots[np.append(True, np.diff(knots) > _APART)]
    bounds = np.concatenate([[-FARTHEST], knots, [FARTHEST]])
    slopes = slice(1, len(bounds))
    columns = np.ones((len(told), len(bounds)))
    # From the first knot, so that no column is as large as the farthest that a link reaches.
    columns[:, 1] = np.minimum(told - knots[0], 0.0)
    for at, (low, high) in enumerate(zip(knots, bounds[2:], strict=True), 2):
        columns[:, at] = np.clip(told - low, 0.0, high - low)
    weight = weight_of_draws(pairs.is_booked, pairs.drawn)
    sample = Sample(columns, pairs.is_booked, 0.0, weight, (slopes,))
    start = np.append(knots[0], np.ones(len(bounds) - 1))
    least = np.append(-np.inf, np.full(len(bounds) - 1, _LEAST_SLOPE))
    found = sample.fitted(start, least)
    rises = found[slopes] * np.diff(bounds)
    # Outward from the first knot, where numbers are small enough to tell the next one apart.
    meant = found[0] + np.concatenate([[-rises[0], 0.0], np.cumsum(rises[1:])])
    return LinkFacts(told=tuple(bounds.tolist()), meant=tuple(meant.tolist()))
