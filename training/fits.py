"""Every model that can be trained, by name, with its parameters and its fit."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

from scipy.sparse import csr_array

from training.models.als import AlsParameters, fit_als
from training.models.fitted import Advance, Fitted
from training.models.itemknn import ItemKnnParameters, fit_itemknn
from training.models.popularity import PopularityParameters, fit_popularity

Parameters = PopularityParameters | ItemKnnParameters | AlsParameters

PARAMETERS: Mapping[str, type[Parameters]] = MappingProxyType(
    {kind.kind: kind for kind in (PopularityParameters, ItemKnnParameters, AlsParameters)}
)
"""The parameters of each kind of model; their defaults are what `reco train` uses."""


def fit(matrix: "csr_array", parameters: Parameters, advance: Advance) -> Fitted:
    """Fit the model that `parameters` describe to `matrix` (U, I) float32."""
    match parameters:
        case PopularityParameters():
            return fit_popularity(matrix, parameters, advance)
        case ItemKnnParameters():
            return fit_itemknn(matrix, parameters, advance)
        case AlsParameters():
            return fit_als(matrix, parameters, advance)


def stated(parameters: Parameters) -> dict[str, float | int | str | None]:
    """Return the parameters as a manifest keeps them."""
    return asdict(parameters)
