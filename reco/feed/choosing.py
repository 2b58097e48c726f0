"""Which offers a slate shows: those that widen the horizon most and keep the relevance."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.feed.attributes import categories_among, most_points, values_of_candidates
from reco.feed.query import FeedQuery
from reco.feed.ranking import Ranking
from reco.feed.rating import with_rows
from reco.feed.scoring import Scored
from reco.feed.shortlist import Shortlist
from reco.feed.situation import Situation
from reco.feed.slate import Quota, quotas, within_quotas
from reco.feed.widening import Aim, Pool, Widened, widen_and_likeliest


@dataclass(frozen=True)
class Choice:
    """A slate of n offers, likeliest first, chosen from a pool of C candidates."""

    pool: Scored
    """By descending probability."""
    widened: Widened
    likeliest: Widened
    """The likeliest slate of the same pool: what the floor refers to."""
    ranked: int
    """So many of the pool are the likeliest of all candidates."""
    problem: Pool
    """The same candidates, as the slate was chosen from them."""
    rank: NDArray[np.int64]
    """(C,) place of those that are ranked, from 1, among all that can be booked: what a plan has no
    time for can."""
    explored: int | None = None
    """Position, from 0, of the offer that chance put there; None: chance changed nothing."""

    @property
    def offer_ids(self) -> list[int]:
        """The offers chosen, likeliest first but for one that chance put in its position."""
        return [int(offer) for offer in self.pool.candidates.offer_id[self.widened.chosen]]

    def without(self, offers: Set[int], aim: Aim) -> "Choice":
        """Return the choice without some of its offers; no floor is kept then."""
        is_left = np.array([offer not in offers for offer in self.offer_ids], dtype=bool)
        rows, likeliest = self.widened.chosen[is_left], self.likeliest.chosen
        widened = with_rows(self.widened, self.problem, rows, likeliest, aim)
        return replace(self, widened=widened)


class Chooser:
    """Chooses for one request, and again where something that was chosen cannot be had."""

    def __init__(self, ranking: Ranking, situation: Situation) -> None:
        self._ranking = ranking
        self._catalogue = ranking.sweep.catalogue
        self._situation = situation
        self._pool_of_all = ranking.pool
        self._most_points = most_points(self._catalogue, situation.state.met)

    def choose(self, gone: Set[int], colliding: Set[int] = frozenset()) -> Choice:
        """Return the slate without the offers of some ids.

        Parameters
        ----------
        gone
            Those that cannot be booked any more.
        colliding
            Those that can, and do not fit.
        """
        pool, rank = self._pool(gone, colliding)
        limits = self._limits(pool)
        if not self._holds_likeliest(pool, limits):
            # The list grows until it holds the likeliest slate, which the floor refers to.
            query = self._situation.query
            shortlist = Shortlist(self._ranking, self._n, query.max_per_category)
            shortlist.choose(self._n, gone | colliding)
            self._pool_of_all = self._ranking.joined(shortlist.scored, self._ranking.of_new)
            pool, rank = self._pool(gone, colliding)
            limits = self._limits(pool)
        return self._chosen_of(pool, limits, rank)

    def _holds_likeliest(self, pool: Scored, limits: Sequence[Quota]) -> bool:
        """Say whether no candidate outside `pool` belongs to the likeliest slate."""
        ranked = np.arange(self._ranked(pool))
        return self._holds_all or len(within_quotas(ranked, limits, self._n)) == self._n

    def _limits(self, pool: Scored) -> tuple[Quota, ...]:
        a_category = self._situation.query.max_per_category
        return quotas(self._catalogue, pool.candidates, self._n, a_category)

    def _chosen_of(self, pool: Scored, limits: Sequence[Quota], rank: NDArray[np.int64]) -> Choice:
        query = self._situation.query
        values = values_of_candidates(
            self._catalogue,
            pool.candidates,
            self._situation.state.met,
            query.unmet,
            place=self._ranking.sweep.scratch.values(self._catalogue),
        )
        choices = Pool(
            pool.probability,
            values,
            limits,
            outside_probability=self._most_outside(),
            outside_points=self._most_points,
        )
        of_pool = choices, aim_of(query), categories_among(self._catalogue, values)
        widened, best = widen_and_likeliest(*of_pool)
        return Choice(pool, widened, best, self._ranked(pool), choices, rank)

    @property
    def _n(self) -> int:
        return self._situation.query.n

    @property
    def _holds_all(self) -> bool:
        """Whether there is no candidate outside the pool."""
        return len(self._ranking.top) < self._ranking.most

    def _pool(self, gone: Set[int], colliding: Set[int]) -> tuple[Scored, NDArray[np.int64]]:
        """Return the candidates to choose from, and their ranks among all that are not gone."""
        pool = self._pool_of_all
        if not gone and not colliding:
            return pool, np.arange(1, len(pool) + 1)
        offer_id = pool.candidates.offer_id
        is_bookable = ~np.isin(offer_id, list(gone))
        left = np.flatnonzero(is_bookable & ~np.isin(offer_id, list(colliding)))
        return pool.take(left), np.cumsum(is_bookable, dtype=np.int64)[left]

    def _ranked(self, pool: Scored) -> int:
        """Return how many of `pool` come before all that is not in it."""
        top = self._ranking.top
        if self._holds_all:
            return len(pool)
        return int(np.searchsorted(-pool.log_odds, -top.log_odds[-1], side="left"))

    def _most_outside(self) -> float:
        """Return the most that a candidate has that is not in the pool."""
        top = self._ranking.top
        return 0.0 if self._holds_all else top.probability_of(len(top) - 1)


def aim_of(query: FeedQuery) -> Aim:
    """Return what a slate for `query` is asked to be."""
    return Aim(
        query.n, query.floor, query.intensity, query.min_new_categories, query.points_a_booking
    )


def ranks(
    choice: Choice, shown: Collection[float] = ()
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rank by probability alone of each offer chosen, from 1, and whether it is known.

    Where it is not, so many are known to be likelier.

    Parameters
    ----------
    shown
        Probabilities of the offers of the pages before, which are no candidates any more.
    """
    rows, ranked = choice.widened.chosen, choice.ranked
    rank = choice.rank[np.minimum(rows, ranked - 1)] if ranked else np.zeros_like(rows)
    if shown:
        # A cursor keeps them in single precision; of equals what was shown comes first.
        before = np.sort(np.fromiter(shown, np.float32, len(shown)))
        probability = choice.pool.probability[rows].astype(np.float32)
        rank = rank + len(before) - np.searchsorted(before, probability)
    return rank, rows < ranked
