"""Connections of a worker, and what a database that does not answer means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from reco.errors import Unavailable

Pool = ConnectionPool[psycopg.Connection[Any]]

_PATIENCE_S = 1.5
"""A request that gets no connection within this is told to come back."""


def open_pool(conninfo: str, size: int) -> Pool:
    """Return a pool of at most `size` connections that replaces broken ones by itself.

    The database need not answer yet. Each connection is in autocommit mode, gives up a statement
    after 1.5 s and a server that does not accept it after 1 s.
    """
    return ConnectionPool(
        conninfo,
        min_size=1,
        max_size=size,
        timeout=_PATIENCE_S,
        reconnect_timeout=0,
        kwargs={
            "autocommit": True,
            "connect_timeout": 1,
            "options": "-c statement_timeout=1500 -c timezone=UTC",
            "application_name": "reco",
        },
        check=ConnectionPool.check_connection,
        open=True,
    )


@contextmanager
def connected(pool: Pool) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection.

    Raises
    ------
    Unavailable
        None could be had in time, or the server went away while it was used.
    """
    try:
        with pool.connection() as connection:
            yield connection
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise Unavailable("The database does not answer; try again in a moment.") from error
