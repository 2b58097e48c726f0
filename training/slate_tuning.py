"""Propose the dial's floor, intensity and pool size on what is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.diversify.methods import FLOORS, INTENSITIES, Setting, horizon
from training.intervals import Estimate, mean_intervals
from training.slate_data import SlateData
from training.slate_tasks import slate_tasks
from training.slates import CHOOSING_USERS, LOSS, Progress, Stage, part_of, prepare

POOL_SIZES = (50, 100, 200)
"""Candidates a slate is chosen from, beside all that the pools hold."""
_SHOWN = ("ndcg", "horizon_recall", "novel_recall", "slate_points")


@dataclass(frozen=True)
class Point:
    """One place on the curve: changes against the order by relevance, with 95 % intervals."""

    floor: float
    intensity: float
    pool_size: int | None
    """None: the whole pool."""
    changes: dict[str, Estimate]
    """By metric, relative; the interval is that of the paired difference."""

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        changes = {name: vars(change) for name, change in self.changes.items()}
        return vars(self) | {"changes": changes}


@dataclass(frozen=True)
class Tuning:
    """The curve, and what it proposes."""

    points: tuple[Point, ...]
    proposed: Point | None
    """Of most horizon_recall among those within the loss of ndcg; None: none is."""


def tune_slates(
    data: SlateData, split: str, *, k: int, progress: Progress, seed: int = 0
) -> Tuning:
    """Draw the curve over floor and intensity, then over the size of the pool, and propose.

    On validation users alone; the probability of each is by a fit that had not seen the user.
    """
    stage = prepare(slate_tasks(data, split, seed)[0], progress, seed).choosing
    users = np.random.default_rng(seed).permutation(len(stage.pools.start) - 1)
    stage = part_of(stage, np.sort(users[:CHOOSING_USERS]))
    progress("drawing the curve", 0.6)
    grid = [horizon(floor, intensity) for intensity in INTENSITIES for floor in FLOORS]
    points = _points(stage, grid, k, None, seed)
    best = proposal(points, k)
    if best is not None:
        setting = horizon(best.floor, best.intensity)
        sizes = [_points(_cut(stage, size), [setting], k, size, seed) for size in POOL_SIZES]
        points += [point for listed in sizes for point in listed]
        best = proposal(points, k)
    return Tuning(tuple(points), best)


def proposal(points: Sequence[Point], k: int) -> Point | None:
    """Return the point of most horizon_recall that loses no more ndcg than is allowed."""
    within = [point for point in points if point.changes[f"ndcg@{k}"].value >= -LOSS]
    return max(within, key=lambda point: point.changes[f"horizon_recall@{k}"].value, default=None)


def _points(
    stage: Stage, grid: Sequence[Setting], k: int, size: int | None, seed: int
) -> list[Point]:
    _, figures = stage.figures([Setting("relevance", ""), *grid], k)
    base, *others = figures
    return [
        Point(
            setting.floor,
            setting.intensity,
            size,
            {
                f"{name}@{k}": _change(figure[f"{name}@{k}"], base[f"{name}@{k}"], seed)
                for name in _SHOWN
            },
        )
        for setting, figure in zip(grid, others, strict=True)
    ]


def _change(figure: NDArray[np.float64], base: NDArray[np.float64], seed: int) -> Estimate:
    known = ~np.isnan(base)
    mean = float(base[known].mean()) if known.any() else 0.0
    if not mean:
        return Estimate(0.0, 0.0, 0.0)
    (gap,) = mean_intervals((figure - base)[known, np.newaxis], seed)
    return Estimate(gap.value / mean, gap.low / mean, gap.high / mean)


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
