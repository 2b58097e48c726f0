"""What is seen and what is held out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tastes import FOREVER, START, events_of, two_tastes

from features.interactions import BOOKING, CLICK, DISMISS, RESTORE, SPLITS, VIEW
from reco.errors import InvalidInput
from training.accuracy import accuracy_plan
from training.split import (
    choosing_part,
    inner_cutoff,
    known_at,
    split_plan,
    target_kinds,
    time_split,
)

DAY = np.timedelta64(1, "D")
TRAIN, VALID, TEST = range(len(SPLITS))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(0, 31))
def test_every_event_lies_on_one_side_of_the_cutoff(days, border):
    events = events_of(np.zeros(len(days), dtype=int), np.arange(len(days)), days)
    part = time_split(events, START + border * DAY)
    assert len(part.past) == sum(day < border for day in days)
    assert len(part.past) + len(part.future) == len(days)
    assert np.all(part.past.at < part.cutoff)
    assert np.all(part.future.at >= part.cutoff)


def test_the_inner_cutoff_leaves_the_last_tenth_of_the_bookings():
    kinds = [BOOKING] * 20 + [VIEW] * 20
    events = events_of([0] * 40, range(40), [*range(20), *range(100, 120)], kind=kinds)
    assert inner_cutoff(events) == START + 18 * DAY


def test_what_was_cancelled_moves_no_inner_cutoff():
    cancelled = [None] * 20 + [150] * 20
    events = events_of([0] * 40, range(40), [*range(20), *range(100, 120)], cancelled=cancelled)
    assert inner_cutoff(events) == START + 18 * DAY


def test_settings_are_chosen_on_what_does_not_judge_them():
    events = two_tastes()
    plan = split_plan(events, "time", None)
    part = choosing_part(events, plan)
    assert part.past.at.max() < part.cutoff <= part.future.at.min()
    assert part.future.at.max() < plan.rehearsal.cutoff
    assert len(part.past) + len(part.future) == len(plan.rehearsal.past)
    # With a cutoff the test judges, and the rehearsal chooses; so it does where nothing has a time.
    for split, cutoff in (("time", START + 70 * DAY), ("given", None)):
        given = replace(events, split=np.where(events.at < START + 70 * DAY, TRAIN, TEST))
        told = split_plan(given, split, cutoff)
        assert choosing_part(given, told) is told.rehearsal


def test_with_a_cutoff_the_rehearsal_sees_none_of_the_test():
    cutoff = START + 70 * DAY
    plan = split_plan(two_tastes(), "time", cutoff)
    assert plan.final.past.at.max() < cutoff <= plan.final.future.at.min()
    assert plan.rehearsal.future.at.max() < cutoff
    assert len(plan.rehearsal.past) + len(plan.rehearsal.future) == len(plan.final.past)


def test_without_a_cutoff_everything_is_seen_in_the_end():
    events = two_tastes()
    plan = split_plan(events, "time", None)
    assert len(plan.final.past) == len(events)
    assert len(plan.final.future) == 0
    assert len(plan.rehearsal.future) == pytest.approx(len(events) / 10, rel=0.2)


def test_what_is_cancelled_later_stood_at_each_border_before():
    """By the item of each booking: 0 to 9 and 14 stand to this day."""
    days, cancelled = [*range(10), 1, 2, 8, 11, 12], [None] * 10 + [9, 4, 12, 14, None]
    events = events_of([0] * 15, range(15), days, cancelled=cancelled)

    def booked(part):
        return [sorted(half.item.tolist()) for half in (part.past, part.future)]

    plan = split_plan(events, "time", START + 10 * DAY)
    assert booked(plan.final) == [[*range(10), 12], [14]]
    # Item 10 was cancelled before the border, but after the one within.
    assert plan.rehearsal.cutoff == START + 8 * DAY
    assert booked(plan.rehearsal) == [[*range(8), 10], [8, 9, 12]]
    assert booked(split_plan(events, "time", None).final) == [[*range(10), 14], []]
    assert booked(split_plan(events, "time", None).rehearsal) == [[*range(9), 10, 12], [9, 14]]


def test_where_nothing_was_cancelled_a_split_is_the_same():
    events = two_tastes()
    told = replace(events, cancelled=np.full(len(events), FOREVER))
    for cutoff in (None, START + 70 * DAY):
        one, other = (split_plan(some, "time", cutoff) for some in (events, told))
        for left, right in ((one.final, other.final), (one.rehearsal, other.rehearsal)):
            assert left.cutoff == right.cutoff
            for half in ("past", "future"):
                assert_same(getattr(left, half), getattr(right, half))


def assert_same(left, right):
    for name, column in vars(left).items():
        np.testing.assert_array_equal(column, getattr(right, name), name)


def test_events_without_a_time_stay_out_of_a_split_by_time():
    events = events_of([0, 0, 1, 1], [0, 1, 2, 0], np.array([1, 2, 3, 4]))
    events.at[0] = np.datetime64("NaT")
    plan = split_plan(events, "time", None)
    assert len(plan.final.past) == 3


def test_what_is_dated_in_the_future_is_not_known_yet():
    now = datetime(2025, 1, 11, tzinfo=UTC)
    events = events_of([0] * 4, range(4), [1, 9, 10, 375])
    events.at[0] = np.datetime64("NaT")
    for zone in (UTC, timezone(timedelta(hours=5)), timezone(-timedelta(hours=5))):
        assert known_at(events, now.astimezone(zone)).item.tolist() == [0, 1]
    with pytest.raises(InvalidInput, match="all 2 of them"):
        known_at(events.take(np.array([2, 3])), now)


def test_a_given_split_is_taken_as_it_is():
    parts = [TRAIN, TRAIN, VALID, TEST, -1]
    plan = split_plan(events_of([0, 1, 0, 1, 0], range(5), split=parts), "given", None)
    assert plan.rehearsal.past.item.tolist() == [0, 1]
    assert plan.rehearsal.future.item.tolist() == [2]
    assert plan.final.past.item.tolist() == [0, 1, 2]
    assert plan.final.future.item.tolist() == [3]


def test_of_a_given_split_what_was_cancelled_is_in_no_part():
    parts, cancelled = [TRAIN, TRAIN, VALID, VALID, TEST, TEST], [None, 5] * 3
    events = events_of([0] * 6, range(6), [1] * 6, split=parts, cancelled=cancelled)
    plan = split_plan(events, "given", None)
    assert plan.rehearsal.past.item.tolist() == [0]
    assert plan.rehearsal.future.item.tolist() == [2]
    assert plan.final.past.item.tolist() == [0, 2]
    assert plan.final.future.item.tolist() == [4]


@pytest.mark.parametrize("split", ["given", "time"])
def test_where_nobody_did_anything_no_other_split_is_advised(split):
    nothing = events_of([], [], [])
    with pytest.raises(InvalidInput, match="interactions: there are none"):
        accuracy_plan(nothing, split)
    with pytest.raises(InvalidInput, match="interactions: there are none"):
        split_plan(nothing, split, None)


def test_a_given_split_without_a_valid_part_holds_out_a_tenth_by_chance():
    events = events_of(np.zeros(1_000, dtype=int), range(1_000), split=TRAIN)
    one, again, other = (split_plan(events, "given", None, seed).rehearsal for seed in (1, 1, 2))
    assert 60 < len(one.future) < 140
    assert len(one.past) + len(one.future) == 1_000
    np.testing.assert_array_equal(one.future.item, again.future.item)
    assert one.future.item.tolist() != other.future.item.tolist()


def test_bookings_are_the_targets_where_there_are_any():
    assert target_kinds(events_of([0, 0], [0, 1], kind=[VIEW, BOOKING])).tolist() == [BOOKING]
    without = events_of([0, 0, 0, 0], [0, 1, 2, 1], kind=[CLICK, DISMISS, VIEW, RESTORE])
    assert target_kinds(without).tolist() == [VIEW, CLICK]


@pytest.mark.parametrize(
    ("events", "split", "cutoff", "field"),
    [
        (events_of([0], [0]), "time", None, "split"),
        (events_of([0], [0], [1]), "given", None, "split"),
        (events_of([0], [0], split=TRAIN), "given", START, "cutoff"),
        (events_of([0], [0], [1]), "time", START, "cutoff"),
        (events_of([0], [0], [1], kind=DISMISS), "time", None, "events"),
        (events_of([0], [0], [1]), "time", None, "events"),
        (events_of([0, 1, 2], [0, 1, 1], [1, 1, 1]), "time", None, "events"),
        (events_of([0, 1], [0, 1], [1, 2], kind=[DISMISS, BOOKING]), "time", None, "events"),
        (events_of([0, 1], [0, 1], split=[VALID, TEST]), "given", None, "events"),
    ],
    ids=[
        "no times",
        "no split",
        "both",
        "nothing before",
        "nothing to learn",
        "one event",
        "one moment",
        "dismissed before",
        "no train part",
    ],
)
def test_what_cannot_be_split_is_refused_by_name(events, split, cutoff, field):
    with pytest.raises(InvalidInput) as refusal:
        split_plan(events, split, cutoff)
    assert refusal.value.field == field
