"""Ranking all items, and what is to be found."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tastes import START, events_of, two_tastes

from features.interactions import BOOKING, VIEW
from training import evaluate as evaluation
from training.evaluate import (
    among_novel,
    among_open,
    best_rows,
    evaluate,
    fill_unknown,
    rank_items,
    sample_of,
    task_of,
)
from training.split import Part, time_split

DAY = np.timedelta64(1, "D")
NOBODY = np.full(6, np.nan, dtype=np.float32)


def part_of(past, future, **world):
    """Return a part from (user, item) pairs before and after a border."""
    pairs = [*past, *future]
    days = [0] * len(past) + [2] * len(future)
    events = events_of([u for u, _ in pairs], [i for _, i in pairs], days, **world)
    return time_split(events, START + DAY)


def constant(scores):
    """Return a model that scores alike for everybody."""
    return lambda users: np.tile(np.array(scores, dtype=np.float64), (len(users), 1))


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 9)),
        elements=st.sampled_from([-2.0, 0.0, 0.5, 3.0, np.nan]),
    ),
    st.integers(1, 12),
)
def test_the_best_come_first_and_ties_by_item(scores, k):
    best = best_rows(scores, k)
    for row, found in zip(scores, best.tolist(), strict=True):
        known = [item for item in range(len(row)) if not np.isnan(row[item])]
        order = sorted(known, key=lambda item, row=row: (-row[item], item))[:k]
        assert found == [*order, *[-1] * (k - len(order))]


def test_unknown_items_follow_the_known_ones_in_the_order_of_popularity():
    scores = np.array([[np.nan, -5.0, np.nan, np.nan], [np.nan] * 4])
    fill_unknown(scores, np.array([9.0, 1.0, 7.0, np.nan], dtype=np.float32))
    # The most popular of all is below what the model knows.
    assert best_rows(scores, 4).tolist() == [[1, 0, 2, -1], [0, 2, 1, -1]]


def test_the_history_and_what_is_closed_are_in_no_list():
    # What closes at the border cannot be booked from it on.
    closes = np.array([START + 2 * DAY, START + DAY, "NaT"] * 2, dtype="datetime64[us]")
    part = part_of([(0, 0)], [(0, 3), (1, 2)], items=6, closes=closes)
    score = constant([9, 8, 7, 6, 5, 4])
    ranked = rank_items(score, task_of(part), NOBODY, 6)
    assert ranked.tolist() == [[1, 2, 3, 4, 5, -1], [0, 1, 2, 3, 4, 5]]
    among = rank_items(score, among_open(task_of(part), part), NOBODY, 6)
    assert among.tolist() == [[2, 3, 5, -1, -1, -1], [0, 2, 3, 5, -1, -1]]


def test_what_is_to_be_found_is_new_to_the_user():
    part = part_of([(0, 0), (1, 1)], [(0, 0), (0, 1), (0, 5), (0, 5), (1, 1)], users=3, items=6)
    task = task_of(part)
    assert task.users.tolist() == [0]
    assert task.targets.toarray().tolist() == [[False, True, False, False, False, True]]
    assert (task.answers, task.repeats, task.unknown_items) == (5, 2, 1)


def test_views_are_no_targets_where_people_book():
    kinds = [BOOKING, VIEW, BOOKING]
    task = task_of(part_of([(0, 0)], [(1, 2), (1, 3)], kind=kinds, items=6))
    assert task.targets.indices.tolist() == [3]


def test_views_after_the_cutoff_do_not_stand_in_for_bookings_before_it():
    task = task_of(part_of([(0, 0)], [(1, 2)], kind=[BOOKING, VIEW], items=6))
    assert task.targets.nnz == 0


def test_what_was_only_viewed_made_no_category_known():
    kinds = [BOOKING, VIEW, BOOKING, BOOKING]
    part = part_of([(0, 0), (0, 1)], [(0, 2), (0, 3)], kind=kinds, items=4)
    told = replace(part, past=replace(part.past, category=np.array([0, 1, 0, 1], dtype=np.int32)))
    assert among_novel(task_of(part), told).targets.indices.tolist() == [3]


def test_a_sample_of_users_is_drawn_from_all_of_them():
    task = task_of(time_split(two_tastes(), START + 80 * DAY))
    one, again, other = (sample_of(task, 20, seed) for seed in (1, 1, 2))
    assert one.users.tolist() == again.users.tolist() != other.users.tolist()
    assert max(one.users) > 30
    whole = dict(zip(task.users.tolist(), task.targets.toarray().tolist(), strict=True))
    assert one.targets.toarray().tolist() == [whole[user] for user in one.users.tolist()]
    assert one.of_users == len(task.users)


def test_batches_change_nothing(monkeypatch):
    task = task_of(time_split(two_tastes(), START + 80 * DAY))
    noise = np.random.default_rng(0).random((60, 40))
    fallback = np.full(40, np.nan, dtype=np.float32)
    whole = evaluate(lambda users: noise[users], task, fallback)
    monkeypatch.setattr(evaluation, "_BATCH_ENTRIES", 100)
    pieces = evaluate(lambda users: noise[users], task, fallback)
    assert list(whole) == list(pieces)
    for name, figures in whole.items():
        np.testing.assert_array_equal(figures, pieces[name])


def test_the_perfect_model_reaches_one():
    part = part_of([(0, 0), (1, 1)], [(0, 1), (0, 2), (1, 3)], items=6)
    task = task_of(part)
    truth = np.zeros((2, 6))
    truth[task.users] = task.targets.toarray()
    figures = evaluate(lambda users: truth[users], task, NOBODY, (2,))
    assert figures["ndcg@2"] == pytest.approx(np.ones(2))
    assert figures["recall_full@2"] == pytest.approx(np.ones(2))


def test_without_a_future_there_is_nothing_to_find():
    events = events_of([0, 1], [0, 1], [0, 1])
    task = task_of(Part(events, events.take(np.zeros(2, dtype=bool)), None))
    assert len(task.users) == 0
    assert len(evaluate(constant([1, 2]), task, NOBODY[:2])["ndcg@10"]) == 0
