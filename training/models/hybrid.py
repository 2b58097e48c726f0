"""iALS with a graph filter beside it, which alone knows of distance."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.model.hybrid import Hybrid
from reco.model.linear_filter import LinearFilter
from reco.model.weighted_factors import WeightedFactors
from training.models.fitted import Advance, Fitted
from training.models.graph_filter import GraphFilterParameters, fit_graph_filter
from training.models.ials import IalsParameters, fit_ials
from training.models.known_items import UNKNOWN, KnownItems


@dataclass(frozen=True)
class HybridParameters(IalsParameters):
    """Settings of iALS, then of the filter; see `GraphFilterParameters`."""

    kind: ClassVar[str] = "hybrid"
    filter_weight: float = 0.3
    """What the filter's score counts beside that of iALS."""
    components: int = 64
    """Singular vectors kept by the filter's low-pass."""
    low_pass: float = 0.3
    sharpening: float = 0.0
    merged_sharpening: float = 0.0
    user_power: float = 0.5
    item_power: float = 0.5
    side_power: float = 0.5
    output_power: float = 0.0
    neighbours: int = 400
    distance_scale_m: float = 1_000.0
    distance_power: float = 0.5
    near_weight: float = 0.0
    """As in the filter, whose score counts `filter_weight` times."""
    near_scale_m: float = 300.0
    history_power: float = 0.0

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return self.iterations + 2


def fit_hybrid(
    matrix: "csr_array[np.float32]",
    parameters: HybridParameters,
    advance: Advance,
    items: KnownItems = UNKNOWN,
) -> Fitted:
    """Fit both parts to `matrix` (U, I), of these items."""
    stated = asdict(parameters)
    first = fit_ials(matrix, IalsParameters(**_of(IalsParameters, stated)), advance, items)
    graph = _of(GraphFilterParameters, stated) | {"factors": parameters.components}
    second = fit_graph_filter(matrix, GraphFilterParameters(**graph), advance, items.lonlat)
    if not isinstance(first.scorer, WeightedFactors) or not isinstance(second.scorer, LinearFilter):
        raise TypeError("iALS gives factors, and a graph filter a linear filter.")
    weight = np.float32(parameters.filter_weight)
    beside = replace(
        second.scorer,
        neighbour_similarity=second.scorer.neighbour_similarity * weight,
        output_factors=second.scorer.output_factors * weight,
    )

    def score_users(users: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = second.score_users(users)
        scores *= weight
        scores += first.score_users(users)
        return scores

    return Fitted(Hybrid(first.scorer, beside), score_users)


def _of(
    kind: type[IalsParameters | GraphFilterParameters], stated: dict[str, Any]
) -> dict[str, Any]:
    return {field.name: stated[field.name] for field in fields(kind)}
