from dataclasses import replace

import numpy as np
import pytest

from training.simulate.parameters import PARAMETERS
from training.simulate.response import Encounter, booking_probability, relative_taste

EVEN = Encounter(*(np.array([value]) for value in (1.0, 0.3, 1.0, 0.25, 10.0, 5e3, 1e4)))


def probability(**changed):
    encounter = replace(EVEN, **{name: np.array([value]) for name, value in changed.items()})
    return booking_probability(encounter, PARAMETERS)[0]


@pytest.mark.parametrize(
    ("field", "worse", "better"),
    [
        ("taste", 0.1, 5.0),
        ("quality", 0.2, 10.0),
        ("price_eur", 80.0, 0.0),
        ("distance_m", 40_000.0, 500.0),
        ("reach_m", 5_000.0, 30_000.0),
        ("price_sensitivity", 1.0, 0.1),
    ],
)
def test_each_reason_moves_the_probability_its_way(field, worse, better):
    assert probability(**{field: worse}) < probability() < probability(**{field: better})


def test_open_people_mind_the_unknown_less():
    assert probability(taste=0.0, openness=0.0) < probability(taste=0.0, openness=0.9)


def test_even_taste_and_quality_leave_the_constant_price_and_distance():
    log_odds = PARAMETERS.booking_bias - 0.25 * 10 / 10 - 5e3 / 1e4
    assert probability() == pytest.approx(1 / (1 + np.exp(-log_odds)))


def test_relative_taste_is_one_when_even_and_pools_scenes_where_there_are_none():
    even = np.full((1, 3, 4), 1 / 12, dtype=np.float32)
    rows = np.zeros(2, dtype=np.int64)
    assert np.allclose(relative_taste(even, rows, rows, np.array([2, -1])), 1)
    single = np.zeros((1, 3, 4), dtype=np.float32)
    single[0, 0, 2] = 1
    assert np.allclose(relative_taste(single, rows, rows, np.array([2, -1])), [12, 3])
