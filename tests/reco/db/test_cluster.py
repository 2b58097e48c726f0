"""The private cluster: from nothing, after a crash, under a long path, by many at once."""

import os
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from reco.db.cluster import Cluster
from reco.errors import SetupError, Unavailable


@pytest.fixture
def home(tmp_path):
    yield tmp_path / "home"
    # For root it may lie outside the temporary folder, which the server's user cannot enter.
    shutil.rmtree(Cluster(tmp_path / "home").folder, ignore_errors=True)


@pytest.fixture
def running(home):
    cluster = Cluster(home, is_durable=False)
    cluster.up()
    yield cluster
    cluster.down()


def ask(cluster, query, database="postgres"):
    with psycopg.connect(cluster.conninfo(database), autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def test_it_comes_up_listens_on_its_socket_alone_and_goes_down(home):
    cluster = Cluster(home, is_durable=False)
    assert not cluster.state().is_made
    cluster.up()
    assert cluster.state().is_running
    assert ask(cluster, "show listen_addresses") == ""
    assert ask(cluster, "select count(*) from pg_available_extensions where name = 'postgis'") == 1
    cluster.down()
    assert cluster.state().is_made
    assert not cluster.state().is_running


def test_its_memory_is_in_proportion_and_filled_again_after_a_start(home):
    cluster = Cluster(home)
    cluster.up()
    try:
        memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        asked = "select setting::bigint * 8192 from pg_settings where name = 'shared_buffers'"
        assert 128 << 20 <= ask(cluster, asked) <= max(128 << 20, memory_bytes // 4)
        assert ask(cluster, "show shared_preload_libraries") == "pg_prewarm"
        assert ask(cluster, "show pg_prewarm.autoprewarm") == "on"
    finally:
        cluster.down()


def test_up_twice_destroys_nothing(running):
    running.create_database("kept")
    running.up()
    running.create_database("kept")
    assert "kept" in running.databases()


def test_it_is_reached_where_the_environment_names_the_port_of_another(running, monkeypatch):
    monkeypatch.setenv("PGPORT", "6543")
    assert running.state().is_running
    assert ask(running, "select 1") == 1


def test_it_survives_a_crash(running):
    running.create_database("kept")
    lock = running.folder / "data" / "postmaster.pid"
    pid = int(lock.read_text().split("\n")[0])
    with psycopg.connect(running.conninfo("postgres")) as watched:
        os.kill(pid, signal.SIGKILL)
        # The connection ends when its process notices that the postmaster is gone.
        with pytest.raises(psycopg.OperationalError):
            watched.execute("select pg_sleep(60)")
    assert lock.exists()
    running.up()
    assert "kept" in running.databases()


def test_a_lock_that_names_another_program_is_dropped(running):
    running.down()
    lock = running.folder / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{running.folder / 'data'}\n1\n5432\n\n\n1 1\n")
    running.up()
    assert running.state().is_running


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked into on Linux alone")
def test_a_lock_that_names_the_server_of_another_cluster_is_dropped(running, tmp_path):
    other = Cluster(tmp_path / "other", is_durable=False)
    other.up()
    try:
        running.down()
        other_lock = other.folder / "data" / "postmaster.pid"
        (running.folder / "data" / "postmaster.pid").write_text(other_lock.read_text())
        running.up()
        assert running.state().is_running
        assert ask(other, "show data_directory") != ask(running, "show data_directory")
    finally:
        other.down()
        shutil.rmtree(other.folder)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked into on Linux alone")
def test_a_server_whose_socket_is_gone_is_told_of_and_goes_down(running):
    running.create_database("kept")
    (running.socket / ".s.PGSQL.5432").unlink()
    with pytest.raises(SetupError, match=r"socket in .* is gone: `reco db down`"):
        running.up()
    # Its lock stays: without one a server ends by itself, at once.
    assert (running.folder / "data" / "postmaster.pid").exists()
    running.down()
    assert not (running.folder / "data" / "postmaster.pid").exists()
    running.up()
    assert "kept" in running.databases()


def test_a_note_of_its_place_that_says_nothing_is_told_of(tmp_path):
    (tmp_path / "cluster.json").write_text("")
    with pytest.raises(SetupError, match=r"cluster\.json should say where the cluster lies"):
        Cluster(tmp_path).state()


def test_a_half_made_cluster_is_made_anew(home):
    cluster = Cluster(home, is_durable=False)
    draft = home / "cluster" / "data.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half")
    cluster.up()
    assert cluster.state().is_running
    cluster.down()


def test_many_at_once(home):
    with ThreadPoolExecutor(4) as pool:
        clusters = [Cluster(home, is_durable=False) for _ in range(4)]
        list(pool.map(lambda cluster: cluster.up(), clusters))
    assert ask(clusters[0], "select 1") == 1
    clusters[0].down()


def test_a_database_created_by_many_at_once(running):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: running.create_database("racy"), range(4)))
    assert "racy" in running.databases()


def test_a_server_that_takes_nobody_is_up(running, monkeypatch):
    assert int(ask(running, "show max_connections")) > 2 * 200
    running.down()
    running._settings |= {"max_connections": "4", "hot_standby": "off"}
    running.up()
    with ExitStack() as others:
        for _ in range(4):
            others.enter_context(psycopg.connect(running.conninfo("postgres")))
        assert running.state().is_running
        running.up()
        with pytest.raises(Unavailable, match="too many clients"):
            running.databases()
        running.down()
    assert not running.state().is_running
    # As long as this is there, it recovers.
    recovers = running.folder / "data" / "standby.signal"
    recovers.touch()
    running.up()
    assert running.state().is_running
    monkeypatch.setattr("reco.db.cluster._START_S", 0.2)
    with pytest.raises(Unavailable, match=r"takes nobody yet.*postgresql\.log"):
        running.up()
    running.down()
    assert not running.state().is_running
    recovers.unlink()


def test_a_path_too_long_for_a_socket(home):
    cluster = Cluster(home / ("long" * 30), is_durable=False)
    cluster.up()
    assert len(str(cluster.socket)) < 100
    assert ask(cluster, "select 1") == 1
    cluster.down()
    shutil.rmtree(cluster.folder)


def test_a_cluster_of_another_version_is_not_touched(running):
    running.down()
    version = running.folder / "data" / "PG_VERSION"
    made_by = version.read_text()
    version.write_text("9\n")
    with pytest.raises(SetupError, match="made by PostgreSQL 9"):
        running.up()
    version.write_text(made_by)
    running.up()
    assert running.state().is_running


def test_a_server_that_does_not_start_says_why_and_where_its_log_is(running):
    running.down()
    settings = running.folder / "data" / "postgresql.conf"
    before = settings.read_text()
    settings.write_text("nonsense = 1\n")
    with pytest.raises(SetupError, match=r"nonsense[\s\S]*postgresql.log"):
        running.up()
    settings.write_text(before)
    running.up()
    assert running.state().is_running
