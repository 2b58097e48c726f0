"""Exploration: now and then one position of a slate goes to chance, with known probabilities.

With probability epsilon one position, drawn uniformly, shows one of the offers that are feasible
there, drawn uniformly; it keeps the position. An agenda to keep (`plan`) is left alone.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.feed.attributes import categories_among
from reco.feed.choosing import Choice, aim_of
from reco.feed.query import FeedQuery
from reco.feed.rating import discounts, relevance_of, with_rows
from reco.feed.widening import Aim, Pool, Widened

UNKNOWN = 0.0
"""Propensity of an offer that stands in for one drawn and gone: nothing is divided by it."""

_RATE_OF_DEMO = 0.02
_ROUNDING = 1e-12

IsLive = Callable[[int], bool]
"""Id of an offer -> whether it can be booked at this moment."""


@dataclass(frozen=True)
class Draw:
    """Three uniform numbers from 0 to 1 (excluded): all the chance that a slate has."""

    whether: float
    position: float
    offer: float

    @classmethod
    def of(cls, seed: int) -> Self:
        """Return the draw of a seed; the same on every machine and with every release."""
        # The one generator of the standard library whose sequence is promised not to change.
        numbers = random.Random(seed)  # noqa: S311
        return cls(numbers.random(), numbers.random(), numbers.random())


@dataclass(frozen=True)
class Explored:
    """What is shown of a choice, with its propensities."""

    choice: Choice
    propensities: tuple[float, ...]
    """Of each position showing what it shows, given the query; `UNKNOWN` where it is not known."""


@dataclass(frozen=True)
class Exploration:
    """The chances of a slate of n offers from a pool of C."""

    pool: Pool
    aim: Aim
    is_category: NDArray[np.bool_]
    """(W,) which of the pool's values are categories."""
    chosen: NDArray[np.int64]
    """(n,) rows of the pool, in the order shown."""
    likeliest: NDArray[np.int64]
    """Rows of the slate that the floor refers to."""
    rate: float
    """Epsilon, from 0 to 1."""

    @cached_property
    def is_feasible(self) -> NDArray[np.bool_]:
        """(n, C) whether a candidate may take a position, everything else in its place.

        It is not in the slate, its quotas have room, the categories asked for stay, and the
        relevance keeps the floor with the candidate in that very position.
        """
        feasible = self._keeps_floor()
        feasible[:, self.chosen] = False
        for quota in self.pool.quotas:
            group = quota.code
            taken = np.bincount(group[self.chosen], minlength=int(group.max(initial=-1)) + 1)
            leaves = group[self.chosen][:, np.newaxis] == group
            feasible &= taken[group] - leaves < quota.limit
        if self.aim.least_new_categories:
            feasible &= self._keeps_categories()
        return feasible

    @property
    def propensities(self) -> tuple[float, ...]:
        """(n,) that each position shows the offer that was chosen without chance."""
        each = self.rate / max(len(self.chosen), 1)
        return tuple(np.where(self.is_feasible.any(axis=1), 1.0 - each, 1.0).tolist())

    def propensity_at(self, position: int) -> float:
        """Return the probability that a position shows one given offer that is feasible there."""
        return self.rate / len(self.chosen) / int(self.is_feasible[position].sum())

    def drawn(self, draw: Draw) -> tuple[int, int] | None:
        """Return the position and the row of the pool that `draw` puts there; None: no change."""
        if draw.whether >= self.rate or not len(self.chosen):
            return None
        position = int(draw.position * len(self.chosen))
        feasible = np.flatnonzero(self.is_feasible[position])
        return (position, int(feasible[int(draw.offer * len(feasible))])) if len(feasible) else None

    def with_drawn(self, widened: Widened, position: int, row: int) -> Widened:
        """Return the slate with another row at a position, and how good it is then."""
        rows = widened.chosen.copy()
        rows[position] = row
        return with_rows(widened, self.pool, rows, self.likeliest, self.aim)

    def _keeps_floor(self) -> NDArray[np.bool_]:
        probability = self.pool.probability
        discount = discounts(len(self.chosen))[:, np.newaxis]
        change = discount * (probability - probability[self.chosen][:, np.newaxis])
        # The margin is what the same sum may differ by in another order.
        best = relevance_of(self.pool, self.likeliest)
        least = self.aim.floor * best * (1.0 + _ROUNDING)
        return np.asarray(relevance_of(self.pool, self.chosen) + change >= least)

    def _keeps_categories(self) -> NDArray[np.bool_]:
        brings = self._brings
        of_slate = brings[self.chosen]
        count = of_slate.sum(axis=0)
        least = min(self.aim.least_new_categories, int((count > 0).sum()))
        left = count - of_slate > 0
        kept, added = left.sum(axis=1)[:, np.newaxis], (~left).astype(np.int64) @ brings.T
        return np.asarray(kept + added >= least)

    @property
    def _brings(self) -> NDArray[np.int64]:
        """(C, categories) 1 where a candidate brings a category that is new."""
        values = self.pool.values
        number = np.cumsum(self.is_category) - 1
        row = np.repeat(np.arange(len(self.pool.probability)), np.diff(values.start))
        told = self.is_category[values.value]
        brings = np.zeros((len(self.pool.probability), int(self.is_category.sum())), dtype=np.int64)
        brings[row[told], number[values.value[told]]] = 1
        return brings


def default_rate(world: str) -> float:
    """Return epsilon of a world where nobody has set it: some in the demo, else none."""
    return _RATE_OF_DEMO if world == "demo" else 0.0


def explored(choice: Choice, catalogue: Catalogue, query: FeedQuery, is_live: IsLive) -> Explored:
    """Return what `query` is shown of `choice`, by its seed.

    Where the offer that was drawn is gone, the slate stays as it was chosen, and the propensity of
    that position is `UNKNOWN`: the others then are exact without asking what else is gone. An
    estimate that gives such a position no weight stays unbiased, as the propensities are those of
    showing an offer with a known one; of another epsilon its weight is known all the same.
    """
    if not query.exploration or query.plan:
        return Explored(choice, (1.0,) * len(choice.widened.chosen))
    chances = exploration_of(choice, catalogue, query)
    propensities, drawn = chances.propensities, chances.drawn(Draw.of(query.seed))
    if drawn is None:
        return Explored(choice, propensities)
    position, row = drawn
    if not is_live(int(choice.pool.candidates.offer_id[row])):
        return Explored(choice, _with(propensities, position, UNKNOWN))
    shown = replace(
        choice, widened=chances.with_drawn(choice.widened, position, row), explored=position
    )
    return Explored(shown, _with(propensities, position, chances.propensity_at(position)))


def exploration_of(choice: Choice, catalogue: Catalogue, query: FeedQuery) -> Exploration:
    """Return the chances of what `query` is shown of `choice`."""
    return Exploration(
        choice.problem,
        aim_of(query),
        categories_among(catalogue, choice.problem.values),
        choice.widened.chosen,
        choice.likeliest.chosen,
        query.exploration,
    )


def _with(propensities: tuple[float, ...], position: int, propensity: float) -> tuple[float, ...]:
    return (*propensities[:position], propensity, *propensities[position + 1 :])
