"""The model that serves a cohort: trained before it starts, fitted again on what it did."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from features.credit import CREDIT_WEIGHT
from features.interactions import Events
from reco.model.loaded import LoadedModel, load_model
from training.cohort.world import CohortWorld
from training.models.itemknn import ItemKnnParameters
from training.run import train_model
from training.saving import save_model
from training.split import Part
from training.tune import rehearse


def first_model(
    world: CohortWorld,
    now: datetime,
    folder: Path,
    credit_weight: float = CREDIT_WEIGHT,
) -> LoadedModel:
    """Return the model trained on the ordinary people's year, as `reco train` trains it.

    It is saved below `folder`, and read from there where it was trained before.

    Parameters
    ----------
    credit_weight
        That its ranker is learned beside (`features.credit`).
    """
    known = sorted(folder.glob(f"{ItemKnnParameters.kind}-*")) if folder.exists() else []
    if known:
        return load_model(known[0])
    trained = train_model(
        world.events,
        ItemKnnParameters(),
        split="time",
        cutoff=None,
        progress=_untold,
        market=world.market,
        credit_weight=credit_weight,
    )
    return load_model(save_model(trained, models=folder, now=now).folder)


def fitted_again(model: LoadedModel, events: Events, at: datetime) -> LoadedModel:
    """Return the model with neighbours from all events until a moment.

    Warm: half-life, calibration and ranker stay those of the beginning.
    """
    until = np.datetime64(at.replace(tzinfo=None), "us")
    part = Part(events, events.take(np.zeros(len(events), dtype=bool)), until)
    parameters = ItemKnnParameters(half_life_days=model.half_life_days)
    fitted = rehearse(part, parameters, _unseen)
    return replace(
        model,
        version=f"{model.version}-{at:%Y%m%d}",
        cutoff=at,
        scorer=fitted.fitted.scorer,
        history_start=fitted.matrix.indptr.astype(np.int64),
        history_item=fitted.matrix.indices.astype(np.int32),
        history_weight=fitted.matrix.data.astype(np.float32),
    )


def _unseen() -> None:
    """Nobody waits for the steps of so short a fit."""


def _untold(what: str, share: float) -> None:
    """Tell nobody: the process that fits has no screen."""
