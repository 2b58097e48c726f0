"""Connections of a worker: those that are of no use any more are left."""

from contextlib import closing

import pytest
from worlds import take_changes

from reco.catalogue.watch import _listening
from reco.db import pool as pool_module
from reco.db.pool import connected, open_pool
from reco.db.session import look_at, transaction
from reco.errors import Unavailable

_INSERT = "insert into core.category (name) values ('FILM')"


def test_a_database_that_takes_no_changes_is_unavailable_until_it_does_again(world, connection):
    take_changes(connection, whether=False)
    with open_pool(world.conninfo, 1) as pool:
        with (
            pytest.raises(Unavailable, match="takes no changes"),
            connected(pool) as lent,
            lent.transaction(),
        ):
            lent.execute(_INSERT)
        take_changes(connection, whether=True)
        # One that was begun before takes none; it is not lent a second time.
        assert _inserts(pool) or _inserts(pool)


def _inserts(pool):
    try:
        with connected(pool) as lent:
            return lent.execute(_INSERT).rowcount == 1
    except Unavailable:
        return False


def test_what_the_server_gives_up_is_in_the_log_but_for_its_details(world, caplog):
    with open_pool(world.conninfo, 1) as pool, pytest.raises(Unavailable) as given_up:
        _sleeps(pool, "ada")
    assert "ada" in str(given_up.value.__cause__)
    (told,) = (record.message for record in caplog.records if record.name == "reco.db.pool")
    assert told == "The database gave up: canceling statement due to statement timeout (57014)"


def _sleeps(pool, name):
    with connected(pool) as lent:
        lent.execute("set statement_timeout = '20ms'")
        # What a statement in a block says is told with the error.
        lent.execute(f"do $$ begin perform pg_sleep(30 + length('{name}')); end $$")


def test_a_server_that_vanished_is_noticed_while_its_answer_is_waited_for(world):
    with (
        open_pool(world.conninfo, 1) as pool,
        connected(pool) as lent,
        closing(_listening(world.conninfo)) as listening,
        look_at(world.conninfo) as looking,
        transaction(world.conninfo) as importing,
    ):
        for connection, within_s in ((lent, 10), (listening, 10), (looking, 10), (importing, 60)):
            told = connection.info.get_parameters()
            names = ("keepalives_idle", "keepalives_interval", "keepalives_count")
            idle_s, interval_s, count = (int(told[name]) for name in names)
            assert idle_s + interval_s * count <= within_s
            assert int(told["tcp_user_timeout"]) <= 1_000 * within_s


def test_a_transaction_that_is_left_alone_gives_up_its_locks(world, connection, monkeypatch):
    sooner = pool_module._OPTIONS.replace("session_timeout=5000", "session_timeout=20")
    monkeypatch.setattr(pool_module, "_OPTIONS", sooner)
    connection.execute(_INSERT)
    connection.execute("set lock_timeout = '10s'")
    locked = "select id from core.category for update"
    with open_pool(world.conninfo, 1) as pool:
        with pytest.raises(Unavailable):
            stops_for_a_while(pool, locked, connection)
        with connected(pool) as lent:
            assert lent.execute(locked).fetchone()


def stops_for_a_while(pool, locked, other):
    with connected(pool) as lent, lent.transaction():
        lent.execute(locked)
        assert other.execute(locked).fetchone()
        lent.execute("select 1")
