"""Search for settings within a time budget, judged on the validation part alone."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reco.errors import InvalidInput
from training.evaluate import (
    Task,
    among_novel,
    evaluate,
    require_users,
    sample_of,
    users_among,
)
from training.fits import Parameters
from training.metrics import METRICS as ACCURACY
from training.models.popularity import item_popularity
from training.saying import require_saying
from training.split import Part
from training.studies import (
    Question,
    Trial,
    closed,
    digest_of,
    importance_of,
    opened_study,
    trials_of,
)
from training.tune import half_lives_around, rehearse, settled_on

if TYPE_CHECKING:
    import optuna

MAX_USERS = 5_000
"""Validation users that a trial is judged on; of more a sample."""
_DRAWN = 0
"""Seed of the samples: a study may go on with another one of its own, judged by the same people."""

_NOVEL = "novel_"
METRICS = (*ACCURACY, f"{_NOVEL}recall")
"""What can choose, but for `@k`."""

RUNG_SHARE = 0.2
"""Share of the people whom a trial is first fitted on and judged by."""
RUNG_LEAST = 300
"""Users whom a first judgement needs; with fewer no trial is given up."""


@dataclass(frozen=True)
class Search:
    """What a search found."""

    best: Trial
    metric: str
    trials: tuple[Trial, ...]
    """Those of earlier runs of the same study too."""
    importance: Mapping[str, float]
    """By setting, largest first, 1 in all; empty where the trials do not tell, or not yet."""


Told = Callable[[Search], None]
"""Called after each trial with what is found so far; the trial is the last of its trials."""


@dataclass(frozen=True)
class Limits:
    """When a search ends."""

    seconds: float
    """Of this run; no trial is begun that would likely outlast it."""
    trials: int | None = None
    """Of the study, earlier runs counted in; None: as many as there is time for."""


def search(
    part: Part,
    task: Task,
    start: Parameters,
    *,
    metric: str,
    limits: Limits,
    told: Told,
    file: Path | None = None,
    seed: int = 0,
) -> Search:
    """Return the settings that find most of what `task` asks for; the first trial is `start`.

    A trial is first fitted on a fifth of the people, and given up where that is worse than the
    median of the trials that were finished (subsets of the data as the resource of Hyperband, Li et
    al. 2018, section 3). One that cannot be fitted by its settings is given up, too.

    Parameters
    ----------
    metric
        `name@k` of `METRICS`; its mean over at most `MAX_USERS` users chooses.
    file
        Where the trials are kept, so that a search that was killed goes on; None: nowhere.

    Raises
    ------
    InvalidInput
        The file is of another search, or nobody can be judged, or the first trial cannot be fitted.
    """
    if metric.startswith(_NOVEL):
        task = among_novel(task, part)
    require_users(task, "validation")
    settled = settled_on(part, start)
    tried = half_lives_around(part.past, settled.half_life_days)
    question = Question(settled, metric, tried, digest_of(part))
    study = opened_study(question, file, seed)
    rungs = [*_first_rung(part, task), (part, sample_of(task, MAX_USERS, _DRAWN))]
    began, longest_s, trials = time.monotonic(), 0.0, trials_of(study, question)
    best = best_of(trials)
    while best is None or (
        time.monotonic() - began + longest_s < limits.seconds
        and len(trials) < (limits.trials or np.inf)
        and not _all_tried(question, trials)
    ):
        trial_began, trial = time.monotonic(), study.ask()
        figure, failed = None, ""
        try:
            figure = _judged(trial, rungs, question.proposed(trial), metric)
        except InvalidInput as error:
            if best is None:
                raise
            failed = str(error)
        seconds = time.monotonic() - trial_began
        closed(study, trial, figure, seconds, failed)
        trials, longest_s = trials_of(study, question), max(longest_s, seconds)
        best = best_of(trials)
        if best:
            told(Search(best, metric, trials, {}))
    return Search(best, metric, trials, importance_of(study))


def _all_tried(question: Question, trials: Iterable[Trial]) -> bool:
    every = len(question.all_settings)
    return every > 0 and len({trial.parameters for trial in trials}) >= every


def best_of(trials: Iterable[Trial]) -> Trial | None:
    """Return the best of the finished trials, the first of equal ones; None: none is finished."""
    finished = (trial for trial in trials if trial.figure is not None)
    return max(finished, key=lambda trial: trial.figure or 0.0, default=None)


def _judged(
    trial: "optuna.Trial", rungs: Sequence[tuple[Part, Task]], parameters: Parameters, metric: str
) -> float | None:
    """Return the figure of the last rung, None where an earlier one is too low."""
    figure = None
    for step, (part, task) in enumerate(rungs):
        if step and trial.should_prune():
            return None
        figure = _figure(part, task, parameters, metric)
        trial.report(figure, step)
    return figure


def _first_rung(part: Part, task: Task) -> list[tuple[Part, Task]]:
    drawn = np.random.default_rng(_DRAWN).random(len(part.past.users)) < RUNG_SHARE
    judged = users_among(task, drawn)
    if len(judged.users) < RUNG_LEAST:
        return []
    fewer = replace(part, past=part.past.take(drawn[part.past.user]))
    return [(fewer, sample_of(judged, MAX_USERS, _DRAWN))]


def _figure(part: Part, task: Task, parameters: Parameters, metric: str) -> float:
    tried = rehearse(part, parameters, lambda: None)
    # It would be judged by what popularity says in its place.
    require_saying(tried, parameters)
    k = int(metric.rpartition("@")[2])
    found = evaluate(tried.fitted.score_users, task, item_popularity(tried.matrix), (k,))
    # Of what is novel alone, where that is asked for: `search` has left out all else.
    return float(found[metric.removeprefix(_NOVEL)].mean())
