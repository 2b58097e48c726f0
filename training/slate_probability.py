"""The probability of a booking, learned on what was held out: what pays is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from training.slate_features import Population, features_of, names, population_of
from training.slate_pools import Pools
from training.slate_tasks import SlateTask

_BATCH = 500
_NEGATIVES_A_POSITIVE = 20
"""Drawn; each stands for its share."""
_OF_MODEL = ("score", "rank")


class Model(Protocol):
    """What a fit gives."""

    def predict_proba(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities (N, 2) that nothing is booked, and that it is."""
        ...


Fit = Callable[[NDArray[np.floating], NDArray[np.bool_], NDArray[np.float64]], Model]
"""Features (N, F), outcomes (N,) and weights (N,) -> a fitted probability."""


@dataclass(frozen=True)
class Learner:
    """A way to learn the probability."""

    name: str
    columns: Callable[[str], bool]
    """Whether a feature of this name is seen."""
    fit: Fit


def _logistic(
    features: NDArray[np.floating], is_found: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Model:
    model: Model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=300)).fit(
        features, is_found, logisticregression__sample_weight=weight
    )
    return model


def _boosted(
    features: NDArray[np.floating], is_found: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Model:
    model: Model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.08, max_leaf_nodes=12, min_samples_leaf=100,
        l2_regularization=5.0, random_state=0,
    ).fit(features, is_found, sample_weight=weight)  # fmt: skip
    return model


def _is_geographic(name: str) -> bool:
    return name.endswith("_m")


def _any(name: str) -> bool:
    return bool(name)


LEARNERS: tuple[Learner, ...] = (
    Learner("score alone", lambda name: name in _OF_MODEL, _logistic),
    Learner("all, logistic", _any, _logistic),
    Learner("without novelty, boosted", lambda name: not _tells_novelty(name), _boosted),
    Learner("without distance, boosted", lambda name: not _is_geographic(name), _boosted),
    Learner("all, boosted", _any, _boosted),
)
"""What is tried; the difference between two of them is what a group of features pays."""


def _tells_novelty(name: str) -> bool:
    return " of " in name or name in {"bridge", "openness"}


@dataclass(frozen=True)
class Learned:
    """A fitted probability."""

    learner: Learner
    model: Model
    columns: NDArray[np.int64]

    def of(self, slates: SlateTask, pools: Pools, population: Population) -> NDArray[np.float64]:
        """Return the probability (E,) of each candidate of the pools."""
        parts = [
            self.of_features(features_of(slates, pools, population, span))
            for span in _spans(len(pools.start) - 1)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def of_features(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each row of all features."""
        seen = np.nan_to_num(features[:, self.columns], nan=0.0)
        with threadpool_limits(1):
            return np.asarray(self.model.predict_proba(seen)[:, 1], dtype=np.float64)


def _spans(users: int) -> list[slice]:
    return [slice(at, min(at + _BATCH, users)) for at in range(0, users, _BATCH)]


@dataclass(frozen=True)
class Chosen:
    """The learner that was best on users that it had not seen, and what all of them reached."""

    learned: Learned
    """Fitted on all users."""
    probability: NDArray[np.float64]
    """(E,) of the pools, each user's by a fit that had not seen the user."""
    log_loss: dict[str, float]
    """Of each learner, over pools, a candidate."""


def learn_probability(slates: SlateTask, pools: Pools, seed: int = 0) -> Chosen:
    """Return the learner of least log-loss on the other half of the users, either way round."""
    population = population_of(slates)
    features = np.concatenate(
        [features_of(slates, pools, population, span) for span in _spans(len(pools.start) - 1)]
    )
    generator = np.random.default_rng(seed)
    half = generator.integers(0, 2, len(pools.start) - 1)[pools.user]
    sample, weight = _sample(pools.is_found, generator)
    best: tuple[float, Learner, NDArray[np.float64]] | None = None
    losses: dict[str, float] = {}
    for learner in LEARNERS:
        chances = np.empty(len(half))
        for side in (0, 1):
            rows = sample[half[sample] != side]
            fitted = _fit(learner, slates, features[rows], pools.is_found[rows], weight[rows])
            chances[half == side] = fitted.of_features(features[half == side])
        losses[learner.name] = _log_loss(chances, pools.is_found)
        if best is None or losses[learner.name] < best[0]:
            best = (losses[learner.name], learner, chances)
    if best is None:
        raise ValueError("There is no learner to try.")
    learned = _fit(best[1], slates, features[sample], pools.is_found[sample], weight[sample])
    return Chosen(learned, best[2], losses)


def _fit(
    learner: Learner,
    slates: SlateTask,
    features: NDArray[np.float32],
    is_found: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> Learned:
    columns = np.flatnonzero([learner.columns(name) for name in names(slates)])
    seen = np.nan_to_num(features[:, columns], nan=0.0)
    # Trees this small cost less than threads that wait for each other.
    with threadpool_limits(1):
        model = learner.fit(seen, is_found, weight)
    return Learned(learner, model, columns)


def _sample(
    is_found: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows of all that was found and of some that was not, and the weight of every row."""
    others = np.flatnonzero(~is_found)
    size = min(len(others), _NEGATIVES_A_POSITIVE * max(200, int(is_found.sum())))
    drawn = generator.permutation(others)[:size]
    weight = np.where(is_found, 1.0, len(others) / max(1, size))
    return np.sort(np.append(np.flatnonzero(is_found), drawn)), weight


def _log_loss(chances: NDArray[np.float64], is_found: NDArray[np.bool_]) -> float:
    bounded = np.clip(chances, 1e-9, 1.0 - 1e-9)
    return float(-np.mean(np.where(is_found, np.log(bounded), np.log1p(-bounded))))
