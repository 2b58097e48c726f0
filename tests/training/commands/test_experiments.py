"""The commands `reco experiments ...`, with a worker that serves what they say."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from champions import train_champion
from typer.testing import CliRunner
from worlds import NOW, book, small_world

from reco.errors import ArtifactRefused, InvalidInput, NotFound, RuleBroken
from reco.experiments.plan import Plan, Variant
from reco.experiments.records import create, running_experiment, stop
from reco.feed.query import feed_query
from reco.model.registry import Act, version_named, versions
from reco.settings import Settings
from reco.worker import Worker
from training.commands.experiments import app, guards_from, variant_from
from training.commands.train import train_world
from training.registry import prune_versions

USERS = ("reader", "broke", "late", "free", "nowhere", "villager")
SECRET = "a secret of at least thirty-two bytes"
WIDE = ("--variant", "control", "--variant", "wide:floor=.5,points_a_booking=180,weight=2")


@pytest.fixture
def world(world):
    """The fresh world, with its folder where the settings have it."""
    return replace(world, folder=world.folder / "worlds" / world.name)


@pytest.fixture
def settings(world):
    return Settings(home=world.folder.parents[1], world=world.name, database_url=world.conninfo)


@pytest.fixture
def invoke(settings):
    """A function that runs `reco experiments ...` and returns what it printed."""

    def run(*arguments):
        done = CliRunner().invoke(app, list(arguments), obj=settings)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def filled(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        for day, user in enumerate(("free", "late", "broke", "villager")):
            book(connection, user, "manga-shop", NOW - timedelta(days=2 + day))
    return world


def test_from_its_begin_to_its_end(invoke, settings, filled):
    told = invoke("create", "wider", *WIDE, "--window", "30min", "--by", "mia")
    assert "wider runs from" in told
    assert "66.7%" in told
    plan = running_experiment(filled.conninfo).plan
    wide = Variant("wide", 2.0, floor=0.5, points_a_booking=180.0)
    assert plan.variants == (Variant("control"), wide)
    with Worker(settings, filled, SECRET, lambda: datetime.now(UTC)) as worker:
        for user in USERS:
            worker.feed(feed_query(now=datetime.now(UTC), default_radius_m=5e4, user_id=user, n=5))
    found = json.loads(invoke("status", "--json"))
    counted = {one["label"]: (one["users"], one["slates"]) for one in found["variants"]}
    expected = {
        label: sum(plan.variant_of(user).label == label for user in USERS)
        for label in ("control", "wide")
    }
    assert counted == {label: (many, many) for label, many in expected.items()}
    assert found["split"]["people"] == list(expected.values())
    assert found["experiment"]["plan"]["window"] == "PT30M"
    told = " ".join(invoke("status", "wider").split())
    assert "The split of the people is not shown to be other than planned" in told
    assert "nothing can be said of horizon_points" in told
    invoke("stop", "wider", "--reason", "seen enough", "--by", "jo")
    assert running_experiment(filled.conninfo) is None
    (kept,) = json.loads(invoke("list", "--json"))
    assert (kept["state"], kept["stopped_by"], kept["stop_reason"]) == (
        "stopped",
        "jo",
        "seen enough",
    )
    assert "seen enough" in invoke("list")
    assert json.loads(invoke("status", "--json"))["until"] == kept["stopped_at"]


def test_a_fixed_horizon_tells_when_it_will_tell(invoke, world):
    invoke("create", "wider", *WIDE, "--fixed-horizon", "28d", "--start", "2040-01-01T00:00Z")
    told = " ".join(invoke("status").split())
    assert "Differences are told on 2040-01-29 00:00 UTC, not before." in told
    assert "difference p" not in told


def test_the_weights_of_what_runs_cannot_be_changed(invoke, world):
    invoke("create", "wider", *WIDE)
    with pytest.raises(RuleBroken, match="weights and variants are fixed"):
        invoke("create", "wider", "--variant", "control", "--variant", "wide:weight=9")
    with pytest.raises(RuleBroken, match="wider runs"):
        invoke("create", "other", *WIDE)


def test_a_model_that_cannot_be_loaded_is_refused_at_once(invoke, filled):
    version = train_champion(filled, "popularity", now=NOW).version
    shutil.rmtree(version_named(filled.conninfo, version).address)
    with pytest.raises(ArtifactRefused):
        invoke("create", "new", "--variant", "control", "--variant", f"new:model={version}")
    with pytest.raises(NotFound, match="als-0"):
        invoke("create", "new", "--variant", "control", "--variant", "new:model=als-0")
    assert running_experiment(filled.conninfo) is None


def test_what_runs_is_not_pruned(filled):
    train_champion(filled, "popularity", now=NOW)
    names = [
        train_world(
            filled, "popularity", split="time", cutoff=None, now=NOW + timedelta(hours=hour)
        ).version
        for hour in (1, 2)
    ]
    plan = Plan(
        name="new",
        salt="s",
        variants=(Variant("control"), Variant("new", model=names[0])),
        metric="bookings",
        guards={},
        window=timedelta(days=7),
        planned_users=100,
    )
    act = Act(NOW, "mia", "tidy")
    create(filled.conninfo, plan, act, NOW)
    assert prune_versions(filled, 0, act).given_up == (names[1],)
    stop(filled.conninfo, "new", act)
    assert prune_versions(filled, 0, act).given_up == (names[0],)
    assert {row.state for row in versions(filled.conninfo)} == {"champion", "pruned"}
    with pytest.raises(RuleBroken, match="is pruned"):
        create(filled.conninfo, replace(plan, name="again"), act, NOW)


def test_without_an_experiment_there_is_no_status(invoke, world):
    with pytest.raises(NotFound, match="no experiment"):
        invoke("status")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wide:colour=red", "variant wide: 'colour' is unknown"),
        ("wide:floor", "NAME=VALUE"),
        ("wide:floor=low", "no number"),
        ("wide:points_a_booking=dear", "no number"),
    ],
)
def test_a_variant_that_is_not_understood_is_told(text, said):
    with pytest.raises(InvalidInput, match=said):
        variant_from(text)


def test_a_span_that_is_none_is_told(invoke, world):
    with pytest.raises(InvalidInput, match="'a week' is no span of time"):
        invoke("create", "wider", *WIDE, "--window", "a week")


def test_what_is_told_twice_is_refused_as_a_plan_is_fixed():
    with pytest.raises(InvalidInput, match="'empty_slates' is told twice"):
        guards_from(["empty_slates=.1", "empty_slates=.5"])
    with pytest.raises(InvalidInput, match="'floor' is told twice"):
        variant_from("wide:floor=.9,floor=.8")


def test_an_unknown_guard_is_told():
    with pytest.raises(InvalidInput, match="'mood' is unknown"):
        guards_from(["mood=1"])
