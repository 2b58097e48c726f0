"""Slates of every method on a data set never seen before, with intervals and paired tests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from reco.model.calibration import Calibration
from training.calibration import calibration_of
from training.diversify.methods import Setting, fair, served, settings
from training.evaluate import require_users
from training.paired import Compared, Figures
from training.reliability import Reliability, both_occur, mean_distinct_share, reliability
from training.slate_choice import Choice, choices, expected_name
from training.slate_data import SlateData
from training.slate_expectation import Expectation, gain_name
from training.slate_features import population_of
from training.slate_lists import Lists, figures_of, headline_of
from training.slate_pools import Models, Pools, choose_models, pools_of
from training.slate_probability import Chosen, Reached, learn_probability
from training.slate_rows import Row
from training.slate_tasks import SlateTask, slate_tasks
from training.slate_totals import compare_lists
from training.split import require_past
from training.tune import Rehearsed, rehearse

MOST_USERS = 10_000
"""Validation users, at most, whose candidates teach the probability and whose slates choose."""
_LATENT = 64

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SlateReport:
    """What a benchmark found."""

    data: str
    k: int
    users: int
    rows: tuple[Row, ...]
    models: Models
    choices: tuple[Choice, ...]
    """What validation chose by."""
    score_choices: tuple[Choice, ...]
    """What it would choose if the order by the model's own score had to be kept instead."""
    learner: str
    """The way to learn the probability that validation chose."""
    learners: Mapping[str, Reached]
    """What each way reached there."""
    reliability: Reliability | None
    """Of the probability on the test's pools; None where nothing was found in them."""
    distinct: float
    """Share of distinct probabilities among the 500 likeliest of a user's pool; the mean of all."""
    score_order: Mapping[str, Compared]
    """The order by the model's own score, before the probability was learned."""
    against_score: tuple[Row, ...]
    """Settings beside that order: changes and tests are against it, and `chosen` is what may be
    lost against it (`score_choices`). Those chosen for the order by relevance are there, too."""

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "data": self.data,
            "k": self.k,
            "users": self.users,
            "rows": [row.as_object() for row in self.rows],
            "validation": [choice.as_object() for choice in self.choices],
            "validation_against_score": [choice.as_object() for choice in self.score_choices],
            "models": vars(self.models) | {
                "first": str(self.models.first), "second": str(self.models.second)
            },
            "learner": self.learner,
            "learners": {
                name: vars(reached) | {"gain": vars(reached.gain)}
                for name, reached in self.learners.items()
            },
            "probability": (vars(self.reliability) if self.reliability else {})
            | {"distinct_share": self.distinct},
            "score_order": {name: vars(figure) for name, figure in self.score_order.items()},
            "against_score": [row.as_object() for row in self.against_score],
        }  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A task with the candidates of its users and what they are worth."""

    slates: SlateTask
    pools: Pools
    probability: NDArray[np.float64]
    latent: NDArray[np.float64]

    def lists(self, tried: Sequence[Setting], k: int) -> list[NDArray[np.int32]]:
        """Return the lists of every setting."""
        return Lists(self.slates, self.pools, self.probability, self.latent).made(tried, k)

    def headlines(self, tried: Sequence[Setting], k: int) -> list[Figures]:
        """Return the figures that settings are chosen by, of every setting."""
        return [self.headline(ranked) for ranked in self.lists(tried, k)]

    def headline(self, ranked: NDArray[np.int32]) -> Figures:
        """Return the same of lists (n, k)."""
        expected = {expected_name(ranked.shape[1]): self._expectation.dcg(ranked)}
        return headline_of(ranked, self.slates) | expected

    def gains(
        self, ranked: NDArray[np.int32], intensities: Collection[float]
    ) -> dict[str, NDArray[np.float64]]:
        """Return G of lists that are seen once, and as often as each intensity says."""
        slates, k = self.slates, ranked.shape[1]
        met = slates.times_met[slates.task.users]
        return {
            f"{gain_name(intensity)}@{k}": self._expectation.gain(
                ranked, slates.items, met, intensity
            )
            for intensity in sorted({1.0, *intensities})
        }

    @cached_property
    def _expectation(self) -> Expectation:
        return Expectation.of(self.pools, self.probability, len(self.slates.venue))

    def score_order(self, k: int) -> NDArray[np.int32]:
        """Return the lists by the model's own score."""
        place = np.arange(len(self.pools.item)) - self.pools.start[self.pools.user]
        return self.pools.likeliest(-place.astype(np.float64), k)


@dataclass(frozen=True)
class Prepared:
    """What validation gave: its users' candidates, the models, and the probability."""

    choosing: Stage
    models: Models
    calibration: Calibration
    learned: Chosen


def prepare(
    slates: SlateTask, progress: Progress, seed: int = 0, users: int = MOST_USERS
) -> Prepared:
    """Choose models on a task and learn from it how likely a booking is.

    Parameters
    ----------
    users
        Of the task, drawn at random: they teach the probability, and their slates choose.

    Raises
    ------
    InvalidInput
        Nobody has anything to be found in it, or nothing comes before that.
    """
    require_past(slates.part)
    require_users(slates.task, "validation")
    progress("choosing the model", 0.05)
    models = choose_models(slates)
    progress("learning the probability", 0.25)
    fitted = _both(models, slates)
    calibration = calibration_of(fitted[0], slates.task)
    few = _drawn(slates, users, seed)
    pools = pools_of(few, *fitted, calibration)
    learned = learn_probability(few, pools, seed)
    stage = Stage(few, pools, learned.probability, _latent(fitted[0], seed))
    return Prepared(stage, models, calibration, learned)


