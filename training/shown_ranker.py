"""A ranker learned from visits, corrected by what was shown: booked if shown, wherever it stood.

An offer that is not looked at is not booked, and how far down it stands decides how often it is
looked at, whatever it is (the examination hypothesis: Richardson, Dominowska and Ragno 2007;
Craswell et al. 2008). So the probability at a place is that of the place times that of the offer,
which for rare bookings is a sum of log-odds. The first is the discount of METRICS to a power that
is learned beside the offer's weights; it is left out when the ranker serves, as a slate is not
ordered yet when its offers are scored. Offers that chance put into their places count like all
others. Slates are chosen by more than what offers are told by here: by values that the person has
not yet met, and by quotas. As far as these move bookings beyond what is told, they are neglected.

What was shown is near, cheap and likely; it says little of what never is. So what visits have
taught is where the search begins and what it is drawn back to (a Gaussian prior around what other
data taught: Chelba and Acero 2006). But for the level, and for how much all of it counts together:
how often an offer is booked when it is shown, impressions alone can tell, and people who look for
something come upon what is popular and near more often than upon the rest, so that visits take for
a taste what is a way to find things. Both are learned first, freely (Platt 1999).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.logistic import RIDGE, Sample, weight_of_draws
from training.ranker import Weights, smooth
from training.ranker import ridge as own_ridge
from training.replay.impressions import Impressions

PULL = 3.0
"""Log-likelihood that a weight costs which differs by one from what visits taught; of an hour or
a weekday no less than `training.ranker.ridge` takes."""
_ROUNDS = 2
_LEAST_SCALE = 0.05
"""Of all that visits taught: nothing is turned round."""


@dataclass(frozen=True)
class Examination:
    """How often a place of a slate is looked at, beside the mean of all offers shown."""

    power: float
    """Of the discount `1 / log2(j + 1)` of place j, from 1 on; 0: all alike."""
    mean_log: float
    """Log of the mean over what was shown."""

    def log_share(self, place: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the log of it for each place, from 0 on."""
        return -self.power * _depth(place) - self.mean_log


@dataclass(frozen=True)
class Corrected:
    """What was learned of impressions."""

    weights: Weights
    """Of an offer at a place that is looked at as often as those shown were in the mean."""
    examination: Examination

    def log_odds(self, shown: Impressions) -> NDArray[np.float64]:
        """Return the log-odds (P,) that each offer is booked at the place where it is shown."""
        return self.weights.learned.log_odds(shown.pairs) + self.examination.log_share(shown.place)


def corrected(taught: Weights, shown: Impressions, pull: float = PULL) -> Corrected:
    """Return the ranker that makes what came of impressions likeliest, drawn to what visits taught.

    Parameters
    ----------
    taught
        By visits.
    pull
        See `PULL`. Very large: what visits taught only counts more or less, as a whole.
    """
    depth = _depth(shown.place)
    # Of a sum that impressions have changed, visits cannot say what it means.
    prior, level, power = _scaled(replace(taught, link=None), shown, depth)
    ridge = np.append(np.maximum(pull, own_ridge()), [RIDGE, RIDGE])
    least = np.append(prior.least - prior.of_columns, [-np.inf, 0.0])
    weights, apart = prior, np.append(np.zeros(len(prior.of_columns)), [level, power])
    for _ in range(_ROUNDS):
        columns, beyond = weights.columns(shown.pairs)
        offset = columns @ prior.of_columns - beyond
        told = np.column_stack([columns, np.ones(len(depth)), -depth])
        sample = replace(_sample(shown, told, offset), ridge=ridge, smooth=smooth())
        apart = sample.fitted(apart, least)
        weights = replace(prior, of_columns=prior.of_columns + apart[:-2])
    return _at_mean_place(weights.raised(float(apart[-2])), float(apart[-1]), shown)


def _scaled(
    taught: Weights, shown: Impressions, depth: NDArray[np.float64]
) -> tuple[Weights, float, float]:
    """Return what visits taught, counting as much as impressions say; the level and the power."""
    columns, beyond = taught.columns(shown.pairs)
    told = np.column_stack([columns @ taught.of_columns, np.ones(len(depth)), -depth])
    least = np.array([_LEAST_SCALE, -np.inf, 0.0])
    scale, level, power = _sample(shown, told, -beyond).fitted(np.array([1.0, 0.0, 0.0]), least)
    scaled = replace(taught, of_columns=np.maximum(scale * taught.of_columns, taught.least))
    return scaled, float(level), float(power)


def _sample(
    shown: Impressions, columns: NDArray[np.float64], offset: NDArray[np.float64]
) -> Sample:
    is_booked = shown.pairs.is_booked
    weight = weight_of_draws(is_booked, shown.pairs.drawn)
    return Sample(columns, is_booked, offset, weight, smooth=())


def _at_mean_place(weights: Weights, power: float, shown: Impressions) -> Corrected:
    """Return weights of an offer shown first, and what places are worth, over the mean place."""
    mean = np.average(np.exp(-power * _depth(shown.place)), weights=1.0 / shown.pairs.drawn)
    examination = Examination(power, float(np.log(mean)))
    return Corrected(weights.raised(examination.mean_log), examination)


def _depth(place: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log of the discount's inverse at each place, 0 at the first."""
    return np.asarray(np.log(np.log2(place + 2.0)))
