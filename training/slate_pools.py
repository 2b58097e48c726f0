"""The candidates of many users: a strong model chosen by the first task, and the best it names."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reco.feed.ranking import OF_EACH
from reco.feed.widening import pool_rows
from reco.model.calibration import Calibration
from training.evaluate import batches, entries, evaluate, fill_unknown
from training.fits import Parameters
from training.models.graph_filter import GraphFilterParameters
from training.models.ials import IalsParameters
from training.models.itemknn import ItemKnnParameters
from training.models.popularity import item_popularity
from training.slate_tasks import SlateTask
from training.tune import Rehearsed, best_rehearsal, rehearse

MODELS: tuple[Parameters, ...] = (
    IalsParameters(factors=128, unobserved_weight=0.1, regularisation=0.003),
    IalsParameters(),
    GraphFilterParameters(),
    ItemKnnParameters(),
)
"""What is tried; the best by ndcg@20 of the task that chooses makes the pools."""

MOST_LIKELY = 300
"""Candidates of each user, and the 5 likeliest of every category and venue type not met."""
_WANTED = ("category", "venue_type")


@dataclass(frozen=True)
class Models:
    """The model that makes the pools, and the next best one of another kind as a second opinion."""

    first: Parameters
    second: Parameters
    ndcg: dict[str, float]
    """ndcg@20 of each that was tried, on the task that chooses."""


@dataclass(frozen=True)
class Pools:
    """Candidates of n users, one user after the other, each by descending score."""

    start: NDArray[np.int64]
    """(n + 1,)"""
    item: NDArray[np.int64]
    """(E,) rows of items."""
    score: NDArray[np.float64]
    """(E,)"""
    second: NDArray[np.float64]
    """(E,) score of the second model; NaN: it cannot say."""
    is_found: NDArray[np.bool_]
    """(E,) whether the user met the item later."""
    is_of_each: NDArray[np.bool_]
    """(E,) whether it is of the likeliest of a category or venue type that the user had not met."""

    @property
    def user(self) -> NDArray[np.int64]:
        """(E,) place of the user."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def likeliest(self, chance: NDArray[np.float64], k: int) -> NDArray[np.int32]:
        """Return lists (n, k) by descending `chance` (E,), ties by item; -1: there are no more."""
        place = self._rank(chance)
        ranked = np.full((len(self.start) - 1, k), -1, dtype=np.int32)
        shown = np.flatnonzero(place < k)
        ranked[self.user[shown], place[shown]] = self.item[shown]
        return ranked

    def take(self, users: NDArray[np.int64]) -> "Pools":
        """Return the pools of some users."""
        rows = np.concatenate([np.arange(self.start[u], self.start[u + 1]) for u in users])
        start = np.append(0, np.cumsum(np.diff(self.start)[users]))
        return self._with(start, rows)

    def likeliest_and_new(self, chance: NDArray[np.float64], size: int) -> NDArray[np.int64]:
        """Return the places of the `size` likeliest of each user, and of what is new to them."""
        return np.flatnonzero((self._rank(chance) < size) | self.is_of_each)

    def kept(self, places: NDArray[np.int64]) -> "Pools":
        """Return the pools of all users, of the candidates at ascending places alone."""
        length = np.bincount(self.user[places], minlength=len(self.start) - 1)
        return self._with(np.append(0, np.cumsum(length)), places)

    def _rank(self, chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the place (E,) of each candidate among its user's, from 0, ties by item."""
        user = self.user
        order = np.lexsort((self.item, -chance, user))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - self.start[user[order]]
        return rank

    def _with(self, start: NDArray[np.int64], rows: NDArray[np.int64]) -> "Pools":
        return Pools(
            start,
            item=self.item[rows],
            score=self.score[rows],
            second=self.second[rows],
            is_found=self.is_found[rows],
            is_of_each=self.is_of_each[rows],
        )


def choose_models(slates: SlateTask) -> Models:
    """Return the two kinds of model that find most, at their best half-life."""
    tried: list[tuple[float, Parameters]] = []
    half_life = best_rehearsal(slates.part, slates.task, ItemKnnParameters(), lambda: None)
    days = half_life.parameters.half_life_days
    for parameters in MODELS:
        fitted = rehearse(slates.part, replace(parameters, half_life_days=days), lambda: None)
        tried.append((_ndcg(fitted, slates), fitted.parameters))
    tried.sort(key=lambda pair: -pair[0])
    first = tried[0][1]
    second = next(model for _, model in tried if model.kind != first.kind)
    return Models(first, second, {f"{model}": figure for figure, model in tried})


def _ndcg(fitted: Rehearsed, slates: SlateTask) -> float:
    popularity = item_popularity(fitted.matrix)
    figures = evaluate(fitted.fitted.score_users, slates.task, popularity, (20,))
    return float(figures["ndcg@20"].mean())


def pools_of(
    slates: SlateTask, first: Rehearsed, second: Rehearsed, calibration: Calibration
) -> Pools:
    """Return the candidates of every user of the task."""
    task, items = slates.task, slates.items
    popularity = item_popularity(first.matrix)
    wanted = np.concatenate([items.codes_of(attribute) for attribute in _WANTED])
    found: list[tuple[NDArray[Any], ...]] = []
    for span in batches(len(task.users), len(items.start) - 1):
        users = task.users[span]
        scores = first.fitted.score_users(users)
        fill_unknown(scores, popularity)
        scores[entries(task.seen[users])] = np.nan
        scores[:, task.closed] = np.nan
        chances = expit(calibration.log_odds(scores))
        opinions = second.fitted.score_users(users)
        met = slates.times_met[users]
        for at in range(len(users)):
            is_wanted = np.zeros(len(items.points), dtype=bool)
            is_wanted[wanted] = True
            is_wanted[met.indices[met.indptr[at] : met.indptr[at + 1]]] = False
            rows, is_of_each = pool_rows(chances[at], items, is_wanted, MOST_LIKELY, OF_EACH)
            found.append((rows, scores[at, rows], opinions[at, rows], is_of_each))
    item, score, opinion, of_each = (np.concatenate(column) for column in zip(*found, strict=True))
    start = np.append(0, np.cumsum([len(rows) for rows, *_ in found]))
    user = np.repeat(np.arange(len(found)), np.diff(start))
    targets = entries(task.targets)
    width = len(items.start) - 1
    is_found = np.isin(user * width + item, targets[0] * width + targets[1])
    return Pools(start, item, score, opinion, is_found, of_each)
