"""A real PostgreSQL + PostGIS for all tests, started by the project; a fresh world for each."""

import itertools
import shutil

import psycopg
import pytest
from hypothesis import settings

from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.world import World

# Runs repeat: a failure seen once is seen again.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")

_TEMPLATE = "reco_template"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster of its own, thrown away after."""
    cluster = Cluster(tmp_path_factory.mktemp("home"), is_durable=False)
    cluster.up()
    yield cluster
    cluster.down()
    shutil.rmtree(cluster.folder)


@pytest.fixture(scope="session")
def template_world(cluster, tmp_path_factory):
    """A migrated world without a row; others are cloned from it."""
    cluster.create_database(_TEMPLATE)
    world = World("test", tmp_path_factory.mktemp("template"), cluster.conninfo(_TEMPLATE))
    migrate(world)
    return world


@pytest.fixture(scope="session")
def new_world(cluster, template_world, tmp_path_factory):
    """A function that returns a fresh, empty world."""

    def make():
        name = f"reco_test_{next(_numbers)}"
        cluster.create_database(name, template=_TEMPLATE)
        return World("test", tmp_path_factory.mktemp("world"), cluster.conninfo(name))

    return make


@pytest.fixture
def world(new_world):
    """A fresh, empty world."""
    return new_world()


@pytest.fixture
def connection(world):
    """A connection to the fresh world, in autocommit mode."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        yield connection
