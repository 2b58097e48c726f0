"""Partitions of interactions (a quarter each) and slates (a month each), made ahead of their time.

Rows that have none lie in the default partition, where they are found all the same. So whoever
writes rows makes none: a partition is attached under a lock that no reader may hold, and all feeds
wait behind whoever waits for it. Here that is for a fifth of a second at a time.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from reco.db.session import look_at

AHEAD_MONTHS = 6

MOST_BESIDE = 3_000_000
"""Rows of a default partition that may be looked through while feeds wait (docs/scaling.md)."""

_OPTIONS = "-c timezone=UTC -c lock_timeout=200ms -c statement_timeout=0"
_TRIES = 3
_PAUSE_S = 0.5
_PASSING = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    # A row came to the default partition after those of its time had left it.
    psycopg.errors.CheckViolation,
)

# The same that `core.ensure_months` of the migrations takes.
_ALONE = b"select pg_advisory_xact_lock(hashtext('core.ensure_months'))"
_BESIDE = "select reltuples from pg_class where oid = to_regclass(%s)"
# Not by to_regclass: a session that found nothing remembers so, whatever others make meanwhile.
_IS_THERE = """
select exists (
  select from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = %s and c.relname = %s
)
"""
_CREATE = "create table {partition} (like {table} including all)"
_MOVE = """
with moved as (delete from {default} where at >= {begin} and at < {end} returning *)
insert into {partition} select * from moved
"""
_LOCK = "lock table only {table} in access exclusive mode"
_ATTACH = "alter table {table} attach partition {partition} for values from ({begin}) to ({end})"


@dataclass(frozen=True)
class Table:
    """A partitioned table and how many months one of its partitions has."""

    name: str
    months: int


INTERACTIONS = Table("core.interaction", 3)
SLATES = Table("reco.slate", 1)


@dataclass(frozen=True)
class Partition:
    """Rows from a day on until before another, UTC."""

    table: Table
    begin: date
    end: date

    @property
    def name(self) -> str:
        """With its schema."""
        month = self.begin.month
        part = f"{month:02}" if self.table.months == 1 else f"q{(month + 2) // self.table.months}"
        return f"{self.table.name}_{self.begin.year:04}_{part}"


def partitions_of(table: Table, first: date, last: date) -> list[Partition]:
    """Return the partitions of the days from `first` to `last`.

    >>> from datetime import date
    >>> found = partitions_of(INTERACTIONS, date(2026, 11, 30), date(2027, 1, 1))
    >>> [partition.name for partition in found]
    ['core.interaction_2026_q4', 'core.interaction_2027_q1']
    """
    found = []
    begin = _begin(table, first)
    while begin <= last:
        # A few days into the next one, whatever its months are.
        end = _begin(table, begin + timedelta(days=31 * table.months))
        found.append(Partition(table, begin, end))
        begin = end
    return found


def partitions_ahead(today: date, months: int) -> list[Partition]:
    """Return the partitions of both tables from today on, for so many months at least."""
    last = today + timedelta(days=31 * months)
    return [part for table in (SLATES, INTERACTIONS) for part in partitions_of(table, today, last)]


def make_partitions(conninfo: str, wanted: Iterable[Partition]) -> list[Partition]:
    """Make those of `wanted` that are missing; return those that somebody's reading forbids now.

    What another process makes meanwhile is not among them.

    Each is made in a transaction of its own, with its rows out of the default partition. Feeds wait
    while that is looked through, once, for rows that must not be there, and twice if some were.

    Raises
    ------
    psycopg.Error
        The database does not answer, takes no changes, or gives no right.
    """
    with look_at(conninfo, autocommit=True, options=_OPTIONS) as connection:
        missing = [partition for partition in wanted if not _is_there(connection, partition)]
        left = [partition for partition in missing if not _is_made(connection, partition)]
        return [partition for partition in left if not _is_there(connection, partition)]


def too_many_beside(conninfo: str, wanted: Iterable[Partition]) -> list[Partition]:
    """Return those of `wanted` that are missing beside more than `MOST_BESIDE` rows, as estimated.

    Raises
    ------
    psycopg.Error
        The database does not answer.
    """
    with look_at(conninfo, autocommit=True) as connection:
        missing = [partition for partition in wanted if not _is_there(connection, partition)]
        return [part for part in missing if _rows_beside(connection, part.table) > MOST_BESIDE]


def _begin(table: Table, day: date) -> date:
    return day.replace(day=1, month=(day.month - 1) // table.months * table.months + 1)


def _is_there(connection: psycopg.Connection[Any], partition: Partition) -> bool:
    found = connection.execute(_IS_THERE, partition.name.split(".")).fetchone()
    return bool(found and found[0])


def _rows_beside(connection: psycopg.Connection[Any], table: Table) -> float:
    found = connection.execute(_BESIDE, (f"{table.name}_default",)).fetchone()
    return float(found[0]) if found else 0.0


def _is_made(connection: psycopg.Connection[Any], partition: Partition) -> bool:
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            with connection.transaction():
                _make(connection, partition)
        except _PASSING:
            continue
        return True
    return False


def _make(connection: psycopg.Connection[Any], partition: Partition) -> None:
    connection.execute(_ALONE)
    if _is_there(connection, partition):
        return
    _run(connection, _CREATE, partition)
    if _run(connection, _MOVE, partition):
        # Who has planned without the partition would miss what was moved: none may be at it.
        _run(connection, _LOCK, partition)
        _run(connection, _MOVE, partition)
    _run(connection, _ATTACH, partition)


def _run(connection: psycopg.Connection[Any], statement: str, partition: Partition) -> int:
    table = partition.table.name
    filled = sql.SQL(statement).format(
        table=_named(table),
        default=_named(f"{table}_default"),
        partition=_named(partition.name),
        begin=_midnight(partition.begin),
        end=_midnight(partition.end),
    )
    return connection.execute(filled).rowcount


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _midnight(day: date) -> sql.Literal:
    return sql.Literal(datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat())
