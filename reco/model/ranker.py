"""What turns a model's score into the probability that a person books an item at its best offer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.pairs import Costs, CostTable
from reco.array_folder import Frozen, Layout
from reco.model.link import Link, LinkFacts

RANKER_LAYOUT: Layout = {
    "cost_distance": ("float64", ("knots of distance",)),
    "cost_price": ("float64", ("knots of price",)),
    "cost_wait": ("float64", ("knots of wait",)),
    "cost_rarity": ("float64", ("knots of rarity",)),
}
"""The tables in an artifact; they start at 0 and rise strictly."""


class AffinityFacts(Frozen):
    """What a person's own bookings are worth by their kind, in log-odds (`features.affinity`)."""

    prior_bookings: float
    """How many of them count as much as everybody's."""
    lift: float
    """Per unit of the log of a person's share of a kind over everybody's."""
    met: float
    """Of a subcategory that the person has booked before, of either sign."""


class WeekFacts(Frozen):
    """What sessions cost by when in the week they begin, in log-odds, none negative."""

    hours: tuple[float, ...]
    """(24,) of the hour."""
    weekdays: tuple[float, ...]
    """(7,) of the day, from Monday on."""

    @property
    def cost(self) -> NDArray[np.float64]:
        """(169,) by hour of the week, and of what is undated nothing (`features.clock`)."""
        by_day = np.add.outer(np.array(self.weekdays), np.array(self.hours))
        return np.append(by_day.reshape(-1), 0.0)


NO_WEEK = WeekFacts(hours=(0.0,) * 24, weekdays=(0.0,) * 7)


class RankerFacts(Frozen):
    """What is known of a ranker beside its tables; all in log-odds."""

    distance_knots_per_m: float
    price_knots_per_cent: float
    wait_knots_per_day: float
    rarity_knots_per_log: float
    online: float
    """What a digital offer costs."""
    crowding: float
    """Per log of the offers around (`features.pairs.crowding`), for all of them alike."""
    popular_intercept: float
    popular_slope: float
    """Of `features.pairs.popular_log_odds`, where the model cannot say."""
    credit: float = 0.0
    """Of `features.credit.beyond_fair`, a unit; older rankers were learned without."""
    affinity: AffinityFacts | None = None
    """None: nothing; older rankers were learned without."""
    week: WeekFacts = NO_WEEK
    """Older rankers were learned without."""
    link: LinkFacts | None = None
    """From the sum of all that to the log-odds of a booking; None: they are the same."""


@dataclass(frozen=True)
class Ranker:
    """Additive: the item's log-odds, less what its rarity costs, less what its offer costs.

    What a person's own bookings add to an item is the item's own, too.
    """

    costs: Costs
    rarity: CostTable
    """Of `features.pairs.rarity`: an item that few book costs more, whoever offers it."""
    facts: RankerFacts

    @property
    def link(self) -> Link:
        """From the sum to the log-odds of a booking."""
        return Link.of(self.facts.link)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the tables by name, those of `RANKER_LAYOUT`."""
        costs = self.costs
        return {
            "cost_distance": costs.distance.cost,
            "cost_price": costs.price.cost,
            "cost_wait": costs.wait.cost,
            "cost_rarity": self.rarity.cost,
        }

    @classmethod
    def of(cls, facts: RankerFacts, arrays: Mapping[str, NDArray[Any]]) -> "Ranker":
        """Return the ranker whose facts and `arrays()` these are.

        Raises
        ------
        ValueError
            A table does not start at 0 or does not rise strictly, a scale is not positive, or a
            weight has the wrong sign: serving rests on an offer never adding to its item.
        """
        scales = (
            facts.distance_knots_per_m,
            facts.price_knots_per_cent,
            facts.wait_knots_per_day,
            facts.rarity_knots_per_log,
        )
        tables = [
            _table(name, arrays[name], scale)
            for name, scale in zip(RANKER_LAYOUT, scales, strict=True)
        ]
        if not (np.isfinite(facts.online) and facts.online >= 0.0):
            raise ValueError(f"online is {facts.online}, not 0 or more")
        if not (np.isfinite(facts.credit) and facts.credit >= 0.0):
            raise ValueError(f"credit is {facts.credit}, not 0 or more")
        if not (np.isfinite(facts.popular_slope) and facts.popular_slope > 0.0):
            raise ValueError(f"popular_slope is {facts.popular_slope}, not positive")
        if not np.isfinite([facts.crowding, facts.popular_intercept]).all():
            raise ValueError("crowding or popular_intercept is not finite")
        _check_affinity(facts.affinity)
        week = _week_cost(facts.week)
        Link.of(facts.link)
        distance, price, wait, of_rarity = tables
        costs = Costs(distance, price, wait, facts.online, facts.credit, week)
        return cls(costs, of_rarity, facts)


def _check_affinity(affinity: AffinityFacts | None) -> None:
    if affinity is None:
        return
    if not (np.isfinite(affinity.prior_bookings) and affinity.prior_bookings > 0.0):
        raise ValueError(f"affinity.prior_bookings is {affinity.prior_bookings}, not positive")
    if not (np.isfinite(affinity.lift) and affinity.lift >= 0.0):
        raise ValueError(f"affinity.lift is {affinity.lift}, not 0 or more")
    if not np.isfinite(affinity.met):
        raise ValueError("affinity.met is not finite")


def _week_cost(week: WeekFacts) -> NDArray[np.float64]:
    for name, length in (("hours", 24), ("weekdays", 7)):
        cost = np.array(getattr(week, name))
        if len(cost) != length or not (np.isfinite(cost) & (cost >= 0.0)).all():
            raise ValueError(f"week.{name} are not {length} costs of 0 or more")
    return week.cost


def _table(name: str, cost: NDArray[Any], knots_per_unit: float) -> CostTable:
    if not (np.isfinite(knots_per_unit) and knots_per_unit > 0.0):
        raise ValueError(f"{name} has {knots_per_unit} knots a unit")
    is_rising = len(cost) > 1 and bool(np.isfinite(cost).all() and (np.diff(cost) > 0.0).all())
    if not is_rising or cost[0] != 0.0:
        raise ValueError(f"{name} does not start at 0 or does not rise strictly")
    # A compiled pass takes no read-only map of a file.
    return CostTable(np.array(cost, dtype=np.float64), knots_per_unit)
