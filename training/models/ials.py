"""iALS with a tuned unobserved part, frequency-scaled regularisation and balanced exposure."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import ThreadpoolController

from reco.errors import InvalidInput
from reco.kernel.alternating import improve_rows
from reco.model.history import History
from reco.model.weighted_factors import WeightedFactors
from training.models.fitted import Advance, Fitted
from training.models.known_items import RECENT_HALF_LIFE_DAYS, UNKNOWN, KnownItems
from training.models.vanishing import vanishing_regularisation

_PIECE = 8_192
"""Rows that a thread turns at once."""
_MOST_CHUNKS = 64
"""That a half-step is cut in: more than there are threads, as some rows take longer."""
_LEAST_ENTRIES = 10_000
"""Of a chunk: less is not worth a thread."""

_PRIOR_INTEREST = 0.5
"""Bookings, as recent as those of all items, that are added to each item's own."""
_MOST_RECENT = 5.0
"""Times: further from the mean no item's recency is told apart, up or down."""

_LEAST_WEIGHT = np.float32(1e-12)
"""What has faded to less counts this much: else a row could have nothing that holds it."""


UNOBSERVED_SHARE = 0.05
REGULARISATION_SHARE = 0.08
"""What does well on the validation parts of MovieLens, Gowalla, Yelp and a simulated town alike."""


@dataclass(frozen=True)
class IalsParameters:
    """Settings of iALS (Rendle et al. 2022), solved by conjugate gradients (Takacs et al. 2011)."""

    kind: ClassVar[str] = "ials"
    factors: int = 64
    unobserved_weight: float | None = None
    """alpha0: what a pair counts that nobody observed, where an observed one counts its weight.
    None: `UNOBSERVED_SHARE` of the mean weight of those observed."""
    regularisation: float | None = None
    """None: `REGULARISATION_SHARE` of that from which on all factors are zero."""
    nu: float = 1.0
    """Regularisation grows with (weight of a row) ** nu."""
    observed_balance: float = 0.0
    """An observed pair counts `popularity ** -observed_balance` times as much, over its mean."""
    unobserved_balance: float = 0.0
    """An unobserved pair counts `popularity ** unobserved_balance` times as much, over its mean:
    the popular must be wanted by those who get it (exposure control)."""
    category_balance: float = 0.0
    """An unobserved pair counts `popularity of the category ** category_balance` times as much,
    over its mean: what is of a rare category is not held against those who have not met it."""
    recency_balance: float = 0.0
    """An unobserved pair counts `recency ** -recency_balance` times as much, over its mean; see
    `_recency`: what is wanted just now is not held against those who have not met it yet, what
    people are leaving behind is."""
    iterations: int = 12
    solver_steps: int = 3
    """Of conjugate gradients, in each half of an iteration; what is served is solved exactly."""
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return self.iterations


@dataclass(frozen=True)
class _Side:
    """One side of the matrix: its rows, and what each counts."""

    matrix: "csr_array[np.float32]"
    """Weights of the observed part."""
    unobserved: NDArray[np.float64]
    """(N,) of each row's unobserved part."""
    ridge: NDArray[np.float64]
    """(N,)"""


def fit_ials(
    matrix: "csr_array[np.float32]",
    parameters: IalsParameters,
    advance: Advance,
    known: KnownItems = UNKNOWN,
) -> Fitted:
    """Factorise `matrix` (U, I); the same seed gives the same factors.

    Parameters
    ----------
    known
        By the items' categories goes `category_balance`, by what is wanted now `recency_balance`:
        unknown, all are of one category, and wanted now as ever.

    Raises
    ------
    InvalidInput
        Recency is balanced, and interest fades as fast as that of the last days.
    LinAlgError
        By these settings nobody's equations have a single solution.
    """
    balance = _Balance.of(matrix, parameters, known)
    strengths = _strengths(matrix, balance, parameters)
    users, items = _sides(matrix, balance, strengths)
    generator = np.random.default_rng(parameters.seed)
    scale = 0.1 / np.sqrt(parameters.factors)
    x, y = (
        (generator.standard_normal((len(side.ridge), parameters.factors)) * scale).astype(
            np.float32
        )
        for side in (users, items)
    )
    steps = parameters.solver_steps
    # One piece of rows a thread at a time; a BLAS with threads of its own would only wait for them.
    one_each = ThreadpoolController().limit(limits=1, user_api="blas")
    with one_each, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in range(parameters.iterations):
            x, y = _improved(users, y, items.unobserved, x, steps=steps, pool=pool)
            y, x = _improved(items, x, users.unobserved, y, steps=steps, pool=pool)
            advance()
        axes, turn = _axes(y, items.unobserved, pool)
        y = _turned(y, turn, pool)
    scorer = WeightedFactors(
        item_factors=y,
        observed_weight=balance.observed,
        unobserved_axes=axes,
        unobserved_mass=np.array([items.unobserved.sum()]),
        regularisation=strengths.regularisation,
        nu=strengths.nu,
    )
    if matrix.nnz:
        # To be told now, not to the first who met a single item.
        scorer.user_factor(History.of(matrix.indices[:1], matrix.data[:1]))
    return Fitted(scorer, _ScoreUsers(scorer, matrix))


