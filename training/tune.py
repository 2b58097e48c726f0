"""Choose how fast interest fades, on what is held out from the rehearsal."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from features.interactions import Events, interaction_matrix
from training.evaluate import Task, evaluate
from training.fits import Parameters, fit, settled
from training.models.fitted import Advance, Fitted
from training.models.ials import IalsParameters
from training.models.known_items import KnownItems
from training.models.popularity import PopularityParameters, item_popularity
from training.split import Part

HALF_LIVES_DAYS = (None, 365.0, 90.0, 30.0)
"""What is tried where events have times and no half-life is asked for; None: nothing fades."""

CHOSEN_BY = "ndcg@10"


@dataclass(frozen=True)
class Rehearsed:
    """A model fitted on a part's past, and that past as a matrix (U, I)."""

    part: Part
    parameters: Parameters
    """In numbers: nothing is left to the data."""
    matrix: "csr_array[np.float32]"
    fitted: Fitted


def rehearse(part: Part, parameters: Parameters, advance: Advance) -> Rehearsed:
    """Fit `parameters` on the past of `part`."""
    matrix = _matrix_of(part, parameters)
    items = known_items(part, parameters)
    numbers = settled(matrix, parameters, items)
    fitted = fit(matrix, numbers, advance, items)
    return Rehearsed(part, numbers, matrix, fitted)


def settled_on(part: Part, parameters: Parameters) -> Parameters:
    """Return `parameters` as `rehearse` would fit them, in numbers."""
    return settled(_matrix_of(part, parameters), parameters, known_items(part, parameters))


def known_items(part: Part, parameters: Parameters) -> KnownItems:
    """Return what the past of `part` tells of its items: no more than `parameters` heed."""
    moment = _moment(part)
    if isinstance(parameters, IalsParameters) and parameters.recency_balance != 0.0:
        return KnownItems.of(part.past, moment)
    known = KnownItems.of(part.past, None)
    if isinstance(parameters, PopularityParameters) and parameters.window_days is not None:
        days, half_life_days = parameters.window_days, parameters.half_life_days
        return replace(known, lately=_lately(part.past, moment, days, half_life_days))
    return known


def _lately(
    past: Events, moment: np.datetime64 | None, window_days: float, half_life_days: float | None
) -> "csr_array[np.float32]":
    """Return the interest (U, I) shown in so many days before `moment`; undated is not lately."""
    if moment is None:
        return interaction_matrix(past.take(np.zeros(len(past), dtype=bool)))
    age_days = (moment - past.at) / np.timedelta64(1, "D")
    return interaction_matrix(
        past.take(age_days <= window_days), as_of=moment, half_life_days=half_life_days
    )


def best_rehearsal(part: Part, task: Task, parameters: Parameters, advance: Advance) -> Rehearsed:
    """Return the fit on `part`'s past of the half-life that finds most of its future.

    By the mean of `CHOSEN_BY` over the users of `task`; the first of `half_lives` where there is
    nothing to choose by.
    """
    best, best_figure = None, -np.inf
    for half_life_days in half_lives(part.past, parameters):
        tried = rehearse(part, replace(parameters, half_life_days=half_life_days), advance)
        figure = _figure(tried, task)
        if best is None or figure > best_figure:
            best, best_figure = tried, figure
    if best is None:
        raise ValueError("There is no half-life to try.")
    return best


def half_lives(events: Events, parameters: Parameters) -> tuple[float | None, ...]:
    """Return the half-lives that a training tries: the one that `parameters` name, if they do.

    One, none at all, where no event has a time.
    """
    if _have_times(events) and parameters.half_life_days is not None:
        return (parameters.half_life_days,)
    return half_lives_around(events, None)


def half_lives_around(events: Events, start_days: float | None) -> tuple[float | None, ...]:
    """Return the half-lives that a search tries which begins with one; as `half_lives` else."""
    if not _have_times(events):
        return HALF_LIVES_DAYS[:1]
    return tuple(dict.fromkeys((*HALF_LIVES_DAYS, start_days)))


def end_of(events: Events) -> np.datetime64 | None:
    """Return the moment just after the last event, None where none has a time."""
    known = events.at[~np.isnat(events.at)]
    return np.datetime64(known.max() + np.timedelta64(1, "us"), "us") if len(known) else None


def _have_times(events: Events) -> bool:
    return bool(np.any(~np.isnat(events.at)))


def _matrix_of(part: Part, parameters: Parameters) -> "csr_array[np.float32]":
    half_life_days = parameters.half_life_days
    return interaction_matrix(part.past, as_of=_moment(part), half_life_days=half_life_days)


def _moment(part: Part) -> np.datetime64 | None:
    return end_of(part.past) if part.cutoff is None else part.cutoff


def _figure(tried: Rehearsed, task: Task) -> float:
    if not len(task.users):
        return 0.0
    found = evaluate(tried.fitted.score_users, task, item_popularity(tried.matrix), cutoffs=(10,))
    return float(found[CHOSEN_BY].mean())