def staged_test(
    prepared: Prepared, slates: SlateTask, seed: int = 0, users: int | None = None
) -> Stage:
    """Fit again on all that comes before the test, and gather its users' candidates."""
    require_users(slates.task, "test")
    fitted = _both(prepared.models, slates)
    few = _drawn(slates, users, seed)
    pools = pools_of(few, *fitted, prepared.calibration)
    chances = prepared.learned.learned.of(few, pools, population_of(few))
    return Stage(few, pools, chances, _latent(fitted[0], seed))


def _both(models: Models, slates: SlateTask) -> tuple[Rehearsed, Rehearsed]:
    return (
        rehearse(slates.part, models.first, lambda: None),
        rehearse(slates.part, models.second, lambda: None),
    )


def _drawn(slates: SlateTask, users: int | None, seed: int) -> SlateTask:
    count = len(slates.task.users)
    if users is None or users >= count:
        return slates
    return slates.take(np.sort(np.random.default_rng(seed).permutation(count)[:users]))


def benchmark_slates(
    name: str,
    data: SlateData,
    split: str,
    *,
    k: int,
    progress: Progress,
    users: int | None = None,
    choosing_users: int = MOST_USERS,
    large_shares: Sequence[float] = (),
    seed: int = 0,
) -> SlateReport:
    """Choose every method's setting on validation users, and judge it on the test's.

    Parameters
    ----------
    users
        Test users, drawn at random; all by default.
    choosing_users
        Validation users at most, drawn at random.
    large_shares
        Shares of a slate that the largest venues may have at most: a fair slate is tested for each.

    Raises
    ------
    InvalidInput
        The data do not allow the split.
    """
    first, second = slate_tasks(data, split, seed)
    prepared = prepare(first, progress, seed, choosing_users)
    progress("choosing the settings", 0.45)
    choosing, everything = prepared.choosing, settings()
    tried = choosing.headlines(everything, k)
    by_score = choosing.headline(choosing.score_order(k))
    chosen, beside_score = (
        choices(everything, tried, base, k, seed) for base in (tried[0], by_score)
    )
    progress("fitting for the test", 0.6)
    test = staged_test(prepared, second, seed, users)
    progress("testing", 0.7)
    rows, score_order, against_score = _tested(
        test, chosen, beside_score, large_shares, k=k, seed=seed
    )
    pools, chances = test.pools, test.probability
    return SlateReport(
        data=name,
        k=k,
        users=len(test.slates.task.users),
        rows=rows,
        choices=tuple(chosen.values()),
        score_choices=tuple(beside_score.values()),
        models=prepared.models,
        learner=prepared.learned.learned.learner.name,
        learners=prepared.learned.reached,
        reliability=reliability(chances, pools.is_found) if both_occur(pools.is_found) else None,
        distinct=mean_distinct_share(chances, pools.start),
        score_order=score_order,
        against_score=against_score,
    )


def _tested(
    test: Stage,
    chosen: Mapping[str, Choice],
    beside_score: Mapping[str, Choice],
    large_shares: Sequence[float],
    *,
    k: int,
    seed: int,
) -> tuple[tuple[Row, ...], dict[str, Compared], tuple[Row, ...]]:
    """Return the rows, then the order by score, and all chosen settings beside that order."""
    by_validation, for_score = (
        [choice.setting for choice in one.values()] for one in (chosen, beside_score)
    )
    best = chosen["horizon"].setting
    shown = _shown(by_validation + for_score)
    tried = [*shown, *(fair(best, share) for share in large_shares)]
    lists = [*test.lists(tried, k), test.score_order(k)]
    intensities = {setting.intensity for setting in tried}
    figures = [
        figures_of(ranked, test.slates, test.latent) | test.gains(ranked, intensities)
        for ranked in lists
    ]
    is_chosen = [setting in by_validation for setting in tried]
    *compared, score_order = compare_lists(lists, figures, test.slates, [*is_chosen, False], seed)
    rows = [
        Row(setting.method, setting.parameter, of_validation, setting == served(), figure)
        for setting, of_validation, figure in zip(tried, is_chosen, compared, strict=True)
    ]
    kept = [at for at, setting in enumerate(tried) if setting in by_validation + for_score]
    is_kept_for_score = [tried[at] in for_score for at in kept]
    picked = [len(tried), *kept]
    some = [lists[at] for at in picked], [figures[at] for at in picked]
    _, *beside = compare_lists(*some, test.slates, [True, *is_kept_for_score], seed)
    against = [
        replace(rows[at], chosen=for_score_too, metrics=figure)
        for at, for_score_too, figure in zip(kept, is_kept_for_score, beside, strict=True)
    ]
    return tuple(rows), score_order, tuple(against)


def _shown(chosen: Sequence[Setting]) -> list[Setting]:
    """Return what the test shows: all settings, of horizon slates those of chosen intensities.

    And what feeds serve, whatever validation chose.
    """
    shown = {(setting.method, setting.intensity) for setting in chosen}
    tried = [
        setting
        for setting in settings()
        if not setting.widens or (setting.method, setting.intensity) in shown
    ]
    return list(dict.fromkeys([*tried, served()]))


def _latent(fitted: Rehearsed, seed: int) -> NDArray[np.float64]:
    """Return vectors of the items: the right singular ones of the history, by their values."""
    size = min(_LATENT, min(fitted.matrix.shape) - 1)
    if size < 1 or not fitted.matrix.nnz:
        return np.zeros((fitted.matrix.shape[1], 1))
    _, singular, vectors = randomized_svd(fitted.matrix, size, random_state=seed)
    return np.asarray((vectors * singular[:, np.newaxis]).T, dtype=np.float64)
