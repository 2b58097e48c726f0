"""Propose the dial's price, floor and intensity on what is held out; of pool sizes only tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reco.feed.dials import Dials
from training.diversify.methods import Setting, dial
from training.slate_choice import Changes, best_widening, changes_of
from training.slate_data import SlateData
from training.slate_tasks import slate_tasks
from training.slates import MOST_USERS, Progress, Stage, prepare

POOL_SIZES = (50, 100, 200)
"""The likeliest candidates a slate is chosen from, beside all that the pools hold."""


@dataclass(frozen=True)
class Point:
    """One place on the curve: changes against the order by relevance, with 95 % intervals."""

    setting: Setting
    pool_size: int | None
    """None: the whole pool."""
    changes: Changes

    @property
    def dials(self) -> Dials:
        """What the feed is asked or set to, to choose so."""
        setting = self.setting
        return Dials(setting.floor, setting.intensity, setting.points_a_booking)

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        changes = {name: vars(change) for name, change in self.changes.items()}
        return vars(self.dials) | {"pool_size": self.pool_size, "changes": changes}


@dataclass(frozen=True)
class Tuning:
    """The curve, and what it proposes."""

    points: tuple[Point, ...]
    proposed: Point
    """The price that validation chooses, from the whole pool: the feed's own has no setting."""


def tune_slates(
    data: SlateData,
    split: str,
    *,
    k: int,
    progress: Progress,
    users: int = MOST_USERS,
    seed: int = 0,
) -> Tuning:
    """Draw the curve over price, floor and intensity, propose, and cut the proposal's pool.

    On validation users alone, so many at most; the probability of each is by a fit that had not
    seen the user.
    """
    stage = prepare(slate_tasks(data, split, seed)[0], progress, seed, users).choosing
    progress("drawing the curve", 0.6)
    points = _points(stage, dial(), k, None, seed)
    best = proposal(points, k)
    progress("trying pools", 0.9)
    for size in POOL_SIZES:
        points += _points(_cut(stage, size), [best.setting], k, size, seed)
    return Tuning(tuple(points), best)


def proposal(points: Sequence[Point], k: int) -> Point:
    """Return the point of the price that validation chooses."""
    priced = [point for point in points if point.setting.points_a_booking]
    changes = [point.changes for point in priced]
    return priced[best_widening([point.setting for point in priced], changes, k)]


def _points(
    stage: Stage, grid: Sequence[Setting], k: int, size: int | None, seed: int
) -> list[Point]:
    base, *others = stage.headlines([Setting("relevance", ""), *grid], k)
    return [
        Point(setting, size, changes)
        for setting, changes in zip(grid, changes_of(base, others, seed), strict=True)
    ]


def _cut(stage: Stage, size: int) -> Stage:
    """Return the stage with the `size` likeliest candidates of each user alone.

    Without those that the pools hold for being the likeliest of something new.
    """
    user = stage.pools.user
    order = np.lexsort((stage.pools.item, -stage.probability, user))
    place = np.arange(len(order)) - stage.pools.start[user[order]]
    kept = np.sort(order[place < size])
    length = np.bincount(user[kept], minlength=len(stage.pools.start) - 1)
    pools = replace(
        stage.pools,
        start=np.append(0, np.cumsum(length)),
        item=stage.pools.item[kept],
        score=stage.pools.score[kept],
        second=stage.pools.second[kept],
        is_found=stage.pools.is_found[kept],
    )
    return replace(stage, pools=pools, probability=stage.probability[kept])
