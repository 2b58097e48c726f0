"""The API over the small world, at its own present."""

import psycopg
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from worlds import NOW, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.cli import app as program
from reco.settings import Settings
from reco.worker import Worker

SECRET = "a secret of at least thirty-two bytes"


class Clock:
    """The present, as a test sets it."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def api_world(new_world):
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
    return world


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def client(api_world, clock):
    # Tests move the requests' clock, forth and back; the catalogue's only goes on, as time does.
    worker = Worker(Settings(home=api_world.folder), api_world, SECRET, lambda: NOW)
    app = create_app(worker, clock=clock, with_demo=True)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        yield client


@pytest.fixture(scope="module")
def database(api_world):
    with psycopg.connect(api_world.conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def key(database):
    return {"X-API-Key": create_key(database, "app", "tests", NOW)}


@pytest.fixture
def reco(world):
    """Run a command on a small world; what it raises is raised."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
    settings = {
        "RECO_DATABASE_URL": world.conninfo,
        "RECO_HOME": str(world.folder),
        "RECO_WORLD": world.name,
    }

    def run(*arguments):
        done = CliRunner().invoke(program, arguments, env=settings)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run
