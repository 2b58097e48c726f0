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


def test_what_one_model_makes_of_a_history_is_no_other_models():
    class Model:
        def __init__(self, name):
            self.name, self.asked = name, 0

        def solved(self, history):
            self.asked += 1
            return self.name, len(history)

    history, one, other = history_of([(1, 1.0)]), Model("one"), Model("other")
    for _ in range(2):
        assert history.once(one, one.solved) == ("one", 1)
        assert history.once(other, other.solved) == ("other", 1)
    assert (one.asked, other.asked) == (1, 1)
    assert history_of([(1, 1.0), (2, 1.0)]).once(one, one.solved) == ("one", 2)


def test_an_empty_history():
    assert len(history_of([])) == 0
    assert len(history_of([]).merged(history_of([]))) == 0