Settings = TypeVar("Settings", bound=IalsParameters)


def scaled_to(
    matrix: "csr_array[np.float32]",
    parameters: Settings,
    known: KnownItems = UNKNOWN,
) -> Settings:
    """Return settings in which nothing is left to the data: those of a fit to `matrix` (U, I)."""
    balance = _Balance.of(matrix, parameters, known)
    strengths = _strengths(matrix, balance, parameters)
    return replace(
        parameters,
        unobserved_weight=strengths.unobserved_weight,
        regularisation=strengths.regularisation,
    )


@dataclass(frozen=True)
class _Strengths:
    unobserved_weight: float
    regularisation: float
    nu: float


def _strengths(
    matrix: "csr_array[np.float32]", balance: "_Balance", parameters: IalsParameters
) -> _Strengths:
    weight, regularisation = parameters.unobserved_weight, parameters.regularisation
    if weight is None:
        weight = UNOBSERVED_SHARE * float(matrix.data.mean()) if matrix.nnz else UNOBSERVED_SHARE
    if regularisation is None:
        of_one = _sides(matrix, balance, _Strengths(weight, 1.0, parameters.nu))
        vanishing = vanishing_regularisation(of_one[0].matrix, *(side.ridge for side in of_one))
        # Of nothing there are no factors whatever it is; at 0 theirs would be nothing over nothing.
        regularisation = REGULARISATION_SHARE * (vanishing or 1.0)
    return _Strengths(weight, regularisation, parameters.nu)


