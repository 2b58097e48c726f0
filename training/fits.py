"""Every model that can be trained, by name, with its parameters and its fit."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType

import numpy as np
from implicit.recommender_base import ModelFitError
from scipy.sparse import csr_array

from reco.errors import InvalidInput
from reco.model.scorer import Scorer
from training.distributed import SparkAlsParameters, fit_spark_als
from training.models.als import AlsParameters, fit_als
from training.models.bpr import BprParameters, fit_bpr
from training.models.ease import EaseParameters, fit_ease
from training.models.fitted import Advance, Fitted
from training.models.graph_filter import GraphFilterParameters, fit_graph_filter
from training.models.hybrid import HybridParameters, fit_hybrid
from training.models.ials import IalsParameters, fit_ials, scaled_to
from training.models.itemknn import ItemKnnParameters, fit_itemknn
from training.models.known_items import UNKNOWN, KnownItems
from training.models.popularity import PopularityParameters, fit_popularity

Parameters = (
    PopularityParameters
    | ItemKnnParameters
    | AlsParameters
    | IalsParameters
    | BprParameters
    | EaseParameters
    | GraphFilterParameters
    | HybridParameters
)

PARAMETERS: Mapping[str, type[Parameters]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            PopularityParameters,
            ItemKnnParameters,
            AlsParameters,
            IalsParameters,
            BprParameters,
            EaseParameters,
            GraphFilterParameters,
            HybridParameters,
        )
    }
)
"""The parameters of each kind of model; their defaults are what `reco train` uses."""

DEFAULT_KIND = IalsParameters.kind
"""What is trained where nothing else is asked for: it found most in replayed feeds.

See docs/accuracy.md, "What is served by default".
"""


def fit(
    matrix: "csr_array",
    parameters: Parameters,
    advance: Advance,
    items: KnownItems = UNKNOWN,
) -> Fitted:
    """Fit the model that `parameters` describe to `matrix` (U, I) float32, of these items.

    Raises
    ------
    InvalidInput
        Nothing can be fitted by these settings, or what is fitted has infinite numbers.
    """
    try:
        # What has overflowed is refused below.
        with np.errstate(over="ignore"):
            fitted = _fitted(matrix, parameters, advance, items)
        _require_finite(fitted.scorer)
    except (np.linalg.LinAlgError, ModelFitError) as error:
        settings = stated(parameters)
        raise InvalidInput(
            "config", f"{parameters.kind} cannot be fitted by {settings}: {error}"
        ) from error
    return fitted


def _require_finite(scorer: Scorer) -> None:
    """Raise `ModelFitError` where a number is infinite; NaN says that the model cannot say."""
    for name, array in scorer.arrays().items():
        if array.dtype.kind == "f" and np.isinf(array).any():
            raise ModelFitError(f"numbers of {name} are beyond all bounds")


def _fitted(  # noqa: PLR0911
    matrix: "csr_array", parameters: Parameters, advance: Advance, items: KnownItems
) -> Fitted:
    match parameters:
        case PopularityParameters():
            return fit_popularity(matrix, parameters, advance, items)
        case ItemKnnParameters():
            return fit_itemknn(matrix, parameters, advance)
        case SparkAlsParameters():  # Before ALS, whose settings it extends.
            return fit_spark_als(matrix, parameters, advance)
        case AlsParameters():
            return fit_als(matrix, parameters, advance)
        case HybridParameters():  # Before iALS, whose settings it extends.
            return fit_hybrid(matrix, parameters, advance, items)
        case IalsParameters():
            return fit_ials(matrix, parameters, advance, items)
        case BprParameters():
            return fit_bpr(matrix, parameters, advance)
        case EaseParameters():
            return fit_ease(matrix, parameters, advance)
        case GraphFilterParameters():
            return fit_graph_filter(matrix, parameters, advance, items.lonlat)


def settled(matrix: "csr_array", parameters: Parameters, items: KnownItems = UNKNOWN) -> Parameters:
    """Return `parameters` with what they leave to the data said in numbers; see `fit`.

    A half-life that never ends (inf) becomes None.
    """
    if parameters.half_life_days == math.inf:
        parameters = replace(parameters, half_life_days=None)
    match parameters:
        case IalsParameters():
            return scaled_to(matrix, parameters, items)
        case _:
            return parameters


def stated(parameters: Parameters) -> dict[str, float | int | str | None]:
    """Return the parameters as a manifest keeps them."""
    return asdict(parameters)
