"""What is said of an experiment, when it may be said, and what is advised."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from reco.experiments.plan import GUARDS, METRICS, Experiment, Plan, Variant
from training.experiments.people import Counts, People
from training.experiments.sequences import Group, always_valid, always_valid_below
from training.experiments.status import ALPHA, assess, status_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAN = Plan(
    name="wider",
    salt="s",
    variants=(Variant("control"), Variant("wide")),
    metric="horizon_points",
    guards={name: guard.margin for name, guard in GUARDS.items()},
    window=timedelta(days=7),
    planned_users=2_000,
)
RUNNING = Experiment(PLAN, "running", NOW, "mia", NOW)
FIXED = replace(RUNNING, plan=replace(PLAN, horizon=timedelta(days=28)))
LATER = NOW + timedelta(days=20)


def people_of(count=2_000, users=(1_000, 1_000), versions=("a",), **changes):
    """People of two variants in turn; the second's figures are moved by `changes`."""
    generator = np.random.default_rng(1)
    variant = np.array(["control", "wide"] * (count // 2), dtype=np.str_)
    figures = {
        name: generator.random(count) + (variant == "wide") * changes.get(name, 0.0)
        for name in {*METRICS, *GUARDS}
    }
    labels = ("control", "wide")
    counts = {
        label: Counts(many, many, many, versions) for label, many in zip(labels, users, strict=True)
    }
    return People(counts, variant, figures)


def test_a_difference_is_told_with_its_interval():
    found = assess(RUNNING, people_of(horizon_points=0.3), LATER)
    assert found.advice == ("wide brings more horizon_points than control.",)
    told = {one.metric: one.difference for one in found.comparisons}
    assert 0.2 < told["horizon_points"].low < 0.3 < told["horizon_points"].high < 0.4
    assert told["bookings"].low < 0.0 < told["bookings"].high
    assert found.variants[1].means["horizon_points"] == pytest.approx(0.8, abs=0.03)
    assert {guard.state for guard in found.guards} == {"not breached"}
    worse = assess(RUNNING, people_of(horizon_points=-0.3), LATER)
    assert worse.advice == ("wide brings less horizon_points than control.",)
    same = assess(RUNNING, people_of(), LATER)
    assert same.advice == ("wide: horizon_points is not decided.",)


def test_of_few_people_nothing_is_said():
    found = assess(RUNNING, people_of(count=100), LATER)
    assert "nothing can be said of horizon_points before 100 people" in found.advice[0]
    assert found.comparisons[0].difference is None
    assert {guard.state for guard in found.guards} == {"unknown"}


def test_a_fixed_horizon_refuses_an_early_look():
    people = people_of(horizon_points=0.5)
    early = assess(FIXED, people, LATER)
    assert not early.may_look
    assert early.advice == ("Differences are told on 2026-12-21 12:00 UTC, not before.",)
    assert early.comparisons == ()
    # Two means are a difference, too.
    assert all(variant.means == {} for variant in early.variants)
    assert all(guard.beyond is None for guard in early.guards)
    assert [variant.users for variant in early.variants] == [1_000, 1_000]
    assert early.split.p == 1.0
    due = assess(FIXED, people, NOW + timedelta(days=28))
    assert due.may_look
    assert due.advice == ("wide brings more horizon_points than control.",)


def test_what_is_done_after_the_horizon_or_the_stop_is_not_counted(monkeypatch):
    counted = []

    def read_people(_, experiment, until):
        counted.append((until - NOW).days)
        return people_of()

    monkeypatch.setattr("training.experiments.status.read_people", read_people)
    stopped = replace(RUNNING, state="stopped", stopped_at=LATER)
    for experiment, days in ((RUNNING, 90), (FIXED, 90), (FIXED, 20), (stopped, 90), (stopped, 9)):
        assert status_of("", experiment, NOW + timedelta(days=days)).until <= NOW + timedelta(days)
    assert counted == [90, 28, 20, 20, 9]


def test_stopped_before_its_horizon_it_never_tells():
    stopped = replace(FIXED, state="stopped", stopped_at=LATER)
    found = assess(stopped, people_of(horizon_points=0.5), LATER)
    assert found.comparisons == ()
    assert "says nothing of the differences" in found.advice[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"empty_slates": 0.2}, "worse in empty_slates by more than the 0.01"),
        ({"relevance_kept": -0.2}, "worse in relevance_kept by more than the 0.05"),
        ({"bookings_made": -0.2}, "worse in bookings_made by more than the 10%"),
        ({"cancellations": 0.2}, "worse in cancellations by more than the 0.02"),
    ],
)
def test_a_guard_that_is_breached_says_stop(changes, said):
    # Also while the figures of a fixed horizon may not be looked at.
    for experiment in (RUNNING, FIXED):
        found = assess(experiment, people_of(**changes), LATER)
        assert found.advice[0].startswith("STOP: wide is")
        assert said in found.advice[0]
    (improved,) = changes.items()
    better = assess(RUNNING, people_of(**{improved[0]: -improved[1]}), LATER)
    assert {guard.state for guard in better.guards} == {"not breached"}


