"""One connection for one piece of work: long, as an import is, or a look at a few rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from reco.errors import Unavailable

SOON: Mapping[str, Any] = {
    "tcp_user_timeout": 3000,
    # The former is of what was sent; these are of an answer that is waited for.
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
"""Parameters of a connection whose server is left where its machine has given no sign for some 6 s.

A server that is there is waited for, however long a lock or its work takes.
"""
_IN_A_MINUTE: Mapping[str, Any] = {
    "tcp_user_timeout": 60_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""The same for long work, which is not to fail for a line that was broken for a moment."""

_SETTINGS = (
    b"set local timezone = 'UTC'",
    b"set local datestyle = 'ISO'",
    # Sorts and joins of whole tables; a few such sessions run at a time, not hundreds.
    b"set local work_mem = '256MB'",
    b"set local jit = off",
)


@contextmanager
def transaction(conninfo: str, *, read_only: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection with one transaction, committed at the end unless an error leaves it.

    Parameters
    ----------
    read_only
        See one moment of the database throughout, and write nothing.

    Raises
    ------
    Unavailable
        The database does not answer, or gave up in the middle; nothing was written.
    """
    with _connected(conninfo) as connection:
        if read_only:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            yield connection
        except psycopg.OperationalError as error:
            raise Unavailable(f"The database gave up; nothing was written: {error}") from error


def look_at(
    conninfo: str, *, autocommit: bool = False, options: str | None = None
) -> psycopg.Connection[Any]:
    """Return a connection for what must not wait for a server that has vanished without a word.

    A server that is there is waited for, however long a lock or its work takes.

    Raises
    ------
    psycopg.OperationalError
        The server does not accept it within 2 s; statements raise it where its machine has given no
        sign for some 6 s.
    """
    return psycopg.connect(
        conninfo, autocommit=autocommit, options=options, connect_timeout=2, **SOON
    )


def _connected(conninfo: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(conninfo, connect_timeout=5, **_IN_A_MINUTE)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {error}") from error
