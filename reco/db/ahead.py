"""Partitions that a worker makes ahead while it answers: seldom, and where feeds wait little."""

import logging
from datetime import UTC, datetime, timedelta

import psycopg

from reco.db.partitions import make_partitions, partitions_ahead, too_many_beside

log = logging.getLogger(__name__)

_MONTHS = 1
_EVERY = timedelta(days=1)
_AGAIN = timedelta(hours=1)
_FORBIDDEN = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)


class Ahead:
    """Makes the partitions of this month and the next that nobody has made, once a day.

    Where that fails it is tried again an hour later. What has too many rows beside it is left to
    `reco db partitions`.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def look(self, now: datetime) -> None:
        """Make what is missing, if it is time to.

        Raises
        ------
        psycopg.Error
            The database does not answer.
        """
        if now < self._not_before:
            return
        self._not_before = now + _AGAIN
        try:
            self._make(now)
        except _FORBIDDEN as error:
            log.warning(
                "No partitions are made ahead for now; `reco db partitions` needs the right to: %s",
                error,
            )
        else:
            self._not_before = now + _EVERY

    def _make(self, now: datetime) -> None:
        wanted = partitions_ahead(now.astimezone(UTC).date(), _MONTHS)
        costly = too_many_beside(self._conninfo, wanted)
        if costly:
            names = ", ".join(partition.name for partition in costly)
            log.warning(
                "Feeds would wait for long: run `reco db partitions` at a quiet hour for %s", names
            )
        cheap = [partition for partition in wanted if partition not in costly]
        if left := make_partitions(self._conninfo, cheap):
            names = ", ".join(partition.name for partition in left)
            log.warning("Somebody reads for long: not made before tomorrow: %s", names)
