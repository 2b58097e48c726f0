"""What each item around may have at most, so that few of them need to be looked into."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.feed.candidates import Sweep
from reco.feed.scoring import Families, Taste
from reco.feed.workspace import Scratch
from reco.kernel import bounding, selecting
from reco.model.arranged import Factors
from reco.model.scorer import Bounds


@dataclass(frozen=True)
class AtMost:
    """The log-odds that items may have at most, right to the margin of a taste."""

    log_odds: NDArray[np.float32]
    """(I,) minus infinity: it is not in question."""
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
        family, near = self.families.of_item, self.sweep.near
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
        *_as_passed(factors), families.of_item, families.is_asked,
        count, of_each, most, scratch.slack, scratch.likely, least, _histogram(scratch, families),
    )  # fmt: skip
    rows = scratch.likely[:found]
    return AtMost(most, families, sweep, rows, float(least[-1]), least[:-1])


def _histogram(scratch: Scratch, families: Families) -> NDArray[np.int32]:
    return scratch.histogram(len(families.is_asked) * selecting.BINS)


_NO_FACTORS = (
    np.empty((0, 0), dtype=np.int8), *np.empty((2, 0), dtype=np.float32),
    np.empty(0, dtype=np.int16), 0.0, 0.0, 0.0,
)  # fmt: skip


def _as_passed(factors: Factors | None) -> tuple[object, ...]:
    """Return factors as compiled passes take them."""
    if factors is None:
        return _NO_FACTORS
    return (
        factors.items.code, factors.items.step, factors.length,
        factors.user, factors.user_step, factors.slack_steps, factors.user_length,
    )  # fmt: skip


def _said(sweep: Sweep, taste: Taste) -> tuple[NDArray[np.float32], Factors | None]:
    """Return what the model may say of each item at most, (I,), and what tells it of the first.

    NaN: it cannot say.
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
