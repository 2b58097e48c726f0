"""On what two models are compared: what happened after both, else a rehearsal of both recipes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.interactions import Events, interaction_matrix, vocabulary_rows
from reco.errors import ArtifactRefused, InvalidInput, SetupError, Unavailable
from reco.model.artifact import ModelFacts
from reco.model.history import History
from reco.model.loaded import LoadedModel
from training.distributed import SparkAlsParameters
from training.evaluate import ScoreUsers, Task, task_of
from training.fits import PARAMETERS, Parameters
from training.models.popularity import item_popularity
from training.split import Part, inner_cutoff, split_plan, target_kinds, time_split
from training.tune import end_of, rehearse

LEAST_USERS = 30
"""Fewer people say nothing: an interval over them is no interval."""

_ENOUGH_USERS = 200
"""With fewer people who did something after both cutoffs, recipes are compared instead."""


@dataclass(frozen=True)
class Contender:
    """A model version with what its manifest says."""

    model: LoadedModel
    facts: ModelFacts


@dataclass(frozen=True)
class Trial:
    """What is to be found, by whom."""

    part: Part
    is_refit: bool
    """Whether not the models themselves are judged but their recipes, fitted on `part.past`."""
    task: Task
    """Of the sampled people."""
    is_in_sample: NDArray[np.bool_]
    """(n,) who of the task is drawn from all."""
    is_cold: NDArray[np.bool_]
    """(n,) who of the task had booked nothing yet."""
    fallback: NDArray[np.float32]
    """(I,) popularity, which ranks what a model cannot score, as in the feed."""

    @property
    def told(self) -> str:
        """What the figures mean, in words."""
        since = "" if self.part.cutoff is None else f" from {self.part.cutoff.astype('M8[m]')} UTC"
        if not self.is_refit:
            return f"Judged on what people did after both models{since}."
        return (
            f"Judged on the last tenth of what people did{since}, which at least one of the models "
            "has seen: both recipes were fitted again without it. The figures are of the recipes, "
            "not of the very arrays that are served."
        )


def trial_of(
    events: Events, candidate: Contender, champion: Contender, *, users: int, seed: int = 0
) -> Trial:
    """Return a fair trial of both.

    Parameters
    ----------
    users
        How many people are drawn, and how many of those who had booked nothing beside them.

    Raises
    ------
    InvalidInput
        Nothing can be held out from the events.
    """
    part, is_refit = _held_out(events, candidate.facts.cutoff, champion.facts.cutoff)
    whole = task_of(part)
    past = part.past.take(np.isin(part.past.kind, target_kinds(part.past, part.future)))
    is_cold = np.bincount(past.user, minlength=len(events.users))[whole.users] == 0
    generator = np.random.default_rng(seed)
    drawn = _drawn(np.arange(len(whole.users)), users, generator)
    cold = _drawn(np.flatnonzero(is_cold), users, generator)
    rows = np.union1d(drawn, cold)
    return Trial(
        part=part,
        is_refit=is_refit,
        task=replace(whole, users=whole.users[rows], targets=whole.targets[rows]),
        is_in_sample=np.isin(rows, drawn),
        is_cold=is_cold[rows],
        fallback=item_popularity(interaction_matrix(part.past)),
    )


def scores_of(trial: Trial, contender: Contender) -> ScoreUsers:
    """Return the scores that a model gives the people of a trial.

    The model itself is asked as a worker asks it: by a history with all that happened until the
    cutoff, for items of which it may not know some. A recipe is fitted on the past first.

    Raises
    ------
    ArtifactRefused
        The settings in its manifest are not those of this code, or this code fits no such model to
        so many items, so that it cannot be fitted again.
    """
    if trial.is_refit:
        return _refitted(trial.part, contender.facts)
    matrix = history_matrix(trial.part, contender.model)
    rows = vocabulary_rows(contender.model.items, trial.part.past.items)
    history = history_in(matrix, rows)

    def score_users(users: NDArray[np.int32]) -> NDArray[np.float64]:
        return np.stack([contender.model.scorer.scores(history(user), rows) for user in users])

    return score_users


def _refitted(part: Part, facts: ModelFacts) -> ScoreUsers:
    recipe = recipe_of(facts)
    try:
        return rehearse(part, recipe, lambda: None).fitted.score_users
    except (InvalidInput, SetupError, Unavailable) as error:
        # What was just asked for may be the other of the two: the version says whose recipe it is.
        why = error.reason if isinstance(error, InvalidInput) else error
        raise ArtifactRefused(
            facts.version,
            f"its recipe cannot be fitted again ({why}); `reco models promote VERSION "
            "--force REASON` serves a candidate without a comparison",
        ) from error


def recipe_of(facts: ModelFacts) -> Parameters:
    """Return the parameters by which a model was fitted."""
    try:
        is_spark = facts.parameters.get("engine") == "spark"
        kind = SparkAlsParameters if is_spark else PARAMETERS[facts.kind]
        return kind(**facts.parameters)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise ArtifactRefused(
            facts.version, f"this code cannot fit it again by its settings ({error})"
        ) from error


def history_matrix(part: Part, model: LoadedModel) -> "csr_array[np.float32]":
    """Return what is known of everybody at the cutoff, faded as this model has it."""
    as_of = end_of(part.past) if part.cutoff is None else part.cutoff
    return interaction_matrix(part.past, as_of=as_of, half_life_days=model.half_life_days)


def history_in(
    matrix: "csr_array[np.float32]", rows: NDArray[np.int32]
) -> Callable[[int], History]:
    """Return a function from a row of `matrix` to the history, in the model's own `rows` (I,)."""

    def history(user: int) -> History:
        span = slice(matrix.indptr[user], matrix.indptr[user + 1])
        return History.of(rows[matrix.indices[span]], matrix.data[span])

    return history


def _held_out(
    events: Events, candidate: datetime | None, champion: datetime | None
) -> tuple[Part, bool]:
    if candidate is None or champion is None:
        return _given(events)
    cutoff = np.datetime64(max(candidate, champion).astimezone(UTC).replace(tzinfo=None), "us")
    timed = events.take(~np.isnat(events.at))
    part = time_split(timed, cutoff)
    if len(part.past) and len(task_of(part).users) >= _ENOUGH_USERS:
        return part, False
    return time_split(timed, inner_cutoff(timed)), True


def _given(events: Events) -> tuple[Part, bool]:
    if not np.any(events.split >= 0):
        raise InvalidInput(
            "events",
            "they name no split, and they or those that one of the two was trained on have no "
            "times: nothing is held out; `reco models promote VERSION --force REASON` serves a "
            "candidate without a comparison",
        )
    plan = split_plan(events, "given", None)
    return (plan.final, False) if len(plan.final.future) else (plan.rehearsal, True)


def _drawn(
    rows: NDArray[np.integer], count: int, generator: np.random.Generator
) -> NDArray[np.integer]:
    return np.sort(generator.permutation(rows)[:count])
