"""How well one model ranks a data set that it has never seen: the figures of `reco benchmark`."""

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.interactions import SPLITS, Events
from reco.errors import InvalidInput
from training.evaluate import evaluate, require_users, task_of
from training.fits import Parameters, stated
from training.intervals import Estimate, mean_intervals
from training.models.fitted import Advance
from training.models.popularity import item_popularity
from training.saying import require_saying
from training.split import (
    Part,
    Plan,
    SplitKind,
    given_plan,
    inner_cutoff,
    require_past,
    require_times,
    time_plan,
)
from training.tune import rehearse

TEST_SHARE = 0.2
"""Share of the target events that a split by time tests on: the last."""


@dataclass(frozen=True)
class Accuracy:
    """Figures of one model on one test part."""

    model: str
    settings: dict[str, float | int | str | None]
    fit_s: float
    """Of the last fit, on all that may be seen; what chose the settings is not in it."""
    peak_mb: float
    """Of the whole process."""
    users: int
    """Judged."""
    metrics: Mapping[str, Estimate]

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "model": self.model,
            "settings": self.settings,
            "fit_s": round(self.fit_s, 3),
            "peak_mb": round(self.peak_mb, 1),
            "users": self.users,
            "metrics": {name: vars(estimate) for name, estimate in self.metrics.items()},
        }


def accuracy_plan(events: Events, split: SplitKind) -> Plan:
    """Return what chooses settings and what is tested.

    `given`: the data set's validation part chooses, or a seeded tenth where there is none; its test
    part tests. `time`: the last fifth of all successes tests, the last tenth of those before it
    chooses; one border for all users, and no event without a time.

    Raises
    ------
    InvalidInput
        The events have no times, or all the same, or no split; nothing is there to be fitted on.
        What chooses settings may have no past (`training.split.require_past`).
    """
    if split == "given":
        plan = given_plan(events)
    else:
        timed = require_times(events)
        border = inner_cutoff(timed, TEST_SHARE)
        if not np.any(timed.at < border):
            raise InvalidInput("split", f"nothing happened before {border}; use --split given")
        plan = time_plan(timed, border)
    require_past(plan.final)
    return plan


def without_validation(plan: Plan) -> Plan:
    """Return `plan` with a last fit that does not see the validation part, which stays unmasked.

    So the tables of data sets are made whose validation file is no part of their training file. A
    set that brings none loses nothing.
    """
    if not np.any(plan.final.past.split == SPLITS.index("valid")):
        return plan
    return replace(plan, final=Part(plan.rehearsal.past, plan.final.future, plan.final.cutoff))


def measure(
    plan: Plan, parameters: Parameters, cutoffs: tuple[int, ...], advance: Advance
) -> Accuracy:
    """Fit on all that `plan` lets a model see, and rank all items for the people of its test.

    Who has no history, and items beyond those that the model knows, are ranked by popularity (with
    the model's own half-life).

    Raises
    ------
    InvalidInput
        Nobody has anything new to be found in the test, or `parameters` leave a model that says
        nothing.
    """
    task = task_of(plan.final)
    require_users(task, "test")
    began = time.perf_counter()
    fitted = rehearse(plan.final, parameters, advance)
    fit_s = time.perf_counter() - began
    # The figures would be popularity's.
    require_saying(fitted, parameters)
    popularity = item_popularity(fitted.matrix)
    figures = evaluate(fitted.fitted.score_users, task, popularity, cutoffs)
    estimates = mean_intervals(np.stack(list(figures.values()), axis=1))
    return Accuracy(
        model=parameters.kind,
        settings=stated(fitted.parameters),
        fit_s=fit_s,
        peak_mb=_peak_mb(),
        users=len(task.users),
        metrics=dict(zip(figures, estimates, strict=True)),
    )


def _peak_mb() -> float:
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
