"""The likeliest candidates, as many as a slate needs: more of them where quotas are in the way."""

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import ONLINE
from reco.feed.ranking import Ranking
from reco.feed.scoring import Full, Scored
from reco.feed.slate import all_of, are_held, full_groups, quotas, within_quotas

_GROWTH = 8
_NO_GROUP = np.empty(0, dtype=np.int64)


class Shortlist:
    """Chooses from all candidates of a request while only those that matter are put in order.

    The slate is the one that all candidates in order would give: whatever is not in the list is
    less likely than what is chosen, or of a group that is full.
    """

    def __init__(self, ranking: Ranking, n: int, a_category: int | None = None) -> None:
        self._ranking = ranking
        self._catalogue = ranking.sweep.catalogue
        self._n = n
        self._a_category = a_category
        self._has_all = False
        """Whether nothing is missing in the list."""
        self._put(ranking.top)

    def choose(self, n: int, gone: Set[int] = frozenset()) -> list[int]:
        """Return the rows in `scored` of the `n` that are to be shown, without what is gone.

        Parameters
        ----------
        gone
            Ids of offers that cannot be had.
        """
        rows = self._chosen(n, gone, given_up=0)
        for given_up in range(1, all_of(self._quotas) + 1):
            if len(rows) == n:
                break
            if not self._has_all:
                # Of groups that were full it lacks what is likely: but for what is chosen, anew.
                self._put(self._ranking.joined(self._ranking.top, self.scored.take(rows)))
            rows = self._chosen(n, gone, given_up)
        return [int(row) for row in rows]

    def _put(self, scored: Scored) -> None:
        self.scored = scored
        self._quotas = quotas(self._catalogue, scored.candidates, self._n, self._a_category)

    def _chosen(self, n: int, gone: Set[int], given_up: int) -> NDArray[np.int64]:
        """Return the rows that the quotas let in, but for those given up, the list being grown."""
        most = self._ranking.most
        taken = self._within_quotas(n, gone, given_up)
        while len(taken) < n and self._add_roomy(taken, given_up, most):
            taken = self._within_quotas(n, gone, given_up)
            most *= _GROWTH
        return taken

    def _within_quotas(self, n: int, gone: Set[int], given_up: int) -> NDArray[np.int64]:
        candidates = self.scored.candidates
        order = np.arange(len(candidates))
        if gone:
            order = order[~np.isin(candidates.offer_id, list(gone))]
        return order[within_quotas(order, self._quotas, n, given_up)]

    def _add_roomy(self, taken: NDArray[np.int64], given_up: int, most: int) -> bool:
        """Add the likeliest others of groups that `taken` leaves room in; False: there are none."""
        if self._has_all:
            return False
        known, full = self.scored, self._full(taken, given_up)
        family = self._catalogue.items.family[known.candidates.item]
        has_room = full.leaves(family, known.candidates.is_online)
        self._add(self._ranking.likeliest(most + int(np.count_nonzero(has_room)), full))
        is_longer = len(self.scored) > len(known)
        self._has_all = not (is_longer or full.online or full.families.any())
        return is_longer

    def _full(self, taken: NDArray[np.int64], given_up: int) -> Full:
        """Return what has no room by the quotas that are not given up."""
        *of_category, of_venue, of_family = (
            full_groups(limit, taken) if is_held else _NO_GROUP
            for limit, is_held in zip(self._quotas, are_held(self._quotas, given_up), strict=True)
        )
        items = self._catalogue.items
        is_full = np.zeros(items.families.shape[1], dtype=bool)
        for ids, group in zip(items.families, (of_family, *of_category), strict=False):
            is_full |= np.isin(ids, group)
        family = items.family_of(*items.families)
        full_families = np.zeros(len(self._ranking.families.is_asked), dtype=bool)
        full_families[family[is_full]] = True
        # A subcategory may have works of several categories: it is full where all of them are.
        full_families[family[~is_full]] = False
        return Full(full_families, online=ONLINE in of_venue)

    def _add(self, more: Scored) -> None:
        before = len(self.scored)
        both = self._ranking.joined(self.scored, more)
        if len(both) > before:
            self._put(both)
