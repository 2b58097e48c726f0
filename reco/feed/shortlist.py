"""The likeliest candidates, as many as a slate needs: more of them where quotas are in the way."""

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import ONLINE
from reco.feed.scoring import Scores
from reco.feed.slate import Quota, choose, full_groups, quotas, within_quotas

MOST = 500
"""The likeliest of all candidates, among which a slate is looked for first."""
_GROWTH = 8


class Shortlist:
    """Chooses from all candidates of a request while only those that matter are put in order.

    The slate is the one that all candidates in order would give: what is not in the list is less
    likely than what is, or of a group that is full.
    """

    def __init__(self, scores: Scores, n: int) -> None:
        self.scored = scores.likeliest(MOST)
        self._scores = scores
        self._n = n
        self._most = MOST

    def choose(self, n: int, gone: Set[int] = frozenset()) -> list[int]:
        """Return the rows in `scored` of the `n` that are to be shown, without what is gone.

        Parameters
        ----------
        gone
            Ids of offers that cannot be had.
        """
        while True:
            order = self._order(gone)
            limits = quotas(self._scores.gathered.catalogue, self.scored.candidates, self._n)
            taken = order[list(within_quotas(order, limits, n))]
            if len(taken) >= n or not (
                self._extended(limits, taken) or (len(order) < n and self._extended((), taken))
            ):
                return choose(order, limits, n)

    def _order(self, gone: Set[int]) -> NDArray[np.int64]:
        rows = np.arange(len(self.scored))
        return rows[~np.isin(self.scored.candidates.offer_id, list(gone))] if gone else rows

    def _extended(self, limits: tuple[Quota, ...], taken: NDArray[np.int64]) -> bool:
        """Add the likeliest others of groups that `taken` leaves room in; False: there are none."""
        gathered = self._scores.gathered
        if len(self.scored) >= len(gathered):
            return False
        has_room = ~np.isin(gathered.item, self.scored.candidates.item)
        if limits:
            venues, families = (full_groups(limit, taken) for limit in limits)
            family = gathered.catalogue.items.item_subcategory[gathered.item]
            has_room &= ~np.isin(family, families)
            if ONLINE in venues:
                has_room &= ~gathered.is_online
        if not has_room.any():
            return False
        self.scored = self.scored.joined(self._scores.of(has_room).likeliest(self._most))
        self._most *= _GROWTH
        return True
