"""One transaction: committed whole, rolled back whole, and told apart when the server goes."""

import psycopg
import pytest

from reco.db.session import transaction
from reco.errors import Unavailable

_COUNT = "select count(*) from core.category"


def test_it_commits_at_the_end(world, connection):
    with transaction(world.conninfo) as session:
        session.execute("insert into core.category (name) values ('FILM')")
        assert connection.execute(_COUNT).fetchone() == (0,)
    assert connection.execute(_COUNT).fetchone() == (1,)


def fails_after_writing(world):
    with transaction(world.conninfo) as session:
        session.execute("insert into core.category (name) values ('FILM')")
        raise ZeroDivisionError


def test_an_error_takes_all_of_it_back(world, connection):
    with pytest.raises(ZeroDivisionError):
        fails_after_writing(world)
    assert connection.execute(_COUNT).fetchone() == (0,)


def loses_its_server(world, connection):
    with transaction(world.conninfo) as session:
        connection.execute("select pg_terminate_backend(%s)", [session.info.backend_pid])
        session.execute(_COUNT)


def test_a_server_that_goes_away_is_unavailable(world, connection):
    with pytest.raises(Unavailable, match="gave up"):
        loses_its_server(world, connection)


def test_a_read_only_transaction_sees_one_moment(world, connection):
    with transaction(world.conninfo, read_only=True) as session:
        before = session.execute(_COUNT).fetchone()
        connection.execute("insert into core.category (name) values ('FILM')")
        assert session.execute(_COUNT).fetchone() == before


def test_a_read_only_transaction_writes_nothing(world):
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        transaction(world.conninfo, read_only=True) as session,
    ):
        session.execute("insert into core.category (name) values ('FILM')")
