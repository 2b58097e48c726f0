"""Figures of all slates together: values by plain definitions, intervals by drawing people anew."""

import numpy as np
import pytest

from training.beyond import gini
from training.replay.exposure import Exposed
from training.replay.totals import LEAST_PEOPLE, Totals, coverage_totals, gini_totals

REGIONS, ITEMS, K = 10, 120, 8
"""Items are of a region each, and shown there alone."""


def drawn(people, generator, skew=1.0):
    """Return the slates of people drawn anew, (people, K) items: a few are much likelier."""
    region = generator.integers(0, REGIONS, people)
    appeal = -skew * np.log(np.arange(1, ITEMS + 1)) + generator.gumbel(size=(people, ITEMS))
    return np.argsort(-appeal, axis=1)[:, :K] + ITEMS * region[:, np.newaxis]


def exposed(slates, weight=None):
    person = np.repeat(np.arange(len(slates)), K)
    shown = np.ones(slates.size) if weight is None else np.tile(weight, len(slates))
    return Exposed(person, slates.ravel(), shown, REGIONS * ITEMS)


def both(slates, seed=0):
    """Return coverage and inequality of one week of each system."""
    weeks = [[exposed(one)] for one in slates]
    people = len(slates[0])
    return coverage_totals(weeks, people, seed), gini_totals(weeks, people, seed)


def test_values_are_those_of_all_slates_of_a_week():
    generator = np.random.default_rng(1)
    weeks = [drawn(300, generator), drawn(300, generator)]
    slates = [[exposed(week) for week in weeks]]
    covered = [len(set(week.ravel().tolist())) / (REGIONS * ITEMS) for week in weeks]
    uneven = [gini(np.bincount(week.ravel(), minlength=REGIONS * ITEMS) * 1.0) for week in weeks]
    assert coverage_totals(slates, 300, 0).value == pytest.approx([np.mean(covered)])
    assert gini_totals(slates, 300, 0).value == pytest.approx([np.mean(uneven)])


def test_errors_are_those_of_people_drawn_anew():
    generator = np.random.default_rng(2)
    pairs = [[drawn(300, generator, 1.2), drawn(300, generator, 0.8)] for _ in range(150)]
    told = zip(*(both(pair) for pair in pairs[:15]), strict=True)
    for totals, plain in zip(told, zip(*map(values, pairs), strict=True), strict=True):
        value = np.array([one.value for one in plain])
        error = np.sqrt(np.nanmean([one.error**2 for one in totals], axis=0))
        np.testing.assert_allclose(error, value.std(axis=0, ddof=1), rtol=0.2)
        gap = np.sqrt(np.nanmean([one.gap_error[1] ** 2 for one in totals]))
        np.testing.assert_allclose(gap, (value[:, 1] - value[:, 0]).std(ddof=1), rtol=0.2)


def test_systems_that_show_the_same_do_not_differ_and_have_no_interval_of_it():
    slates = drawn(300, np.random.default_rng(3))
    for totals in both([slates, slates]):
        first, second = totals.compared([None, 1.0])
        assert first.low < first.value < first.high
        assert (first.change_low, first.change, first.change_high) == (0.0, 0.0, 0.0)
        assert (second.change, second.change_low, second.change_high) == (0.0, None, None)
        assert (first.p, second.p) == (None, 1.0)


def test_weeks_of_the_same_people_hang_together():
    slates = drawn(300, np.random.default_rng(4))
    once = coverage_totals([[exposed(slates)]], 300, 0)
    twice = coverage_totals([[exposed(slates), exposed(slates)]], 300, 0)
    assert twice.value == pytest.approx(once.value)
    assert twice.error == pytest.approx(once.error)


def test_of_few_people_nothing_is_said():
    for totals in both([drawn(LEAST_PEOPLE - 1, np.random.default_rng(5))]):
        (one,) = totals.compared([None])
        assert one.value > 0
        assert (one.low, one.high, one.change_low) == (None, None, None)


def test_an_error_that_is_not_known_is_not_told():
    nothing = np.array([np.nan, np.nan])
    _, second = Totals(np.array([0.5, 0.6]), nothing, nothing).compared([None, 0.2])
    assert (second.low, second.change, second.p) == (None, pytest.approx(0.2), 0.2)


def test_where_next_to_nothing_is_left_unshown_its_error_is_not_told():
    generator = np.random.default_rng(7)
    of_coverage, of_gini = both([drawn(1_500, generator, 0.2)])
    assert of_coverage.value[0] > 0.99
    assert np.isnan(of_coverage.error[0])
    assert of_gini.error[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("people", "skew"), [(200, 1.0), (400, 1.0), (800, 0.5), (1_500, 2.0)])
def test_intervals_hold_the_truth(people, skew):
    generator = np.random.default_rng([6, people])

    def pair():
        first, other = drawn(people, generator, skew), drawn(people, generator, skew / 2)
        return first, np.where(generator.random(people)[:, np.newaxis] < 0.3, other, first)

    pairs = [pair() for _ in range(500)]
    truth = np.mean([[one.value for one in values(pair)] for pair in pairs], axis=0)
    away = []
    for slates in pairs[:200]:
        for totals, right in zip(both(slates), truth, strict=True):
            gap = (np.diff(totals.value) - np.diff(right)) / totals.gap_error[1]
            away.append([*(totals.value - right) / totals.error, *gap])
    of_figures = np.abs(np.array(away).reshape(200, -1))
    told = ~np.isnan(of_figures)
    held = (told & (of_figures < 1.96)).sum(axis=0) / told.sum(axis=0)
    # The least of them have a true 93 %: 2.5 standard errors below it, 88.5 % of all 200.
    least = 0.93 - 2.5 * np.sqrt(0.93 * 0.07 / np.maximum(told.sum(axis=0), 1))
    assert np.all((held > least) | (told.sum(axis=0) < 50)), (held, told.mean(axis=0))
    assert np.all(told[:, 3:]), "coverage alone may have an error that is not told"


def values(slates):
    """Return the figures alone: errors of few people are not worked out."""
    weeks = [[exposed(one)] for one in slates]
    return coverage_totals(weeks, 0, 0), gini_totals(weeks, 0, 0)
