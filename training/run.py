"""One training run: split, fit, calibrate, fit again on all that may be seen, evaluate, save."""

import hashlib
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.interactions import Events
from reco.model.artifact import ModelFacts, save_artifact
from reco.model.calibration import Calibration
from training.calibration import fit_calibration
from training.evaluate import Task, among_open, evaluate, task_of
from training.fits import Parameters, stated
from training.models.fitted import Advance
from training.models.popularity import PopularityParameters, item_popularity
from training.split import Part, SplitKind, split_plan
from training.summary import Comparison, TrainingSummary, as_metrics, compare
from training.tune import Rehearsed, best_rehearsal, end_of, half_lives, rehearse

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""


@dataclass(frozen=True)
class _Circumstances:
    """When, where and by which code a model came about."""

    cutoff: datetime | None
    now: datetime
    models: Path
    revision: str | None


def train_model(
    events: Events,
    parameters: Parameters,
    *,
    split: SplitKind,
    cutoff: datetime | None,
    now: datetime,
    models: Path,
    progress: Progress,
    revision: str | None = None,
) -> TrainingSummary:
    """Train one model and save its artifact below `models`.

    Rehearsals are fitted on the earlier part of what may be seen; the later one chooses the
    half-life and calibrates. Then the model is fitted again on all of it, and judged on what came
    after, beside popularity at its own best half-life.

    Parameters
    ----------
    cutoff
        With a zone. Nothing from it on is seen; for `split` time alone. None: everything is seen.
    now
        Names the version.
    revision
        Of the code, for the manifest.

    Raises
    ------
    InvalidInput
        The events do not allow the split, or nothing lies before the cutoff.
    """
    seconds: dict[str, float] = {}
    border = None if cutoff is None else _naive_utc(cutoff)
    plan = split_plan(events, split, border)
    rehearsed = task_of(plan.rehearsal)
    tries = parameters.steps * len(half_lives(plan.rehearsal.past))
    with _timed(seconds, "choose"):
        progress("choosing the half-life", 0.0)
        advance = _advance(progress, "choosing the half-life", tries, (0.0, 0.6))
        rehearsal = best_rehearsal(plan.rehearsal, rehearsed, parameters, advance)
    progress("calibrating", 0.6)
    with _timed(seconds, "calibrate"):
        active = np.flatnonzero(np.diff(rehearsal.matrix.indptr)).astype(np.int32)
        calibration = fit_calibration(rehearsal.fitted.score_users, rehearsed, active)
    progress("fitting", 0.7)
    with _timed(seconds, "fit"):
        advance = _advance(progress, "fitting", parameters.steps, (0.7, 0.9))
        final = rehearse(plan.final, rehearsal.parameters, advance)
    progress("evaluating", 0.9)
    is_held_out = len(plan.final.future) > 0
    with _timed(seconds, "evaluate"):
        judged, task = (final, task_of(plan.final)) if is_held_out else (rehearsal, rehearsed)
        peer = _best_popularity(plan.rehearsal, rehearsed)
        popularity = rehearse(judged.part, peer, lambda: None)
        figures = _figures(judged, popularity, task)
        open_task = among_open(task, judged.part)
        open_figures = figures if open_task is task else _figures(judged, popularity, open_task)
    manifest_metrics = as_metrics(figures, open_figures, is_held_out=is_held_out)
    seen_until = cutoff or _aware(end_of(plan.final.past))
    name, folder, digest = _save(
        final, calibration, manifest_metrics, _Circumstances(seen_until, now, models, revision)
    )
    progress("done", 1.0)
    return TrainingSummary(
        version=name,
        kind=parameters.kind,
        folder=folder,
        digest=digest,
        cutoff=seen_until,
        created_at=now,
        users=int(np.count_nonzero(np.diff(final.matrix.indptr))),
        items=len(np.unique(final.matrix.indices)),
        events=len(plan.final.past),
        task=task,
        is_held_out=is_held_out,
        figures=figures,
        open_figures=open_figures,
        seconds=seconds,
        half_life_days=final.parameters.half_life_days,
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _best_popularity(part: Part, task: Task) -> PopularityParameters:
    """Return popularity at its own best half-life: a fair peer."""
    best = best_rehearsal(part, task, PopularityParameters(), lambda: None)
    return PopularityParameters(half_life_days=best.parameters.half_life_days)


def _figures(judged: Rehearsed, popularity: Rehearsed, task: Task) -> tuple[Comparison, ...]:
    """Compare the model with popularity on the same users; popularity also fills its gaps."""
    fallback = item_popularity(popularity.matrix)
    return compare(
        evaluate(judged.fitted.score_users, task, fallback),
        evaluate(popularity.fitted.score_users, task, fallback),
    )


def _save(
    final: Rehearsed,
    calibration: Calibration,
    metrics: Mapping[str, Any],
    given: _Circumstances,
) -> tuple[str, Path, str]:
    """Write the artifact; return its version, folder and digest."""
    arrays, kind = _arrays(final), final.parameters.kind
    name = f"{kind}-{given.now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_fingerprint(arrays)}"
    facts = ModelFacts(
        version=name,
        kind=kind,
        cutoff=given.cutoff,
        created_at=given.now,
        parameters=stated(final.parameters),
        calibration=dict(vars(calibration)),
        metrics=dict(metrics),
        git_revision=given.revision,
        libraries={library: version(library) for library in ("implicit", "numpy", "scipy")},
    )
    folder = given.models / name
    return name, folder, save_artifact(folder, facts, arrays)


def _arrays(final: Rehearsed) -> dict[str, NDArray[Any]]:
    events, matrix = final.part.past, final.matrix
    return {
        "users": events.users,
        "items": events.items,
        "history_start": matrix.indptr.astype(np.int64),
        "history_item": matrix.indices.astype(np.int32),
        "history_weight": matrix.data.astype(np.float32),
        **final.fitted.scorer.arrays(),
    }


def _fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).view(np.uint8).data)
    return digest.hexdigest()[:8]


def _aware(moment: np.datetime64 | None) -> datetime | None:
    return None if moment is None else moment.astype("datetime64[us]").item().replace(tzinfo=UTC)


def _advance(progress: Progress, what: str, steps: int, shares: tuple[float, float]) -> Advance:
    """Return what counts `steps` and tells the share of the run, from the first to the last."""
    done, (first, last) = count(1), shares
    return lambda: progress(what, first + (last - first) * min(1.0, next(done) / steps))


def _naive_utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def _peak_memory_bytes() -> int:
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - began
