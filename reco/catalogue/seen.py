"""What a reader of the database has seen: the border between what it knows and what is new."""

from dataclasses import dataclass
from typing import Any

import psycopg

from reco.db.identity import THIS_DATABASE
from reco.errors import Unavailable

_SEEN = f"select ({THIS_DATABASE}), pg_current_snapshot()::text"


@dataclass(frozen=True)
class Seen:
    """A snapshot of a database, by which later readers tell what was not visible in it."""

    database: str
    """Which one of which server (`THIS_DATABASE`): one made anew under the same name is another,
    and the first of every server has the same object id."""
    snapshot: str
    """`pg_current_snapshot()` as text: xmin:xmax:transactions in progress."""

    @property
    def before_xid(self) -> int:
        """Every transaction from this one on was not visible."""
        return int(self.snapshot.split(":")[1])

    @property
    def in_progress(self) -> list[int]:
        """Transactions before it that were not visible either: they were not over."""
        listed = self.snapshot.split(":")[2]
        return [int(xid) for xid in listed.split(",")] if listed else []

    def is_past_of(self, now: "Seen") -> bool:
        """Say whether it lies behind `now`; not where a database was restored or made anew."""
        return self.database == now.database and self.before_xid <= now.before_xid


def read_seen(connection: psycopg.Connection[Any]) -> Seen:
    """Return what the running transaction sees."""
    row = connection.execute(_SEEN).fetchone()
    if row is None:
        raise Unavailable("The database does not say which one it is; try again in a moment.")
    return Seen(str(row[0]), str(row[1]))
