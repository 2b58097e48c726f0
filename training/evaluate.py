"""Rank every item for every test user, and compare with what the users really did."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.interactions import Events
from reco.errors import InvalidInput
from reco.kernel.ranking import best_columns
from training.metrics import user_figures
from training.split import Part, target_kinds

ScoreUsers = Callable[[NDArray[np.int32]], NDArray[np.float64]]
"""User rows (n,) -> scores of all items (n, I), NaN where the model cannot say."""

CUTOFFS = (10, 20)
"""The list lengths k that are reported."""

_BATCH_ENTRIES = 1 << 22
"""Scores held at once: 32 MiB a temporary array, whatever the catalogue's size."""


@dataclass(frozen=True)
class Task:
    """What is to be found for n test users.

    A user's targets are the items met after the cutoff and never before it: what the history holds
    is in no list, so that a repeat visit counts neither for nor against anybody.
    """

    users: NDArray[np.int32]
    """(n,) rows of the users who have targets, sorted."""
    targets: "csr_array[np.bool_]"
    """(n, I)"""
    seen: "csr_array[np.bool_]"
    """(U, I) the interactions of the history, of any kind; they are in no list."""
    closed: NDArray[np.bool_]
    """(I,) items that are in no list: none, or those of `among_open`."""
    answers: int
    """Target events after the cutoff, repeats included."""
    repeats: int
    """Distinct pairs among them that the history holds already; left out."""
    unknown_items: int
    """Targets on items that nobody met before the cutoff: no model here can find them."""
    of_users: int
    """Who have targets in all; `users` may be a sample of them."""


def task_of(part: Part, kinds: NDArray[np.int8] | None = None) -> Task:
    """Return what is to be found in the future of `part` by one who knows its past.

    Parameters
    ----------
    kinds
        The kinds that are targets; `target_kinds` of both halves by default.
    """
    wanted = target_kinds(part.past, part.future) if kinds is None else kinds
    future = part.future.take(np.isin(part.future.kind, wanted))
    seen, pairs = _pairs(part.past), _pairs(future)
    fresh = pairs[~_are_among(pairs, seen)]
    shape = (len(part.past.users), len(part.past.items))
    targets = _matrix(fresh, shape)
    users = np.flatnonzero(np.diff(targets.indptr)).astype(np.int32)
    met = np.zeros(shape[1], dtype=bool)
    met[part.past.item] = True
    return Task(
        users=users,
        targets=targets[users],
        seen=_matrix(seen, shape),
        closed=np.zeros(shape[1], dtype=bool),
        answers=len(future),
        repeats=len(pairs) - len(fresh),
        unknown_items=int(np.count_nonzero(~met[targets.indices])),
        of_users=len(users),
    )


def sample_of(task: Task, most: int, seed: int = 0) -> Task:
    """Return `task` with no more than `most` of its users, drawn at random."""
    if len(task.users) <= most:
        return task
    drawn = np.random.default_rng(seed).permutation(len(task.users))[:most]
    return _with_users(task, np.sort(drawn))


def require_users(task: Task, part: str) -> None:
    """Raise `InvalidInput` where nobody can be judged.

    Parameters
    ----------
    part
        What the task is of, to be named.
    """
    if not len(task.users):
        raise InvalidInput("split", f"nobody has anything new to be found in its {part} part")


def users_among(task: Task, wanted: NDArray[np.bool_]) -> Task:
    """Return `task` with those of its users that `wanted` (U,) says."""
    return _with_users(task, np.flatnonzero(wanted[task.users]))


def evaluate(
    score_users: ScoreUsers,
    task: Task,
    fallback: NDArray[np.float32],
    cutoffs: tuple[int, ...] = CUTOFFS,
) -> dict[str, NDArray[np.float64]]:
    """Return `metric@k` of each test user, all items ranked.

    Parameters
    ----------
    fallback
        (I,) what ranks the items that the model cannot score, below those that it can: the
        popularity, as in the feed. NaN: never shown.

    Returns
    -------
    Name to (n,) float64, in the order of `task.users`.
    """
    ranked = rank_items(score_users, task, fallback, max(cutoffs))
    return user_figures(ranked, task.targets, cutoffs)


