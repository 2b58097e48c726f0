"""The split of the people: an alarm when it is wrong, none when it is right."""

import numpy as np
import pytest

from training.experiments.ratio import ALARM, split


@pytest.mark.parametrize(
    ("people", "weights"),
    [([600, 400], [1, 1]), ([40, 0], [1, 1]), ([5_300, 4_700], [1, 1]), ([900, 200], [9, 1])],
)
def test_a_skewed_split_is_told(people, weights):
    found = split(people, weights)
    assert found.is_wrong
    assert found.p < ALARM


@pytest.mark.parametrize(
    ("people", "weights"),
    [
        ([0, 0], [1, 1]),
        ([3, 0], [1, 1]),
        ([5_050, 4_950], [1, 1]),
        ([895, 105], [9, 1]),
        # One in a hundred splits is as skewed, at some look.
        ([560, 440], [1, 1]),
        ([340, 330, 320], [3_333, 3_334, 3_333]),
    ],
)
def test_a_split_as_planned_is_not(people, weights):
    found = split(people, weights)
    assert not found.is_wrong
    assert sum(found.expected) == pytest.approx(sum(people))


def test_whoever_asks_after_every_person_is_rarely_alarmed_for_nothing():
    generator = np.random.default_rng(4)
    alarms = 0
    for _ in range(150):
        others = np.cumsum(generator.random(400) < 0.3)
        alarms += any(
            split([seen - other, other], [7, 3]).p < 0.05
            for seen, other in enumerate(others.tolist(), 1)
            if seen % 20 == 0
        )
    # Asked for 5 %: of 150, 8.5 % is two standard errors above.
    assert alarms / 150 <= 0.085
