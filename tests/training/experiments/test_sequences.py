"""Intervals that hold at every look: how often they are wrong, and that they tell what is there."""

import numpy as np
import pytest

from training.experiments.sequences import (
    LEAST_PEOPLE,
    Group,
    always_valid,
    always_valid_below,
    at_the_horizon,
)

ALPHA = 0.05
PLANNED = 1_000
REPETITIONS = 200
PEOPLE = 2_000
LOOKS = np.unique(np.geomspace(2.2 * LEAST_PEOPLE, PEOPLE, 40).astype(int))


def rare_points(generator, size, rate=0.08):
    """Figures as they come: most people gain nothing, a few a lot."""
    return np.where(generator.random(size) < rate, generator.choice([15.0, 35.0, 65.0], size), 0.0)


def looks(figures, is_other):
    """Yield both groups at each look."""
    for count in LOOKS:
        chosen = is_other[:count]
        yield Group.of(figures[:count][~chosen]), Group.of(figures[:count][chosen])


def misses(effect, share, interval):
    """Return the share of repetitions in which some look leaves out the effect."""
    generator = np.random.default_rng(11)
    missed = 0
    for _ in range(REPETITIONS):
        is_other = generator.random(PEOPLE) < share
        figures = rare_points(generator, PEOPLE) + effect * is_other
        missed += any(
            found is not None and not found.low <= effect <= found.high
            for found in (interval(*pair) for pair in looks(figures, is_other))
        )
    return missed / REPETITIONS


def sequential(first, other):
    return always_valid(first, other, ALPHA, PLANNED)


@pytest.mark.parametrize(("effect", "share"), [(0.0, 0.5), (1.5, 0.5), (0.0, 0.8)])
def test_who_looks_all_the_time_is_wrong_no_oftener_than_was_said(effect, share):
    # Of 200 repetitions 8 % is two standard errors above 5 %.
    assert misses(effect, share, sequential) <= 0.08


def test_who_looks_all_the_time_at_a_fixed_horizon_is_fooled():
    """What the sequences are for: the same looks, each as if it were the only one."""
    assert misses(0.0, 0.5, lambda one, other: at_the_horizon(one, other, ALPHA)) > 0.12


def test_a_bound_of_one_side_holds_at_every_look():
    generator = np.random.default_rng(5)
    above = 0
    for _ in range(REPETITIONS):
        figures, is_other = rare_points(generator, PEOPLE), generator.random(PEOPLE) < 0.5
        bounds = (always_valid_below(*pair, ALPHA, PLANNED) for pair in looks(figures, is_other))
        above += any(bound is not None and bound > 0.0 for bound in bounds)
    assert above / REPETITIONS <= 0.08


def test_what_is_there_is_found():
    generator = np.random.default_rng(3)
    is_other = np.arange(6_000) % 2 == 1
    figures = rare_points(generator, 6_000) + 2.0 * is_other
    first, other = Group.of(figures[~is_other]), Group.of(figures[is_other])
    found = always_valid(first, other, ALPHA, PLANNED)
    once = at_the_horizon(first, other, ALPHA)
    assert 0.0 < found.low < once.low < once.high < found.high
    assert found.p < 0.05
    assert always_valid_below(first, other, ALPHA, PLANNED) > found.low
    # Half of the first's mean is less to exceed than all of it.
    assert always_valid_below(first, other, ALPHA, PLANNED, 0.5) > found.low


@pytest.mark.parametrize("planned", [200, 2_000, 20_000])
def test_a_bound_of_one_side_is_about_the_end_of_an_interval_that_is_wrong_on_both(planned):
    first, other = Group(900, 0.3, 1.0), Group(1_100, 0.4, 2.0)
    end = always_valid(first, other, 2 * ALPHA, planned).low
    bound = always_valid_below(first, other, ALPHA, planned)
    # A little less: its own formula is not that of two sides cut in half.
    assert 1.0 < (0.1 - bound) / (0.1 - end) < 1.02


def test_a_share_of_the_first_is_what_its_figures_would_be():
    generator = np.random.default_rng(9)
    first, other = rare_points(generator, 800), rare_points(generator, 900)
    of_share = always_valid_below(Group.of(first), Group.of(other), ALPHA, PLANNED, 0.4)
    scaled = always_valid_below(Group.of(0.4 * first), Group.of(other), ALPHA, PLANNED)
    assert of_share == pytest.approx(scaled)


def test_the_variance_of_a_group_is_that_of_those_it_was_drawn_from():
    assert Group.of(np.array([0.0, 1.0, 2.0])) == Group(3, 1.0, 1.0)
    assert Group.of(np.array([4.0])) == Group(1, 4.0, 0.0)
    assert Group.of(np.empty(0)) == Group(0, 0.0, 0.0)


@pytest.mark.parametrize("effect", [0.0, 0.7, 1.2, 3.0])
def test_the_p_value_says_what_the_interval_says(effect):
    generator = np.random.default_rng(8)
    first, other = (Group.of(rare_points(generator, 900) + shift) for shift in (0.0, effect))
    for interval in (sequential, lambda *pair: at_the_horizon(*pair, ALPHA)):
        found = interval(first, other)
        assert (found.p <= ALPHA) == (not found.low <= 0.0 <= found.high)


def test_the_interval_is_tightest_where_it_was_planned():
    def width(planned):
        found = always_valid(Group(1_000, 0.0, 1.0), Group(1_000, 0.0, 1.0), ALPHA, planned)
        return found.high - found.low

    assert width(2_000) < min(width(200), width(20_000))


@pytest.mark.parametrize("interval", [sequential, lambda *pair: at_the_horizon(*pair, ALPHA)])
def test_two_groups_that_each_agree_and_are_apart_differ(interval):
    none, all_of_them = Group(LEAST_PEOPLE, 0.0, 0.0), Group(2 * LEAST_PEOPLE, 1.0, 0.0)
    found = interval(none, all_of_them)
    assert 0.0 < found.low < found.value == 1.0
    assert found.p < ALPHA


def test_an_agreeing_group_is_as_unsure_as_with_one_person_of_the_other():
    """The variance in closed form is that of the people one by one."""
    one, other = np.append(np.zeros(400), 1.0), np.append(np.ones(250), 0.0)
    agreed = sequential(Group(400, 0.0, 0.0), Group(250, 1.0, 0.0))
    error = np.sqrt(one.var(ddof=1) / 401 + other.var(ddof=1) / 251)
    like = sequential(Group(400, 0.0, 200 * error**2), Group(250, 1.0, 125 * error**2))
    assert agreed.low == pytest.approx(like.low)


def test_of_few_people_and_of_people_alike_nothing_is_said():
    few, many = Group(LEAST_PEOPLE - 1, 0.0, 1.0), Group(LEAST_PEOPLE, 0.0, 1.0)
    alike = Group(LEAST_PEOPLE, 0.0, 0.0)
    for pair in ((few, many), (many, few), (alike, alike)):
        assert always_valid(*pair, ALPHA, PLANNED) is None
        assert always_valid_below(*pair, ALPHA, PLANNED) is None
        assert at_the_horizon(*pair, ALPHA) is None
    assert always_valid(many, many, ALPHA, PLANNED) is not None
