"""Which offers a slate shows: those that widen the horizon most and keep the relevance."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import POINTS
from reco.feed.attributes import categories_among, values_of_candidates
from reco.feed.ranking import Ranking
from reco.feed.scoring import Scored
from reco.feed.shortlist import Shortlist
from reco.feed.slate import quotas
from reco.feed.state import Situation
from reco.feed.widening import Aim, Pool, Widened, likeliest, widen


@dataclass(frozen=True)
class Choice:
    """A slate of n offers, likeliest first, chosen from a pool of C candidates."""

    pool: Scored
    """By descending probability."""
    widened: Widened
    likeliest: Widened
    """The likeliest slate of the same pool: what the floor refers to."""
    ranked: int
    """So many of the pool are the likeliest of all candidates: their row is their rank."""

    @property
    def offer_ids(self) -> list[int]:
        """The offers chosen, likeliest first."""
        return [int(offer) for offer in self.pool.candidates.offer_id[self.widened.chosen]]


class Chooser:
    """Chooses for one request, and again where something that was chosen cannot be had."""

    def __init__(self, ranking: Ranking, situation: Situation) -> None:
        self._ranking = ranking
        self._catalogue = ranking.sweep.catalogue
        self._situation = situation
        self._shortlist = Shortlist(ranking, situation.query.n)

    def choose(self, gone: Set[int]) -> Choice:
        """Return the slate without the offers of the ids `gone`."""
        query = self._situation.query
        # The list grows until it holds the likeliest slate, which the floor refers to.
        self._shortlist.choose(query.n, gone)
        pool, ranked = self._pool(gone)
        values = values_of_candidates(
            self._catalogue, pool.candidates, self._situation.state.met, query.unmet
        )
        choices = Pool(
            pool.probability,
            values,
            quotas(self._catalogue, pool.candidates, query.n),
            outside_probability=self._most_outside(),
            outside_points=_MOST_POINTS,
        )
        aim = Aim(query.n, query.floor, query.intensity, query.min_new_categories)
        of_pool = choices, aim, categories_among(self._catalogue, values)
        return Choice(pool, widen(*of_pool), likeliest(*of_pool), ranked)

    def _pool(self, gone: Set[int]) -> tuple[Scored, int]:
        """Return the candidates to choose from, and how many of them are the likeliest of all."""
        listed, others = self._shortlist.scored, self._ranking.of_new
        is_other = ~np.isin(others.candidates.item, listed.candidates.item)
        both = listed.joined(others.take(np.flatnonzero(is_other)))
        both = both.take(both.order(self._catalogue))
        is_left = ~np.isin(both.candidates.offer_id, list(gone))
        return both.take(np.flatnonzero(is_left)), min(self._ranking.most, int(is_left.sum()))

    def _most_outside(self) -> float:
        """Return the most that a candidate has that is not in the pool."""
        top = self._ranking.top
        return top.probability_of(len(top) - 1) if len(top) == self._ranking.most else 0.0


_MOST_POINTS = float(sum(POINTS.values()))


def ranks(choice: Choice) -> NDArray[np.int64]:
    """Return the rank by probability alone of each offer chosen, from 1; 0: unknown."""
    rank = choice.widened.chosen + 1
    return np.where(rank <= choice.ranked, rank, 0)
