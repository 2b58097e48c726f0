"""Experiments on record: one at a time, and fixed once they run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from reco.errors import InvalidInput, NotFound, RuleBroken
from reco.experiments.plan import Plan, Variant, checked
from reco.experiments.records import (
    create,
    experiment_named,
    experiments,
    running_experiment,
    stop,
)
from reco.model.registry import Act

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACT = Act(NOW, "mia")
PLAN = Plan(
    name="wider",
    salt="a salt",
    variants=(Variant("control"), Variant("wide", 2.0, floor=0.9, points_a_booking=180.0)),
    metric="horizon_points",
    guards={"empty_slates": 0.01},
    window=timedelta(days=7),
    planned_users=2_000,
)


def test_what_was_planned_comes_back(world):
    made = create(world.conninfo, PLAN, ACT, NOW)
    assert running_experiment(world.conninfo) == made
    assert made.plan == PLAN
    assert experiments(world.conninfo) == [made]


def test_a_second_one_is_refused_while_one_runs(world):
    create(world.conninfo, PLAN, ACT, NOW)
    with pytest.raises(RuleBroken, match="wider runs, and two at once"):
        create(world.conninfo, replace(PLAN, name="other"), ACT, NOW)
    with pytest.raises(RuleBroken, match="weights and variants are fixed"):
        create(world.conninfo, replace(PLAN, variants=PLAN.variants[::-1]), ACT, NOW)
    assert len(experiments(world.conninfo)) == 1


def test_a_stop_is_kept_with_its_reason_and_makes_room(world):
    create(world.conninfo, PLAN, ACT, NOW)
    stopped = stop(world.conninfo, "wider", Act(NOW + timedelta(days=3), "jo", "seen enough"))
    assert (stopped.state, stopped.stopped_by, stopped.stop_reason) == (
        "stopped",
        "jo",
        "seen enough",
    )
    assert running_experiment(world.conninfo) is None
    with pytest.raises(RuleBroken, match="seen enough"):
        stop(world.conninfo, "wider", Act(NOW, "jo", "again"))
    later = Act(NOW + timedelta(days=4), "mia")
    create(world.conninfo, replace(PLAN, name="next"), later, later.at)
    assert [known.plan.name for known in experiments(world.conninfo)] == ["next", "wider"]
    assert experiment_named(world.conninfo, "wider") == stopped


CHANGES = (
    "variants = jsonb_set(variants, '{0,weight}', '5')",
    "salt = 'another'",
    "window_s = 1",
    "state = 'stopped', stopped_at = now(), stopped_by = 'x', stop_reason = 'x', name = 'y'",
)


def test_the_database_itself_keeps_the_plan(world, connection):
    create(world.conninfo, PLAN, ACT, NOW)
    for change in CHANGES:
        with pytest.raises(psycopg.errors.RestrictViolation, match="is fixed"):
            connection.execute(f"update reco.experiment set {change}")
    assert running_experiment(world.conninfo).plan == PLAN


def test_what_was_stopped_does_not_start_again(world, connection):
    create(world.conninfo, PLAN, ACT, NOW)
    stop(world.conninfo, "wider", Act(NOW, "jo", "a mistake"))
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(
            "update reco.experiment set state = 'running', stopped_at = null, stopped_by = null,"
            " stop_reason = null"
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"variants": PLAN.variants[:1]}, "variant"),
        ({"variants": (Variant("a"), Variant("a"))}, "variant"),
        ({"variants": (Variant("a"), Variant("b", 0.0))}, "weight"),
        ({"variants": (Variant("a"), Variant("b", 1e-9))}, "weight"),
        ({"variants": (Variant("a"), Variant("b", floor=1.5))}, "floor"),
        ({"variants": (Variant("a"), Variant("b", intensity=0.0))}, "intensity"),
        ({"variants": (Variant("a"), Variant("b", points_a_booking=0.0))}, "points_a_booking"),
        ({"metric": "clicks"}, "metric"),
        ({"guards": {"mood": 0.1}}, "guard"),
        ({"guards": {"bookings_made": -0.1}}, "guard"),
        ({"window": timedelta()}, "window"),
        ({"horizon": timedelta(days=7)}, "fixed_horizon"),
        ({"planned_users": 0}, "planned_users"),
    ],
)
def test_a_plan_that_cannot_be_run_names_what_to_mend(changes, field):
    assert checked(PLAN) is PLAN
    with pytest.raises(InvalidInput) as refused:
        checked(replace(PLAN, **changes))
    assert refused.value.field == field


def test_nothing_begins_in_the_past_or_ends_without_a_reason(world):
    told = r"start: 2026-11-23 11:00\+00:00 is past: it is 2026-11-23 12:00\+00:00\."
    with pytest.raises(InvalidInput, match=told):
        create(world.conninfo, PLAN, ACT, NOW - timedelta(hours=1))
    with pytest.raises(InvalidInput, match="two or more"):
        create(world.conninfo, replace(PLAN, variants=PLAN.variants[:1]), ACT, NOW)
    assert experiments(world.conninfo) == []
    create(world.conninfo, PLAN, ACT, NOW)
    with pytest.raises(InvalidInput, match="reason"):
        stop(world.conninfo, "wider", Act(NOW, "jo", " "))
    with pytest.raises(NotFound, match="no experiment 'wide'"):
        stop(world.conninfo, "wide", Act(NOW, "jo", "a mistake"))


def test_an_unknown_model_is_refused(world):
    plan = replace(PLAN, variants=(Variant("control"), Variant("new", model="als-0")))
    with pytest.raises(NotFound, match="no model version 'als-0'"):
        create(world.conninfo, plan, ACT, NOW)
