"""Slates of every method on a data set never seen before, with intervals and paired tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from training.diversify.methods import Setting, horizon, settings
from training.intervals import Estimate, mean_intervals
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
PERMUTATIONS = 2_000
_CHOOSING_USERS = 2_000
_LATENT = 64
_CHUNK = 100

Figures = Mapping[str, NDArray[np.float64]]
"""Metric to the figure of each user; NaN where it is not defined."""
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Compared:
    """One figure of one setting, beside that of the order by relevance."""

    value: float | None
    """None: it is defined for nobody."""
    low: float | None
    """Bounds of the 95 % interval; None where it is one figure of all lists."""
    high: float | None
    change: float | None
    """Relative to the order by relevance."""
    change_low: float | None
    """Bounds of the 95 % interval of the paired difference, over the figure by relevance."""
    change_high: float | None
    p: float | None
    """Of a paired permutation test, after Holm over the chosen settings; None for the others."""


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
    """Both tasks of a data set, ready to choose and to test."""

    choosing: Stage
    test: Stage
    models: Models
    learned: Chosen


def prepare(data: SlateData, split: str, progress: Progress, seed: int = 0) -> Prepared:
    """Fit and calibrate on what comes before the test, and gather everybody's candidates."""
    first, second = slate_tasks(data, split, seed)
    progress("choosing the model", 0.05)
    models = choose_models(first)
    progress("learning the probability", 0.25)
    fitted = [rehearse(first.part, model, lambda: None) for model in (models.first, models.second)]
    calibration = calibration_of(fitted[0], first)
    pools = pools_of(first, fitted[0], fitted[1], calibration)
    learned = learn_probability(first, pools, seed)
    choosing = Stage(first, pools, learned.probability, _latent(fitted[0], seed))
    progress("fitting for the test", 0.4)
    final = [rehearse(second.part, model, lambda: None) for model in (models.first, models.second)]
    pools = pools_of(second, final[0], final[1], calibration)
    chances = learned.learned.of(second, pools, population_of(second))
    return Prepared(
        choosing, Stage(second, pools, chances, _latent(final[0], seed)), models, learned
    )


def benchmark_slates(
    name: str, data: SlateData, split: str, *, k: int, progress: Progress, seed: int = 0
) -> SlateReport:
    """Choose every method's setting on validation users, and judge it on the test's.

    Raises
    ------
    InvalidInput
        The data do not allow the split.
    """
    prepared = prepare(data, split, progress, seed)
    progress("choosing the settings", 0.5)
    chosen = choose_settings(prepared.choosing, k, seed)
    progress("testing", 0.65)
    tried = _tested(chosen)
    lists, figures = prepared.test.figures(tried, k)
    progress("comparing", 0.9)
    totals = [totals_of(ranked, prepared.test.slates) for ranked in lists]
    compared = compare(figures, totals, [setting in chosen.values() for setting in tried], seed)
    pools, chances = prepared.test.pools, prepared.test.probability
    by_score = Stage(prepared.test.slates, pools, _descending(pools), prepared.test.latent)
    _, (order,) = by_score.figures([Setting("relevance", "")], k)
    return SlateReport(
        data=name,
        k=k,
        users=len(prepared.test.slates.task.users),
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
    few = part_of(stage, np.sort(users[:_CHOOSING_USERS]))
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


def compare(
    figures: Sequence[Figures],
    totals: Sequence[Mapping[str, float]],
    is_chosen: Sequence[bool],
    seed: int,
) -> list[dict[str, Compared]]:
    """Return every figure with its interval, beside the first of them."""
    rows: list[dict[str, Compared]] = [{} for _ in figures]
    for metric in figures[0]:
        table = np.stack([figure[metric] for figure in figures], axis=1)
        table = table[~np.isnan(table).any(axis=1)]
        for row, found in zip(rows, _compared(table, is_chosen, seed), strict=True):
            row[metric] = found
    for metric in totals[0]:
        base = totals[0][metric]
        for row, total in zip(rows, totals, strict=True):
            change = total[metric] / base - 1.0 if base else None
            row[metric] = Compared(total[metric], None, None, change, None, None, None)
    return rows


def _compared(table: NDArray[np.float64], is_chosen: Sequence[bool], seed: int) -> list[Compared]:
    """Return the comparison of each column of (users, settings) with the first."""
    if not len(table):
        return [Compared(None, None, None, None, None, None, None)] * table.shape[1]
    difference = table - table[:, :1]
    estimates = mean_intervals(np.concatenate([table, difference], axis=1), seed)
    own, apart = estimates[: table.shape[1]], estimates[table.shape[1] :]
    tested = np.flatnonzero(is_chosen)[1:]
    p = dict(zip(tested.tolist(), holm(paired_p(difference[:, tested], seed)), strict=True))
    base = own[0].value
    return [
        _one(estimate, gap, base, p.get(at))
        for at, (estimate, gap) in enumerate(zip(own, apart, strict=True))
    ]


def _one(estimate: Estimate, gap: Estimate, base: float, p: float | None) -> Compared:
    changes = (gap.value / base, gap.low / base, gap.high / base) if base else (None,) * 3
    return Compared(estimate.value, estimate.low, estimate.high, *changes, p)


def paired_p(difference: NDArray[np.float64], seed: int) -> list[float]:
    """Return the two-sided p of each column of paired differences (users, settings).

    By permutation within pairs: signs drawn at random (Fisher 1935), the same for all columns.
    """
    generator = np.random.default_rng(seed)
    observed = np.abs(difference.sum(axis=0)) - 1e-12
    reached = np.zeros(difference.shape[1])
    for start in range(0, PERMUTATIONS, _CHUNK):
        size = min(_CHUNK, PERMUTATIONS - start)
        signs = generator.integers(0, 2, (size, len(difference)), dtype=np.int8) * 2.0 - 1.0
        reached += (np.abs(signs @ difference) >= observed).sum(axis=0)
    return [float(p) for p in (reached + 1.0) / (PERMUTATIONS + 1.0)]


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, least = [0.0] * len(p), 0.0
    for rank, at in enumerate(np.argsort(p, kind="stable").tolist()):
        least = max(least, min(1.0, (len(p) - rank) * p[at]))
        corrected[at] = least
    return corrected


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
