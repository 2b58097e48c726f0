"""Figures of a model on a data set, and the search for its settings."""

from dataclasses import replace

import numpy as np
import pytest
from tastes import checkerboard, events_of, two_tastes

from features.interactions import SPLITS, interaction_matrix
from reco.errors import InvalidInput
from training.accuracy import accuracy_plan, measure, without_validation
from training.evaluate import evaluate, task_of
from training.fits import PARAMETERS, settled
from training.models.ease import MAX_ITEMS
from training.models.popularity import item_popularity
from training.spaces import SPACES
from training.split import Part
from training.tune import rehearse

TRAIN, VALID, TEST = range(len(SPLITS))


def split_board():
    board = checkerboard(40)
    part = np.full(len(board), TRAIN)
    part[::7], part[3::7] = TEST, VALID
    return events_of(board.user, board.item, split=part)


def test_a_given_split_is_kept():
    events = split_board()
    plan = accuracy_plan(events, "given")
    assert len(plan.final.future) == np.count_nonzero(events.split == TEST)
    assert len(plan.rehearsal.future) == np.count_nonzero(events.split == VALID)
    assert len(plan.rehearsal.past) == np.count_nonzero(events.split == TRAIN)


def test_a_validation_part_may_stay_unseen():
    events = split_board()
    plan = without_validation(accuracy_plan(events, "given"))
    assert len(plan.final.past) == np.count_nonzero(events.split == TRAIN)
    assert len(plan.final.future) == np.count_nonzero(events.split == TEST)


def test_where_nothing_chooses_nothing_is_left_out():
    events = split_board()
    whole = replace(events, split=np.where(events.split == VALID, TRAIN, events.split))
    plan = accuracy_plan(whole, "given")
    assert len(plan.rehearsal.past) < len(plan.final.past)
    assert without_validation(plan) is plan


def test_what_has_no_time_does_not_move_the_border():
    events = two_tastes()
    timed = accuracy_plan(events, "time").final
    undated = np.arange(len(events)) % 3 == 0
    at = np.where(undated, np.datetime64("NaT"), events.at)
    part = accuracy_plan(replace(events, at=at), "time").final
    assert len(part.past) + len(part.future) == np.count_nonzero(~undated)
    assert len(part.future) == pytest.approx(0.2 * np.count_nonzero(~undated), rel=0.1)
    assert abs(part.cutoff - timed.cutoff) < np.timedelta64(2, "D")


def test_what_only_chooses_settings_may_be_missing():
    # Two moments: one to train on, one to test on.
    day = np.arange(40) % 10 // 7
    plan = accuracy_plan(events_of(np.arange(40) % 8, np.arange(40), day), "time")
    assert (len(plan.final.past), len(plan.final.future)) == (28, 12)
    assert not len(plan.rehearsal.past)
    at_once = events_of(np.arange(9), np.arange(9), np.zeros(9))
    with pytest.raises(InvalidInput, match=r"split: nothing happened before .*--split given"):
        accuracy_plan(at_once, "time")


def test_a_split_by_time_tests_on_what_came_last():
    events = two_tastes()
    plan = accuracy_plan(events, "time")
    assert plan.rehearsal.past.at.max() < plan.rehearsal.future.at.min()
    assert plan.final.past.at.max() < plan.final.future.at.min()
    assert len(plan.final.future) == pytest.approx(0.2 * len(events), rel=0.1)
    assert len(plan.rehearsal.future) == pytest.approx(0.08 * len(events), rel=0.2)


def test_the_figures_are_those_of_all_test_users():
    plan = accuracy_plan(split_board(), "given")
    found = measure(plan, PARAMETERS["ease"](), (5, 10), lambda: None)
    fitted = rehearse(plan.final, PARAMETERS["ease"](), lambda: None)
    task = task_of(plan.final)
    figures = evaluate(fitted.fitted.score_users, task, item_popularity(fitted.matrix), (5, 10))
    assert found.users == len(task.users)
    assert set(found.metrics) == set(figures)
    for name, estimate in found.metrics.items():
        assert estimate.value == pytest.approx(figures[name].mean())
        assert estimate.low <= estimate.value <= estimate.high
    assert found.as_object()["settings"]["regularisation"] == 100.0


def test_who_did_nothing_before_is_told_what_is_popular():
    """Items 0 and 1 go together, item 2 is met by more; somebody comes for the test alone."""
    user, item = [*range(9), *range(9), *range(20, 40), 50], [0] * 9 + [1] * 9 + [2] * 21
    part = [TRAIN] * (len(user) - 1) + [TEST]
    plan = accuracy_plan(events_of(user, item, split=part), "given")
    found = measure(plan, PARAMETERS["ease"](), (1,), lambda: None)
    assert (found.users, found.metrics["recall@1"].value) == (1, 1.0)


def test_a_model_that_says_nothing_has_no_figures():
    """Those of popularity, which ranks in its place, would stand under its name."""
    plan, silent = accuracy_plan(split_board(), "given"), PARAMETERS["itemknn"](user_power=1e3)
    with pytest.raises(InvalidInput, match="itemknn says nothing of anything") as told:
        measure(plan, silent, (5,), lambda: None)
    assert told.value.field == "config"


def test_where_all_is_repeated_there_is_nobody_to_judge():
    booked = np.arange(10) % 2
    plan = accuracy_plan(events_of(booked, booked, np.arange(10)), "time")
    with pytest.raises(InvalidInput, match=r"nobody has anything new.*test part"):
        measure(plan, PARAMETERS["popularity"](), (5,), lambda: None)


@pytest.mark.parametrize("kind", sorted(SPACES))
def test_every_setting_that_is_searched_for_is_one_of_the_model(kind):
    board = split_board()
    start = settled(interaction_matrix(board), PARAMETERS[kind]())
    for name, span in SPACES[kind].items():
        value = getattr(start, name)
        # What is off by default, and then stays off.
        may_be_off = name.endswith("balance") or name in {"near_weight", "merged_sharpening"}
        is_off = may_be_off and value == 0.0
        assert isinstance(value, int) == span.is_whole
        assert is_off or span.low <= value <= span.high


def test_every_kind_has_a_space():
    assert set(SPACES) == set(PARAMETERS)


def test_ease_says_which_catalogue_is_too_large():
    # Three were met: the weights of all the others take as much room.
    events = events_of([0, 1, 2], [0, 1, MAX_ITEMS])
    with pytest.raises(InvalidInput, match=r"20,001 items are more than 20,000.*filter"):
        rehearse(all_of(events), PARAMETERS["ease"](), lambda: None)


def all_of(events):
    return Part(events, events.take(np.zeros(len(events), dtype=bool)), None)
