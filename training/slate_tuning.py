"""Propose the dial's price, floor and intensity on what is held out, and how large a pool does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from reco.feed.dials import Dials
from training.diversify.methods import Setting, dial
from training.slate_choice import Changes, best_widening, changes_of
from training.slate_data import SlateData
from training.slate_tasks import slate_tasks
from training.slates import MOST_USERS, Progress, Stage, prepare

POOL_SIZES = (50, 100, 200)
"""The likeliest candidates a slate is chosen from, beside the likeliest of what is new."""
LOSS_OF_POOL = 0.01
"""Share of any figure that a smaller pool may lose against the whole one, at the lower end."""
_RELEVANCE = Setting("relevance", "")


@dataclass(frozen=True)
class Point:
    """One place on the curve: changes against the order by relevance, with 95 % intervals."""

    setting: Setting
    pool_size: int | None
    """None: the whole pool."""
    changes: Changes
    against_whole: Changes | None = None
    """Of a smaller pool: changes against the same setting from the whole one."""

    @property
    def dials(self) -> Dials:
        """What the feed is asked or set to, to choose so."""
        setting = self.setting
        return Dials(setting.floor, setting.intensity, setting.points_a_booking)

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return vars(self.dials) | {
            "pool_size": self.pool_size,
            "changes": _told(self.changes),
            "against_whole": _told(self.against_whole) if self.against_whole else None,
        }


@dataclass(frozen=True)
class Tuning:
    """The curve, and what it proposes."""

    points: tuple[Point, ...]
    proposed: Point
    """The price that validation chooses, from the smallest pool that does as well as the whole."""


def tune_slates(
    data: SlateData,
    split: str,
    *,
    k: int,
    progress: Progress,
    users: int = MOST_USERS,
    seed: int = 0,
) -> Tuning:
    """Draw the curve over price, floor and intensity, and propose one, with its pool.

    On validation users alone, so many at most; the probability of each is by a fit that had not
    seen the user. The pool is the smallest that surely loses no more than little.
    """
    stage = prepare(slate_tasks(data, split, seed)[0], progress, seed, users).choosing
    progress("drawing the curve", 0.6)
    grid = dial()
    base, *figures = stage.headlines([_RELEVANCE, *grid], k)
    curve = [
        Point(setting, None, changes)
        for setting, changes in zip(grid, changes_of(base, figures, seed), strict=True)
    ]
    best = proposal(curve, k)
    progress("trying pools", 0.9)
    others = [_cut(stage, size).headlines([best.setting], k)[0] for size in POOL_SIZES]
    compared = [changes_of(of, others, seed) for of in (base, figures[grid.index(best.setting)])]
    smaller = [Point(best.setting, *one) for one in zip(POOL_SIZES, *compared, strict=True)]
    does = next((point for point in smaller if _does_as_well(point)), best)
    return Tuning((*curve, *smaller), does)


def _told(changes: Changes) -> dict[str, Any]:
    return {metric: vars(change) for metric, change in changes.items()}


def proposal(points: Sequence[Point], k: int) -> Point:
    """Return the point of the price that validation chooses."""
    priced = [point for point in points if point.setting.points_a_booking]
    changes = [point.changes for point in priced]
    return priced[best_widening([point.setting for point in priced], changes, k)]


def _does_as_well(smaller: Point) -> bool:
    """Say whether every figure surely loses no more than little against the whole pool."""
    changes = smaller.against_whole or {}
    return all(change.low >= -LOSS_OF_POOL for change in changes.values())


def _cut(stage: Stage, size: int) -> Stage:
    """Return the stage with the `size` likeliest candidates of each user, and what is new."""
    kept = stage.pools.likeliest_and_new(stage.probability, size)
    return replace(stage, pools=stage.pools.kept(kept), probability=stage.probability[kept])
