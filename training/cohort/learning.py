"""The model that serves a cohort: trained before it starts, fitted again on what it did."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.credit import CREDIT_WEIGHT
from features.interactions import Events
from reco.db.arrays import FOREVER_US, micros
from reco.model.content import Content
from reco.model.loaded import LoadedModel, load_model
from training.cohort.world import CohortWorld
from training.content import content_of
from training.models.itemknn import ItemKnnParameters
from training.replay.contents import contents_of
from training.replay.past import Past
from training.run import Trained, train_model
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
    content = _content(world, trained, now)
    return load_model(save_model(trained, models=folder, now=now, content=content).folder)


def _content(world: CohortWorld, trained: Trained, now: datetime) -> Content | None:
    """Return what stands in for works that nobody met, those that are still to come out, too.

    It is learned from what is out by now; a feed would ask for the others as they come out.
    """
    final, past = trained.final, world.past
    items = final.part.past.items
    is_out = published_us(past) <= micros(now)
    told = iter(contents_of(past, micros(now))(items[is_out]))
    known = [next(told) if out else None for out in is_out.tolist()]
    content = content_of(final.fitted.scorer, final.matrix, known)
    if content is None:
        return None
    to_come = np.flatnonzero(~is_out)
    stand_in = content.stand_in.copy()
    stand_in[to_come] = content.stand_ins(contents_of(past, FOREVER_US - 1)(items[to_come]))
    return replace(content, stand_in=stand_in)


def fitted_again(model: LoadedModel, events: Events, at: datetime) -> LoadedModel:
    """Return the model with neighbours from all events until a moment.

    Warm: half-life, calibration and ranker stay those of the beginning, and so does what stands in
    for a work until somebody met it.
    """
    until = np.datetime64(at.replace(tzinfo=None), "us")
    part = Part(events, events.take(np.zeros(len(events), dtype=bool)), until)
    parameters = ItemKnnParameters(half_life_days=model.half_life_days)
    fitted = rehearse(part, parameters, _unseen)
    content = model.content
    if content:
        content = replace(content, stand_in=_met(fitted.matrix, content.stand_in))
    return replace(
        model,
        version=f"{model.version}-{at:%Y%m%d}",
        cutoff=at,
        scorer=fitted.fitted.scorer,
        history_start=fitted.matrix.indptr.astype(np.int64),
        history_item=fitted.matrix.indices.astype(np.int32),
        history_weight=fitted.matrix.data.astype(np.float32),
        content=content,
    )


def published_us(past: Past) -> NDArray[np.int64]:
    """Return when each work (I,) came out: with the first offer of it."""
    first_us = np.full(len(past.items), FOREVER_US)
    np.minimum.at(first_us, past.offers.item, past.offers.published_us)
    return first_us


def _met(matrix: "csr_array[np.float32]", stand_in: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return who stands in for each item (I,): itself, once somebody met it."""
    is_met = np.asarray(matrix.sum(axis=0)).ravel() > 0
    return np.where(is_met, np.arange(len(stand_in), dtype=np.int32), stand_in)


def _unseen() -> None:
    """Nobody waits for the steps of so short a fit."""


def _untold(what: str, share: float) -> None:
    """Tell nobody: the process that fits has no screen."""
