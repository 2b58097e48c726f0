"""A model in the order of a catalogue: whatever its kind, the bounds hold the very scores."""

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import interaction_matrix
from reco.model.arranged import arranged
from reco.model.history import History
from reco.model.scorer import Bounds
from training.fits import PARAMETERS, fit

LONE = 39
"""Nobody booked it."""


@pytest.mark.parametrize("kind", ["als", "ials", "bpr", "filter", "itemknn"])
def test_every_score_lies_within_its_bounds(kind):
    fitted = fit(interaction_matrix(two_tastes()), PARAMETERS[kind](), lambda: None)
    rows = np.append(np.random.default_rng(0).permutation(40), -1).astype(np.int32)
    history = History.of(np.array([3, 5, 8], np.int32), np.array([1.0, 0.5, 0.1], np.float32))
    room = Bounds(np.empty(len(rows), np.float32), np.empty(len(rows), np.float32))
    places = np.arange(0, len(rows), 2, dtype=np.int32)
    places = np.append(places, np.flatnonzero((rows == -1) | (rows == LONE))).astype(np.int32)
    arranged(fitted.scorer, rows).bounds(history, places, room)
    rows = rows[places]
    scores = fitted.scorer.scores(history, rows)
    known = ~np.isnan(scores)
    assert np.array_equal(known, ~np.isnan(room.score[places]))
    assert np.all(np.abs(scores - room.score[places])[known] <= room.slack[places][known])
    assert known.sum() > 10
    assert not known[rows == -1].any()
    assert not known[rows == LONE].any()
