"""The registry of model versions, on a real database."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic import command

from reco.db.migrate import _config, _connection, migrate
from reco.errors import InvalidInput, NotFound, RuleBroken
from reco.model.registry import (
    Act,
    champion,
    events,
    force,
    give_up,
    line_of_champions,
    promote,
    publication,
    publish,
    refuse,
    roll_back,
    version_named,
    versions,
)

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ACT = Act(NOW, "mia")
VERDICT = {"passed": True}


def published(world, version, hour=0, **changes):
    row = {
        "version": version,
        "kind": "als",
        "address": f"/models/{version}",
        "digest": version[::-1],
        "cutoff": NOW,
        "created_at": NOW + timedelta(hours=hour),
        "metrics": {"ndcg@10": {"model": [0.1, 0.05, 0.2]}},
        "act": ACT,
    }
    with publication(world.conninfo) as connection:
        return publish(connection, **(row | changes))


def done(world, change, *arguments, **options):
    with publication(world.conninfo) as connection:
        change(connection, *arguments, **options)


def promoted(world, version, over):
    done(world, promote, version, over=over, act=ACT, evidence=VERDICT)


def states(world):
    return {row.version: row.state for row in versions(world.conninfo)}


def line(world):
    return [known.version for known in line_of_champions(world.conninfo)]


@pytest.fixture
def three(world):
    """Three versions that were champion one after the other."""
    for hour, version in enumerate(("one", "two", "three")):
        published(world, version, hour)
    promoted(world, "two", "one")
    promoted(world, "three", "two")
    return world


def test_there_is_no_champion_at_first(world):
    assert champion(world.conninfo) is None
    assert versions(world.conninfo) == []
    assert line(world) == []


def test_the_first_is_served_at_once_and_the_next_waits(world):
    assert published(world, "one")
    assert not published(world, "two", 1, cutoff=None, kind="popularity")
    assert champion(world.conninfo) == ("one", "/models/one", "eno")
    newest, oldest = versions(world.conninfo)
    assert (newest.version, newest.state, newest.kind) == ("two", "candidate", "popularity")
    assert (oldest.version, oldest.state) == ("one", "champion")
    assert (newest.cutoff, oldest.cutoff) == (None, NOW)
    assert oldest.metrics == {"ndcg@10": {"model": [0.1, 0.05, 0.2]}}


def test_a_promotion_retires_the_former_champion_and_is_on_record(world):
    published(world, "one")
    published(world, "two", 1)
    promoted(world, "two", "one")
    assert states(world) == {"one": "retired", "two": "champion"}
    told = [(event.version, event.action, event.actor) for event in events(world.conninfo)]
    assert told == [
        ("one", "published", "mia"),
        ("one", "promoted", "mia"),
        ("two", "published", "mia"),
        ("one", "retired", "mia"),
        ("two", "promoted", "mia"),
    ]
    assert events(world.conninfo)[-1].evidence == VERDICT


def test_a_comparison_with_a_champion_of_before_promotes_nothing(three):
    published(three, "late", 4)
    with pytest.raises(RuleBroken, match="is three by now, not two"):
        promoted(three, "late", "two")
    assert champion(three.conninfo).version == "three"


def test_a_force_needs_a_reason_that_is_kept(world, connection):
    published(world, "one")
    published(world, "two", 1)
    for reason in (None, " "):
        with pytest.raises(InvalidInput, match="needs a reason"):
            done(world, force, "two", Act(NOW, "mia", reason))
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "insert into reco.model_event (version, at, action, actor)"
            " values ('two', now(), 'forced', 'mia')"
        )
    done(world, force, "two", Act(NOW, "mia", "the old one names a closed theatre"))
    last = events(world.conninfo)[-1]
    assert (last.action, last.reason) == ("forced", "the old one names a closed theatre")
    assert champion(world.conninfo).version == "two"


def test_a_refusal_changes_nothing_but_the_record(world):
    published(world, "one")
    published(world, "two", 1)
    done(world, refuse, "two", ACT, {"passed": False})
    assert states(world) == {"one": "champion", "two": "candidate"}
    assert events(world.conninfo)[-1].action == "refused"


def test_rolling_back_twice_leads_two_champions_back(three):
    assert line(three) == ["three", "two", "one"]
    done(three, roll_back, "two", over="three", act=ACT)
    assert line(three) == ["two", "one"]
    done(three, roll_back, "one", over="two", act=ACT)
    assert line(three) == ["one"]
    assert states(three) == {"one": "champion", "two": "retired", "three": "retired"}
    promoted(three, "three", "one")
    assert line(three) == ["three", "one"]


def test_what_is_pruned_is_never_served_again(three):
    done(three, give_up, "two", ACT)
    assert line(three) == ["three", "one"]
    with pytest.raises(RuleBroken, match="two is pruned"):
        done(three, force, "two", Act(NOW, "mia", "I want it back"))
    with pytest.raises(InvalidInput, match="three is served"):
        done(three, give_up, "three", ACT)
    assert states(three) == {"one": "retired", "two": "pruned", "three": "champion"}


def test_who_was_champion_twice_is_not_the_one_before_itself(world):
    for hour, version in enumerate(("one", "two")):
        published(world, version, hour)
    promoted(world, "two", "one")
    promoted(world, "one", "two")
    assert line(world) == ["one", "two"]
    done(world, give_up, "two", ACT)
    assert line(world) == ["one"]


def test_unknown_and_served_versions_are_told(three):
    with pytest.raises(NotFound, match="model version 'four'"):
        promoted(three, "four", "three")
    with pytest.raises(NotFound, match="model version 'four'"):
        version_named(three.conninfo, "four")
    with pytest.raises(InvalidInput, match="served already"):
        promoted(three, "three", "three")
    assert version_named(three.conninfo, "two").state == "retired"


def test_a_version_is_published_once_and_a_refusal_changes_nothing(world):
    published(world, "one")
    published(world, "two", 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        published(world, "one", 2)
    assert states(world) == {"one": "champion", "two": "candidate"}


def test_many_at_once_end_with_one_champion(world):
    names = [f"v{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda name: published(world, name), names))
    assert sum(firsts) == 1
    found = states(world)
    assert set(found) == set(names)
    assert sorted(found.values()) == ["candidate"] * 7 + ["champion"]


def test_of_many_promotions_over_one_champion_one_wins(world):
    published(world, "first")
    names = [f"v{n}" for n in range(6)]
    for name in names:
        published(world, name)

    def attempt(name):
        try:
            promoted(world, name, "first")
        except RuleBroken as lost:
            return lost.rule
        return name

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, names))
    assert outcomes.count("champion_changed") == 5
    (winner,) = set(outcomes) - {"champion_changed"}
    assert champion(world.conninfo).version == winner
    assert line(world) == [winner, "first"]


def test_the_database_itself_allows_one_champion_only(world, connection):
    published(world, "one")
    published(world, "two", 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("update reco.model_version set state = 'champion'")


def test_versions_of_before_there_was_a_history_keep_their_line(world, connection):
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0004")
    for hour, (version, state) in enumerate(
        [("old", "retired"), ("served", "champion"), ("waits", "published")]
    ):
        connection.execute(
            "insert into reco.model_version values (%s, 'als', '/m', 'd', null, %s, '{}', %s)",
            (version, NOW + timedelta(hours=hour), state),
        )
    migrate(world)
    assert states(world) == {"old": "retired", "served": "champion", "waits": "candidate"}
    assert line(world) == ["served", "old"]


@pytest.mark.slow
def test_a_server_that_is_silent_is_given_up_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as threads:
        port = silent.getsockname()[1]
        looking = threads.submit(champion, f"postgresql://reco@127.0.0.1:{port}/reco")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            looking.result(timeout=10.0)
