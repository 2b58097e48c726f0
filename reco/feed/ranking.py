"""The likeliest of all candidates: where there are many, only what can be among them is met."""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from reco.catalogue.snapshot import Catalogue
from reco.feed.attributes import new_categories, new_families
from reco.feed.candidates import Gathered, Sweep, sweep_of
from reco.feed.generation import Generation
from reco.feed.scoring import (
    NO_BOUNDS,
    NOTHING_FULL,
    Families,
    Full,
    Scored,
    Scores,
    Taste,
    score,
    taste_of,
)
from reco.feed.state import Situation
from reco.feed.workspace import Scratch
from reco.kernel import selecting
from reco.kernel.pooling import not_among
from reco.model.scorer import Bounds

MOST = 500
"""The likeliest of all candidates, among which a slate is looked for first."""
OF_EACH = 5
"""The likeliest of each family that would bring something new: a first play at rank 800, too."""
FEW = 0.5
"""Offers around for each item of the catalogue, below which all of them are gathered at once."""
_GROWTH = 4
_MANY = 0.1
"""Share of all items from which on it is quicker to score them all, one after the other."""


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
    are_few: bool
    """Whether there are so few offers around that it is quicker to gather them all."""
    most: int = MOST
    first: int = 16
    """Items looked at first, for each that is asked for: distance and price change the order."""

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest, the likeliest first, ties by item id; all, if fewer.

        Parameters
        ----------
        full
            Groups of candidates that are left out.
        """
        if self.are_few:
            return self.everything.likeliest(most, full)
        wanted = self._with_room(full)
        at_least = self._level(wanted, self.first * most)
        found = self._above(at_least, wanted).likeliest(most, full)
        return self._complete(found, at_least, most, wanted, full)

    @property
    def top(self) -> Scored:
        """The likeliest of all, as many as a slate is looked for among first."""
        return self._first[0]

    @property
    def of_new(self) -> Scored:
        """The likeliest of each family that would bring something new, `OF_EACH` of them."""
        return self._first[1]

    @cached_property
    def _first(self) -> tuple[Scored, Scored]:
        """What both take, of what one sweep has gathered where that is enough."""
        families, wanted = self.families, self.sweep.wanted
        if self.are_few:
            every = self.everything
            return every.likeliest(self.most), every.likeliest_of(families, OF_EACH)
        at_least, of_each = self._levels(wanted, self.first * self.most, self.first * OF_EACH)
        some = self._above_either(at_least, of_each)
        top, of_new = some.likeliest(self.most), some.likeliest_of(families, OF_EACH)
        return (
            self._complete(top, at_least, self.most, wanted, NOTHING_FULL),
            self._complete_of(of_new, of_each),
        )

    def _complete(
        self, found: Scored, at_least: float, most: int, wanted: NDArray[np.bool_], full: Full
    ) -> Scored:
        """Return `found`, or what is found farther down where not all was above `at_least`."""
        looked_at = self.first * most
        while at_least > -np.inf:
            if len(found) < most:
                looked_at *= _GROWTH
                at_least = self._level(wanted, looked_at)
            elif found.log_odds[-1] - self.taste.margin > at_least:
                break
            else:
                at_least = float(found.log_odds[-1]) - 2.0 * self.taste.margin
            found = self._above(at_least, wanted).likeliest(most, full)
        return found

    def _complete_of(self, found: Scored, at_least: NDArray[np.float64]) -> Scored:
        """The same of each new family: down to the last one found, or to all of the family."""
        while True:
            known = self._surely(found, at_least)
            if np.array_equal(known, at_least):
                return found
            at_least = known
            found = self._above_either(np.inf, at_least).likeliest_of(self.families, OF_EACH)

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
        if not self.are_few and np.count_nonzero(~self.top.candidates.is_online) >= least:
            return True
        every = self.everything.gathered
        return len(every) - every.online >= least

    @cached_property
    def everything(self) -> Scores:
        """All candidates, until others are gathered."""
        gathered = self.sweep.everything()
        if len(gathered) < _MANY * len(self.sweep.wanted):
            return score(self.taste, gathered)
        return Scores(gathered, self.taste, self._bounds_of(gathered))

    def _surely(self, found: Scored, at_least: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what to look down to: as before where all that was asked for is known."""
        families = self.families
        of = families.of_item[found.candidates.item]
        is_full = np.bincount(of, minlength=len(at_least)) >= OF_EACH
        last = np.full(len(at_least), np.inf)
        np.minimum.at(last, of, found.log_odds)
        is_sure = ~families.is_asked | (is_full & (last - self.taste.margin > at_least))
        lower = np.where(is_full, last - 2.0 * self.taste.margin, -np.inf)
        return np.where(is_sure, at_least, np.minimum(lower, at_least))

    def _above_either(self, least: float, least_of_family: NDArray[np.float64]) -> Scores:
        """Return the candidates that may have the least log-odds, or those of their family."""
        return self._chosen(np.minimum(least, least_of_family), self.sweep.wanted)

    def _above(self, least: float, wanted: NDArray[np.bool_]) -> Scores:
        """Return the candidates that may have `least` log-odds, of items that are `wanted`."""
        return self._chosen(np.full(len(self.families.is_asked), least), wanted)

    def _chosen(self, least_of_family: NDArray[np.float64], wanted: NDArray[np.bool_]) -> Scores:
        scratch = self.sweep.scratch
        slots = selecting.choose(
            self._most_log_odds, wanted, self.families.of_item,
            least_of_family.astype(np.float32), scratch.slot[: len(wanted)], scratch.slot_item,
        )  # fmt: skip
        gathered = self.sweep.gather(slots)
        return Scores(gathered, self.taste, self._bounds_of(gathered))

    def _bounds_of(self, gathered: Gathered) -> Bounds:
        scratch, bounds, count = self.sweep.scratch, self._bounds, len(gathered)
        if not len(bounds.score):
            return bounds
        room = Bounds(scratch.score[:count], scratch.slack[:count])
        np.take(bounds.score, gathered.item, out=room.score, mode="clip")
        np.take(bounds.slack, gathered.item, out=room.slack, mode="clip")
        return room

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
            self._most_log_odds, wanted, count,
            families.of_item, families.is_asked, of_each, least, histogram,
        )  # fmt: skip
        return float(of_all), least

    def _with_room(self, full: Full) -> NDArray[np.bool_]:
        if not len(full.families):
            return self.sweep.wanted
        family = self.sweep.catalogue.items.item_subcategory
        return np.asarray(self.sweep.wanted & ~full.families[family])

    @cached_property
    def _bounds(self) -> Bounds:
        """Between what the model's score of each item lies; empty: it cannot say for any."""
        serving, scratch = self.taste.serving, self.sweep.scratch
        model, arranged = serving.model, serving.arranged
        if model is None or arranged is None:
            return NO_BOUNDS
        items, known = len(self.sweep.wanted), self.sweep.catalogue.base_items
        score, slack = scratch.item_score[:items], scratch.item_slack[:items]
        history = self.taste.history
        arranged.bounds(history, Bounds(score[:known], slack[:known]))
        if items > known:
            later = Bounds(score[known:], slack[known:])
            model.scorer.bounds(history, serving.model_rows[known:], later)
        return Bounds(score, slack)

    @cached_property
    def _most_log_odds(self) -> NDArray[np.float32]:
        """What each item may have at most, right to the margin."""
        taste, scale = self.taste, self.taste.scale
        popular = np.maximum(taste.popular_at_venues, taste.popular_online)
        most = self.sweep.scratch.item_log_odds[: len(self.sweep.wanted)]
        selecting.most_log_odds_of_items(
            self._bounds.score, self._bounds.slack,
            self.sweep.catalogue.totals.item_bookings, popular, 1.0 - taste.share, taste.liked,
            scale.intercept, scale.slope, scale.scale, most,
        )  # fmt: skip
        return most


def ranking_of(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
    """Return the ranking of what the request may show; what it gathers lies in `scratch`."""
    sweep = sweep_of(serving.catalogue, situation, scratch, serving.costs)
    are_few = sum(sweep.offers) < FEW * len(serving.catalogue.items)
    families = new_families_of(serving.catalogue, situation.state.met)
    return Ranking(sweep, taste_of(serving, sweep, situation), families, are_few)


def new_families_of(catalogue: Catalogue, met: Set[Value]) -> Families:
    """Return the items' subcategories, or in a world without any their categories."""
    if catalogue.subcategories:
        return Families(catalogue.items.item_subcategory, new_families(catalogue, met))
    return Families(catalogue.items.item_category, new_categories(catalogue, met))
