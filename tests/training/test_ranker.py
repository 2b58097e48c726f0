"""A ranker learns what is true of drawn visits, keeps its signs, and an artifact keeps it."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from rich.console import Console
from scipy.special import expit
from tastes import two_tastes

from features.clock import HOURS, UNDATED
from features.pairs import Costs, CostTable
from reco.model.link import Link
from reco.model.loaded import load_model
from reco.model.ranker import Ranker, RankerFacts
from training.commands.screen import training_table
from training.fits import PARAMETERS
from training.ranked import Ranked, figures_of
from training.ranker import best_sessions, learn_ranker, weights_of
from training.replays import Pairs, joined
from training.run import train_model
from training.saving import save_model

VISITS, ITEMS, DRAWN = 600, 300, 20
TRUE_AFFINITY = np.array([0.7, -0.5])
"""Of a person's share of a kind over everybody's, and of a subcategory booked before."""


SCHOOL = -2.4
"""Of what begins from Monday to Friday from 8:00 to 16:00; half of it for either."""


def pairs_of(seed, distance_weight=1.0, wait_weight=0.5, level=-4.0, school=0.0):
    """Return visits at which 300 items lie around, twenty of the unbooked ones drawn."""
    chance = np.random.default_rng(seed)
    shape = (VISITS, ITEMS)
    distance_m, days = 50_000 * chance.random(shape), 60 * chance.random(shape)
    price, said = chance.integers(0, 5_000, shape), chance.random(shape)
    true = level + 2.0 * np.arcsinh(said / 0.5) - distance_weight * distance_m / 10_000
    true -= wait_weight * days / 10
    affinity = np.stack([chance.normal(size=shape), chance.random(shape) < 0.3], axis=2)
    true += affinity @ TRUE_AFFINITY
    week_hour = np.random.default_rng([seed, 1]).integers(0, HOURS + 1, shape).astype(np.int16)
    true += school * at_school(week_hour)
    booked = chance.random(shape) < expit(true)
    kept = booked | (chance.random(shape) < DRAWN / ITEMS)
    visit = np.nonzero(kept)[0]
    count = len(visit)
    return Pairs(
        visit=visit,
        is_booked=booked[kept],
        drawn=np.where(booked[kept], 1.0, DRAWN / ITEMS),
        said=said[kept],
        bookings_near=np.zeros(count, dtype=np.int64),
        bookings_anywhere=np.zeros(count, dtype=np.int64),
        affinity=affinity[kept],
        is_online=np.zeros(count, dtype=bool),
        start=np.arange(count + 1),
        distance_m=distance_m[kept],
        price_cents=price[kept].astype(np.int32),
        cap=np.zeros(count, dtype=np.int8),
        days=days[kept],
        week_hour=week_hour[kept],
        offers=np.full((VISITS, 2), ITEMS),
        bookings=np.full((VISITS, 2), 100),
        made=np.full((VISITS, 2), 1_000),
        visit_drawn=np.ones(VISITS),
        others_drawn=np.full(count, DRAWN / ITEMS),
        users=100,
        left_cents=np.full(VISITS, 50_000),
        fair_cents=np.full((VISITS, 3), np.inf),
    )


def at_school(week_hour):
    hour, weekday = week_hour % 24, week_hour // 24
    return (weekday < 5) * 0.5 + ((hour >= 8) & (hour < 16) & (week_hour != UNDATED)) * 0.5


@pytest.fixture(scope="module")
def learned():
    return learn_ranker(pairs_of(0))


def test_what_is_true_is_found(learned):
    costs = learned.ranker.costs
    away = costs.distance(np.array([2_500.0, 42_500.0]))
    assert away[1] - away[0] == pytest.approx(4.0, rel=0.15)
    waits = costs.wait(np.array([5.0, 45.0]))
    assert waits[1] - waits[0] == pytest.approx(2.0, rel=0.25)
    assert costs.price(np.array([5_000.0]))[0] < 0.4
    assert learned.calibration.slope == pytest.approx(2.0, rel=0.2)
    affinity = learned.ranker.facts.affinity
    assert [affinity.lift, affinity.met] == pytest.approx(TRUE_AFFINITY.tolist(), abs=0.12)


def test_probabilities_are_calibrated_on_other_visits_and_beat_the_base_rate(learned):
    others = pairs_of(1)
    figures = figures_of(learned, others, np.arange(VISITS), others)
    assert figures.reliability.ece_rel < 0.1
    assert figures.loss_a_visit.high < 0.0
    assert figures.distinct_share > 0.95


def test_the_visits_of_one_person_count_as_one_when_it_is_told_how_far_a_figure_may_be_off(learned):
    others = pairs_of(1)
    of_many, of_two = (
        figures_of(learned, others, np.arange(VISITS) % people, others) for people in (VISITS, 2)
    )
    assert (of_many.people, of_two.people) == (VISITS, 2)
    assert of_two.visits == of_many.visits == VISITS
    many, two = of_many.loss_a_visit, of_two.loss_a_visit
    assert two.value == pytest.approx(many.value)
    # Of two people a resample has one, the other, or both.
    assert two.low + two.high == pytest.approx(2.0 * two.value)
    assert many.low + many.high != pytest.approx(2.0 * many.value)


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_no_table_ever_falls_whatever_is_true(weight):
    costs = learn_ranker(pairs_of(2, weight, weight, level=-4.0 - 2.0 * (weight < 0))).ranker.costs
    for table in (costs.distance, costs.price, costs.wait):
        assert table.cost[0] == 0.0
        assert np.all(np.diff(table.cost) > 0.0)
    assert costs.online >= 0.0


def test_when_in_the_week_something_begins_counts_as_it_does():
    found = learn_ranker(pairs_of(9, level=-1.0, school=SCHOOL)).ranker.costs.week
    assert found[UNDATED] == 0.0
    assert found.min() >= 0.0
    of_hours, of_days = cost_of_school(found)
    # Half of all of it, less what is drawn towards nothing.
    assert 0.3 < of_hours < 1.2
    assert 0.5 < of_days < 1.2
    flat = learn_ranker(pairs_of(9, level=-1.0)).ranker.costs.week
    assert np.abs(cost_of_school(flat)).max() < 0.1


def cost_of_school(week):
    """Return what hours of school cost over evenings, and days of school over the weekend."""
    of_week = week[:UNDATED].reshape(7, 24)
    hours, days = of_week.mean(axis=0), of_week.mean(axis=1)
    return hours[9:15].mean() - hours[17:].mean(), days[:5].mean() - days[5:].mean()


def test_more_of_a_kind_never_counts_against_it_whatever_is_true():
    turned = pairs_of(8)
    turned = replace(turned, affinity=turned.affinity * [-1.0, 1.0])
    assert learn_ranker(turned).ranker.facts.affinity.lift == 0.0


def test_what_is_learned_says_what_its_sums_mean(learned):
    pairs, facts = pairs_of(4), learned.ranker.facts
    straight = Ranker.of(facts.model_copy(update={"link": None}), learned.ranker.arrays())
    sums = replace(learned, ranker=straight).log_odds(pairs)
    meant = Link.of(facts.link).log_odds(sums)
    np.testing.assert_allclose(learned.log_odds(pairs), meant, rtol=1e-12)
    assert np.abs(meant - sums).max() > 1e-3


def test_an_item_counts_at_its_cheapest_session():
    flat = CostTable(np.array([0.0, 1.0]), 1e-9)
    costs = Costs(CostTable(np.array([0.0, 1.0]), 1.0), flat, flat, online=2.0)
    of = pairs_of(3)
    two = replace(
        of, visit=np.zeros(2, dtype=np.int64), start=np.array([0, 2, 4]),
        distance_m=np.array([9.0, 1.0, np.nan, 25.0]), price_cents=np.zeros(4, dtype=np.int32),
        cap=np.zeros(4, dtype=np.int8), days=np.full(4, np.nan),
        week_hour=np.array([UNDATED, UNDATED, 3, UNDATED], dtype=np.int16),
    )  # fmt: skip
    cost, at = best_sessions(two, costs)
    assert cost == pytest.approx([1.0, 2.0])
    assert at.tolist() == [1, 2]
    week = np.zeros(HOURS + 1)
    week[3] = 4.5
    cost, at = best_sessions(two, replace(costs, week=week))
    assert cost == pytest.approx([1.0, 5.0])
    assert at.tolist() == [1, 3]


def test_joined_pairs_are_those_of_both():
    first, second = pairs_of(4), pairs_of(5)
    both = joined(first, second)
    assert len(both) == len(first) + len(second)
    assert both.visit[-1] == second.visit[-1] + VISITS
    assert both.start[-1] == len(both.distance_m)


def test_too_few_bookings_teach_nothing():
    with pytest.raises(ValueError, match="fewer than 100"):
        learn_ranker(pairs_of(6, level=-15.0))


def test_a_ranker_from_before_hours_were_learned_goes_on_without(learned):
    told = learned.ranker.facts.model_dump(exclude={"week"})
    older = Ranker.of(RankerFacts(**told), learned.ranker.arrays())
    assert not older.costs.week.any()
    assert not weights_of(replace(learned, ranker=older)).learned.ranker.costs.week.any()


def test_the_arrays_are_the_ranker(learned):
    ranker = learned.ranker
    again = Ranker.of(ranker.facts, ranker.arrays())
    away = np.linspace(0.0, 3e5, 100)
    np.testing.assert_array_equal(again.costs.distance(away), ranker.costs.distance(away))
    assert again.costs.online == ranker.costs.online
    np.testing.assert_array_equal(again.costs.week, ranker.costs.week)


def test_the_weights_of_a_ranker_make_it_again(learned):
    again = weights_of(learned).learned
    assert again.ranker.facts.link == learned.ranker.facts.link
    pairs = pairs_of(3)
    np.testing.assert_allclose(again.log_odds(pairs), learned.log_odds(pairs), rtol=1e-12)
    assert again.calibration == learned.calibration
    np.testing.assert_allclose(
        weights_of(again).of_columns, weights_of(learned).of_columns, atol=1e-12
    )


@pytest.mark.parametrize("change", [lambda column: column[:-1], lambda column: column[np.newaxis]])
def test_weights_of_another_shape_are_refused(learned, change):
    weights = weights_of(learned)
    with pytest.raises(ValueError, match="of_columns has shape"):
        replace(weights, of_columns=change(weights.of_columns))


def test_weights_of_a_ranker_with_other_knots_are_none(learned):
    few = learned.ranker.arrays() | {"cost_wait": np.array([0.0, 1.0])}
    other = replace(learned, ranker=Ranker.of(learned.ranker.facts, few))
    with pytest.raises(ValueError, match="train it again"):
        weights_of(other)


def test_an_artifact_keeps_it_and_the_run_tells_of_it(learned, tmp_path):
    trained = train_model(
        two_tastes(),
        PARAMETERS["popularity"](),
        split="time",
        cutoff=None,
        progress=lambda *_: None,
    )
    others = pairs_of(7)
    ranked = Ranked(learned, figures_of(learned, others, np.arange(VISITS), others))
    trained = replace(trained, ranked=ranked, calibration=learned.calibration)
    summary = save_model(trained, models=tmp_path, now=datetime(2025, 6, 1, tzinfo=UTC))
    model = load_model(summary.folder, summary.digest)
    assert model.ranker is not None
    assert model.calibration == learned.calibration
    assert model.ranker.facts == learned.ranker.facts
    np.testing.assert_array_equal(
        model.ranker.costs.distance.cost, learned.ranker.costs.distance.cost
    )
    assert model.metrics["probability"]["visits"] == VISITS
    text = Console(width=200)
    with text.capture() as told:
        text.print(training_table(summary))
    lines = " ".join(told.get().split())
    assert "calibration error" in lines
    assert re.search(r"less that of the base rate, \S+ \(\S+ \.\. \S+\), 95 % interval;", lines)
    assert "Ranked here is the whole catalogue" in lines
    assert "`reco evaluate` says" in lines