def test_a_guard_that_fails_for_everybody_says_stop():
    people = people_of()
    failing = people.figures | {"empty_slates": np.where(people.variant == "wide", 1.0, 0.0)}
    found = assess(RUNNING, replace(people, figures=failing), LATER)
    assert "STOP: wide is worse in empty_slates by more than the 0.01" in found.advice[0]
    alike = people.figures | {"empty_slates": np.zeros(len(people.variant))}
    found = assess(RUNNING, replace(people, figures=alike), LATER)
    assert [one.state for one in found.guards if one.guard == "empty_slates"] == ["unknown"]


def test_a_loss_within_the_margin_is_no_breach():
    found = assess(RUNNING, people_of(relevance_kept=-0.05, bookings_made=-0.04), LATER)
    assert {guard.state for guard in found.guards} == {"not breached"}
    assert all(guard.beyond < 0.0 for guard in found.guards)


def test_a_split_that_is_not_as_planned_says_stop():
    found = assess(RUNNING, people_of(users=(1_000, 700)), LATER)
    assert found.split.is_wrong
    assert found.advice[0].startswith("STOP: people do not split as planned")


def test_a_champion_that_changed_is_told():
    found = assess(RUNNING, people_of(versions=("a", "b")), LATER)
    assert "control was answered by several models" in found.advice[0]


def test_more_variants_share_what_may_be_wrong():
    three = replace(PLAN, variants=(*PLAN.variants, Variant("wider")))
    people = people_of()
    one = assess(RUNNING, people, LATER).comparisons[0].difference
    two = assess(replace(RUNNING, plan=three), people, LATER).comparisons[0].difference
    assert two.high - two.low > one.high - one.low


@pytest.mark.parametrize(("weights", "share"), [((1, 1, 1), 2 / 3), ((1, 2, 5), 3 / 8)])
def test_a_pair_is_planned_by_its_share_of_the_people(weights, share):
    labels = ("control", "wide", "wider")
    variants = tuple(Variant(*both) for both in zip(labels, weights, strict=True))
    plan = replace(PLAN, variants=variants, guards={"cancellations": 0.02, "empty_slates": 0.01})
    people = people_of()
    found = assess(replace(RUNNING, plan=plan), people, LATER)
    metric, guard = (
        [Group.of(people.of(name, label)) for label in labels[:2]]
        for name in ("horizon_points", "cancellations")
    )
    told = found.comparisons[0].difference
    expected = always_valid(*metric, ALPHA / 2, PLAN.planned_users * share)
    assert (told.low, told.high) == pytest.approx((expected.low, expected.high), rel=1e-4)
    # Two guards share what may be wrong of them.
    below = always_valid_below(*guard, ALPHA / 4, PLAN.planned_users * share)
    assert found.guards[0].beyond == pytest.approx(below - 0.02, rel=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.05, 0.07, 0.3])
@pytest.mark.parametrize("experiment", [RUNNING, FIXED])
def test_p_says_what_the_interval_says(experiment, shift):
    three = replace(experiment.plan, variants=(*PLAN.variants, Variant("wider")))
    people, late = people_of(horizon_points=shift), NOW + timedelta(days=28)
    one = assess(experiment, people, late).comparisons
    two = assess(replace(experiment, plan=three), people, late).comparisons
    for alone, corrected in zip(one, two, strict=False):
        assert alone.metric == corrected.metric
        found = corrected.difference
        if experiment.plan.horizon:
            assert found.p == pytest.approx(min(1.0, 2 * alone.difference.p))
        assert (found.p < ALPHA) == (found.low > 0.0 or found.high < 0.0)
