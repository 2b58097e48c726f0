"""Propose the dial's floor, intensity and pool size on what is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.diversify.methods import Setting, dial, horizon
from training.slate_choice import Changes, best_of, changes_of
from training.slate_data import SlateData
from training.slate_tasks import slate_tasks
from training.slates import MOST_USERS, Progress, Stage, prepare

POOL_SIZES = (50, 100, 200)
"""Candidates a slate is chosen from, beside all that the pools hold."""


@dataclass(frozen=True)
class Point:
    """One place on the curve: changes against the order by relevance, with 95 % intervals."""

    floor: float
    intensity: float
    pool_size: int | None
    """None: the whole pool."""
    changes: Changes

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        changes = {name: vars(change) for name, change in self.changes.items()}
        return vars(self) | {"changes": changes}


@dataclass(frozen=True)
class Tuning:
    """The curve, and what it proposes."""

    points: tuple[Point, ...]
    proposed: Point
    """Of most horizon_recall among those within the loss of ndcg."""


def tune_slates(
    data: SlateData,
    split: str,
    *,
    k: int,
    progress: Progress,
    users: int = MOST_USERS,
    seed: int = 0,
) -> Tuning:
    """Draw the curve over floor and intensity, then over the size of the pool, and propose.

    On validation users alone, so many at most; the probability of each is by a fit that had not
    seen the user.
    """
    stage = prepare(slate_tasks(data, split, seed)[0], progress, seed, users).choosing
    progress("drawing the curve", 0.6)
    points = _points(stage, dial(), k, None, seed)
    best = proposal(points, k)
    progress("trying pools", 0.9)
    setting = horizon(best.floor, best.intensity)
    for size in POOL_SIZES:
        points += _points(_cut(stage, size), [setting], k, size, seed)
    return Tuning(tuple(points), proposal(points, k))


def proposal(points: Sequence[Point], k: int) -> Point:
    """Return the point of most horizon_recall that loses no more ndcg than is allowed."""
    return points[best_of([point.changes for point in points], k)]


def _points(
    stage: Stage, grid: Sequence[Setting], k: int, size: int | None, seed: int
) -> list[Point]:
    base, *others = stage.headlines([Setting("relevance", ""), *grid], k)
    return [
        Point(setting.floor, setting.intensity, size, changes)
        for setting, changes in zip(grid, changes_of(base, others, seed), strict=True)
    ]


def _cut(stage: Stage, size: int) -> Stage:
    """Return the stage with the `size` likeliest candidates of each user alone."""
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
