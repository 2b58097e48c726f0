"""Vocabularies, weights, decay and the interaction matrix."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from features.interactions import (
    BOOKING,
    CLICK,
    DISMISS,
    EVENT_WEIGHTS,
    FAVOURITE,
    FEATURES,
    RESTORE,
    VIEW,
    Events,
    dismissed,
    encoded_ids,
    event_weights,
    interaction_matrix,
    strongest,
    vocabulary_rows,
)

CUTOFF = np.datetime64("2025-06-01", "us")


def events_of(rows, users=3, items=4):
    """Return events from (user, item, kind, days before the cutoff or None)."""
    never = np.datetime64("NaT", "us")
    at = [never if days is None else CUTOFF - np.timedelta64(days, "D") for *_, days in rows]
    return Events(
        users=np.array([f"u{n}".encode() for n in range(users)]),
        items=np.array([f"i{n}".encode() for n in range(items)]),
        user=np.array([row[0] for row in rows], dtype=np.int32),
        item=np.array([row[1] for row in rows], dtype=np.int32),
        kind=np.array([row[2] for row in rows], dtype=np.int8),
        at=np.array(at, dtype="datetime64[us]"),
        value=np.full(len(rows), np.nan, dtype=np.float32),
        split=np.full(len(rows), -1, dtype=np.int8),
        closes=np.full(items, never),
    )


def test_the_stronger_the_interest_the_larger_the_weight():
    ladder = EVENT_WEIGHTS[[DISMISS, VIEW, CLICK, FAVOURITE, BOOKING]]
    assert ladder[0] == 0
    assert np.all(np.diff(ladder) > 0)


def test_other_weights_would_refuse_every_model_there_is():
    assert FEATURES == ("view=0.1", "click=0.2", "favourite=0.5", "dismiss=0", "booking=1")


def test_a_pair_counts_once_with_its_strongest_event():
    events = events_of([(0, 1, VIEW, 3), (0, 1, BOOKING, 2), (0, 1, VIEW, 1), (2, 3, CLICK, 1)])
    expected = np.zeros((3, 4))
    expected[0, 1] = EVENT_WEIGHTS[BOOKING]
    expected[2, 3] = EVENT_WEIGHTS[CLICK]
    matrix = interaction_matrix(events)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), expected.astype(np.float32))


@pytest.mark.parametrize(
    ("rows", "unwanted"),
    [
        ([(0, DISMISS, 2), (0, FAVOURITE, 1)], []),
        ([(0, DISMISS, 1), (0, FAVOURITE, 2)], [0]),
        ([(0, DISMISS, 3), (0, FAVOURITE, 2), (0, DISMISS, 1)], [0]),
        ([(0, FAVOURITE, 1), (0, DISMISS, 1)], [0]),
        # What has no time was told before.
        ([(0, DISMISS, None), (0, FAVOURITE, 9)], []),
        ([(0, DISMISS, 9), (0, FAVOURITE, None)], [0]),
        ([(0, DISMISS, None), (0, FAVOURITE, None)], [0]),
        # So it does of a dismissal that is taken back.
        ([(0, DISMISS, 2), (0, RESTORE, 1)], []),
        ([(0, RESTORE, 1), (0, DISMISS, 1), (1, RESTORE, 1)], [0]),
        # Only what is marked as a favourite is wanted again.
        ([(2, DISMISS, 2), (2, VIEW, 1), (2, CLICK, 1), (2, BOOKING, 1), (1, FAVOURITE, 1)], [2]),
        ([(3, DISMISS, 2), (1, DISMISS, 2), (3, DISMISS, 1), (2, DISMISS, 4), (2, FAVOURITE, 3)],
         [1, 3]),
        ([], []),
    ],
)  # fmt: skip
def test_of_a_dismissal_and_a_favourite_the_later_counts(rows, unwanted):
    events = events_of([(0, *row) for row in rows])
    for order in (slice(None), slice(None, None, -1)):
        found = dismissed(events.item[order], events.kind[order], events.at[order])
        assert found.tolist() == unwanted


def test_a_dismissal_leaves_no_entry_nor_does_it_where_it_is_taken_back():
    matrix = interaction_matrix(
        events_of([(1, 0, DISMISS, 1), (1, 0, RESTORE, 1), (1, 2, VIEW, 1)])
    )
    assert matrix.nnz == 1
    assert matrix[1, 2] > 0


def test_no_events_make_an_empty_matrix_of_the_right_shape():
    matrix = interaction_matrix(events_of([]))
    assert matrix.shape == (3, 4)
    assert matrix.nnz == 0


def test_weights_halve_at_the_half_life_before_the_cutoff():
    events = events_of([(0, 0, BOOKING, 30), (0, 1, BOOKING, 60), (0, 2, BOOKING, None)])
    weights = event_weights(events.kind, events.at, as_of=CUTOFF, half_life_days=30)
    np.testing.assert_allclose(weights, [0.5, 0.25, 1.0])


def test_the_future_is_refused():
    events = events_of([(0, 0, BOOKING, -1)])
    with pytest.raises(ValueError, match="lies after"):
        interaction_matrix(events, as_of=CUTOFF, half_life_days=30)


def test_take_keeps_the_vocabularies():
    events = events_of([(0, 0, VIEW, 1), (1, 3, CLICK, 1)])
    taken = events.take(np.array([False, True]))
    assert len(taken) == 1
    assert taken.items is events.items
    assert events.take(np.ones(2, dtype=bool)) is events
    assert interaction_matrix(taken).shape == (3, 4)


def test_what_is_taken_keeps_its_own_cancellation():
    events = events_of([(0, 0, BOOKING, 3), (1, 1, BOOKING, 3), (2, 2, BOOKING, 3)])
    told = np.array(["2025-05-31", "NaT", "NaT"], dtype="datetime64[us]")
    events = replace(events, cancelled=told)
    assert events.take(np.array([1, 0])).stands().tolist() == [True, False]
    assert events.standing().user.tolist() == [1, 2]
    assert events.standing().cancelled is None


def test_ids_are_looked_up_by_their_bytes():
    ids = np.sort(encoded_ids(["é", "z", "aa", "a"]))
    assert vocabulary_rows(ids, encoded_ids(["é", "aa", "A", "aaa"])).tolist() == [3, 1, -1, -1]
    assert vocabulary_rows(np.empty(0, dtype="S1"), ids).tolist() == [-1] * 4


@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            hnp.arrays(np.int64, n, elements=st.integers(0, 9)),
            hnp.arrays(np.float32, n, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        )
    )
)
def test_strongest_is_the_maximum_and_merging_twice_changes_nothing(pair):
    rows, weights = pair
    expected = {
        row: weights[rows == row].max() for row in set(rows.tolist()) if weights[rows == row].any()
    }
    unique, strength = strongest(rows, weights)
    assert unique.tolist() == sorted(expected)
    assert strength.tolist() == [expected[row] for row in unique]
    again = strongest(np.concatenate([unique, rows]), np.concatenate([strength, weights]))
    np.testing.assert_array_equal(again[0], unique)
    np.testing.assert_array_equal(again[1], strength)
