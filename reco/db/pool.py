"""Connections of a worker, and what a database that does not answer means."""

import logging
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from reco.db.outage import Outage
from reco.db.patience import PATIENCE_S, Patient
from reco.db.session import SOON
from reco.errors import Unavailable

log = logging.getLogger(__name__)
_psycopg_log = logging.getLogger("psycopg.pool")
_OF_AN_ATTEMPT = ("error connecting in", "reconnection attempt in")

_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=1500"
    # Of a worker that stopped in the middle, or whose machine did: others wait for its locks.
    " -c idle_in_transaction_session_timeout=5000"
    # Of a machine that vanished: others want its connections.
    " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
_AWAY = (
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class Pool(Patient, ConnectionPool[psycopg.Connection[Any]]):
    """Connections, and whether a request has just waited for one in vain."""

    outage: Outage | None = None
    """What tells that the database gives none; None: somebody else does."""

    def close(self, timeout: float = 5.0) -> None:
        """Close all connections."""
        super().close(timeout)
        _psycopg_log.removeFilter(self.is_news)

    def is_news(self, record: logging.LogRecord) -> bool:
        """Say whether the log is to have a record of psycopg; a failed attempt is the outage's.

        There are many a second.
        """
        if not record.msg.startswith(_OF_AN_ATTEMPT) or not isinstance(record.args, tuple):
            return True
        name, why = record.args
        if name != self.name:
            return True
        if self.outage and isinstance(why, Exception):
            self.outage.begin(why)
        return False

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


def open_pool(
    conninfo: str, size: int, *, patience_s: float = PATIENCE_S, outage: Outage | None = None
) -> Pool:
    """Return a pool of at most `size` connections that replaces broken ones by itself.

    The database need not answer yet. Each connection is in autocommit mode, gives up a statement
    after 1.5 s, a server that does not accept it after 1 s, and one that vanished after some 6 s.
    The server takes back a transaction that is left alone for 5 s.

    Parameters
    ----------
    patience_s
        How long a request waits for a connection.
    outage
        Told of what keeps the pool from connecting; None: somebody else tells.
    """
    pool = Pool(
        conninfo,
        min_size=1,
        max_size=size,
        timeout=PATIENCE_S,
        reconnect_timeout=0,
        kwargs={
            "autocommit": True,
            "connect_timeout": 1,
            "options": _OPTIONS,
            "application_name": "reco",
            **SOON,
        },
        check=_check,
        open=False,
    )
    pool.longest_wait_s = patience_s
    pool.outage = outage
    _psycopg_log.addFilter(pool.is_news)
    pool.open()
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
    """Lend a connection; what its server gives up, and why, is for the log.

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
        tell_given_up(error)
        raise Unavailable("The database takes no changes now; try again in a moment.") from error
    except _AWAY as error:
        if isinstance(error, PoolTimeout):
            pool.note(has_answered=False)
        tell_given_up(error)
        raise Unavailable("The database does not answer; try again in a moment.") from error


def tell_given_up(error: psycopg.Error) -> None:
    """Log what a server that is there refused or gave up: a lock, say, that was waited for.

    Its details stay out, which may be of a person.
    """
    if error.sqlstate is not None:
        log.warning("The database gave up: %s (%s)", error.diag.message_primary, error.sqlstate)
