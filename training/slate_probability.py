"""The probability of a booking, learned on what was held out; what does not pay is not used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from reco.errors import InvalidInput
from training.intervals import Estimate, mean_intervals
from training.metrics import user_figures
from training.reliability import reliability
from training.slate_features import Population, features_of, names, population_of
from training.slate_pools import Pools
from training.slate_tasks import SlateTask

_BATCH = 500
_NEGATIVES_A_POSITIVE = 20
"""Drawn; each stands for its share."""
_TOP = 20
_OF_MODEL = ("score", "rank")


class Model(Protocol):
    """What a fit gives."""

    def predict_proba(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities (N, 2) that nothing is booked, and that it is."""
        ...


@dataclass(frozen=True)
class Learner:
    """A logistic regression of some features: its probabilities hardly ever tie."""

    name: str
    columns: Callable[[str], bool]
    """Whether a feature of this name is seen."""


def _logistic(
    features: NDArray[np.floating], is_found: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Model:
    model: Model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=300)).fit(
        features, is_found, logisticregression__sample_weight=weight
    )
    return model


def _is_geographic(name: str) -> bool:
    return name.endswith("_m")


ALL = Learner("all", bool)
"""A name is never empty."""
SCORE_ALONE = Learner("score alone", lambda name: name in _OF_MODEL)
"""The model's own order, calibrated: what any other learner must beat."""
LEARNERS: tuple[Learner, ...] = (
    SCORE_ALONE,
    Learner("without novelty", lambda name: not _tells_novelty(name)),
    Learner("without distance", lambda name: not _is_geographic(name)),
    ALL,
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
class Reached:
    """What a learner did on users that its fit had not seen."""

    ndcg: float
    """ndcg@20 of its order."""
    gain: Estimate
    """Of ndcg over the score alone, or what it is held against; 95 % interval, paired."""
    log_loss: float
    """Over pools, a candidate."""
    ece_rel: float


@dataclass(frozen=True)
class Chosen:
    """The learner that was chosen, and what all of them reached."""

    learned: Learned
    """Fitted on all users."""
    probability: NDArray[np.float64]
    """(E,) of the pools, each user's by a fit that had not seen the user."""
    reached: dict[str, Reached]
    """By the name of the learner."""


def learn_probability(slates: SlateTask, pools: Pools, seed: int = 0) -> Chosen:
    """Return the learner whose order finds most on the other half of the users, either way round.

    By ndcg@20, among those that surely find more than the score alone: the 95 % interval of the
    paired difference is above 0. Where none does, the score alone.

    Raises
    ------
    InvalidInput
        Nothing is found in the pools of one half.
    """
    lesson = _lesson(slates, pools, seed)
    chances = {learner: lesson.chance(learner) for learner in LEARNERS}
    reached = _reached(chances, SCORE_ALONE, slates, pools, seed)
    sure = [learner for learner in LEARNERS if reached[learner.name].gain.low > 0.0]
    best = max(sure, key=lambda learner: reached[learner.name].ndcg, default=SCORE_ALONE)
    return Chosen(lesson.learned(best, lesson.sample), chances[best], reached)


def reached_by(
    learners: Sequence[Learner], base: Learner, slates: SlateTask, pools: Pools, seed: int = 0
) -> dict[str, Reached]:
    """Return what learners, `base` among them, reach on the other half of the users; gains over it.

    Raises
    ------
    InvalidInput
        Nothing is found in the pools of one half.
    """
    lesson = _lesson(slates, pools, seed)
    chances = {learner: lesson.chance(learner) for learner in learners}
    return _reached(chances, base, slates, pools, seed)


@dataclass(frozen=True)
class _Lesson:
    """What learners learn from: E candidates, each of one half of the users."""

    slates: SlateTask
    is_found: NDArray[np.bool_]
    """(E,)"""
    features: NDArray[np.float32]
    """(E, F)"""
    half: NDArray[np.int64]
    """(E,) 0 or 1."""
    sample: NDArray[np.int64]
    """Rows that a fit sees."""
    weight: NDArray[np.float64]
    """How many candidates each of them stands for."""

    def chance(self, learner: Learner) -> NDArray[np.float64]:
        """Return the probability (E,) of each candidate by a fit on the other half."""
        chance = np.empty(len(self.half))
        for side in (0, 1):
            others = self.sample[self.half[self.sample] != side]
            fitted = self.learned(learner, others)
            chance[self.half == side] = fitted.of_features(self.features[self.half == side])
        return chance

    def learned(self, learner: Learner, rows: NDArray[np.int64]) -> Learned:
        """Return the fit of a learner on some rows of the sample."""
        weight = self.weight[np.searchsorted(self.sample, rows)]
        return _fit(learner, self.slates, self.features[rows], self.is_found[rows], weight)


def _lesson(slates: SlateTask, pools: Pools, seed: int) -> _Lesson:
    population = population_of(slates)
    features = np.concatenate(
        [features_of(slates, pools, population, span) for span in _spans(len(pools.start) - 1)]
    )
    generator = np.random.default_rng(seed)
    half = generator.integers(0, 2, len(pools.start) - 1)[pools.user]
    for those, what in ((pools.is_found, "is found"), (~pools.is_found, "is left to be found")):
        if len(np.unique(half[those])) < 2:
            raise InvalidInput("split", f"too little {what} in its validation part to learn from")
    sample, weight = _sample(pools.is_found, generator)
    return _Lesson(slates, pools.is_found, features, half, sample, weight)


def _reached(
    chances: Mapping[Learner, NDArray[np.float64]],
    over: Learner,
    slates: SlateTask,
    pools: Pools,
    seed: int,
) -> dict[str, Reached]:
    figures = {
        learner: user_figures(pools.likeliest(chance, _TOP), slates.task.targets, (_TOP,))
        for learner, chance in chances.items()
    }
    ndcg = {learner: figure[f"ndcg@{_TOP}"] for learner, figure in figures.items()}
    base = ndcg[over]
    gains = mean_intervals(np.stack([ndcg[at] - base for at in chances], axis=1), seed)
    believed = {at: reliability(chance, pools.is_found) for at, chance in chances.items()}
    return {
        learner.name: Reached(
            float(ndcg[learner].mean()), gain, believed[learner].log_loss, believed[learner].ece_rel
        )
        for learner, gain in zip(chances, gains, strict=True)
    }


def _fit(
    learner: Learner,
    slates: SlateTask,
    features: NDArray[np.float32],
    is_found: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> Learned:
    columns = np.flatnonzero([learner.columns(name) for name in names(slates)])
    seen = np.nan_to_num(features[:, columns], nan=0.0)
    # Products this small cost less than threads that wait for each other.
    with threadpool_limits(1):
        model = _logistic(seen, is_found, weight)
    return Learned(learner, model, columns)


def _sample(
    is_found: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows of all that was found and of some that was not, and the weight of each row."""
    others = np.flatnonzero(~is_found)
    size = min(len(others), _NEGATIVES_A_POSITIVE * max(200, int(is_found.sum())))
    drawn = generator.permutation(others)[:size]
    sample = np.sort(np.append(np.flatnonzero(is_found), drawn))
    return sample, np.where(is_found[sample], 1.0, len(others) / max(1, size))
