"""A part of a pool, for those who wait for each other inside the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import psycopg

from reco.db.patience import Patient
from reco.db.pool import Pool, connected
from reco.errors import Unavailable

MOST_WAIT = 16
"""Who waits holds one of the web framework's 40 threads, which everybody needs: not half of them
are to wait here."""


class Share(Patient):
    """Lends up to `size` connections of a pool at once: others always find the rest.

    Up to `MOST_WAIT` wait for one, and not for long where another has just waited in vain.
    """

    def __init__(self, pool: Pool, size: int) -> None:
        self._pool = pool
        self._room = BoundedSemaphore(size)
        self._seats = BoundedSemaphore(MOST_WAIT)
        self.longest_wait_s = pool.longest_wait_s

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection.

        Raises
        ------
        Unavailable
            All of the share were lent for as long as a request may wait, very many wait already,
            or the database is away.
        """
        if not (self._room.acquire(blocking=False) or self._found_by_waiting()):
            raise Unavailable("Very many ask for this just now; try again in a moment.")
        try:
            with connected(self._pool) as connection:
                yield connection
        finally:
            self._room.release()

    def _found_by_waiting(self) -> bool:
        """Return whether room came up in time; at once where there is no seat to wait on."""
        if not self._seats.acquire(blocking=False):
            return False
        try:
            has_room = self._room.acquire(timeout=self.patience_s)
        finally:
            self._seats.release()
        self.note(has_answered=has_room)
        return has_room
