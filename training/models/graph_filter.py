"""A graph filter: one step over the graph, sharpened, and an ideal low-pass beside it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from reco.model.linear_filter import LinearFilter
from training.models.ball import on_ball
from training.models.fitted import Advance, Fitted
from training.models.linear import score_users
from training.models.nearness import nearness
from training.models.sharpening import left_by_sharpening, sharpened
from training.models.spectrum import right_spectrum

_PIECE = 4_096
"""Items whose neighbours are found at once."""


@dataclass(frozen=True)
class GraphFilterParameters:
    """Settings of a graph filter.

    A step over the graph and an ideal low-pass are GF-CF (Shen et al. 2021, equation 9); sharpening
    the step, which the largest components of the spectrum would drown, is the idea of BSPM (Choi et
    al. 2023). All of it stays one linear filter.
    """

    kind: ClassVar[str] = "filter"
    factors: int = 256
    """Singular vectors kept by the low-pass."""
    low_pass: float = 1.0
    """Weight of the low-pass beside the step over the graph."""
    sharpening: float = 0.0
    """A kept component of squared singular value s counts `exp(-sharpening * s)` in the step."""
    merged_sharpening: float = 0.0
    """Time for which step and low-pass are sharpened together (BSPM's early merge); what the kept
    components leave of the step is sharpened like the last of them."""
    user_power: float = 0.5
    """A user's row is divided by (weight) ** user_power."""
    item_power: float = 0.5
    """An item's column is divided by (weight) ** item_power."""
    side_power: float = 0.5
    """In the low-pass an item of the history is divided by (weight) ** side_power, and one that is
    scored multiplied."""
    output_power: float = 0.0
    """Scores are multiplied by (weight of the item) ** output_power."""
    neighbours: int = 400
    """Nearest neighbours kept of each item in the step over the graph, and of those near it."""
    distance_scale_m: float = 1_000.0
    distance_power: float = 0.0
    """Between items that are d metres apart the step counts `(1 + d / scale) ** -power`; where the
    place of one is not known, as if there were no distance."""
    near_weight: float = 0.0
    """What an item adds to those near it, `near_weight * exp(-d / near_scale_m)` and less where
    they are many (`training.models.nearness`)."""
    near_scale_m: float = 300.0
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""
    history_power: float = 0.0
    """A history of weights w counts as `w / sum(w) ** history_power`."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return 2


def fit_graph_filter(
    matrix: "csr_array[np.float32]",
    parameters: GraphFilterParameters,
    advance: Advance,
    lonlat: NDArray[np.float64] | None = None,
) -> Fitted:
    """Fit the filter to `matrix` (U, I), of items that are at `lonlat` (I, 2) degrees."""
    weight = np.asarray(matrix.sum(axis=0), dtype=np.float64)
    normal = _normalised(matrix, parameters)
    output = _power(weight, parameters.output_power)
    ball = None if lonlat is None else on_ball(lonlat)
    step = csr_array(_nearest(normal, parameters, ball) @ diags_array(output))
    advance()
    values, axes = right_spectrum(normal, parameters.factors, parameters.seed)
    left = left_by_sharpening(values, parameters.merged_sharpening)
    beyond = float(left[-1]) if len(left) else 1.0
    inputs, outputs = _joined(
        _low_pass(normal, weight, axes, parameters),
        _correction(values, axes, left, beyond, parameters),
    )
    neighbours = step * np.float32(beyond)
    if ball is not None and parameters.near_weight:
        near = nearness(ball, weight > 0, parameters.near_scale_m, parameters.neighbours)
        neighbours = csr_array(neighbours + near * np.float32(parameters.near_weight))
    advance()
    scorer = LinearFilter(
        neighbour_start=neighbours.indptr.astype(np.int64),
        neighbour_item=neighbours.indices.astype(np.int32),
        neighbour_similarity=neighbours.data.astype(np.float32),
        input_factors=inputs,
        output_factors=(outputs * output[:, np.newaxis]).astype(np.float32),
        item_bias=np.zeros(len(weight), dtype=np.float32),
        is_met=weight > 0,
        history_power=parameters.history_power,
    )
    return Fitted(scorer, score_users(scorer, matrix))


def _normalised(
    matrix: "csr_array[np.float32]", parameters: GraphFilterParameters
) -> "csr_array[np.float32]":
    by_user = diags_array(_power(matrix.sum(axis=1), -parameters.user_power))
    by_item = diags_array(_power(matrix.sum(axis=0), -parameters.item_power))
    return csr_array(by_user @ matrix @ by_item).astype(np.float32)


_Factors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Input and output factors, each (I, F)."""


def _low_pass(
    normal: "csr_array[np.float32]",
    weight: NDArray[np.float64],
    axes: NDArray[np.float32],
    parameters: GraphFilterParameters,
) -> _Factors:
    """Return the ideal low-pass."""
    down = _power(weight, -parameters.side_power)[:, np.newaxis].astype(np.float32)
    up = _power(weight, parameters.side_power)[:, np.newaxis].astype(np.float32)
    outputs = up * axes
    if parameters.merged_sharpening:
        outputs = sharpened(normal, outputs, parameters.merged_sharpening)
    return parameters.low_pass * down * axes, outputs


def _correction(
    values: NDArray[np.float64],
    axes: NDArray[np.float32],
    left: NDArray[np.float64],
    beyond: float,
    parameters: GraphFilterParameters,
) -> _Factors:
    """Return what to add to the step, which goes by neighbours, to mend its kept components."""
    wanted = values * np.exp(-parameters.sharpening * values) * left
    return axes * (wanted - values * beyond).astype(np.float32), axes


def _joined(*parts: _Factors) -> _Factors:
    """Return the columns of all parts, but for those that add nothing."""
    inputs, outputs = (np.hstack(side) for side in zip(*parts, strict=True))
    adds = np.flatnonzero(inputs.any(axis=0))
    kept = adds if len(adds) else slice(1)
    return np.ascontiguousarray(inputs[:, kept]), np.ascontiguousarray(outputs[:, kept])


def _nearest(
    normal: "csr_array[np.float32]",
    parameters: GraphFilterParameters,
    ball: NDArray[np.float64] | None,
) -> "csr_array[np.float32]":
    """Return `normal.T @ normal`, faded by distance, with the largest entries of each row."""
    columns = normal.T.tocsr()
    items = normal.shape[1]
    pieces = []
    for first in range(0, items, _PIECE):
        piece = csr_array(columns[first : first + _PIECE] @ normal)
        if ball is not None and parameters.distance_power:
            piece.data *= _fading(piece, ball, first, parameters)
        pieces.append(_largest(piece, parameters.neighbours))
    counts = np.concatenate([[0], *(count for count, _, _ in pieces)])
    values, column = (np.concatenate([piece[part] for piece in pieces]) for part in (2, 1))
    nearest = csr_array((values, column, np.cumsum(counts)), shape=(items, items))
    nearest.sort_indices()
    return nearest


def _largest(
    rows: "csr_array[np.float32]", most: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return how many entries of each row are kept, their columns and values."""
    kept = np.ones(rows.nnz, dtype=bool)
    for row in np.flatnonzero(np.diff(rows.indptr) > most):
        span = slice(rows.indptr[row], rows.indptr[row + 1])
        fewer = len(rows.data[span]) - most
        kept[span][np.argpartition(rows.data[span], fewer)[:fewer]] = False
    before = np.concatenate([[0], np.cumsum(kept)])
    return np.diff(before[rows.indptr]), rows.indices[kept], rows.data[kept]


def _fading(
    piece: "csr_array[np.float32]",
    ball: NDArray[np.float64],
    first: int,
    parameters: GraphFilterParameters,
) -> NDArray[np.float32]:
    row = np.repeat(np.arange(first, first + piece.shape[0]), np.diff(piece.indptr))
    distance_m = np.linalg.norm(ball[row] - ball[piece.indices], axis=1)
    fading = (1.0 + distance_m / parameters.distance_scale_m) ** -parameters.distance_power
    return np.where(np.isnan(fading), 1.0, fading).astype(np.float32)


def _power(values: object, exponent: float) -> NDArray[np.float64]:
    weights = np.asarray(values, dtype=np.float64)
    powers = np.zeros(len(weights))
    np.power(weights, exponent, where=weights > 0, out=powers)
    return powers
