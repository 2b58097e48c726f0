"""A catalogue and a model that belong together: what a worker serves from, replaced as one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.feed.workspace import Workspace
from reco.model.arranged import Arranged, arranged
from reco.model.loaded import LoadedModel

NO_MODEL = "none"


@dataclass(frozen=True)
class Generation:
    """What requests are answered from until the next one takes its place."""

    catalogue: Catalogue
    model: LoadedModel | None
    model_rows: NDArray[np.int32]
    """(I,) row of each catalogue item in the model, −1 unknown to it."""
    arranged: Arranged | None
    """The model's items in the order of the catalogue's, as far as those of the base go."""
    workspace: Workspace
    """Goes on from one generation to the next."""

    @property
    def model_version(self) -> str:
        """The model's version, or `none`."""
        return self.model.version if self.model else NO_MODEL


def generation(
    catalogue: Catalogue, model: LoadedModel | None, before: Generation | None = None
) -> Generation:
    """Align the items of `catalogue` with those of `model`.

    Parameters
    ----------
    before
        The generation that is replaced: its workspace goes on, and with the same model and base,
        only items that came since are looked up.
    """
    known, in_order = np.empty(0, dtype=np.int32), None
    if before and before.model is model and before.catalogue.base is catalogue.base:
        known, in_order = before.model_rows, before.arranged
    later = catalogue.items.item_external_id[len(known) :]
    rows = np.full(len(later), -1, dtype=np.int32) if model is None else model.item_rows(later)
    model_rows = np.concatenate([known, rows]) if len(rows) else known
    if model and in_order is None:
        in_order = arranged(model.scorer, model_rows[: catalogue.base_items])
    workspace = before.workspace if before else Workspace()
    return Generation(catalogue, model, model_rows, in_order, workspace)
