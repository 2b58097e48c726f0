"""One training run: split, fit, calibrate, fit again on all that may be seen, evaluate."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from features.credit import CREDIT_WEIGHT
from features.interactions import Events
from reco.model.calibration import Calibration
from training.calibration import calibration_of
from training.evaluate import Task, among_open, evaluate, sample_of, task_of
from training.fits import Parameters
from training.impressions import ReadImpressions
from training.market import Market
from training.models.fitted import Advance
from training.models.popularity import PopularityParameters, item_popularity
from training.ranked import Ranked, learn_from_visits
from training.saying import require_saying
from training.split import (
    Part,
    SplitKind,
    aware,
    can_learn,
    choosing_part,
    naive_utc,
    split_plan,
)
from training.summary import Comparison, compare
from training.tune import Rehearsed, best_rehearsal, end_of, half_lives, rehearse

MAX_JUDGED = 5_000
"""Users that figures are taken over, drawn at random: intervals are narrow enough."""
LEAST_JUDGED = 2_000
MAX_RANKED = 400_000_000
"""Pairs of a user and an item that are ranked at each look, if the least users allow: every item is
ranked for each of them, so that of a large catalogue fewer users are drawn."""

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""


@dataclass(frozen=True)
class Trained:
    """A model that is fitted, calibrated and judged, but not saved yet."""

    final: Rehearsed
    """The model itself."""
    calibration: Calibration
    ranked: Ranked | None
    """None: too little is known of visits, and calibration is of the score alone."""
    cutoff: datetime | None
    """It has seen nothing after it; None: the events have no times."""
    task: Task
    """What was to be found, by those users that the figures are of."""
    is_held_out: bool
    """Whether the figures are of the model itself, on what came after its cutoff; else they are of
    the rehearsal, which saw less."""
    figures: tuple[Comparison, ...]
    """Over all items."""
    open_figures: tuple[Comparison, ...]
    """Over those that were still bookable after the cutoff, told by hindsight."""
    seconds: dict[str, float]
    """By stage."""
    peak_memory_bytes: int


def train_model(
    events: Events,
    parameters: Parameters,
    *,
    split: SplitKind,
    cutoff: datetime | None,
    progress: Progress,
    market: Market | None = None,
    credit_weight: float = CREDIT_WEIGHT,
    impressions: ReadImpressions | None = None,
) -> Trained:
    """Train one model.

    A rehearsal is fitted on the earlier part of what may be seen; the later one calibrates. Unless
    `parameters` name a half-life, it chooses that, too; without a cutoff, as it judges there, that
    is left to a tenth before it (`choosing_part`). Then the model is fitted again on all of it, and
    judged on what came after, beside popularity at its own best half-life.

    Parameters
    ----------
    cutoff
        With a zone. Nothing from it on is seen; for `split` time alone. None: everything is seen.
    market
        Of these events, for a ranker; None: none is learned.
    credit_weight
        That the ranker is learned beside (`features.credit`).
    impressions
        What was shown, for the ranker; None: nothing is on record.

    Raises
    ------
    InvalidInput
        The events do not allow the split, nothing lies before the cutoff, or `parameters` leave a
        model that says nothing.
    """
    seconds: dict[str, float] = {}
    border = None if cutoff is None else naive_utc(cutoff)
    plan = split_plan(events, split, border)
    rehearsed = task_of(plan.rehearsal)
    judged_users = _judged(rehearsed)
    choosing = choosing_part(events, plan)
    judges = judged_users if choosing is plan.rehearsal else _judged(task_of(choosing))
    tries = parameters.steps * (1 + len(half_lives(plan.rehearsal.past, parameters)))
    with _timed(seconds, "choose"):
        progress("choosing the half-life", 0.0)
        advance = _advance(progress, "choosing the half-life", tries, (0.0, 0.6))
        rehearsal = _chosen(choosing, judges, plan.rehearsal, parameters, advance)
    progress("calibrating", 0.6)
    with _timed(seconds, "calibrate"):
        calibration = calibration_of(rehearsal, rehearsed)
        # Here it is told at once, not when all is fitted again.
        require_saying(rehearsal, parameters)
    progress("learning the ranker", 0.65)
    with _timed(seconds, "rank"):
        ranked = None
        if market:
            until = market.until(border)
            ranked = learn_from_visits(
                until, rehearsal, credit_weight=credit_weight, read=impressions
            )
    progress("fitting", 0.7)
    with _timed(seconds, "fit"):
        advance = _advance(progress, "fitting", parameters.steps, (0.7, 0.9))
        final = rehearse(plan.final, rehearsal.parameters, advance)
        require_saying(final, parameters)
    progress("evaluating", 0.9)
    is_held_out = len(plan.final.future) > 0
    with _timed(seconds, "evaluate"):
        judged, task = (
            (final, _judged(task_of(plan.final))) if is_held_out else (rehearsal, judged_users)
        )
        popularity = _chosen(choosing, judges, plan.rehearsal, PopularityParameters(), lambda: None)
        if is_held_out:
            popularity = rehearse(plan.final, popularity.parameters, lambda: None)
        figures = _figures(judged, popularity, task)
        open_task = among_open(task, judged.part)
        open_figures = figures if open_task is task else _figures(judged, popularity, open_task)
    progress("done", 1.0)
    return Trained(
        final=final,
        calibration=ranked.learned.calibration if ranked else calibration,
        ranked=ranked,
        cutoff=cutoff or aware(end_of(plan.final.past)),
        task=task,
        is_held_out=is_held_out,
        figures=figures,
        open_figures=open_figures,
        seconds=seconds,
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _judged(task: Task) -> Task:
    """Return the users of `task` that figures are taken over."""
    affordable = MAX_RANKED // max(1, task.targets.shape[1])
    return sample_of(task, min(MAX_JUDGED, max(LEAST_JUDGED, affordable)))


def _chosen(
    choosing: Part, judges: Task, part: Part, parameters: Parameters, advance: Advance
) -> Rehearsed:
    """Return the fit on `part` of the half-life that finds most of the future of `choosing`.

    Parameters
    ----------
    judges
        Of `choosing`.
    """
    days, *others = half_lives(part.past, parameters)
    if others and can_learn(choosing):
        best = best_rehearsal(choosing, judges, parameters, advance)
        if choosing is part:
            return best
        days = best.parameters.half_life_days
    return rehearse(part, replace(parameters, half_life_days=days), advance)


def _figures(judged: Rehearsed, popularity: Rehearsed, task: Task) -> tuple[Comparison, ...]:
    """Compare the model with popularity on the same users; popularity also fills its gaps."""
    fallback = item_popularity(popularity.matrix)
    return compare(
        evaluate(judged.fitted.score_users, task, fallback),
        evaluate(popularity.fitted.score_users, task, fallback),
    )


def _advance(progress: Progress, what: str, steps: int, shares: tuple[float, float]) -> Advance:
    """Return what counts `steps` and tells the share of the run, from the first to the last."""
    done, (first, last) = count(1), shares
    return lambda: progress(what, first + (last - first) * min(1.0, next(done) / steps))


def _peak_memory_bytes() -> int:
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - began
