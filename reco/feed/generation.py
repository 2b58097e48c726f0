"""A catalogue and a model that belong together: what a worker serves from, replaced as one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.model.loaded import LoadedModel

NO_MODEL = "none"


@dataclass(frozen=True)
class Generation:
    """What requests are answered from until the next one takes its place."""

    catalogue: Catalogue
    model: LoadedModel | None
    model_rows: NDArray[np.int32]
    """(I,) row of each catalogue item in the model, −1 unknown to it."""

    @property
    def model_version(self) -> str:
        """The model's version, or `none`."""
        return self.model.version if self.model else NO_MODEL


def generation(catalogue: Catalogue, model: LoadedModel | None) -> Generation:
    """Align the items of `catalogue` with those of `model`."""
    if model is None:
        return Generation(catalogue, None, np.full(len(catalogue.item_id), -1, dtype=np.int32))
    return Generation(catalogue, model, model.item_rows(catalogue.item_external_id))
