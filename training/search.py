"""Search for settings within a time budget, judged on the validation part alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate import Task, evaluate, sample_of
from training.fits import Parameters
from training.models.popularity import item_popularity
from training.spaces import SPACES, Range
from training.split import Part
from training.tune import half_lives, rehearse

if TYPE_CHECKING:
    import optuna

MAX_USERS = 5_000
"""Validation users that a trial is judged on; a seeded sample of more."""

Told = Callable[[int, float, float], None]
"""Called after each trial with its number, its figure, and the best so far."""


@dataclass(frozen=True)
class Search:
    """What a search found."""

    best: Parameters
    figure: float
    trials: int


def search(
    part: Part,
    task: Task,
    start: Parameters,
    *,
    metric: str,
    budget_s: float,
    told: Told,
    seed: int = 0,
) -> Search:
    """Return the settings that find most of what `task` asks for.

    Trials are proposed by TPE (Bergstra et al. 2011, through optuna), the first is `start` itself.
    None is begun that would likely outlast the budget.

    Parameters
    ----------
    metric
        `name@k` of `training.metrics`; its mean over at most `MAX_USERS` users chooses.
    """
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True)
    )
    ages, judged = half_lives(part.past), sample_of(task, MAX_USERS, seed)
    study.enqueue_trial(_searched(start, ages))
    best, began, longest_s = Search(start, -np.inf, 0), time.monotonic(), 0.0
    while time.monotonic() - began + longest_s < budget_s or not best.trials:
        trial_began = time.monotonic()
        trial = study.ask()
        parameters = _proposed(trial, start, ages)
        figure = _figure(part, judged, parameters, metric)
        study.tell(trial, figure)
        found = (parameters, figure) if figure > best.figure else (best.best, best.figure)
        best = Search(*found, trials=best.trials + 1)
        told(best.trials, figure, best.figure)
        longest_s = max(longest_s, time.monotonic() - trial_began)
    return best


def _searched(parameters: Parameters, ages: tuple[float | None, ...]) -> dict[str, Any]:
    values = {name: getattr(parameters, name) for name in SPACES[parameters.kind]}
    if len(ages) > 1 and parameters.half_life_days in ages:
        values["half_life_days"] = parameters.half_life_days
    return values


def _proposed(
    trial: "optuna.Trial", start: Parameters, ages: tuple[float | None, ...]
) -> Parameters:
    values: dict[str, Any] = {
        name: _value(trial, name, span) for name, span in SPACES[start.kind].items()
    }
    if len(ages) > 1:
        values["half_life_days"] = trial.suggest_categorical("half_life_days", ages)
    return replace(start, **values)


def _value(trial: "optuna.Trial", name: str, span: Range) -> float | int:
    if span.is_whole:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.is_log)
    return trial.suggest_float(name, span.low, span.high, log=span.is_log)


def _figure(part: Part, task: Task, parameters: Parameters, metric: str) -> float:
    tried = rehearse(part, parameters, lambda: None)
    k = int(metric.rpartition("@")[2])
    found = evaluate(tried.fitted.score_users, task, item_popularity(tried.matrix), (k,))
    return float(found[metric].mean()) if len(task.users) else 0.0
