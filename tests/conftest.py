"""A real PostgreSQL + PostGIS for all tests, started by the project; a fresh world for each."""

import gc
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.world import World

# What a developer's shell says of their own worlds, servers and screen is not what is tested.
_OF_A_SHELL = ("RECO_", "PG", "MLFLOW_", "COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_")
for _name in [name for name in os.environ if name.startswith(_OF_A_SHELL)]:
    del os.environ[_name]

# Runs repeat: a failure seen once is seen again.
# How long an example takes to draw is the machine's affair.
settings.register_profile(
    "tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

_TESTS = Path(__file__).parent
_SLOW = (
    # Clusters, servers and browsers that are started, cut off and killed.
    "reco/api/test_outage.py",
    "reco/api/test_spread.py",
    "reco/db/test_cluster.py",
    "reco/db/test_replica.py",
    "reco/web/test_browser.py",
    # Kernels that are compiled by a process of their own.
    "reco/test_compiling.py",
    # Where most tests simulate a world, train on it, replay it or report on it.
    "reco/experiments/test_trial.py",
    "reco/people/test_serving.py",
    "training/cohort/",
    "training/commands/",
    "training/replay/",
    "training/report/",
    "training/simulate/",
    "training/test_ranker.py",
    "training/test_run.py",
)
"""Files and folders that are left to `make test-slow`, beside those that are marked."""


def pytest_itemcollected(item):
    """Mark what is slow by its place."""
    if item.path.relative_to(_TESTS).as_posix().startswith(_SLOW):
        item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """Spare Python's collector what stays until the end: it would look through it all each time."""
    gc.collect()
    gc.freeze()


_TEMPLATE = "reco_template"
_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def no_power_cut():
    """Files are not waited for: nothing here is to outlast one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 8_000_000_000
"""What some three hundred small databases take, and their log, with some to spare."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster of its own, in memory where there is room, thrown away after."""
    home = _home_in_memory() or tmp_path_factory.mktemp("home")
    cluster = Cluster(home, is_durable=False)
    try:
        cluster.up()
        yield cluster
        cluster.down()
    finally:
        shutil.rmtree(cluster.folder, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _home_in_memory():
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    home = Path(tempfile.mkdtemp(prefix="reco-tests-", dir=_MEMORY))
    # For root the server runs as somebody else, who must get there.
    home.chmod(0o755)
    return home


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
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            # Of files in memory a copy is quicker than a log of their pages.
            connection.execute(f"create database {name} template {_TEMPLATE} strategy file_copy")
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
