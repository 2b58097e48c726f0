"""Connections of a worker, and what a database that does not answer means."""

import math
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from reco.errors import Unavailable

_PATIENCE_S = 1.5
"""A request that gets no connection within this is told to come back."""
_IMPATIENCE_S = 0.1
"""The same for those that come within `_PATIENCE_S` after one waited in vain: a crowd that waits in
turn would wait for long."""


class Pool(ConnectionPool[psycopg.Connection[Any]]):
    """Connections, and whether a request has just waited for one in vain."""

    _in_vain_at_s = -math.inf
    longest_wait_s = _PATIENCE_S

    @property
    def patience_s(self) -> float:
        """How long a request may wait for a connection now."""
        has_failed = time.monotonic() - self._in_vain_at_s < _PATIENCE_S
        return _IMPATIENCE_S if has_failed else self.longest_wait_s

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection; one whose server takes no changes any more is not lent again.

        Its server was demoted, or is full: a new one may lead to another, or find it mended.
        """
        with super().connection(timeout) as connection:
            try:
                yield connection
            except psycopg.errors.ReadOnlySqlTransaction:
                connection.close()
                raise

    def note(self, *, has_answered: bool) -> None:
        """Remember whether the last request that asked for a connection got one."""
        self._in_vain_at_s = -math.inf if has_answered else time.monotonic()


def open_pool(conninfo: str, size: int, *, patience_s: float = _PATIENCE_S) -> Pool:
    """Return a pool of at most `size` connections that replaces broken ones by itself.

    The database need not answer yet. Each connection is in autocommit mode, gives up a statement
    after 1.5 s, a server that does not accept it after 1 s, and one that vanished after 3 s.

    Parameters
    ----------
    patience_s
        How long a request waits for a connection.
    """
    pool = Pool(
        conninfo,
        min_size=1,
        max_size=size,
        timeout=_PATIENCE_S,
        reconnect_timeout=0,
        kwargs={
            "autocommit": True,
            "connect_timeout": 1,
            "tcp_user_timeout": 3000,
            "options": "-c statement_timeout=1500 -c timezone=UTC",
            "application_name": "reco",
        },
        check=_check,
        open=True,
    )
    pool.longest_wait_s = patience_s
    return pool


def _check(connection: psycopg.Connection[Any]) -> None:
    """Raise `psycopg.OperationalError` where the server has left; costs no round trip.

    An idle server is silent: one that went away has closed the connection, which can be read, as
    can a rare notice. Only then it is asked.
    """
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    if heard.poll(0):
        ConnectionPool.check_connection(connection)


@contextmanager
def connected(pool: Pool) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection.

    Raises
    ------
    Unavailable
        None could be had in time, the server went away while it was used, or takes no changes.
    """
    try:
        with pool.connection(pool.patience_s) as connection:
            pool.note(has_answered=True)
            yield connection
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise Unavailable("The database takes no changes now; try again in a moment.") from error
    except (PoolTimeout, psycopg.OperationalError) as error:
        if isinstance(error, PoolTimeout):
            pool.note(has_answered=False)
        raise Unavailable("The database does not answer; try again in a moment.") from error
