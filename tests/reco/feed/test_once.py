"""One feed outside a worker: a harmed model degrades to popularity, and the log says why."""

from datetime import timedelta

import psycopg
import pytest
from champions import train_champion
from worlds import NOW, book, small_world

from reco.feed.once import feed_once
from reco.feed.query import feed_query

SECRET = "a secret of at least thirty-two bytes"
QUERY = feed_query(now=NOW, default_radius_m=5e4, user_id="reader")


@pytest.fixture
def trained(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        for day, user in enumerate(("free", "late", "broke", "villager")):
            book(connection, user, "manga-shop", NOW - timedelta(days=2 + day))
            book(connection, user, "novel-shop", NOW - timedelta(days=3 + day))
    return world, train_champion(world, "popularity", now=NOW)


def test_the_champion_is_served(trained):
    world, summary = trained
    assert feed_once(world, QUERY, SECRET).model_version == summary.version


def test_a_harmed_champion_is_not_used_and_said_why(trained, caplog):
    world, summary = trained
    (summary.folder / "manifest.json").write_text("{")
    answer = feed_once(world, QUERY, SECRET)
    assert answer.items
    assert "no_model_popularity_only" in answer.notes
    assert "its manifest is not the one that was registered" in caplog.text


def test_a_model_that_knows_what_came_next_is_said(trained):
    world, _ = trained
    earlier = feed_query(now=NOW - timedelta(days=30), default_radius_m=5e4, user_id="reader")
    assert "model_newer_than_request" in feed_once(world, earlier, SECRET).notes


def test_while_the_champion_is_harmed_the_one_before_it_answers(trained, caplog):
    world, first = trained
    second = train_champion(world, "popularity", now=NOW + timedelta(hours=1))
    assert feed_once(world, QUERY, SECRET).model_version == second.version
    (second.folder / "items.npy").unlink()
    assert feed_once(world, QUERY, SECRET).model_version == first.version
    assert "items.npy is missing" in caplog.text
