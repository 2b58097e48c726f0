"""A model in the order of a catalogue: whatever its kind, no score is above its bound."""

import tracemalloc

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import interaction_matrix
from reco.model.arranged import arranged
from reco.model.history import History
from reco.model.loaded import SCORERS
from reco.model.scorer import Scorer
from training.fits import PARAMETERS, fit

LONE = 39
"""Nobody booked it."""


@pytest.mark.parametrize("kind", SCORERS)
def test_no_score_is_above_its_bound(kind):
    fitted = fit(interaction_matrix(two_tastes()), PARAMETERS[kind](), lambda: None)
    rows = np.append(np.random.default_rng(0).permutation(40), -1).astype(np.int32)
    history = History.of(np.array([3, 5, 8], np.int32), np.array([1.0, 0.5, 0.1], np.float32))
    most, room = np.empty((2, len(rows)), np.float32)
    factors = arranged(fitted.scorer, rows).at_most(history, most, room)
    scores = fitted.scorer.scores(history, rows)
    known = ~np.isnan(scores)
    if factors:
        by_length = factors.length * np.float32(factors.user_length)
        assert np.array_equal(known, ~np.isnan(by_length))
        assert np.all(scores[known] <= by_length[known])
        total = factors.items.code @ factors.user.astype(np.int64)
        most[:] = (total * factors.user_step + factors.slack_steps) * factors.items.step
        most[~known] = np.nan
    assert np.array_equal(known, ~np.isnan(most))
    assert np.all(scores[known] <= most[known])
    # Eight bits a factor are near enough.
    assert np.all(most[known] - scores[known] < 0.05 * np.abs(scores[known]).max())
    assert known.sum() > 10
    assert not known[rows == -1].any()
    assert not known[rows == LONE].any()


def large(kind: str, items: int) -> Scorer:
    """Return a scorer of so many items; each is the neighbour of three."""
    chance = np.random.default_rng(0)
    arrays = {
        "popularity": np.ones(items, np.float32),
        "neighbour_start": 3 * np.arange(items + 1),
        "neighbour_item": chance.integers(0, items, 3 * items).astype(np.int32),
        "neighbour_similarity": np.ones(3 * items, np.float32),
        "item_bias": np.ones(items, np.float32),
        "is_met": np.ones(items, dtype=bool),
        "observed_weight": np.ones(items, np.float32),
        "unobserved_axes": np.ones(4),
        "unobserved_mass": np.ones(1),
        "gramian": np.eye(4),
    }
    for name in ("input_factors", "output_factors", "item_factors"):
        arrays[name] = chance.normal(size=(items, 4)).astype(np.float32)
    if kind == "ease":
        arrays["similarity"] = np.zeros((items, items), np.float32)
    parameters = {"history_power": 0.5, "regularisation": 1.0, "nu": 1.0, "alpha": 1.0}
    return SCORERS[kind].from_arrays(arrays, parameters)


@pytest.mark.parametrize("kind", SCORERS)
def test_nothing_that_grows_with_the_catalogue_is_made_in_a_request(kind):
    items = 6_000 if kind == "ease" else 100_000
    scorer, rows = large(kind, items), np.arange(items, dtype=np.int32)
    in_order, few = arranged(scorer, rows), rows[:7]
    most, room = np.empty((2, items), np.float32)

    def asked():
        history = History.of(np.array([3, 5, 8], np.int32), np.ones(3, np.float32))
        in_order.at_most(history, most, room)
        scorer.scores(history, few)
        scorer.similar(3, few)

    asked()
    tracemalloc.start()
    asked()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A piece of the catalogue at a time is no more for ten times the country.
    assert peak_bytes < (300_000 if kind == "popularity" else 20_000)
