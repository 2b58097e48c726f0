"""A model ready to score: verified, memory-mapped, calibrated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.interactions import encoded_ids, vocabulary_rows
from reco.errors import ArtifactRefused
from reco.lazily import lazy
from reco.model.artifact import Artifact, Layout, check_layout, read_artifact
from reco.model.calibration import Calibration
from reco.model.content import CONTENT_LAYOUT, Content
from reco.model.dense import DenseItemItem
from reco.model.factors import Factors
from reco.model.history import History
from reco.model.hybrid import Hybrid
from reco.model.item_item import ItemItem
from reco.model.linear_filter import LinearFilter
from reco.model.popularity import Areas, Popularity
from reco.model.ranker import RANKER_LAYOUT, Ranker
from reco.model.scorer import Scorer
from reco.model.weighted_factors import WeightedFactors

__all__ = ["SCORERS", "History", "LoadedModel", "load_model"]

SCORERS: Mapping[str, type[Scorer]] = {
    "popularity": Popularity,
    "itemknn": ItemItem,
    "als": Factors,
    "ials": WeightedFactors,
    "bpr": LinearFilter,
    "ease": DenseItemItem,
    "filter": LinearFilter,
    "hybrid": Hybrid,
}
"""Every kind of artifact that this code can serve."""

COMMON_LAYOUT: Layout = {
    "users": ("S", ("users",)),
    "items": ("S", ("items",)),
    "history_start": ("int64", ("bounds of users",)),
    "history_item": ("int32", ("history",)),
    "history_weight": ("float32", ("history",)),
}
"""What every artifact holds beside its scorer's arrays."""


_SAMPLE = 1_000


@dataclass(frozen=True)
class LoadedModel:
    """One model version."""

    version: str
    kind: str
    """A key of `SCORERS`."""
    cutoff: datetime | None
    """What happened after it, the model has not seen."""
    created_at: datetime
    """Accounts made after it, the model does not know, even where it has their id."""
    digest: str
    half_life_days: float | None
    """Age at which an event counted half in training, and counts in a history; None: no decay."""
    metrics: Mapping[str, Any]
    items: NDArray[np.bytes_]
    """(I,) sorted external ids."""
    users: NDArray[np.bytes_]
    """(U,) sorted external ids."""
    scorer: Scorer
    calibration: Calibration
    history_start: NDArray[np.int64]
    history_item: NDArray[np.int32]
    history_weight: NDArray[np.float32]
    ranker: Ranker | None = None
    """What was learned of distance, price, wait and popularity; None: nothing, they count as by
    hand."""

    content: Content | None = None
    """How items without a history are scored; None: not at all."""

    parameters: Mapping[str, float | int | str | None] = field(default_factory=dict)
    """Settings that it was trained with."""

    @lazy
    def sample(self) -> NDArray[np.int32]:
        """(n,) rows of a thousand of its items, spread evenly; of all, if there are fewer."""
        rows = np.linspace(0, len(self.items) - 1, min(_SAMPLE, len(self.items)))
        return rows.astype(np.int32)

    def item_rows(self, item_ids: NDArray[np.bytes_]) -> NDArray[np.int32]:
        """Return the row of each item id, -1 where the model does not know it."""
        return vocabulary_rows(self.items, item_ids)

    def user_history(self, user_id: str) -> History:
        """Return what the model was trained on for that user; empty where it does not know them."""
        row = int(vocabulary_rows(self.users, encoded_ids([user_id]))[0])
        span = slice(*self.history_start[row : row + 2]) if row >= 0 else slice(0, 0)
        return History(self.history_item[span], self.history_weight[span])

    def logits(self, history: History, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return calibrated log-odds of a booking for each item of `rows`.

        Parameters
        ----------
        history
            `user_history`, or that merged with what the user has done since.
        rows
            (n,) rows of `items`, -1 unknown.

        Returns
        -------
        (n,) float64, NaN where the model cannot say: an unknown item, an item that nobody met, and
        for a personal model a history of which nobody met anything.
        """
        return self.calibration.log_odds(self.scorer.scores(history, rows))

    def similar(self, row: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return how similar each item of `rows` is to the item `row`, NaN where it cannot say."""
        return self.scorer.similar(row, rows)


def load_model(folder: Path, digest: str | None = None) -> LoadedModel:
    """Return the model in `folder`, verified.

    Parameters
    ----------
    digest
        The digest that the registry knows the model by, where it is to be compared.

    Raises
    ------
    ArtifactDamaged
        The folder is not what its manifest says, or not that `digest`.
    ArtifactRefused
        It is not what this code reads, or cannot be read now.
    """
    return _model_of(read_artifact(folder, digest))


def _model_of(artifact: Artifact) -> LoadedModel:
    facts, arrays = artifact.facts, artifact.arrays
    if facts.kind not in SCORERS:
        known = ", ".join(SCORERS)
        raise ArtifactRefused(str(artifact.folder), f"{facts.kind!r} is no kind of model ({known})")
    scorer = SCORERS[facts.kind]
    check_layout(artifact, {**COMMON_LAYOUT, **scorer.layout, **_areas_layout(artifact)})
    _check_bounds(artifact, "history_start", len(arrays["users"]), len(arrays["history_item"]))
    try:
        calibration = Calibration(**facts.calibration)
        fitted = scorer.from_arrays(arrays, facts.parameters)
    except (KeyError, TypeError) as error:
        raise ArtifactRefused(
            str(artifact.folder), f"its manifest lacks or misnames a setting ({error})"
        ) from error
    return LoadedModel(
        version=facts.version,
        kind=facts.kind,
        cutoff=facts.cutoff,
        created_at=facts.created_at,
        digest=artifact.digest,
        half_life_days=_number(facts.parameters.get("half_life_days")),
        metrics=facts.metrics,
        items=arrays["items"],
        users=arrays["users"],
        scorer=fitted,
        calibration=calibration,
        history_start=arrays["history_start"],
        history_item=arrays["history_item"],
        history_weight=arrays["history_weight"],
        content=_content_of(artifact),
        ranker=_ranker_of(artifact),
        parameters=facts.parameters,
    )


def _areas_layout(artifact: Artifact) -> Layout:
    is_popularity = artifact.facts.kind == Popularity.kind
    return Areas.layout if is_popularity and Areas.are_among(artifact.arrays) else {}


def _ranker_of(artifact: Artifact) -> Ranker | None:
    facts = artifact.facts.ranker
    if facts is None:
        return None
    check_layout(artifact, RANKER_LAYOUT)
    try:
        return Ranker.of(facts, artifact.arrays)
    except ValueError as error:
        raise ArtifactRefused(str(artifact.folder), f"its ranker is not right: {error}") from error


def _content_of(artifact: Artifact) -> Content | None:
    if not CONTENT_LAYOUT.keys() & artifact.arrays.keys():
        return None
    check_layout(artifact, {**COMMON_LAYOUT, **CONTENT_LAYOUT})
    return Content.from_arrays(artifact.arrays)


def _check_bounds(artifact: Artifact, name: str, groups: int, members: int) -> None:
    bounds = artifact.arrays[name]
    if len(bounds) != groups + 1 or bounds[0] != 0 or bounds[-1] != members:
        raise ArtifactRefused(str(artifact.folder), f"the bounds {name} do not fit their arrays")


def _number(parameter: float | int | str | None) -> float | None:
    return None if parameter is None else float(parameter)
