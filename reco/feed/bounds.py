"""What each item around may have at most, so that few of them need to be looked into."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.feed.candidates import Sweep
from reco.feed.scoring import Families, Taste
from reco.feed.workspace import Scratch
from reco.kernel import bounding, selecting
from reco.model.arranged import NO_FACTORS, FactorBounds
from reco.model.scorer import Bounds


@dataclass(frozen=True)
class AtMost:
    """The log-odds that items may have at most, right to the margin of a taste."""

    log_odds: NDArray[np.float32]
    """(I,) minus infinity: it is not in question. Of `rows` as near as may be; most others might
    have less by what the model says, or by their price."""
    families: Families
    sweep: Sweep
    rows: NDArray[np.int32]
    """Those that may have the most, of all and of each family asked for."""
    least: float
    """All items that may have so much are among them."""
    least_of_family: NDArray[np.float64]
    """(F,) the same of each family; +∞: it is not asked for."""

    def above(
        self, least_of_family: NDArray[np.float64], farthest: float = np.inf
    ) -> NDArray[np.int32]:
        """Return the rows of the items that may have the least log-odds of their family.

        Parameters
        ----------
        farthest
            What the distance of an item's nearest offer may cost, infinity where there is none.
        """
        chosen, least = self.sweep.scratch.chosen, least_of_family.astype(np.float32)
        family, near = self.families.of_item, self.sweep.near
        count = selecting.choose(self.log_odds, family, least, near, farthest, chosen)
        return chosen[:count]

    def level(self, wanted: NDArray[np.bool_], count: int, farthest: float = np.inf) -> float:
        """Return log-odds that about `count` of wanted families may have; −∞ if fewer."""
        family, near, rows = self.families.of_item, self.sweep.near, self.rows
        known = self.log_odds[rows]
        is_in = wanted[family[rows]] & (near["cost"][rows] <= farthest) & (known >= self.least)
        if np.count_nonzero(is_in) >= count > 0:
            return float(np.partition(known[is_in], -count)[-count])
        histogram = _histogram(self.sweep.scratch, self.families)
        selecting.count_in(self.log_odds, family, wanted, near, farthest, histogram)
        least = np.empty(len(wanted) + 1)
        selecting.levels(histogram, self.families.is_asked, count, 0, least)
        return float(least[-1])


def at_most(sweep: Sweep, taste: Taste, families: Families, count: int, of_each: int) -> AtMost:
    """Return what each item may have that is around, with the rows of the most.

    Parameters
    ----------
    count, of_each
        About how many rows are wanted, of all and of each family that is asked for.
    """
    catalogue, scratch, scale = sweep.catalogue, sweep.scratch, taste.scale
    at_venues, online = taste.popular_at_venues, taste.popular_online
    most, factors = _said(sweep, taste)
    least = np.empty(len(families.is_asked) + 1)
    frequent, kind, of_kind = taste.of_item
    found = bounding.most_log_odds(
        sweep.near, sweep.is_out, catalogue.is_online_item, catalogue.online_bookings,
        sweep.online_cost,
        at_venues.few, at_venues.terms, online.few, online.terms, 1.0 - taste.share,
        frequent, kind, of_kind.astype(np.float32), catalogue.price_codes, sweep.asked.least_cost,
        scale.intercept, scale.slope, scale.scale,
        *(factors.as_passed() if factors else NO_FACTORS), families.of_item, families.is_asked,
        count, of_each, most, scratch.slack, scratch.likely, least, _histogram(scratch, families),
    )  # fmt: skip
    rows = scratch.likely[:found]
    return AtMost(most, families, sweep, rows, float(least[-1]), least[:-1])


def _histogram(scratch: Scratch, families: Families) -> NDArray[np.int32]:
    return scratch.histogram(len(families.is_asked) * selecting.BINS)


def _said(sweep: Sweep, taste: Taste) -> tuple[NDArray[np.float32], FactorBounds | None]:
    """Return what the model may say of each item at most, (I,); NaN: it cannot say.

    Of the first items what else is returned says it, where there is such; the array does not.
    """
    serving, scratch, history = taste.serving, sweep.scratch, taste.history
    items, known = len(sweep.catalogue.items), sweep.catalogue.base_items
    said, room = scratch.most[:items], scratch.slack[:items]
    model, arranged = serving.model, serving.arranged
    if model is None or arranged is None:
        said.fill(np.nan)
        return said, None
    factors = arranged.at_most(history, said[:known], room[:known])
    if items > known:
        later = Bounds(said[known:], room[known:])
        found = model.scorer.bounds(history, serving.model_rows[known:], later)
        np.add(found.score, found.slack, out=said[known:])
    return said, factors
