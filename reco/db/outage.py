"""A database that gives no connection: told once, with what to do, and once that it does again."""

import logging
import threading

import psycopg

from reco.errors import Unavailable

log = logging.getLogger(__name__)


class Outage:
    """What all who ask one database find of it; for the log as it begins and as it ends.

    Parameters
    ----------
    remedy
        What to do, a sentence; empty where that is not known.
    """

    def __init__(self, remedy: str = "") -> None:
        self._remedy = remedy and f" {remedy}"
        self._noting = threading.Lock()
        self._is_on = False

    @property
    def is_on(self) -> bool:
        """Whether the database was last found to give no connection."""
        return self._is_on

    def is_why(self, error: BaseException) -> bool:
        """Say whether `error` is of a database that is away: then it is noted."""
        if _is_away(error):
            self.begin(error)
            return True
        return False

    def begin(self, error: BaseException) -> None:
        """Note that the database gives no connection, and why."""
        if self._becomes(is_on=True):
            # What libpq says has several lines.
            reason = " ".join(str(error).split())
            log.warning("The database gives no connection (%s).%s", reason, self._remedy)

    def end(self) -> None:
        """Note that the database gives connections."""
        if self._is_on and self._becomes(is_on=False):
            log.warning("The database gives connections again.")

    def _becomes(self, *, is_on: bool) -> bool:
        with self._noting:
            before, self._is_on = self._is_on, is_on
            return before != is_on


def _is_away(error: BaseException) -> bool:
    why = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ else error
    # What a server that is there refuses or gives up has a code.
    lost = isinstance(why, psycopg.OperationalError) and why.sqlstate is None
    return lost or isinstance(why, Unavailable)
