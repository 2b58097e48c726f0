"""A worker that explores puts on record what a replay needs: the rate, the seed, the chances."""

from fastapi.testclient import TestClient
from worlds import NOW

from reco.api.app import create_app
from reco.settings import Settings
from reco.worker import Worker

SECRET = "a secret of at least thirty-two bytes"


def test_what_chance_did_is_on_record(api_world, database, key):
    settings = Settings(home=api_world.folder, exploration=1.0)
    worker = Worker(settings, api_world, SECRET, lambda: NOW)
    asked = {"user_id": "reader", "n": 2, "floor": 0.0}
    with TestClient(create_app(worker, clock=lambda: NOW, with_demo=False)) as client:
        ids = [
            client.get("/v1/feed", params=asked, headers=key).json()["slate_id"] for _ in range(2)
        ]
    rows = database.execute(
        "select (query ->> 'exploration')::float, propensities, seed from reco.slate"
        " where id = any(%s)",
        (ids,),
    ).fetchall()
    assert [rate for rate, *_ in rows] == [1.0, 1.0]
    assert all(max(propensities) == 0.5 for _, propensities, _ in rows)
    assert len({seed for *_, seed in rows}) == 2


def test_elsewhere_nothing_is_explored_unless_it_is_set(api_world):
    with Worker(Settings(home=api_world.folder), api_world, SECRET, lambda: NOW) as worker:
        assert worker.exploration == 0.0
