"""A ranker learned from visits, corrected by what was shown: booked if shown, wherever it stood.

An offer that is not looked at is not booked, and how far down it stands decides how often it is
looked at, whatever it is (the examination hypothesis: Richardson, Dominowska and Ragno 2007;
Craswell et al. 2008). So the probability at a place is that of the place times that of the offer,
which for rare bookings is a sum of log-odds. The first is the discount of METRICS to a power that
is learned beside the offer's weights; it is left out when the ranker serves, as a slate is not
ordered yet when its offers are scored. Offers that chance put into their places count like all
others: what they are told by is all that a slate is chosen by, so that how likely their draw was
says nothing more of what comes of them.

What was shown is near, cheap and likely; it says little of what never is. So all that visits have
taught is where the search begins and what it is drawn back to (a Gaussian prior around what other
data taught: Chelba and Acero 2006), but for the level: how often an offer is booked when it is
shown, impressions alone can tell.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.logistic import RIDGE, Sample
from training.ranker import Weights, spans
from training.replay.impressions import Impressions

PULL = 10.0
"""Log-likelihood that a weight costs which differs by one from what visits taught."""
_ROUNDS = 2
_STEPS = 100


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
        Very large: only the level and what places are worth are learned.
    """
    depth = _depth(shown.place)
    ridge = np.append(np.full(len(taught.of_columns), pull), [RIDGE, RIDGE])
    least = np.append(taught.least - taught.of_columns, [-np.inf, 0.0])
    weights, apart = taught, np.zeros(len(ridge))
    for _ in range(_ROUNDS):
        sample = replace(_sample(taught, weights, shown, depth), ridge=ridge)
        apart = sample.fitted(apart, least, _STEPS)
        weights = replace(taught, of_columns=taught.of_columns + apart[:-2])
    level, power = float(apart[-2]), float(apart[-1])
    mean = np.average(np.exp(-power * depth), weights=1.0 / shown.pairs.drawn)
    examination = Examination(power, float(np.log(mean)))
    return Corrected(weights.raised(level + examination.mean_log), examination)


def _sample(
    taught: Weights, weights: Weights, shown: Impressions, depth: NDArray[np.float64]
) -> Sample:
    """Return what tells by how much each weight differs from what was taught, level and power.

    Parameters
    ----------
    weights
        Tell the best session of each offer.
    """
    columns, beyond = weights.columns(shown.pairs)
    stands_for = 1.0 / shown.pairs.drawn
    return Sample(
        columns=np.column_stack([columns, np.ones(len(depth)), -depth]),
        is_booked=shown.pairs.is_booked,
        offset=columns @ taught.of_columns - beyond,
        # As many as there are, however many they stand for: no more is known of them.
        weight=stands_for / stands_for.mean(),
        tables=tuple(spans().values()),
    )


def _depth(place: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log of the discount's inverse at each place, 0 at the first."""
    return np.asarray(np.log(np.log2(place + 2.0)))
