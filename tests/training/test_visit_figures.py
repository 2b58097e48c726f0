"""Sums over visits and people, each pair and visit for as many as it stands for."""

from types import SimpleNamespace

import numpy as np
import pytest

from training.visit_figures import by_person, by_visit

PAIRS = SimpleNamespace(
    visit=np.array([0, 0, 1, 2]),
    drawn=np.array([0.5, 1.0, 0.25, 0.5]),
    visit_drawn=np.array([1.0, 0.5, 0.5]),
)
FIGURE = np.array([1.0, 2.0, 3.0, 4.0])
OF_ALL = (1 / 0.5 + 2 + 3 / 0.25 + 4 / 0.5) / (1 + 2 + 2)
"""The mean over the five visits that these three stand for."""


def test_of_visits_that_were_drawn_the_mean_is_that_of_all():
    summed = by_visit(PAIRS, FIGURE)
    assert (summed / summed[0]).tolist() == [1.0, 3.0, 2.0]
    assert summed.mean() == pytest.approx(OF_ALL)


@pytest.mark.parametrize("user", [[7, 7, 7], [7, 2, 7], [1, 2, 3]])
def test_of_people_it_is_still_that_of_a_visit(user):
    summed = by_person(PAIRS, np.array(user), FIGURE)
    assert len(summed) == len(set(user))
    assert summed.sum() / len(summed) == pytest.approx(OF_ALL)


def test_all_visits_of_a_person_are_one_figure():
    of_two, of_seven = by_person(PAIRS, np.array([7, 2, 7]), FIGURE)
    assert of_two / of_seven == pytest.approx(3.0 / (1.0 + 2.0))
