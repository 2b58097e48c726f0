"""Histories: each item once, with its strongest interest."""

import numpy as np

from reco.model.history import History


def history_of(pairs):
    rows = np.array([row for row, _ in pairs], dtype=np.int32)
    return History.of(rows, np.array([weight for _, weight in pairs], dtype=np.float32))


def test_unknown_items_and_dismissals_are_left_out():
    history = history_of([(7, 0.5), (-1, 1.0), (2, 0.25), (7, 1.0), (4, 0.0)])
    assert history.rows.dtype == np.int32
    assert history.rows.tolist() == [2, 7]
    assert history.weights.tolist() == [0.25, 1.0]


def test_merging_keeps_the_strongest_and_is_safe_to_repeat():
    trained, fresh = history_of([(1, 1.0), (3, 0.25)]), history_of([(3, 0.5), (9, 1.0)])
    merged = trained.merged(fresh)
    assert merged.rows.tolist() == [1, 3, 9]
    assert merged.weights.tolist() == [1.0, 0.5, 1.0]
    again = merged.merged(fresh)
    np.testing.assert_array_equal(again.rows, merged.rows)
    np.testing.assert_array_equal(again.weights, merged.weights)


def test_an_empty_history():
    assert len(history_of([])) == 0
    assert len(history_of([]).merged(history_of([]))) == 0
