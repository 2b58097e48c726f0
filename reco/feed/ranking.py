"""The likeliest of all candidates: where there are many, only what can be among them is met."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from reco.catalogue.snapshot import Catalogue
from reco.feed.attributes import new_families
from reco.feed.bounds import AtMost, at_most
from reco.feed.candidates import Sweep, sweep_of
from reco.feed.generation import Generation
from reco.feed.scoring import (
    NOTHING_FULL,
    Families,
    Full,
    Likeliest,
    Scored,
    Scores,
    Taste,
    taste_of,
)
from reco.feed.situation import Situation
from reco.feed.workspace import Scratch
from reco.kernel.pooling import not_among
from reco.lazily import lazy

MOST = 500
"""The likeliest of all candidates, among which a slate is looked for first."""
OF_EACH = 5
"""The likeliest of each family that would bring something new: a first play at rank 800, too."""
_GROWTH = 4
_ANYWHERE_NEAR = float(np.finfo(np.float32).max)
_SOME = 20
"""So many items are looked into first, for each at a venue that is asked about."""
_OF_FAMILY = 4
"""Of a family so many times more are looked at first: a few of it change places more easily."""


@dataclass(frozen=True)
class Ranking:
    """Orders what can be booked around a person, as far as it is asked for.

    No offer makes an item likelier than the item is by itself: cost only ever takes away, by hand
    and as learned (`reco.model.ranker` refuses a table that does not start at 0 and rise), and what
    a ranker says of an item, or of all that is around, is the item's own. So once
    as many candidates as are asked for are known to be likelier than all items that are left, by
    what these may have at most, the others need not be gathered. It is the order of all, not nearly
    that order.
    """

    sweep: Sweep
    taste: Taste
    families: Families
    """Of the items; asked for are those that would bring the person something new."""
    most: int = MOST
    first: float = 1.3
    """Items looked at first, for each that is asked for: where and when change the order."""

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest, the likeliest first, ties by item id; all, if fewer.

        Parameters
        ----------
        full
            Groups of candidates that are left out.
        """
        wanted, looked_at = self._with_room(full), self.first * most
        # Where what is digital has no room, what is not near has none.
        farthest = _ANYWHERE_NEAR if full.online else np.inf
        at_least = self._at_most.level(wanted, int(looked_at), farthest)
        while True:
            above = self._at_most.above(np.where(wanted, at_least, np.inf), farthest)
            found = self._looked_into(above).likeliest(most, full)
            if self._is_known(found, at_least, most):
                return found
            if len(found) < most:
                looked_at *= _GROWTH
                at_least = self._at_most.level(wanted, int(looked_at), farthest)
            else:
                at_least = self._below(found, most)

    @lazy
    def top(self) -> Scored:
        """The likeliest of all, as many as a slate is looked for among first."""
        return self._first.scored.take(slice(self.most))

    @lazy
    def of_new(self) -> Scored:
        """The likeliest of each family that would bring something new, `OF_EACH` of them."""
        both = self._first
        return both.scored.take(np.flatnonzero(both.is_of_each))

    @property
    def pool(self) -> Scored:
        """Both, the likeliest first."""
        return self._first.scored

    @lazy
    def _first(self) -> Likeliest:
        """What one sweep has gathered; another, farther down, where that is not enough."""
        families, looked_at = self.families, self.first * self.most
        every, some = np.ones(len(families.is_asked), dtype=bool), self._at_most
        rows, least, of_each = some.rows, some.least, some.least_of_family
        while True:
            found = self._looked_into(rows).likeliest_with(self.most, families, OF_EACH)
            is_known = self._is_known(found.scored, least, self.most)
            lower = self._surely(found.last_of_each, of_each)
            if is_known and np.array_equal(lower, of_each):
                return found
            of_each = lower
            if not is_known:
                if len(found.scored) < self.most:
                    looked_at *= _GROWTH
                    least = some.level(every, int(looked_at))
                else:
                    least = self._below(found.scored, self.most)
            rows = some.above(np.minimum(least, of_each))

    def _is_known(self, found: Scored, at_least: float, most: int) -> bool:
        """Say whether no item with less than `at_least` can be among the `most` likeliest."""
        if at_least == -np.inf:
            return True
        return len(found) >= most and found.log_odds[most - 1] - self.taste.margin > at_least

    def _below(self, found: Scored, most: int) -> float:
        """Return the least that an item can have which is among the `most` likeliest."""
        return float(found.log_odds[most - 1]) - 2.0 * self.taste.margin

    def joined(self, scored: Scored, others: Scored) -> Scored:
        """Return both, the likeliest first, no item twice."""
        is_new = np.empty(len(others), dtype=bool)
        mark = self.sweep.scratch.slot
        not_among(others.candidates.item, scored.candidates.item, mark, is_new)
        both = scored.joined(others.take(np.flatnonzero(is_new)))
        return both.take(both.order(self.sweep.catalogue))

    def has_at_venues(self, least: int) -> bool:
        """Say whether so many candidates are at venues."""
        if self.sweep.offers[0] < least:
            return False
        if np.count_nonzero(~self.top.candidates.is_online) >= least:
            return True
        items = self.sweep.all_items()
        return any(
            len(some) - some.online >= least
            for some in map(self.sweep.gather, (items[: _SOME * least], items))
        )

    @property
    def everything(self) -> Scores:
        """All candidates, until others are gathered."""
        return Scores(self.sweep.everything(), self.taste)

    def _surely(
        self, last: NDArray[np.float64], at_least: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what to look down to: as before where all that was asked for is known.

        Parameters
        ----------
        last
            Of each family, −∞ where not enough were found.
        """
        margin = self.taste.margin
        is_sure = ~self.families.is_asked | (last - margin > at_least)
        return np.where(is_sure, at_least, np.minimum(last - 2.0 * margin, at_least))

    def _looked_into(self, items: NDArray[np.int32]) -> Scores:
        """Return the candidates among some items."""
        return Scores(self.sweep.gather(items), self.taste)

    def _with_room(self, full: Full) -> NDArray[np.bool_]:
        """Return which families have room, (F,)."""
        if not len(full.families):
            return np.ones(len(self.families.is_asked), dtype=bool)
        return ~full.families

    @lazy
    def _at_most(self) -> AtMost:
        """What each item around may have at most."""
        looked_at = int(self.first * self.most)
        return at_most(self.sweep, self.taste, self.families, looked_at, _OF_FAMILY * OF_EACH)


def ranking_of(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
    """Return the ranking of what the request may show; what it gathers lies in `scratch`."""
    sweep = sweep_of(serving.catalogue, situation, scratch, serving.costs)
    families = new_families_of(serving.catalogue, situation.state.met)
    return Ranking(sweep, taste_of(serving, sweep, situation), families)


def new_families_of(catalogue: Catalogue, met: Set[Value]) -> Families:
    """Return the families of the items; those that bring something new are asked for."""
    return Families(catalogue.items.family, new_families(catalogue, met))
