"""The half-life is chosen by what it finds."""

import math

import numpy as np
import pytest
from tastes import START, events_of, fashion, two_tastes

from training.evaluate import task_of
from training.models.popularity import PopularityParameters
from training.split import time_split
from training.tune import HALF_LIVES_DAYS, best_rehearsal, end_of, half_lives, half_lives_around

DAY = np.timedelta64(1, "D")


def test_a_short_half_life_is_chosen_where_fashions_change():
    part = time_split(fashion(), START + 710 * DAY)
    tried = []
    best = best_rehearsal(part, task_of(part), PopularityParameters(), lambda: tried.append(1))
    assert best.parameters.half_life_days in HALF_LIVES_DAYS[1:]
    assert best.matrix[:, [0]].sum() < best.matrix[:, [1]].sum()
    assert len(tried) == len(HALF_LIVES_DAYS)


def test_nothing_fades_where_there_is_nothing_to_choose_by():
    events = two_tastes()
    part = time_split(events, end_of(events))
    best = best_rehearsal(part, task_of(part), PopularityParameters(), lambda: None)
    assert best.parameters.half_life_days is None


@pytest.mark.parametrize(("asked", "kept"), [(12.5, 12.5), (math.inf, None)])
def test_a_half_life_that_is_asked_for_is_not_chosen(asked, kept):
    part = time_split(fashion(), START + 710 * DAY)
    tried, parameters = [], PopularityParameters(half_life_days=asked)
    best = best_rehearsal(part, task_of(part), parameters, lambda: tried.append(1))
    assert best.parameters.half_life_days == kept
    assert len(tried) == 1
    assert (best.matrix[:, [0]].sum() < best.matrix[:, [1]].sum()) == (kept is not None)


def test_a_search_tries_the_half_life_that_it_begins_with_too():
    assert half_lives_around(fashion(), 12.5) == (*HALF_LIVES_DAYS, 12.5)
    assert half_lives_around(fashion(), 90.0) == HALF_LIVES_DAYS


def test_without_times_nothing_fades():
    for asked in (None, 12.5):
        parameters = PopularityParameters(half_life_days=asked)
        assert half_lives(events_of([0], [0]), parameters) == (None,)
        assert half_lives_around(events_of([0], [0]), asked) == (None,)
    assert end_of(events_of([0], [0])) is None


def test_the_end_lies_after_the_last_event():
    assert end_of(events_of([0, 0], [0, 1], [5, 3])) > START + 5 * DAY
