"""What a request asks of offers, and what their prices cost it, as compiled passes take it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.credit import Budget, strands_from_cents
from features.pairs import Costs
from reco.catalogue.cheapest import CENTS, CLASSES
from reco.catalogue.shelf import CAPS
from reco.catalogue.snapshot import Catalogue
from reco.core.deposits import Credit
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from reco.feed.query import Filters
from reco.feed.situation import Situation
from reco.kernel import bounding


@dataclass(frozen=True)
class Asked:
    """What a request asks of offers."""

    of_offers: tuple[object, ...]
    """What `gathering.gather` must know: times, limits, and what prices, waiting and hours
    cost."""
    least_cost: NDArray[np.float32]
    """What prices cost at least, by the catalogue's `price_codes`."""


def asked_of(catalogue: Catalogue, situation: Situation, budget: Budget, costs: Costs) -> Asked:
    """Return what a request asks of the offers of a catalogue."""
    query = situation.query
    after, before = query.filters.starts_from, query.filters.starts_before
    limits_cents = _limits_cents(situation.state.credit, query.filters)
    afforded, price, wait = _afforded(budget, costs.credit), costs.price, costs.wait
    least = np.empty((len(CAPS) + 1) * CLASSES, dtype=np.float32)
    bounding.least_costs(
        CENTS, afforded, costs.of_cents, price.cost, price.knots_per_unit, limits_cents, CLASSES,
        least,
    )  # fmt: skip
    of_offers = (
        # A catalogue does not say what was open before it was read.
        micros(max(query.now, catalogue.at)),
        micros(after) if after else NEVER_US,
        micros(before) if before else FOREVER_US,
        limits_cents,
        afforded,
        costs.of_cents,
        price.cost,
        price.knots_per_unit,
        wait.cost,
        wait.knots_per_unit,
        costs.week,
    )
    return Asked(of_offers, least)


def _afforded(budget: Budget, weight: float) -> NDArray[np.float64]:
    """Return a budget as `gathering.credit_cost` takes it, (6,)."""
    afforded = np.empty(6)
    np.log(budget.fair_cents, out=afforded[:3])
    afforded[3:] = (
        strands_from_cents(budget.left_cents), np.log(max(budget.left_cents, 1.0)), weight
    )  # fmt: skip
    return afforded


def _limits_cents(credit: Credit, filters: Filters) -> NDArray[np.int64]:
    """Return what a stock may cost, by what it counts against: price asked, credit and cap."""
    limits = [[filters.max_price_cents, credit.limit_cents(cap)] for cap in CAPS]
    return np.array(
        [min((limit for limit in both if limit is not None), default=FOREVER_US) for both in limits]
    )