def rank_items(
    score_users: ScoreUsers, task: Task, fallback: NDArray[np.float32], k: int
) -> NDArray[np.int32]:
    """Return the (n, k) best item rows of each test user, -1 where there are no more."""
    ranked = np.empty((len(task.users), k), dtype=np.int32)
    for span in batches(len(task.users), task.targets.shape[1]):
        scores = score_users(task.users[span])
        fill_unknown(scores, fallback)
        scores[entries(task.seen[task.users[span]])] = np.nan
        scores[:, task.closed] = np.nan
        ranked[span] = best_rows(scores, k)
    return ranked


def batches(users: int, items: int) -> list[slice]:
    """Return slices over `users`, short enough for the scores of all `items` to fit in memory."""
    size = max(1, _BATCH_ENTRIES // max(1, items))
    return [slice(start, min(start + size, users)) for start in range(0, users, size)]


def entries(matrix: "csr_array[np.bool_]") -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the rows and the columns of the stored entries."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows, matrix.indices


def fill_unknown(scores: NDArray[np.float64], fallback: NDArray[np.float32]) -> None:
    """Put `fallback` (I,) in place of NaN, in its order, below each row's own scores (n, I)."""
    if not np.isfinite(fallback).any():
        return
    top = float(np.nanmax(fallback))
    spread = max(top - float(np.nanmin(fallback)), 1.0)
    below = (fallback.astype(np.float64) - top) / spread
    lowest = np.fmin.reduce(scores, axis=1, initial=np.inf)
    ground = np.where(np.isfinite(lowest), lowest, 0.0) - 1.0
    # A row at a time stays in the processor's memory.
    for row, floor in zip(scores, ground.tolist(), strict=True):
        np.copyto(row, floor + below, where=np.isnan(row))


def best_rows(scores: NDArray[np.float64], k: int) -> NDArray[np.int32]:
    """Return the (n, k) columns of the highest scores, best first; ties by column; NaN never.

    >>> best_rows(np.array([[0.1, 0.7, 0.7, np.nan]]), 4)
    array([[ 1,  2,  0, -1]], dtype=int32)
    """
    ranked = np.empty((len(scores), k), dtype=np.int32)
    best_columns(np.ascontiguousarray(scores), ranked, np.empty(k))
    return ranked


def _pairs(events: Events) -> NDArray[np.int64]:
    return np.unique(events.user.astype(np.int64) * len(events.items) + events.item)


def _are_among(pairs: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which of `pairs` are in `known`, both sorted: the history is long."""
    if not len(known):
        return np.zeros(len(pairs), dtype=np.bool_)
    place = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
    return np.asarray(known[place] == pairs)


def among_open(task: Task, part: Part) -> Task:
    """Return `task` with the items in no list that nobody could book from the cutoff on.

    It is told by hindsight: an item counts as open where a session was published later. A feed
    knows better, offer by offer; this figure lies between it and the one over all items.
    """
    if part.cutoff is None:
        return task
    return replace(task, closed=np.asarray(part.past.closes <= part.cutoff))


def among_novel(task: Task, part: Part) -> Task:
    """Return `task` with those targets alone of whose category its user had booked nothing before.

    Recall of them is novel_recall (METRICS, 3), of items that have one category each.

    Raises
    ------
    InvalidInput
        The items of `part` have no categories.
    """
    past, category = part.past, part.past.category
    if category is None:
        raise InvalidInput("metric", "novel_recall goes by categories, and these items have none")
    booked = past.take(np.isin(past.kind, target_kinds(past, part.future)))
    width = int(category.max(initial=0)) + 1
    met = booked.user.astype(np.int64) * width + category[booked.item]
    place, item = entries(task.targets)
    is_new = ~np.isin(task.users[place].astype(np.int64) * width + category[item], met)
    pairs = np.sort(place[is_new] * task.targets.shape[1] + item[is_new])
    targets = _matrix(pairs, task.targets.shape)
    return _with_users(replace(task, targets=targets), np.unique(place[is_new]))


def _with_users(task: Task, places: NDArray[np.int64]) -> Task:
    return replace(task, users=task.users[places], targets=task.targets[places])


def _matrix(pairs: NDArray[np.int64], shape: tuple[int, int]) -> "csr_array[np.bool_]":
    user, item = np.divmod(pairs, max(1, shape[1]))
    bounds = np.searchsorted(user, np.arange(shape[0] + 1)).astype(np.int32)
    return csr_array((np.ones(len(pairs), dtype=bool), item.astype(np.int32), bounds), shape=shape)
