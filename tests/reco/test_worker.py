"""A worker takes new models and new catalogues between two requests, and refuses what is harmed."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import psycopg
import pytest
from champions import train_champion
from worlds import NOW, book, small_world

from reco.db.pool import connected
from reco.errors import Unavailable
from reco.feed import recorder
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.model.registry import Act, champion, give_up, publication
from reco.settings import Settings
from reco.worker import Worker

QUERY = feed_query(now=NOW, default_radius_m=5e4, user_id="reader", radius_km=50.0)


@pytest.fixture
def filled(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        for day, (user, stock) in enumerate(
            (u, s)
            for u in ("free", "late", "broke", "villager")
            for s in ("manga-shop", "novel-shop", "film-tonight", "classic-past")
        ):
            book(connection, user, stock, NOW - timedelta(days=2 + day))
    return world


@pytest.fixture
def worker(filled):
    settings = Settings(home=filled.folder)
    with Worker(settings, filled, "a secret of at least thirty-two bytes", lambda: NOW) as worker:
        yield worker


def train(world, day):
    return train_champion(world, "popularity", now=NOW + timedelta(days=day))


def test_a_new_champion_is_taken_without_a_restart(worker, filled):
    assert worker.feed(QUERY).model_version == "none"
    first = train(filled, 0)
    worker.refresh()
    assert worker.feed(QUERY).model_version == first.version
    assert worker.missing() == []
    assert not worker.refresh()
    second = train(filled, 1)
    worker.refresh()
    assert worker.feed(QUERY).model_version == second.version


@pytest.mark.parametrize("harm", ["truncated", "altered", "gone"])
def test_a_harmed_champion_is_refused_and_the_previous_one_stays(worker, filled, harm, caplog):
    good = train(filled, 0)
    worker.refresh()
    bad = train(filled, 1)
    path = bad.folder / "popularity.npy"
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-4] if harm == "truncated" else content[:-1] + b"\xff")
    worker.refresh()
    assert worker.feed(QUERY).model_version == good.version
    assert champion(filled.conninfo).version == bad.version
    told = f"model: {bad.version} is refused, the log says why; {good.version} is served"
    assert worker.missing() == [told]
    assert "popularity.npy" in caplog.text
    mended = train(filled, 2)
    worker.refresh()
    assert worker.feed(QUERY).model_version == mended.version
    assert worker.missing() == []


def test_copies_of_a_model_that_is_given_up_are_deleted(worker, filled):
    old, served = train(filled, 0), train(filled, 1)
    worker.refresh()
    fetched = filled.models / f".{old.version}.k2j_x1.fetched.draft"
    fetched.mkdir()
    worker._look()
    assert old.folder.exists()
    with publication(filled.conninfo) as connection:
        give_up(connection, old.version, Act(NOW, "mia", "an erasure"))
    worker._look()
    assert [folder.name for folder in filled.models.iterdir()] == [served.version]


def test_what_fails_of_a_look_leaves_the_rest(worker, filled, monkeypatch):
    old, served = train(filled, 0), train(filled, 1)
    with publication(filled.conninfo) as connection:
        give_up(connection, old.version, Act(NOW, "mia", "an erasure"))

    def fails():
        raise RuntimeError

    monkeypatch.setattr(worker, "_refresh_model", fails)
    worker._look()
    assert [folder.name for folder in filled.models.iterdir()] == [served.version]


def test_a_database_that_is_away_is_waited_for_once_a_look_and_told_once(
    filled, caplog, monkeypatch
):
    nowhere = replace(filled, conninfo="postgresql://127.0.0.1:1/none")
    worker = Worker(
        Settings(home=filled.folder), nowhere, "a secret of thirty-two bytes", lambda: NOW
    )
    looked = Mock(side_effect=worker._refresh_model)
    monkeypatch.setattr(worker, "_refresh_model", looked)
    monkeypatch.setattr(worker, "_refresh_trial", Mock(side_effect=AssertionError))
    with worker.pool:
        for _ in range(2):
            worker._look()
            with pytest.raises(Unavailable), connected(worker.pool):
                pass
    assert looked.call_count == 2
    (told,) = caplog.messages
    assert told.startswith("The database gives no connection (")
    assert told.endswith(f"`reco db up --world {filled.name}` starts one that is down.")


@pytest.mark.parametrize("changed", ["model", "catalogue"])
def test_no_request_waits_for_what_is_the_same_for_all_of_them(worker, filled, connection, changed):
    if changed == "model":
        train(filled, 0)
    else:
        connection.execute(
            "update core.offer set published_at = %s where external_id = 'circus-secret'", (NOW,)
        )
    before = worker.serving
    assert worker.refresh()
    serving = worker.serving
    assert serving is not before
    known = set(vars(serving)), set(vars(serving.catalogue))
    worker.feed(QUERY)
    assert (set(vars(serving)), set(vars(serving.catalogue))) == known


def test_what_is_published_now_is_in_the_next_catalogue(worker, connection):
    assert "circus-secret" not in {item.offer_id for item in worker.feed(QUERY).items}
    connection.execute(
        "update core.offer set published_at = %s where external_id = 'circus-secret'", (NOW,)
    )
    worker.refresh()
    assert "circus-secret" in {item.offer_id for item in worker.feed(QUERY).items}


def test_a_model_weighs_what_a_clock_that_runs_ahead_has_recorded(worker, filled, connection):
    train(filled, 0)
    worker.refresh()
    decaying = replace(worker.serving.model, half_life_days=30.0)
    serving = generation(worker.serving.catalogue, decaying)
    connection.execute(
        "insert into core.interaction (user_id, offer_id, kind, at)"
        " select u.id, o.id, 'favourite', %s from core.beneficiary u, core.offer o"
        " where u.external_id = 'reader' and o.external_id = 'manga-shop'",
        (NOW + timedelta(minutes=4),),
    )
    assert feed(connection, serving, QUERY, worker.secret).answer.items


def test_slates_are_written_before_the_worker_is_gone(filled):
    settings = Settings(home=filled.folder)
    with Worker(settings, filled, "a secret of at least thirty-two bytes", lambda: NOW) as worker:
        shown = {worker.feed(replace(QUERY, seed=seed)).slate_id for seed in range(50)}
    with psycopg.connect(filled.conninfo) as connection:
        kept = {str(row[0]) for row in connection.execute("select id from reco.slate")}
        partitions = {
            row[0]
            for row in connection.execute(
                "select c.relname from reco.slate s join pg_class c on c.oid = s.tableoid"
            )
        }
    assert kept == shown
    assert partitions == {"slate_2026_11"}


def test_slates_that_wait_are_told_and_written_in_the_end(worker, filled, monkeypatch):
    monkeypatch.setattr(recorder, "_LATE", 0)
    with psycopg.connect(filled.conninfo) as connection:
        connection.execute("lock table reco.slate in access exclusive mode")
        told, shown = [], set()
        while not any(reason.startswith("slates: ") for reason in told):
            shown.add(worker.feed(QUERY).slate_id)
            told = worker.missing()
        connection.rollback()
        worker.__exit__(None, None, None)
        kept = connection.execute("select id::text from reco.slate").fetchall()
    assert {slate for (slate,) in kept} == shown


@pytest.mark.parametrize("stuck_at", ["reco.model_version", "core.change"])
def test_a_look_that_is_stuck_costs_no_slate_and_is_left(filled, monkeypatch, stuck_at):
    monkeypatch.setattr("reco.worker._LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("reco.worker._STOP_S", 0.1)
    monkeypatch.setattr("reco.catalogue.watch._STOP_S", 0.1)
    settings = Settings(home=filled.folder)
    with psycopg.connect(filled.conninfo) as blocking:
        with Worker(settings, filled, "a secret of at least thirty-two bytes", lambda: NOW) as left:
            shown = {left.feed(QUERY).slate_id}
            blocking.execute(f"lock table {stuck_at} in access exclusive mode")
            while not blocking.execute("select 1 from pg_locks where not granted").fetchone():
                pass
        looking = left._watcher, left._catalogue_watch._thread
        assert any(thread.is_alive() for thread in looking)
        kept = blocking.execute("select id::text from reco.slate").fetchall()
    assert {slate for (slate,) in kept} == shown
    for thread in looking:
        thread.join()


def test_partitions_are_made_at_the_start_and_once_a_day_after(filled, connection):
    def are_there(*names):
        told = "select to_regclass(%s) is not null"
        return [connection.execute(told, (name,)).fetchone()[0] for name in names]

    now = [NOW]
    names = "reco.slate_2026_12", "core.interaction_2027_q1", "reco.slate_2027_02"
    settings = Settings(home=filled.folder)
    worker = Worker(settings, filled, "a secret of at least thirty-two bytes", lambda: now[0])
    with worker:
        assert are_there(*names) == [True, False, False]
        now[0] = NOW + timedelta(days=40)
        worker._look()
        assert are_there(*names) == [True, True, True]
