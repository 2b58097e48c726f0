"""The probability that this person books each candidate."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from features.interactions import EVENT_KINDS, encoded_ids, event_weights
from reco.catalogue.snapshot import Catalogue
from reco.feed.candidates import Candidates
from reco.feed.generation import Generation
from reco.feed.state import Situation, UserState
from reco.model.history import History
from reco.model.loaded import LoadedModel
from reco.model.popularity import Popularity

_PRIOR_BOOKINGS = 20.0
"""Bookings' worth of belief that all items around are alike: a village of three is no ranking."""


@dataclass(frozen=True)
class Scored:
    """Candidates with their probabilities; arrays of shape (C,)."""

    candidates: Candidates
    probability: NDArray[np.float64]
    """That the person books the item's best offer, from 0 to 1."""
    is_liked: NDArray[np.bool_]
    """Whether the model puts the item into the top tenth of all candidates for this person."""


def score(generation: Generation, candidates: Candidates, situation: Situation) -> Scored:
    """Score every candidate: by the model, by popularity near where the model cannot say."""
    popular = popularity_logits(generation.catalogue, candidates)
    model, liked = generation.model, np.zeros(len(candidates), dtype=bool)
    item_logits = popular
    if model is not None:
        history = history_of(model, situation.state, situation.query.now)
        said = model.logits(history, generation.model_rows[candidates.item])
        item_logits = np.where(np.isnan(said), popular, said)
        if len(history) and model.kind != Popularity.kind:
            liked = _top_tenth(said)
    probability = 1.0 / (1.0 + np.exp(candidates.cost - item_logits))
    return Scored(candidates, probability, liked)


def popularity_logits(catalogue: Catalogue, candidates: Candidates) -> NDArray[np.float64]:
    """Return the log-odds that anyone around books each item within the catalogue's 28 days.

    An item's share of the bookings around, smoothed towards equal shares, times the bookings that
    a person of this world makes in that time; a Poisson count of at least one. What takes place
    somewhere shares the bookings made at places, what is digital those made online.
    """
    logits = np.empty(len(candidates), dtype=np.float64)
    online = candidates.is_online
    for chosen, bookings in zip((~online, online), catalogue.bookings, strict=True):
        # At least one booking for a hundred people, so that a world without any still ranks.
        a_person = max(float(bookings) / max(1, catalogue.users), 0.01)
        logits[chosen] = np.log(np.expm1(a_person * _shares(candidates.bookings_near[chosen])))
    return logits


def _shares(bookings: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each item's smoothed share; they sum to 1."""
    even = _PRIOR_BOOKINGS / max(1, len(bookings))
    return np.asarray((bookings + even) / (bookings.sum() + _PRIOR_BOOKINGS), dtype=np.float64)


def _top_tenth(said: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values are at or above the 90th percentile of those that are known."""
    known = said[~np.isnan(said)]
    return said >= np.quantile(known, 0.9) if len(known) else np.zeros(len(said), dtype=bool)


def history_of(model: LoadedModel, state: UserState, now: datetime) -> History:
    """Return what `state` holds of the items that the model knows, weighted as in training."""
    past = [("booking", b.item, b.at) for b in state.bookings]
    past += [(i.kind, i.item, i.at) for i in state.interactions]
    kinds = np.array([EVENT_KINDS.index(kind) for kind, _, _ in past], dtype=np.int8)
    # What a clock that runs ahead has recorded is no older than the request.
    moments = [None if at is None else _naive(min(at, now)) for _, _, at in past]
    rows = model.item_rows(encoded_ids([item for _, item, _ in past]))
    weights = event_weights(
        kinds,
        np.array(moments, dtype="datetime64[us]"),
        as_of=np.datetime64(_naive(now), "us"),
        half_life_days=model.half_life_days,
    )
    return History.of(rows, weights)


def _naive(moment: datetime) -> datetime:
    """Return `moment` in UTC without its zone, as NumPy takes it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
