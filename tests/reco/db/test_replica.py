"""A real streaming replica: read from while it is near, left when it is not, never wrong."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event
from time import monotonic
from unittest.mock import Mock

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg_pool import PoolTimeout
from replicas import Replica
from worlds import GRENOBLE, NOW, book, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.db.pool import connected
from reco.db.replica import Lag
from reco.errors import Unavailable
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.settings import Settings
from reco.worker import Worker
from reco.world import World

SECRET = "a secret of at least thirty-two bytes"
MAX_LAG_S = 1.5
PATIENT_LAG_S = 300.0
FEED = "/v1/feed?user_id=reader&radius_km=50"
NEAR = f"/v1/venues/near?lat={GRENOBLE[1]}&lon={GRENOBLE[0]}"
SEARCH = f"/v1/search?lat={GRENOBLE[1]}&lon={GRENOBLE[0]}"
PATIENCE_S = 30.0

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def primary(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("primary"), is_durable=False)
    cluster.up()
    cluster.create_database("reco_town")
    migrate(World("town", tmp_path_factory.mktemp("made"), cluster.conninfo("reco_town")))
    yield cluster
    cluster.down()
    shutil.rmtree(cluster.folder)


@pytest.fixture(scope="module")
def replica(primary, tmp_path_factory):
    replica = Replica(tmp_path_factory.mktemp("replica"), primary)
    replica.up()
    yield replica
    replica.down()
    shutil.rmtree(replica.folder)


@pytest.fixture
def world(primary, replica, tmp_path):
    """The small world, fresh, on both; both are up and replay before and after."""
    world = World("town", tmp_path, primary.conninfo("reco_town"), replica.conninfo("reco_town"))
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "truncate core.category, core.venue, core.beneficiary, core.interaction cascade"
        )
        small_world(connection)
    yield world
    primary.up()
    replica.up()
    pause(replica, goes_on=True)


@pytest.fixture
def database(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        yield connection


@contextmanager
def serving(world, max_lag_s=MAX_LAG_S):
    settings = Settings(home=world.folder, max_replica_lag_s=max_lag_s)
    worker = Worker(settings, world, SECRET, lambda: NOW)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        key = create_key(connection, "app", "tests", NOW)
    with TestClient(create_app(worker, clock=lambda: NOW, with_demo=False)) as client:
        client.headers["X-API-Key"] = key
        until(lambda: worker.reads.standing.in_use)
        yield client, worker


@pytest.fixture
def service(world):
    with serving(world) as both:
        yield both


@pytest.fixture
def patient(world, monkeypatch):
    """The service where a replica that stands still, or is busy, is not left within a test."""
    monkeypatch.setattr("reco.db.replica._PATIENCE_S", PATIENCE_S)
    with serving(world, PATIENT_LAG_S) as both:
        yield both


def until(holds):
    """Ask again and again, and return what holds; something that never comes fails."""
    began = monotonic()
    while not (found := holds()):
        assert monotonic() - began < PATIENCE_S
    return found


def pause(replica, *, goes_on=False):
    with psycopg.connect(replica.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"select pg_wal_replay_{'resume' if goes_on else 'pause'}()")
        if not goes_on:
            until(
                lambda: (
                    connection.execute("select pg_get_wal_replay_pause_state()").fetchone()
                    == ("paused",)
                )
            )


def is_replica(connection):
    return connection.execute("select pg_is_in_recovery()").fetchone()[0]


def reads_replica(worker, user_id="reader"):
    """Say whether the state of that user is read from the replica now."""
    with connected(worker.pool) as connection:
        return worker.reads.of_user(user_id, connection, is_replica)


def shown(client, path=FEED):
    response = client.get(path)
    assert response.status_code == 200, response.text
    return {item["offer_id"] for item in response.json()["items"]}


def test_a_lag_is_as_old_as_what_is_known_to_be_there():
    lag = Lag()
    assert lag.seconds(10.0) == float("inf")
    lag.written(100, at_s=1.0)
    lag.replayed(90)
    assert lag.seconds(10.0) == float("inf")
    lag.written(100, at_s=2.0)
    lag.replayed(100)
    assert lag.seconds(2.5) == 0.5
    lag.written(300, at_s=3.0)
    lag.replayed(299)
    assert lag.seconds(5.0) == 3.0
    lag.forget()
    assert lag.seconds(5.0) == float("inf")


def test_a_replica_that_is_near_serves(service):
    client, worker = service
    # Where the machine is busy the next look may come late, and the replica be left for a moment.
    until(lambda: worker.reads.near(is_replica))
    until(lambda: reads_replica(worker))
    until(lambda: reads_replica(worker, None))
    assert "manga-shop" in shown(client)
    assert shown(client, f"{SEARCH}&q=mang") == {"manga-shop"}
    assert len(client.get(NEAR).json()["venues"]) == 3
    ready = until(lambda: (told := client.get("/readyz").json())["replica"]["in_use"] and told)
    assert ready["status"] == "ready"
    assert 0 <= ready["replica"]["lag_s"] < MAX_LAG_S


WRITES = {
    "a booking": "insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at)"
    " select u.id, s.id, 1, 800, now() from core.beneficiary u, core.stock s"
    " where u.external_id = 'reader' and s.external_id = 'manga-shop'",
    "a cancellation": "update core.booking set cancelled_at = now()"
    " where user_id = (select id from core.beneficiary where external_id = 'reader')",
    "a dismissal": "insert into core.interaction (user_id, offer_id, kind, at)"
    " select u.id, o.id, 'dismiss', now() from core.beneficiary u, core.offer o"
    " where u.external_id = 'reader' and o.external_id = 'play-friday'",
    "a taste": "insert into core.taste (user_id, kind, value, at)"
    " select id, 'category', 'CINEMA', now() from core.beneficiary where external_id = 'reader'",
    "a deposit": "update core.deposit set amount_cents = amount_cents + 1"
    " where user_id = (select id from core.beneficiary where external_id = 'reader')",
    "a move": "update core.beneficiary set home = st_makepoint(6.8, 47.2)::geography"
    " where external_id = 'reader'",
}


@pytest.mark.parametrize("write", WRITES)
def test_people_read_their_own_writes(patient, replica, database, write):
    _, worker = patient
    # In use it may still lack what the world began with.
    until(lambda: reads_replica(worker) and reads_replica(worker, "villager"))
    pause(replica)
    assert reads_replica(worker)
    assert database.execute(WRITES[write]).rowcount == 1
    assert not reads_replica(worker)
    assert reads_replica(worker, "villager")
    pause(replica, goes_on=True)
    until(lambda: reads_replica(worker))


def test_what_was_booked_is_gone_from_the_very_next_feed(patient, replica, database):
    client, worker = patient
    assert {"film-tonight", "manga-shop", "play-friday"} <= shown(client)
    # Little behind is in use: it may still lack what the world began with.
    until(lambda: reads_replica(worker, "free"))
    pause(replica)
    book(database, "reader", "manga-shop", NOW, 8.0)
    assert reads_replica(worker, "free")
    assert "manga-shop" not in shown(client)
    book(database, "villager", "film-tonight", NOW, quantity=2)
    database.execute(
        "update core.offer set withdrawn_at = %s where external_id = 'play-friday'", (NOW,)
    )
    for user in ("reader", "free"):
        path = f"/v1/feed?user_id={user}&radius_km=50"
        assert not shown(client, path) & {"film-tonight", "play-friday"}
    found = shown(client, f"{SEARCH}&category=CINEMA&category=SPECTACLE&group=offer")
    assert found == {"classic-soon", "opera-dear"}


def test_a_replica_that_lags_is_seen_left_and_taken_again(service, replica, database):
    client, worker = service
    pause(replica)
    database.execute("insert into core.category (name) values ('CIRQUE')")
    until(lambda: not worker.reads.standing.in_use)
    standing = worker.reads.standing
    assert standing.lag_s >= MAX_LAG_S
    assert not worker.reads.near(is_replica)
    assert not reads_replica(worker, "free")
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["missing"][-1] == (
        "replica: it is more than 1.5 s behind the primary; the primary answers"
    )
    assert ready.json()["replica"]["lag_s"] >= MAX_LAG_S
    pause(replica, goes_on=True)
    until(lambda: worker.reads.near(is_replica))
    until(lambda: client.get("/readyz").json()["replica"]["in_use"])


@pytest.mark.slow
@pytest.mark.alone
def test_an_idle_primary_makes_no_lag(service):
    _, worker = service
    began = monotonic()
    while monotonic() - began < 2 * MAX_LAG_S:
        assert worker.reads.standing.in_use


@pytest.mark.slow
@pytest.mark.alone
def test_no_request_fails_while_the_replica_stops_and_comes_back(service, replica):
    client, worker = service
    over = Event()

    def ask(path):
        found = set()
        while not over.is_set():
            response = client.get(path)
            found.add((response.status_code, len(response.json().get("items", []))))
        return found

    with ThreadPoolExecutor(4) as crowd:
        asking = [crowd.submit(ask, path) for path in (FEED, FEED, NEAR, NEAR)]
        try:
            replica.down()
            until(lambda: not worker.reads.standing.in_use)
            assert "replica: reads fail there" in client.get("/readyz").json()["missing"][-1]
            replica.up()
            until(lambda: reads_replica(worker))
        finally:
            over.set()
        answers = [done.result() for done in asking]
    assert answers == [{(200, 5)}, {(200, 5)}, {(200, 0)}, {(200, 0)}]


def test_what_fails_on_the_replica_alone_is_read_from_the_primary(patient):
    _, worker = patient

    def unknown(connection):
        if is_replica(connection):
            connection.execute("select from core.of_the_next_release")
        return "found"

    def overtaken(connection):
        if is_replica(connection):
            # As a statement fails that replay has to cancel.
            connection.execute("do $$ begin raise sqlstate '40001'; end $$")
        return "found"

    for read in (unknown, overtaken):
        assert worker.reads.near(read) == "found"
        until(lambda: worker.reads.near(is_replica))
        with connected(worker.pool) as connection:
            assert worker.reads.of_user("reader", connection, read) == "found"
        until(lambda: worker.reads.near(is_replica))


def test_what_takes_too_long_is_not_asked_of_the_primary_too(patient):
    _, worker = patient
    asked = []

    def slow(connection):
        asked.append(is_replica(connection))
        connection.execute("set local statement_timeout = 1; select pg_sleep(5)")

    with pytest.raises(Unavailable, match="too long"):
        worker.reads.near(slow)
    assert asked == [True]
    assert worker.reads.standing.in_use


def test_a_users_state_that_takes_too_long_is_asked_of_the_primary_alone_for_them(patient):
    _, worker = patient
    asked = []

    def slow_there(connection):
        asked.append(is_replica(connection))
        if asked == [True]:
            connection.execute("set local statement_timeout = 1; select pg_sleep(5)")
        return "found"

    with connected(worker.pool) as connection:
        assert worker.reads.of_user("reader", connection, slow_there) == "found"
    assert asked == [True, False]
    assert worker.reads.standing.in_use


@pytest.mark.parametrize("user_id", ["reader", None])
def test_what_fails_on_the_primary_is_not_the_replicas_fault(patient, user_id):
    _, worker = patient
    lon, lat = GRENOBLE
    query = feed_query(now=NOW, default_radius_m=5e4, user_id=user_id, lon=lon, lat=lat)
    until(lambda: worker.reads.near(is_replica))
    with connected(worker.pool) as connection:
        reads = partial(worker.reads.of_user, user_id, connection)
        assert feed(connection, worker.serving, query, SECRET, reads=reads).answer.items
        # It may read no table, there alone.
        connection.execute("set role pg_monitor")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            feed(connection, worker.serving, query, SECRET, reads=reads)
        assert worker.reads.standing.in_use
        connection.execute("reset role")


def test_a_primary_that_is_busy_puts_no_replica_out_of_use(service, monkeypatch):
    _, worker = service
    until(lambda: worker.reads.near(is_replica))
    monkeypatch.setattr(worker.pool, "connection", Mock(side_effect=PoolTimeout("busy")))
    worker.reads.look()
    # It is left when it may be too old, not because reads fail there: nothing was tried.
    until(lambda: not worker.reads.standing.in_use)
    assert worker.reads.standing.lag_s >= MAX_LAG_S
    assert "no word of the primary" in worker.reads.standing.reason


def test_who_finds_all_connections_to_the_replica_lent_asks_the_primary_for_themselves(patient):
    _, worker = patient
    until(lambda: worker.reads.near(is_replica))
    # Who looks needs a connection now and then.
    worker.reads._stopping.set()
    worker.reads._thread.join()
    worker.reads._replica.longest_wait_s = 0.05
    with ExitStack() as lent:
        for _ in range(worker.settings.pool_size):
            assert lent.enter_context(worker.reads._lent())
        assert not worker.reads.near(is_replica)
        assert not reads_replica(worker)
        assert worker.reads.standing.in_use
    assert worker.reads.near(is_replica)


@pytest.mark.slow
def test_without_the_primary_nothing_is_shown_as_bookable(service, primary):
    client, worker = service
    primary.down()
    assert client.get(FEED).status_code == 503
    until(lambda: not worker.reads.standing.in_use)
    with pytest.raises(Unavailable):
        worker.reads.near(is_replica)
    primary.up()
    until(lambda: client.get(FEED).status_code == 200)
    until(lambda: worker.reads.near(is_replica))


def test_what_is_no_replica_of_this_server_is_not_read(new_world, primary, replica, tmp_path):
    town, other = primary.conninfo("reco_town"), new_world().conninfo
    for conninfo, read_conninfo, reason in (
        (town, town, "no replica"),
        (other, replica.conninfo("reco_town"), "another server"),
        (town, replica.conninfo("postgres"), "another database"),
    ):
        wrong = World("town", tmp_path, conninfo, read_conninfo)
        with Worker(Settings(home=tmp_path), wrong, SECRET, lambda: NOW) as worker:
            worker.reads.look()
            assert not worker.reads.standing.in_use
            assert reason in worker.reads.standing.reason
            assert not worker.reads.near(is_replica)
