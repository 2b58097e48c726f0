"""The permutation test of figures of all slates together, against all exchanges there are."""

import itertools

import numpy as np
import pytest

from training.beyond import gini, venue_exposures
from training.replay.exchange import exchange_p
from training.replay.exposure import Exposed
from training.replay.totals import covered

PEOPLE, THINGS, K, COUNT = 9, 14, 3, 16
FIGURES = {"coverage": covered, "gini": gini}


def drawn(skew, generator, people=PEOPLE):
    """Return things shown to each (people, K): a few are much likelier."""
    appeal = -skew * np.log(np.arange(1, THINGS + 1)) + generator.gumbel(size=(people, THINGS))
    return np.argsort(-appeal, axis=1)[:, :K]


def exposed(slates):
    people = np.repeat(np.arange(len(slates)), K)
    weight = np.tile(1.0 / np.log2(np.arange(K) + 2.0), len(slates))
    return Exposed(people, slates.ravel(), weight, COUNT)


def plain(weeks):
    """Return both figures of one system, the means of those of the weeks."""
    place = np.tile(np.arange(K), PEOPLE)
    shown = [venue_exposures(slates.ravel(), place, COUNT) for slates in weeks]
    return np.mean([[np.mean(week > 0), gini(week)] for week in shown], axis=0)


def exact(first, second):
    """Return the p of both figures over all 2^9 exchanges, all weeks of a person at once."""
    apart = []
    for swapped in itertools.product([False, True], repeat=PEOPLE):
        swap = np.array(swapped)[:, np.newaxis]
        one, other = (
            plain([np.where(swap, b, a) for a, b in zip(*weeks, strict=True)])
            for weeks in ((first, second), (second, first))
        )
        apart.append(other - one)
    return np.mean(np.abs(apart) >= np.abs(apart[0]) - 1e-12, axis=0)


def weeks_of(skew, generator):
    return [drawn(skew, generator) for _ in range(2)]


@pytest.mark.parametrize("seed", range(3))
def test_p_is_that_of_all_exchanges(seed):
    generator = np.random.default_rng(seed)
    first, second = weeks_of(2.0, generator), weeks_of(0.7, generator)
    slates = [[exposed(week) for week in weeks] for weeks in (first, second)]
    found = exchange_p(slates, PEOPLE, FIGURES, seed)
    assert [found[name][0] for name in FIGURES] == [None, None]
    expected = exact(first, second)
    assert [found[name][1] for name in FIGURES] == pytest.approx(expected.tolist(), abs=0.05)
    assert len(set(expected.tolist())) == 2


def test_systems_that_show_the_same_are_not_told_apart():
    slates = [[exposed(drawn(1.0, np.random.default_rng(3)))]] * 2
    assert exchange_p(slates, PEOPLE, FIGURES, 0) == {"coverage": [None, 1.0], "gini": [None, 1.0]}


def test_p_grows_with_the_number_of_systems():
    generator = np.random.default_rng(4)
    first, second, third = ([exposed(drawn(skew, generator, 60))] for skew in (2.0, 1.6, 2.0))
    alone = exchange_p([first, second], 60, FIGURES, 0)
    among = exchange_p([first, second, third], 60, FIGURES, 0)
    for name in FIGURES:
        assert alone[name][1] < 1.0
        assert among[name][1] >= alone[name][1]


def test_one_system_alone_is_beside_nothing():
    assert exchange_p([[exposed(drawn(1.0, np.random.default_rng(5)))]], PEOPLE, FIGURES, 0) == {
        "coverage": [None],
        "gini": [None],
    }


def test_a_difference_is_found_and_none_is_rarely_found():
    generator = np.random.default_rng(6)
    wide = [[exposed(drawn(skew, generator, 20))] for skew in (3.0, 0.2)]
    assert all(p[1] < 0.01 for p in exchange_p(wide, 20, FIGURES, 0).values())
    rejected = []
    for seed in range(12):
        alike = [[exposed(drawn(1.0, generator, 20))] for _ in range(2)]
        found = exchange_p(alike, 20, FIGURES, seed)
        rejected.append([found[name][1] < 0.1 for name in FIGURES])
    # 12 draws of one in ten are more than 4 once in 200 times.
    assert np.all(np.sum(rejected, axis=0) <= 4)
