"""Slates of every method on a data set never seen before, with intervals and paired tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from reco.errors import InvalidInput
from reco.model.calibration import Calibration
from training.diversify.methods import Setting, horizon, settings
from training.paired import Compared, Figures, compare
from training.reliability import Reliability, distinct_share, reliability
from training.slate_data import SlateData
from training.slate_features import population_of
from training.slate_lists import Lists, figures_of, totals_of
from training.slate_pools import Models, Pools, calibration_of, choose_models, pools_of
from training.slate_probability import Chosen, learn_probability
from training.slate_tasks import SlateTask, slate_tasks
from training.tune import Rehearsed, rehearse

LOSS = 0.01
"""Share of ndcg that a setting may lose against the order by relevance."""
LEARNING_USERS = 2_500
"""Validation users whose candidates teach the probability."""
CHOOSING_USERS = 1_000
"""Those of them whose slates choose the settings."""
_LATENT = 64

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Row:
    """One setting of one method."""

    method: str
    parameter: str
    chosen: bool
    """By validation: of most horizon_recall among those within the loss of ndcg."""
    metrics: Mapping[str, Compared]


@dataclass(frozen=True)
class SlateReport:
    """What a benchmark found."""

    data: str
    k: int
    users: int
    rows: tuple[Row, ...]
    models: Models
    log_loss: Mapping[str, float]
    """Of each way to learn the probability, on validation users that it had not seen."""
    reliability: Reliability | None
    """Of the probability on the test's pools; None where nothing was found in them."""
    distinct: float
    """Share of distinct probabilities in a pool."""
    model_order: Mapping[str, float]
    """Means of the order by the model's own score, before the probability was learned."""

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "data": self.data,
            "k": self.k,
            "users": self.users,
            "rows": [
                {
                    "method": row.method,
                    "parameter": row.parameter,
                    "chosen": row.chosen,
                    "metrics": {name: vars(figure) for name, figure in row.metrics.items()},
                }
                for row in self.rows
            ],
            "models": vars(self.models) | {
                "first": str(self.models.first), "second": str(self.models.second)
            },
            "learners_log_loss": dict(self.log_loss),
            "probability": (vars(self.reliability) if self.reliability else {})
            | {"distinct_share": self.distinct},
            "model_order": dict(self.model_order),
        }  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A task with the candidates of its users and what they are worth."""

    slates: SlateTask
    pools: Pools
    probability: NDArray[np.float64]
    latent: NDArray[np.float64]

    def figures(
        self, tried: Sequence[Setting], k: int
    ) -> tuple[list[NDArray[np.int32]], list[Figures]]:
        """Return the lists of every setting, and their figures."""
        lists = Lists(self.slates, self.pools, self.probability, self.latent).made(tried, k)
        return lists, [figures_of(ranked, self.slates, self.latent) for ranked in lists]


@dataclass(frozen=True)
class Prepared:
    """What validation gave: its users' candidates, the models, and the probability."""

    choosing: Stage
    models: Models
    calibration: Calibration
    learned: Chosen


def prepare(slates: SlateTask, progress: Progress, seed: int = 0) -> Prepared:
    """Choose models on a task and learn from it how likely a booking is.

    Raises
    ------
    InvalidInput
        Nobody has anything to be found in it.
    """
    _require_users(slates, "validation")
    progress("choosing the model", 0.05)
    models = choose_models(slates)
    progress("learning the probability", 0.25)
    fitted = _both(models, slates)
    calibration = calibration_of(fitted[0], slates)
    few = _drawn(slates, LEARNING_USERS, seed)
    pools = pools_of(few, *fitted, calibration)
    learned = learn_probability(few, pools, seed)
    stage = Stage(few, pools, learned.probability, _latent(fitted[0], seed))
    return Prepared(stage, models, calibration, learned)


def staged_test(
    prepared: Prepared, slates: SlateTask, seed: int = 0, users: int | None = None
) -> Stage:
    """Fit again on all that comes before the test, and gather its users' candidates."""
    _require_users(slates, "test")
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


