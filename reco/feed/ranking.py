"""The likeliest of all candidates: where there are many, only what can be among them is met."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reco.feed.candidates import Sweep, sweep_of
from reco.feed.generation import Generation
from reco.feed.scoring import NO_BOUNDS, NOTHING_FULL, Full, Scored, Scores, Taste, score, taste_of
from reco.feed.state import Situation
from reco.feed.workspace import Scratch
from reco.kernel import selecting
from reco.model.scorer import Bounds

MOST = 500
"""The likeliest of all candidates, among which a slate is looked for first."""
FEW = 0.25
"""Offers around for each item of the catalogue, below which all of them are gathered at once."""
_GROWTH = 4


@dataclass(frozen=True)
class Ranking:
    """Orders what can be booked around a person, as far as it is asked for.

    No offer makes an item likelier than the item is by itself: cost only ever takes away. So once
    as many candidates as are asked for are known to be likelier than all items that are left, by
    what these may have at most, the others need not be gathered. It is the order of all, not nearly
    that order.
    """

    sweep: Sweep
    taste: Taste
    are_few: bool
    """Whether there are so few offers around that it is quicker to gather them all."""
    most: int = MOST
    first: int = 8
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
        looked_at = self.first * most
        at_least = self._level(wanted, looked_at)
        while True:
            found = self._above(at_least, wanted).likeliest(most, full)
            if at_least == -np.inf:
                return found
            if len(found) < most:
                looked_at *= _GROWTH
                at_least = self._level(wanted, looked_at)
            elif found.log_odds[-1] - self.taste.margin > at_least:
                return found
            else:
                at_least = float(found.log_odds[-1]) - 2.0 * self.taste.margin

    def likeliest_of(
        self, group: NDArray[np.int16], is_asked: NDArray[np.bool_], of_each: int
    ) -> Scored:
        """Return the `of_each` likeliest of every group asked for, the likeliest first.

        Parameters
        ----------
        group, is_asked
            (I,) group of each item, and (G,) which groups are asked for.
        """
        if self.are_few:
            return self.everything.likeliest_of(group, is_asked, of_each)
        at_least = self._levels(group, is_asked, self.first * of_each)
        while True:
            found = self._above_of(at_least, group).likeliest_of(group, is_asked, of_each)
            known = self._surely(found, group, is_asked, of_each, at_least)
            if np.array_equal(known, at_least):
                return found
            at_least = known

    def has_at_venues(self, least: int) -> bool:
        """Say whether so many candidates are at venues."""
        if self.sweep.offers[0] < least:
            return False
        if not self.are_few and np.count_nonzero(~self.top.candidates.is_online) >= least:
            return True
        every = self.everything.gathered
        return len(every) - every.online >= least

    @cached_property
    def top(self) -> Scored:
        """The likeliest of all, as many as a slate is looked for among first."""
        return self.likeliest(self.most)

    @cached_property
    def everything(self) -> Scores:
        """All candidates, until others are gathered."""
        return score(self.taste, self.sweep.everything())

    def _levels(
        self, group: NDArray[np.int16], is_asked: NDArray[np.bool_], count: int
    ) -> NDArray[np.float64]:
        """Return log-odds that `count` items of each group may have; +∞ if it is not asked for."""
        best = np.full((len(is_asked), count), -np.inf)
        selecting.levels_of_groups(self._most_log_odds, self.sweep.wanted, group, is_asked, best)
        return np.where(is_asked, best[:, 0] - self.taste.margin, np.inf)

    def _surely(
        self,
        found: Scored,
        group: NDArray[np.int16],
        is_asked: NDArray[np.bool_],
        of_each: int,
        at_least: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return what to look down to: no less than before where all that was asked for is known.

        Elsewhere to the last one of the group that was found, or to all of it.
        """
        of = group[found.candidates.item]
        counts = np.bincount(of, minlength=len(is_asked))
        last = np.full(len(is_asked), np.inf)
        np.minimum.at(last, of, found.log_odds)
        is_full = counts >= of_each
        is_sure = is_full & (last - self.taste.margin > at_least)
        lower = np.where(is_full, last - 2.0 * self.taste.margin, -np.inf)
        return np.where(is_sure | ~is_asked, at_least, np.minimum(lower, at_least))

    def _above_of(self, least_of_group: NDArray[np.float64], group: NDArray[np.int16]) -> Scores:
        """Return the candidates that may have the least log-odds of their group."""
        chosen = self.sweep.scratch.chosen[: len(self.sweep.wanted)]
        selecting.choose_of_groups(
            self._most_log_odds, self.sweep.wanted, np.inf, group, least_of_group, chosen
        )
        return self._chosen(chosen)

    def _above(self, least: float, wanted: NDArray[np.bool_]) -> Scores:
        """Return the candidates that may have `least` log-odds, of items that are `wanted`."""
        chosen = self.sweep.scratch.chosen[: len(wanted)]
        selecting.choose(self._most_log_odds, wanted, least, chosen)
        return self._chosen(chosen)

    def _chosen(self, chosen: NDArray[np.bool_]) -> Scores:
        scratch = self.sweep.scratch
        gathered = self.sweep.gather(chosen)
        bounds, count = self._bounds, len(gathered)
        if len(bounds.score):
            room = Bounds(scratch.score[:count], scratch.slack[:count])
            np.take(bounds.score, gathered.item, out=room.score, mode="clip")
            np.take(bounds.slack, gathered.item, out=room.slack, mode="clip")
            bounds = room
        return Scores(gathered, self.taste, bounds)

    def _level(self, wanted: NDArray[np.bool_], count: int) -> float:
        """Return log-odds that about `count` wanted items may have, −∞ if there are fewer."""
        histogram = np.zeros(selecting.BINS, dtype=np.int64)
        return float(selecting.level(self._most_log_odds, wanted, count, histogram))

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
        taste, scale = self.taste, self.taste.calibration
        popular = np.maximum(taste.popular_at_venues, taste.popular_online)
        most = self.sweep.scratch.item_log_odds[: len(self.sweep.wanted)]
        selecting.most_log_odds_of_items(
            self._bounds.score, self._bounds.slack,
            self.sweep.catalogue.totals.item_bookings, popular,
            scale.intercept, scale.slope, scale.scale, most,
        )  # fmt: skip
        return most


def ranking_of(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
    """Return the ranking of what the request may show; what it gathers lies in `scratch`."""
    sweep = sweep_of(serving.catalogue, situation, scratch)
    are_few = sum(sweep.offers) < FEW * len(serving.catalogue.items)
    return Ranking(sweep, taste_of(serving, sweep, situation), are_few)
