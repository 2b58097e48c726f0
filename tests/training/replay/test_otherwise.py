"""Slates of a real worker, replayed as another floor or another model would have chosen them."""

import json
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from typer.testing import CliRunner
from worlds import NOW

from reco.cli import app
from reco.errors import InvalidInput, RuleBroken
from reco.feed.query import feed_query
from reco.settings import Settings
from reco.worker import Worker
from training.offpolicy import otherwise
from training.offpolicy.otherwise import Otherwise, told_otherwise
from training.offpolicy.outcomes import Outcomes
from training.offpolicy.recorded import read_recorded

USERS, SEEDS, RATE = ("reader", "free", "villager", "nowhere"), 10, 0.4
PERIOD = (NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture
def explored(eventful, model):
    """A world whose slates had chance in them; of each, what stands first was clicked."""
    with Worker(Settings(home=eventful.folder), eventful, "s" * 32, lambda: NOW) as worker:
        for user in USERS:
            for seed in range(SEEDS):
                query = feed_query(now=NOW, default_radius_m=5e3, user_id=user, n=4, floor=0.7)
                worker.feed(replace(query, seed=seed, exploration=RATE))
    with psycopg.connect(eventful.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at, slate_id)"
            " select user_id, offers[1], 'click', at + random() * interval '1 hour', id"
            " from reco.slate"
        )
    return eventful


def told_of(world, choice):
    with psycopg.connect(world.conninfo) as connection:
        outcomes = Outcomes.of(read_recorded(connection, *PERIOD))
    return told_otherwise(world, outcomes, choice, seed=1, done=lambda share: None)


def test_slates_tell_of_other_choices_what_they_can(explored, monkeypatch):
    check_the_choices(explored)
    together = told_of(explored, Otherwise(floor=1.0))
    monkeypatch.setattr(otherwise, "_SLATES_AT_ONCE", 7)
    assert told_of(explored, Otherwise(floor=1.0)) == together
    monkeypatch.undo()
    check_the_command(explored)


def check_the_choices(explored):
    dearest = Otherwise(points_a_booking=1e6)
    same, likeliest, none, priced = (
        told_of(explored, choice)
        for choice in (
            Otherwise(floor=0.7), Otherwise(floor=1.0), Otherwise(version="none"), dearest
        )
    )  # fmt: skip
    slates = len(USERS) * SEEDS
    for told in (same, likeliest, none):
        assert told.slates == told.replayed == slates
        assert set(told.rewards) == {"clicks", "bookings"}
    assert same.shares["positions_same"] == same.shares["slates_same"] == 1.0
    shown = same.rewards["clicks"]["iips"]
    assert shown.weighing.mean == pytest.approx(1.0, abs=0.1)
    # Of four people nothing is shown as a number.
    assert shown.estimate is None
    for told in (likeliest, none):
        assert told.shares["positions_same"] < 1.0
        assert told.shares["positions_same"] + told.shares["positions_told"] <= 1.0
    assert likeliest.shares["positions_told"] > 0.0
    assert priced == likeliest


def check_the_command(explored):
    settings = {"RECO_DATABASE_URL": explored.conninfo, "RECO_HOME": str(explored.folder)}
    asked = ["--world", explored.name, "offpolicy", "--since", "2026-11-22", "--until"]
    asked += ["2026-11-24", "--floor", "1"]

    def run(*more):
        return CliRunner().invoke(app, [*asked, *more], env=settings)

    told = json.loads(run("--json").stdout)
    assert told["replayed"] == told["slates"] == len(USERS) * SEEDS
    assert told["rewards"]["clicks"]["iips"]["estimate"] is None
    another = json.loads(run("--json", "--version", "none", "--intensity", "30").stdout)
    assert another["replayed"] == told["replayed"]
    assert another["shares"] != told["shares"]
    assert "replayed as they were" in " ".join(run().stdout.split())
    assert run("--exploration", ".1").exit_code != 0


def test_what_cannot_be_replayed_is_left_out(explored):
    with psycopg.connect(explored.conninfo, autocommit=True) as connection:
        connection.execute(
            "update reco.slate set offers = array_append(offers[2:], offers[1])"
            " where user_id = (select id from core.beneficiary where external_id = 'free')"
        )
        as_if_drawn = connection.execute(
            "update reco.slate set propensities[1] = 0.01 where propensities[1] > 0.5"
            " and user_id = (select id from core.beneficiary where external_id = 'villager')"
        ).rowcount
        assert as_if_drawn
        told = told_of(explored, Otherwise(floor=1.0))
        assert told.replayed == told.slates - SEEDS - as_if_drawn
        connection.execute("update reco.slate set offers = array_append(offers[2:], offers[1])")
    with pytest.raises(InvalidInput, match="replayed"):
        told_of(explored, Otherwise(floor=1.0))


def test_slates_of_a_pruned_model_are_left_out_and_it_can_choose_nothing(explored):
    with psycopg.connect(explored.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into reco.model_version"
            " (version, kind, address, digest, cutoff, created_at, metrics, state)"
            " select 'given up', kind, address || '-gone', digest, cutoff, created_at, metrics,"
            " 'pruned' from reco.model_version"
        )
        connection.execute(
            "update reco.slate set model_version = 'given up'"
            " where user_id = (select id from core.beneficiary where external_id = 'free')"
        )
    told = told_of(explored, Otherwise(floor=1.0))
    assert told.replayed == told.slates - SEEDS
    with pytest.raises(RuleBroken, match="given up is pruned"):
        told_of(explored, Otherwise(version="given up"))