@dataclass(frozen=True)
class _ScoreUsers:
    """Solves for each user exactly, as serving does: the iterations come near only."""

    scorer: WeightedFactors
    matrix: "csr_array[np.float32]"

    def __call__(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        factors = np.zeros((len(users), self.scorer.item_factors.shape[1]), dtype=np.float32)
        histories = self.matrix[users]
        start = histories.indptr
        for place in np.flatnonzero(np.diff(start)):
            span = slice(start[place], start[place + 1])
            rows = histories.indices[span].astype(np.int32, copy=False)
            history = History(rows, histories.data[span])
            factors[place] = self.scorer.user_factor(history)
        scores = (factors @ self.scorer.item_factors.T).astype(np.float64)
        scores[:, ~self.scorer.item_factors.any(axis=1)] = np.nan
        scores[np.diff(start) == 0] = np.nan
        return scores


@dataclass(frozen=True)
class _Balance:
    """What the pairs of each item count, about 1 on average; arrays of shape (I,)."""

    observed: NDArray[np.float32]
    unobserved: NDArray[np.float64]
    """Zero where nobody met the item."""

    @classmethod
    def of(
        cls,
        matrix: "csr_array[np.float32]",
        parameters: IalsParameters,
        known: KnownItems,
    ) -> "_Balance":
        popularity = np.bincount(matrix.indices, matrix.data, matrix.shape[1]).astype(np.float64)
        met = popularity > 0
        if not met.any():
            return cls(np.ones(len(met), dtype=np.float32), np.zeros(len(met)))
        relative = np.where(met, popularity, 1.0) / popularity[met].mean()
        observed = relative**-parameters.observed_balance
        unobserved = np.where(met, relative**parameters.unobserved_balance, 0.0)
        if known.category is not None:
            share = np.bincount(known.category, popularity)[known.category] / popularity.sum()
            unobserved *= np.where(met, share, 1.0) ** parameters.category_balance
        if known.recent is not None and parameters.recency_balance != 0.0:
            _check_half_life(parameters)
            recency = _recency(known.recent, popularity)
            unobserved *= recency**-parameters.recency_balance
        observed *= popularity.sum() / (observed @ popularity)
        return cls(observed.astype(np.float32), unobserved / unobserved[met].mean())


def _check_half_life(parameters: IalsParameters) -> None:
    half_life_days = parameters.half_life_days
    if half_life_days is not None and half_life_days <= RECENT_HALF_LIFE_DAYS:
        raise InvalidInput(
            "half_life_days",
            f"{half_life_days:g} days leave nothing for recency_balance to tell apart: interest of "
            f"the last days fades by half in {RECENT_HALF_LIFE_DAYS:g}; take a longer one, or none",
        )


def _recency(recent: NDArray[np.float64], popularity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the interest in each item is of the last days, over that of all (I,).

    Interest counts as the model has it, faded by its own half-life. Of items that hardly anybody
    met little can be told: they have a little of what all have; and those of unknown times as much.
    """
    is_known = ~np.isnan(recent)
    of_all = recent[is_known].sum() / max(popularity[is_known].sum(), _PRIOR_INTEREST)
    if not of_all > 0.0:
        return np.ones(len(recent))
    recent = np.where(is_known, recent, of_all * popularity)
    share = (recent + _PRIOR_INTEREST * of_all) / (popularity + _PRIOR_INTEREST)
    return np.asarray(np.clip(share / of_all, 1.0 / _MOST_RECENT, _MOST_RECENT))


def _sides(
    matrix: "csr_array[np.float32]", balance: _Balance, strengths: _Strengths
) -> tuple[_Side, _Side]:
    weighted = matrix.copy()
    weighted.data = np.maximum(matrix.data * balance.observed[matrix.indices], _LEAST_WEIGHT)
    unobserved = strengths.unobserved_weight * balance.unobserved

    def side(
        rows: "csr_array[np.float32]", scale: NDArray[np.float64], mass: float | NDArray[np.float64]
    ) -> _Side:
        weight = np.asarray(rows.sum(axis=1), dtype=np.float64)
        return _Side(rows, scale, strengths.regularisation * (weight + mass) ** strengths.nu)

    return (
        side(weighted, np.ones(matrix.shape[0]), float(unobserved.sum())),
        side(weighted.T.tocsr(), unobserved, unobserved * matrix.shape[0]),
    )


def _improved(
    side: _Side,
    fixed: NDArray[np.float32],
    fixed_unobserved: NDArray[np.float64],
    factors: NDArray[np.float32],
    *,
    steps: int,
    pool: Executor,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the factors of `side` and the fixed ones, in the axes of the fixed side."""
    axes, turn = _axes(fixed, fixed_unobserved, pool)
    fixed, factors = _turned(fixed, turn, pool), _turned(factors, turn, pool)
    matrix = side.matrix
    start, column = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    bounds = _even_bounds(start, min(_MOST_CHUNKS, 1 + matrix.nnz // _LEAST_ENTRIES))

    def improve(first: int, last: int) -> None:
        improve_rows(
            start, column, matrix.data, fixed, axes, side.unobserved, side.ridge,
            steps, first, last, factors,
        )  # fmt: skip

    list(pool.map(improve, bounds[:-1], bounds[1:]))
    return factors, fixed


def _axes(
    factors: NDArray[np.float32], unobserved: NDArray[np.float64], pool: Executor
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the diagonal of the unobserved part, and what turns `factors` into its axes."""

    def gramian(rows: slice) -> NDArray[np.float64]:
        wide = factors[rows].astype(np.float64)
        return np.asarray((wide.T * unobserved[rows]) @ wide)

    axes, turn = np.linalg.eigh(sum(pool.map(gramian, _pieces(len(factors)))))
    return np.maximum(axes, 0.0), turn.astype(np.float32)


def _turned(
    factors: NDArray[np.float32], turn: NDArray[np.float32], pool: Executor
) -> NDArray[np.float32]:
    turned = np.empty_like(factors)
    list(pool.map(lambda rows: factors[rows].dot(turn, out=turned[rows]), _pieces(len(factors))))
    return turned


def _pieces(rows: int) -> list[slice]:
    return [slice(first, first + _PIECE) for first in range(0, rows, _PIECE)]


def _even_bounds(start: NDArray[np.int64], chunks: int) -> list[int]:
    """Return bounds of rows between which about as many entries lie."""
    wanted = np.linspace(0, start[-1], chunks + 1)
    bounds = np.searchsorted(start, wanted)
    bounds[0], bounds[-1] = 0, len(start) - 1
    return [int(bound) for bound in np.maximum.accumulate(bounds)]
