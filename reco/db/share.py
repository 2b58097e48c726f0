"""A part of a pool, for those who wait for each other inside the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import psycopg

from reco.db.pool import Pool, connected
from reco.errors import Unavailable


class Share:
    """Lends up to `size` connections of a pool at once: others always find the rest."""

    def __init__(self, pool: Pool, size: int) -> None:
        self._pool = pool
        self._room = BoundedSemaphore(size)

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection.

        Raises
        ------
        Unavailable
            All of the share were lent for as long as a request may wait, or the database is away.
        """
        if not self._room.acquire(timeout=self._pool.longest_wait_s):
            raise Unavailable("Very many ask for this just now; try again in a moment.")
        try:
            with connected(self._pool) as connection:
                yield connection
        finally:
            self._room.release()
