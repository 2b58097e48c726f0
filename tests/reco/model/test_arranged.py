"""A model in the order of a catalogue: whatever its kind, no score is above its bound."""

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import interaction_matrix
from reco.model.arranged import arranged
from reco.model.history import History
from training.fits import PARAMETERS, fit

LONE = 39
"""Nobody booked it."""


@pytest.mark.parametrize("kind", ["als", "ials", "bpr", "filter", "itemknn"])
def test_no_score_is_above_its_bound(kind):
    fitted = fit(interaction_matrix(two_tastes()), PARAMETERS[kind](), lambda: None)
    rows = np.append(np.random.default_rng(0).permutation(40), -1).astype(np.int32)
    history = History.of(np.array([3, 5, 8], np.int32), np.array([1.0, 0.5, 0.1], np.float32))
    most, room = np.empty((2, len(rows)), np.float32)
    arranged(fitted.scorer, rows).at_most(history, most, room)
    scores = fitted.scorer.scores(history, rows)
    known = ~np.isnan(scores)
    assert np.array_equal(known, ~np.isnan(most))
    assert np.all(scores[known] <= most[known])
    # Eight bits a factor are near enough.
    assert np.all(most[known] - scores[known] < 0.05 * np.abs(scores[known]).max())
    assert known.sum() > 10
    assert not known[rows == -1].any()
    assert not known[rows == LONE].any()
