"""Fit the map from a model's scores to log-odds of a booking, on what was held out."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from reco.errors import InvalidInput
from reco.model.calibration import Calibration
from training.evaluate import ScoreUsers, Task, batches, entries
from training.tune import Rehearsed

MAX_USERS = 2_000
"""Users whose scores are looked at: enough bookings for two numbers."""
_ITEMS_A_USER = 300
"""Items drawn a user, with replacement, beside the booked ones, which all count; each stands for
its share."""
_TOLERANCE, _STEPS = 1e-7, 1_000
_LEAST_SLOPE = 1e-3
"""Where scores say nothing about bookings, or mislead: order is kept, probability hardly moves."""


def calibration_of(fitted: Rehearsed, task: Task) -> Calibration:
    """Return the calibration of a model on what was held out from it.

    Raises
    ------
    InvalidInput
        Its half-life leaves nothing of what was done before.
    """
    active = np.flatnonzero(np.diff(fitted.matrix.indptr)).astype(np.int32)
    days = fitted.parameters.half_life_days
    if days and not len(active):
        raise InvalidInput(
            "half_life_days",
            f"{days:g} days leave nothing of all that was done before the part held out: take a "
            "longer one, or none",
        )
    return fit_calibration(fitted.fitted.score_users, task, active)


def fit_calibration(
    score_users: ScoreUsers, task: Task, active: NDArray[np.int32], seed: int = 0
) -> Calibration:
    """Return the calibration that makes the held-out bookings likeliest.

    Logistic regression of "this user met this item in the held-out time" on the changed score
    (Platt 1999, scikit-learn's solver), over users with a history, whether or not they met
    anything, and over all items that the model can score and the user had not met. All that was
    met counts, of the rest a sample does: the intercept is corrected for that (King and Zeng 2001,
    section 4.1), which keeps the solver away from rates of one in a million.

    Parameters
    ----------
    task
        What was to be found.
    active
        (n,) rows of the users with a history.

    Raises
    ------
    ValueError
        No user is active.
    """
    if not len(active):
        raise ValueError("Nobody has a history: there are no scores to calibrate.")
    generator = np.random.default_rng(seed)
    users = np.sort(generator.permutation(active)[:MAX_USERS])
    scores, met, weights = _sample(score_users, task, users, generator)
    scale = float(np.median(np.abs(scores[scores != 0]))) if np.any(scores != 0) else 1.0
    total, found = float(weights.sum()), float(weights[met].sum())
    if not 0 < found < total:
        # Half an observation more: nothing was met, or all of it.
        return Calibration(
            float(np.log((found + 0.5) / (total - found + 0.5))), _LEAST_SLOPE, scale
        )
    changed = np.arcsinh(scores / scale)[:, np.newaxis]
    fitted = LogisticRegression(C=np.inf, tol=_TOLERANCE, max_iter=_STEPS).fit(changed, met)
    slope = float(fitted.coef_[0, 0])
    if slope < _LEAST_SLOPE:
        return Calibration(float(np.log(found / (total - found))), _LEAST_SLOPE, scale)
    drawn = float(np.count_nonzero(~met))
    intercept = float(fitted.intercept_[0]) - np.log((total - found) / drawn)
    return Calibration(float(intercept), slope, scale)


def _sample(
    score_users: ScoreUsers,
    task: Task,
    users: NDArray[np.int32],
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return scores, whether met, and weights of pairs of `users` and items: all met, some not."""
    items = task.targets.shape[1]
    user, target = entries(task.targets)
    met = _keys(task.users[user], target, items)
    chosen = np.isin(task.users[user], users)
    met_user, met_item = np.searchsorted(users, task.users[user[chosen]]), target[chosen]
    seen_row, seen_item = entries(task.seen[users])
    taken = np.concatenate([met, _keys(users[seen_row], seen_item, items)])
    other_user = np.repeat(np.arange(len(users)), _ITEMS_A_USER)
    other_item = generator.integers(0, items, len(other_user))
    others = ~np.isin(_keys(users[other_user], other_item, items), taken) & ~task.closed[other_item]
    place = np.concatenate([met_user, other_user[others]])
    item = np.concatenate([met_item, other_item[others]])
    is_met = np.arange(len(place)) < len(met_user)
    scores = _scores_of(score_users, users, place, item, items)
    said = ~np.isnan(scores)
    weights = np.where(is_met, 1.0, items / _ITEMS_A_USER)
    return scores[said], is_met[said], weights[said]


def _keys(user: NDArray[np.int32], item: NDArray[np.integer], items: int) -> NDArray[np.int64]:
    return user.astype(np.int64) * items + item


def _scores_of(
    score_users: ScoreUsers,
    users: NDArray[np.int32],
    place: NDArray[np.int64],
    item: NDArray[np.int64],
    items: int,
) -> NDArray[np.float64]:
    """Return the score of each pair (place in `users`, item)."""
    scores = np.empty(len(place))
    order = np.argsort(place, kind="stable")
    for span in batches(len(users), items):
        first, last = np.searchsorted(place, [span.start, span.stop], sorter=order)
        pairs = order[first:last]
        scores[pairs] = score_users(users[span])[place[pairs] - span.start, item[pairs]]
    return scores
