"""How far a slate is from the best one that knew the person's tastes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.feed.attributes import values_of_candidates
from reco.feed.candidates import Candidates
from reco.feed.ranking import Ranking
from reco.feed.scoring import Scored
from reco.feed.situation import Situation
from reco.feed.widening import Aim, Pool, likeliest, widen
from training.simulate.truth import Truth


@dataclass(frozen=True)
class Worth:
    """What a slate is truly worth, by the hidden tastes, beside the best one."""

    bookings: float
    """Expected from the slate: attention to each place times the chance once considered."""
    best_bookings: float
    """The most of any slate of all candidates around within the person's means."""
    points: float
    """Expected horizon gain G of the slate (METRICS, 1), every place looked at alike."""
    best_points: float
    """The same of the slate that greedy choice finds among all candidates."""


@dataclass(frozen=True)
class Judge:
    """Knows the tastes of the cohort, and judges slates by them."""

    truth: Truth
    ordinary: int
    price_cents: NDArray[np.int64]
    """(O,) of the offers of the past."""
    attention: NDArray[np.float64]
    """(n,)"""

    def worth(self, ranking: Ranking, situation: Situation, shown: Scored) -> Worth:
        """Return what a slate is worth, out of all that its request could have shown."""
        catalogue = ranking.sweep.catalogue
        everything = ranking.sweep.everything().everything()
        chance = self._chance(catalogue, situation, everything)
        best = np.sort(chance)[::-1][: len(self.attention)]
        own = self._chance(catalogue, situation, shown.candidates)
        rate, n = self.truth.parameters.impression_rate, situation.query.n
        of_all, of_shown = (
            _pool(ranking, situation, some, rate * probability)
            for some, probability in ((everything, chance), (shown.candidates, own))
        )
        return Worth(
            bookings=float(own @ self.attention[: len(own)]),
            best_bookings=float(best @ self.attention[: len(best)]),
            points=likeliest(of_shown, Aim(n, 1.0)).gain,
            best_points=widen(of_all, Aim(n, 0.0)).gain,
        )

    def _chance(
        self, catalogue: Catalogue, situation: Situation, candidates: Candidates
    ) -> NDArray[np.float64]:
        person = situation.state.person
        if person is None:
            raise ValueError("A guest has no tastes that could be known.")
        user = np.full(len(candidates), person.id - 1 - self.ordinary)
        return self.truth.booking_probability(
            user,
            catalogue.items.item_id[candidates.item] - 1,
            self.price_cents[candidates.offer_id - 1] / 100,
            np.nan_to_num(candidates.distance_m),
        )


def _pool(
    ranking: Ranking,
    situation: Situation,
    candidates: Candidates,
    probability: NDArray[np.float64],
) -> Pool:
    """Return candidates with what they can add to a horizon, the truly likeliest first."""
    order = np.argsort(-probability, kind="stable")
    columns = {name: column[order] for name, column in vars(candidates).items()}
    values = values_of_candidates(
        ranking.sweep.catalogue,
        Candidates(**columns),
        situation.state.met,
        {},
        place=ranking.sweep.scratch.values(ranking.sweep.catalogue),
    )
    return Pool(probability[order], values)