def _require_users(slates: SlateTask, part: str) -> None:
    if not len(slates.task.users):
        raise InvalidInput("split", f"nobody has anything new to be found in its {part} part")


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
    seed: int = 0,
) -> SlateReport:
    """Choose every method's setting on validation users, and judge it on the test's.

    Parameters
    ----------
    users
        Test users, drawn at random; all by default.

    Raises
    ------
    InvalidInput
        The data do not allow the split.
    """
    first, second = slate_tasks(data, split, seed)
    prepared = prepare(first, progress, seed)
    progress("choosing the settings", 0.45)
    chosen = choose_settings(prepared.choosing, k, seed)
    progress("fitting for the test", 0.55)
    test = staged_test(prepared, second, seed, users)
    progress("testing", 0.65)
    tried = _tested(chosen)
    lists, figures = test.figures(tried, k)
    progress("comparing", 0.9)
    totals = [totals_of(ranked, test.slates) for ranked in lists]
    compared = compare(figures, totals, [setting in chosen.values() for setting in tried], seed)
    pools, chances = test.pools, test.probability
    by_score = Stage(test.slates, pools, _descending(pools), test.latent)
    _, (order,) = by_score.figures([Setting("relevance", "")], k)
    return SlateReport(
        data=name,
        k=k,
        users=len(test.slates.task.users),
        rows=tuple(
            Row(setting.method, setting.parameter, setting in chosen.values(), figure)
            for setting, figure in zip(tried, compared, strict=True)
        ),
        models=prepared.models,
        log_loss=prepared.learned.log_loss,
        reliability=reliability(chances, pools.is_found) if pools.is_found.any() else None,
        distinct=distinct_share(chances[: pools.start[1]]) if len(pools.start) > 1 else 0.0,
        model_order={metric: _mean(values) for metric, values in order.items()},
    )


def choose_settings(stage: Stage, k: int, seed: int) -> dict[str, Setting]:
    """Return the setting of each method with most horizon_recall within the loss of ndcg.

    Where none of a method is within it, the one that loses least.
    """
    users = np.random.default_rng(seed).permutation(len(stage.pools.start) - 1)
    few = part_of(stage, np.sort(users[:CHOOSING_USERS]))
    tried = settings()
    _, figures = few.figures(tried, k)
    least = (1.0 - LOSS) * _mean(figures[0][f"ndcg@{k}"])
    chosen: dict[str, tuple[tuple[bool, float], Setting]] = {}
    for setting, figure in zip(tried, figures, strict=True):
        ndcg, widened = _mean(figure[f"ndcg@{k}"]), _mean(figure[f"horizon_recall@{k}"])
        rank = (ndcg >= least, widened if ndcg >= least else ndcg)
        if setting.method not in chosen or rank > chosen[setting.method][0]:
            chosen[setting.method] = (rank, setting)
    return {method: setting for method, (_, setting) in chosen.items()}


def part_of(stage: Stage, users: NDArray[np.int64]) -> Stage:
    """Return the stage of some of its users."""
    rows = np.concatenate(
        [np.arange(stage.pools.start[u], stage.pools.start[u + 1]) for u in users]
        or [np.empty(0, dtype=np.int64)]
    )
    return Stage(
        stage.slates.take(users), stage.pools.take(users), stage.probability[rows], stage.latent
    )


def _tested(chosen: Mapping[str, Setting]) -> list[Setting]:
    """Return what the test shows: all settings, of horizon slates those of one intensity."""
    intensity = chosen["horizon"].intensity
    return [
        setting
        for setting in settings()
        if setting.method != "horizon" or setting == horizon(setting.floor, intensity)
    ]


def _descending(pools: Pools) -> NDArray[np.float64]:
    """Return numbers that fall from candidate to candidate of each user: the model's own order."""
    place = np.arange(len(pools.item)) - np.repeat(pools.start[:-1], np.diff(pools.start))
    return np.asarray(1.0 / (place + 2.0))


def _latent(fitted: Rehearsed, seed: int) -> NDArray[np.float64]:
    """Return vectors of the items: the right singular ones of the history, by their values."""
    size = min(_LATENT, min(fitted.matrix.shape) - 1)
    if size < 1 or not fitted.matrix.nnz:
        return np.zeros((fitted.matrix.shape[1], 1))
    _, singular, vectors = randomized_svd(fitted.matrix, size, random_state=seed)
    return np.asarray((vectors * singular[:, np.newaxis]).T, dtype=np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0
