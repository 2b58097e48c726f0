"""The likeliest of all candidates: where there are many, only what can be among them is met."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from reco.catalogue.snapshot import Catalogue
from reco.feed.attributes import new_categories, new_families
from reco.feed.candidates import Sweep, sweep_of
from reco.feed.generation import Generation
from reco.feed.scoring import (
    NO_BOUNDS,
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
from reco.kernel import selecting
from reco.kernel.pooling import not_among
from reco.lazily import lazy
from reco.model.scorer import Bounds

MOST = 500
"""The likeliest of all candidates, among which a slate is looked for first."""
OF_EACH = 5
"""The likeliest of each family that would bring something new: a first play at rank 800, too."""
_GROWTH = 4
_OF_FAMILY = 4
"""Of a family so many times more are looked at first, for fewer of it may be left around."""


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
    first: int = 3
    """Items looked at first, for each that is asked for: distance and price change the order."""

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest, the likeliest first, ties by item id; all, if fewer.

        Parameters
        ----------
        full
            Groups of candidates that are left out.
        """
        wanted, looked_at = self._with_room(full), self.first * most
        at_least = self._level(wanted, looked_at)
        while True:
            found = self._above(at_least, wanted).likeliest(most, full)
            if self._is_known(found, at_least, most):
                return found
            if len(found) < most:
                looked_at *= _GROWTH
                at_least = self._level(wanted, looked_at)
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
        families, wanted = self.families, self._all
        looked_at = self.first * self.most
        least, of_each = self._levels(wanted, looked_at, _OF_FAMILY * self.first * OF_EACH)
        while True:
            some = self._above_either(least, of_each)
            found = some.likeliest_with(self.most, families, OF_EACH)
            is_known = self._is_known(found.scored, least, self.most)
            lower = self._surely(found.last_of_each, of_each)
            if is_known and np.array_equal(lower, of_each):
                return found
            of_each = lower
            if not is_known:
                if len(found.scored) < self.most:
                    looked_at *= _GROWTH
                    least = self._level(wanted, looked_at)
                else:
                    least = self._below(found.scored, self.most)

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
        every = self.everything.gathered
        return len(every) - every.online >= least

    @property
    def everything(self) -> Scores:
        """All candidates, until others are gathered."""
        return Scores(self.sweep.everything(), self.taste, self._bounds)

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

    def _above_either(self, least: float, least_of_family: NDArray[np.float64]) -> Scores:
        """Return the candidates that may have the least log-odds, or those of their family."""
        return self._chosen(np.minimum(least, least_of_family), self._all)

    def _above(self, least: float, wanted: NDArray[np.bool_]) -> Scores:
        """Return the candidates that may have `least` log-odds, of items that are `wanted`."""
        return self._chosen(np.full(len(self.families.is_asked), least), wanted)

    def _chosen(self, least_of_family: NDArray[np.float64], wanted: NDArray[np.bool_]) -> Scores:
        scratch, sweep = self.sweep.scratch, self.sweep
        slots = selecting.choose(
            sweep.items, self._most_log_odds, wanted, self.families.of_item,
            least_of_family.astype(np.float32),
            scratch.is_chosen, scratch.slot, scratch.slot_item,
        )  # fmt: skip
        return Scores(sweep.gather(slots), self.taste, self._bounds)

    def _level(self, wanted: NDArray[np.bool_], count: int) -> float:
        """Return log-odds that about `count` wanted items may have, −∞ if there are fewer."""
        return self._levels(wanted, count, 0)[0]

    def _levels(
        self, wanted: NDArray[np.bool_], count: int, of_each: int
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the same, and for each family log-odds that `of_each` of it may have.

        +∞ for families that are not asked for.
        """
        families, least = self.families, np.empty(len(self.families.is_asked))
        histogram = np.zeros((len(least), selecting.BINS), dtype=np.int32)
        of_all = selecting.levels(
            self.sweep.items, self._most_log_odds, wanted, count,
            families.of_item, families.is_asked, of_each, least, histogram,
        )  # fmt: skip
        return float(of_all), least

    @property
    def _all(self) -> NDArray[np.bool_]:
        """(R,) that every item around is wanted."""
        return self.sweep.scratch.ones[: len(self.sweep.items)]

    def _with_room(self, full: Full) -> NDArray[np.bool_]:
        """Return which items around are of families that have room, (R,)."""
        if not len(full.families):
            return self._all
        family = self.sweep.catalogue.items.item_subcategory
        return np.asarray(~full.families[family[self.sweep.items]])

    @lazy
    def _bounds(self) -> Bounds:
        """(I,) between what the model's score lies of each item around; empty: of none it says."""
        serving, scratch = self.taste.serving, self.sweep.scratch
        model, arranged = serving.model, serving.arranged
        if model is None or arranged is None:
            return NO_BOUNDS
        items, known = len(self.sweep.catalogue.items), self.sweep.catalogue.base_items
        score, slack = scratch.item_score[:items], scratch.item_slack[:items]
        history, around = self.taste.history, self.sweep.items
        of_base = around[: np.searchsorted(around, known)] if items > known else around
        arranged.bounds(history, of_base, Bounds(score[:known], slack[:known]))
        if items > known:
            later = Bounds(score[known:], slack[known:])
            found = model.scorer.bounds(history, serving.model_rows[known:], later)
            score[known:], slack[known:] = found.score, found.slack
        return Bounds(score, slack)

    @lazy
    def _most_log_odds(self) -> NDArray[np.float32]:
        """(R,) what each item around may have at most, right to the margin."""
        taste, scale, catalogue = self.taste, self.taste.scale, self.sweep.catalogue
        scratch, count = self.sweep.scratch, len(self.sweep.items)
        at_venues, online = taste.popular_at_venues, taste.popular_online
        most = scratch.around_log_odds[:count]
        selecting.most_log_odds_of_items(
            self.sweep.items, self._bounds.score, self._bounds.slack,
            scratch.near_cost, scratch.near_bookings,
            catalogue.is_online_item, catalogue.online_bookings, self.sweep.online_cost,
            at_venues.few, at_venues.terms, online.few, online.terms,
            1.0 - taste.share, taste.liked,
            scale.intercept, scale.slope, scale.scale, scratch.said[:count], most,
        )  # fmt: skip
        if taste.affinity:
            taste.affinity.add(self.sweep.items, most)
        return most


def ranking_of(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
    """Return the ranking of what the request may show; what it gathers lies in `scratch`."""
    sweep = sweep_of(serving.catalogue, situation, scratch, serving.costs)
    families = new_families_of(serving.catalogue, situation.state.met)
    return Ranking(sweep, taste_of(serving, sweep, situation), families)


def new_families_of(catalogue: Catalogue, met: Set[Value]) -> Families:
    """Return the items' subcategories, or in a world without any their categories."""
    if catalogue.subcategories:
        return Families(catalogue.items.item_subcategory, new_families(catalogue, met))
    return Families(catalogue.items.item_category, new_categories(catalogue, met))
