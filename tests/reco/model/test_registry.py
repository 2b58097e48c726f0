"""The registry of model versions, on a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from reco.model.registry import champion, publication, publish_champion, versions

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def publish(world, version, hour=0, **changes):
    row = {
        "version": version,
        "kind": "als",
        "address": f"/models/{version}",
        "digest": version[::-1],
        "cutoff": NOW,
        "created_at": NOW + timedelta(hours=hour),
        "metrics": {"ndcg@10": {"model": [0.1, 0.05, 0.2]}},
    }
    with publication(world.conninfo) as connection:
        publish_champion(connection, **(row | changes))


def states(world):
    return {row.version: row.state for row in versions(world.conninfo)}


def test_there_is_no_champion_at_first(world):
    assert champion(world.conninfo) is None
    assert versions(world.conninfo) == []


def test_the_last_published_is_the_champion_and_the_former_retires(world):
    publish(world, "one")
    publish(world, "two", 1, cutoff=None, kind="popularity")
    assert champion(world.conninfo) == ("two", "/models/two", "owt")
    newest, oldest = versions(world.conninfo)
    assert (newest.version, newest.state, newest.kind) == ("two", "champion", "popularity")
    assert (oldest.version, oldest.state) == ("one", "retired")
    assert (newest.cutoff, oldest.cutoff) == (None, NOW)
    assert oldest.metrics == {"ndcg@10": {"model": [0.1, 0.05, 0.2]}}


def test_a_version_is_published_once_and_a_refusal_changes_nothing(world):
    publish(world, "one")
    publish(world, "two", 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        publish(world, "one", 2)
    assert states(world) == {"one": "retired", "two": "champion"}


def test_many_at_once_end_with_one_champion(world):
    names = [f"v{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: publish(world, name), names))
    found = states(world)
    assert set(found) == set(names)
    assert sorted(found.values()) == ["champion"] + ["retired"] * 7


def test_the_database_itself_allows_one_champion_only(world, connection):
    publish(world, "one")
    publish(world, "two", 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("update reco.model_version set state = 'champion'")
