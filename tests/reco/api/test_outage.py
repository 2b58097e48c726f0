"""A database that stops: a clear 503 within two seconds, and recovery by itself."""

import gc
import shutil
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import psycopg
import pytest
from fastapi.testclient import TestClient
from worlds import NOW, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.api.serving import application
from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.db.revision import head_revision
from reco.errors import SetupError
from reco.settings import Settings
from reco.worker import Worker
from reco.world import World

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture(autouse=True)
def garbage_of_other_tests():
    """Left alone, as a served worker leaves what was imported: a collection takes a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def own_cluster(tmp_path):
    cluster = Cluster(tmp_path / "home", is_durable=False)
    cluster.up()
    cluster.create_database("reco_outage")
    yield cluster
    cluster.down()
    shutil.rmtree(cluster.folder)


@pytest.fixture
def outage_world(own_cluster, tmp_path):
    world = World("outage", tmp_path / "world", own_cluster.conninfo("reco_outage"))
    migrate(world)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        world_key = create_key(connection, "app", "tests", NOW)
    return world, {"X-API-Key": world_key}


def answered(ask):
    """Ask until it is not told to come again, as clients do."""
    began = perf_counter()
    while (response := ask()).status_code == 503:
        assert perf_counter() - began < 60.0
    return response


def serving(world):
    worker = Worker(Settings(home=world.folder), world, SECRET, lambda: NOW)
    return TestClient(create_app(worker, clock=lambda: NOW, with_demo=False))


@pytest.mark.alone
def test_a_stopped_database_is_a_503_and_comes_back_by_itself(own_cluster, outage_world, caplog):
    world, key = outage_world
    with serving(world) as client:
        assert client.get("/v1/feed?user_id=reader", headers=key).status_code == 200
        own_cluster.down()
        for path in (
            "/v1/feed?user_id=reader",
            "/v1/offers/film-tonight",
            "/v1/offers/film-tonight/similar",
            "/v1/venues/near?lat=1&lon=1",
        ):
            began = perf_counter()
            response = client.get(path, headers=key)
            assert perf_counter() - began < 2.0
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert int(response.headers["retry-after"]) >= 1
        viewed = {"user_id": "free", "offer_id": "manga-shop", "kind": "view"}
        sent = client.post("/v1/interactions", json={"interactions": [viewed]}, headers=key)
        assert sent.status_code == 503
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "database" in ready.json()["missing"][0]
        assert "connecting in" not in caplog.text
        assert "reconnection attempt" not in caplog.text
        (told,) = (one.message for one in caplog.records if one.name == "reco.db.outage")
        assert told.endswith(" `reco db up --world outage` starts one that is down.")
        own_cluster.up()
        answer = answered(lambda: client.get("/v1/feed?user_id=reader", headers=key))
        assert answer.status_code == 200
        again = client.post("/v1/interactions", json={"interactions": [viewed]}, headers=key)
        assert again.json() == {"received": 1, "kept": 1}
    with psycopg.connect(world.conninfo) as connection:
        kept = connection.execute("select id::text from reco.slate").fetchall()
    assert (answer.json()["slate_id"],) in kept


@pytest.mark.alone
def test_a_crowd_is_told_as_soon_as_one(own_cluster, outage_world):
    world, key = outage_world

    def ask(client):
        began = perf_counter()
        status = client.get("/v1/feed?user_id=reader", headers=key).status_code
        return status, perf_counter() - began

    with serving(world) as client, ThreadPoolExecutor(100) as crowd:
        assert ask(client)[0] == 200
        own_cluster.down()
        answers = list(crowd.map(lambda _: ask(client), range(100)))
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 3.0
        own_cluster.up()
        assert answered(lambda: client.get("/v1/feed?user_id=reader", headers=key)).is_success


def test_it_starts_without_a_database_and_serves_once_there_is_one_of_its_schema(
    own_cluster, outage_world, monkeypatch
):
    world, key = outage_world
    settings = {"HOME": str(world.folder), "WORLD": "outage", "DATABASE_URL": world.conninfo}
    for name, value in settings.items():
        monkeypatch.setenv(f"RECO_{name}", value)
    # Before it is looked at: a worker that found its own schema once does not ask again.
    revise(world, "9999")
    own_cluster.down()
    with TestClient(application()) as client:
        assert client.get("/v1/feed", headers=key).status_code == 503
        assert client.get("/readyz").status_code == 503
        own_cluster.up()
        with pytest.raises(SetupError, match="newer than this code"):
            client.app.state.worker.refresh()
        assert client.get("/v1/feed", headers=key).status_code == 503
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "upgrade this code" in ready.json()["missing"][0]
        with pytest.raises(SetupError, match="upgrade this code"):
            application()
        revise(world, head_revision())
        client.app.state.worker.refresh()
        assert client.get("/v1/feed", headers=key).status_code == 200
        assert client.get("/readyz").status_code == 200


def revise(world, revision):
    with psycopg.connect(world.conninfo) as connection:
        connection.execute("update reco.alembic_version set version_num = %s", (revision,))
