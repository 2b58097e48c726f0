"""iALS with a tuned unobserved part, frequency-scaled regularisation and balanced exposure."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import ThreadpoolController

from reco.kernel.alternating import solve_rows
from reco.model.weighted_factors import WeightedFactors
from training.models.fitted import Advance, Fitted

_CHUNKS_A_THREAD = 16
_LEAST_ENTRIES = 10_000
"""Of a chunk: less is not worth a thread."""

_LEAST_WEIGHT = np.float32(1e-12)
"""What has faded to less counts this much: the reciprocal must fit in single precision."""


@dataclass(frozen=True)
class IalsParameters:
    """Settings of iALS (Rendle et al. 2022; blocks as in iALS++, Rendle et al. 2021)."""

    kind: ClassVar[str] = "ials"
    factors: int = 64
    unobserved_weight: float = 0.1
    """alpha0: what a pair counts that nobody observed, where an observed one counts its weight."""
    regularisation: float = 0.03
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
    iterations: int = 12
    block: int = 128
    """Factors solved at once in long rows."""
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
    category: NDArray[np.int32] | None = None,
) -> Fitted:
    """Factorise `matrix` (U, I); the same seed gives the same factors.

    Parameters
    ----------
    category
        (I,) numbers that `category_balance` goes by; None: all items are of one category.
    """
    balance = _Balance.of(matrix, parameters, category)
    users, items = _sides(matrix, balance, parameters)
    generator = np.random.default_rng(parameters.seed)
    scale = 0.1 / np.sqrt(parameters.factors)
    x, y = (
        (generator.standard_normal((len(side.ridge), parameters.factors)) * scale).astype(
            np.float32
        )
        for side in (users, items)
    )
    blas = ThreadpoolController()
    for _ in range(parameters.iterations):
        x, y = _solved(users, y, items.unobserved, x, block=parameters.block, blas=blas)
        y, x = _solved(items, x, users.unobserved, y, block=parameters.block, blas=blas)
        advance()
    # As serving does: exactly, and in the axes of the items as they are now.
    x, y = _solved(users, y, items.unobserved, x, block=parameters.factors, blas=blas)
    wide = y.astype(np.float64)
    scorer = WeightedFactors(
        item_factors=y,
        observed_weight=balance.observed,
        unobserved_axes=np.einsum("if,if,i->f", wide, wide, items.unobserved),
        unobserved_mass=np.array([items.unobserved.sum()]),
        regularisation=parameters.regularisation,
        nu=parameters.nu,
    )
    return Fitted(scorer, _ScoreUsers(x, y, np.diff(matrix.indptr)))


@dataclass(frozen=True)
class _ScoreUsers:
    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    met: NDArray[np.integer]

    def __call__(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = (self.user_factors[users] @ self.item_factors.T).astype(np.float64)
        scores[:, ~self.item_factors.any(axis=1)] = np.nan
        scores[self.met[users] == 0] = np.nan
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
        category: NDArray[np.int32] | None,
    ) -> "_Balance":
        popularity = np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])
        met = popularity > 0
        if not met.any():
            return cls(np.ones(len(met), dtype=np.float32), np.zeros(len(met)))
        relative = np.where(met, popularity, 1.0) / popularity[met].mean()
        observed = relative**-parameters.observed_balance
        unobserved = np.where(met, relative**parameters.unobserved_balance, 0.0)
        if category is not None:
            share = np.bincount(category, popularity)[category] / popularity.sum()
            unobserved *= np.where(met, share, 1.0) ** parameters.category_balance
        observed *= popularity.sum() / (observed @ popularity)
        return cls(observed.astype(np.float32), unobserved / unobserved[met].mean())


def _sides(
    matrix: "csr_array[np.float32]", balance: _Balance, parameters: IalsParameters
) -> tuple[_Side, _Side]:
    weighted = matrix.copy()
    weighted.data = np.maximum(matrix.data * balance.observed[matrix.indices], _LEAST_WEIGHT)
    unobserved = parameters.unobserved_weight * balance.unobserved

    def side(
        rows: "csr_array[np.float32]", scale: NDArray[np.float64], mass: float | NDArray[np.float64]
    ) -> _Side:
        weight = np.asarray(rows.sum(axis=1), dtype=np.float64)
        return _Side(rows, scale, parameters.regularisation * (weight + mass) ** parameters.nu)

    return (
        side(weighted, np.ones(matrix.shape[0]), float(unobserved.sum())),
        side(weighted.T.tocsr(), unobserved, unobserved * matrix.shape[0]),
    )


def _solved(
    side: _Side,
    fixed: NDArray[np.float32],
    fixed_unobserved: NDArray[np.float64],
    factors: NDArray[np.float32],
    *,
    block: int,
    blas: ThreadpoolController,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the factors of `side` and the fixed ones, in the axes of the fixed side."""
    gramian = fixed.T.astype(np.float64) * fixed_unobserved @ fixed.astype(np.float64)
    axes, turn = np.linalg.eigh(gramian)
    turn = turn.astype(np.float32)
    fixed, factors = np.ascontiguousarray(fixed @ turn), np.ascontiguousarray(factors @ turn)
    matrix = side.matrix
    start, column = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    threads = os.cpu_count() or 1
    chunks = min(_CHUNKS_A_THREAD * threads, 1 + matrix.nnz // _LEAST_ENTRIES)
    bounds = _even_bounds(start, chunks)

    def solve(first: int, last: int) -> None:
        solve_rows(
            start, column, matrix.data, fixed, np.maximum(axes, 0.0), side.unobserved, side.ridge,
            block, first, last, factors,
        )  # fmt: skip

    # One row a thread at a time; a BLAS with threads of its own would only wait for them.
    with blas.limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        list(pool.map(solve, bounds[:-1], bounds[1:]))
    return factors, fixed


def _even_bounds(start: NDArray[np.int64], chunks: int) -> list[int]:
    """Return bounds of rows between which about as many entries lie."""
    wanted = np.linspace(0, start[-1], chunks + 1)
    bounds = np.searchsorted(start, wanted)
    bounds[0], bounds[-1] = 0, len(start) - 1
    return [int(bound) for bound in np.maximum.accumulate(bounds)]
