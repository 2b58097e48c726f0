"""The likeliest candidates, as many as a slate needs: more of them where quotas are in the way."""

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import ONLINE
from reco.feed.ranking import Ranking
from reco.feed.scoring import Full, Scored
from reco.feed.slate import choose, full_groups, quotas, within_quotas

_GROWTH = 8


class Shortlist:
    """Chooses from all candidates of a request while only those that matter are put in order.

    The slate is the one that all candidates in order would give: whatever is not in the list is
    less likely than what is chosen, or of a group that is full.
    """

    def __init__(self, ranking: Ranking, n: int) -> None:
        self._ranking = ranking
        self._catalogue = ranking.sweep.catalogue
        self._n = n
        self._most = ranking.most
        self._put(ranking.top)

    def choose(self, n: int, gone: Set[int] = frozenset()) -> list[int]:
        """Return the rows in `scored` of the `n` that are to be shown, without what is gone.

        Parameters
        ----------
        gone
            Ids of offers that cannot be had.
        """
        order, taken = self._within_quotas(n, gone)
        while len(taken) < n and self._add_roomy(taken):
            order, taken = self._within_quotas(n, gone)
        if len(taken) < n:
            # The quotas relax for the likeliest of all: as many of them as may be needed.
            self._add(self._ranking.likeliest(n + len(gone)))
            order, _ = self._within_quotas(n, gone)
        return choose(order, self._quotas, n)

    def _put(self, scored: Scored) -> None:
        self.scored = scored
        self._quotas = quotas(self._catalogue, scored.candidates, self._n)

    def _within_quotas(self, n: int, gone: Set[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows that can be had, and those that the quotas let in."""
        candidates = self.scored.candidates
        order = np.arange(len(candidates))
        if gone:
            order = order[~np.isin(candidates.offer_id, list(gone))]
        return order, order[within_quotas(order, self._quotas, n)]

    def _add_roomy(self, taken: NDArray[np.int64]) -> bool:
        """Add the likeliest others of groups that `taken` leaves room in; False: there are none."""
        known, full = self.scored, self._full(taken)
        family = self._catalogue.items.item_subcategory[known.candidates.item]
        has_room = full.leaves(family, known.candidates.is_online)
        self._add(self._ranking.likeliest(self._most + int(np.count_nonzero(has_room)), full))
        self._most *= _GROWTH
        return len(self.scored) > len(known)

    def _full(self, taken: NDArray[np.int64]) -> Full:
        venues, families = (full_groups(limit, taken) for limit in self._quotas)
        is_full = np.zeros(np.iinfo(np.int16).max + 1, dtype=bool)
        is_full[families] = True
        return Full(is_full, online=bool(ONLINE in venues))

    def _add(self, more: Scored) -> None:
        before = len(self.scored)
        both = self._ranking.joined(self.scored, more)
        if len(both) > before:
            self._put(both)
