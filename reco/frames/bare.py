"""Load empty tables bare: their indexes and foreign keys are dropped before and made anew after.

An index that is filled row by row costs several times what it costs to be built at once, and so do
references that are looked up one by one: the first import of a country takes minutes less.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from reco.frames.staging import Progress

# Primary keys stay: rows come in the order of their ids, and foreign keys rest on them.
_CONSTRAINTS = """
select conname, pg_get_constraintdef(oid) from pg_constraint
where conrelid = %s::regclass and contype in ('f', 'u')
order by contype desc, conname
"""
_INDEXES = """
select i.indexrelid::regclass::text,
  -- Of a partitioned table: with all its partitions.
  replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
from pg_index i
where i.indrelid = %s::regclass
  and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
order by 1
"""


@dataclass(frozen=True)
class _Stripped:
    """What was dropped of a table, as statements that make it anew."""

    table: str
    constraints: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]


@contextmanager
def bare_while_empty(
    connection: psycopg.Connection[Any], tables: Iterable[str], progress: Progress
) -> Iterator[frozenset[str]]:
    """Strip those of `tables` that are empty and yield them; restore them where no error leaves.

    The tables are locked until the transaction ends; an error rolls back what was dropped with it.
    """
    stripped = [_strip(connection, name) for name in tables if _is_empty(connection, name)]
    yield frozenset(table.table for table in stripped)
    connection.execute("set local maintenance_work_mem = '1GB'")
    for done, table in enumerate(stripped, start=1):
        _restore(connection, table)
        progress("building indexes", done, done / len(stripped))


def _is_empty(connection: psycopg.Connection[Any], table: str) -> bool:
    found = connection.execute(
        sql.SQL("select not exists (select from {})").format(_named(table))
    ).fetchone()
    return bool(found and found[0])


def _strip(connection: psycopg.Connection[Any], table: str) -> _Stripped:
    constraints = connection.execute(_CONSTRAINTS, (table,)).fetchall()
    for name, _ in constraints:
        connection.execute(
            sql.SQL("alter table {} drop constraint {}").format(_named(table), sql.Identifier(name))
        )
    indexes = connection.execute(_INDEXES, (table,)).fetchall()
    for name, _ in indexes:
        connection.execute(f"drop index {name}".encode())
    return _Stripped(table, tuple(constraints), tuple(definition for _, definition in indexes))


def _restore(connection: psycopg.Connection[Any], table: _Stripped) -> None:
    for definition in table.indexes:
        connection.execute(definition.encode())
    for name, definition in table.constraints:
        connection.execute(
            sql.SQL("alter table {} add constraint {} ").format(
                _named(table.table), sql.Identifier(name)
            )
            + sql.SQL(definition)
        )


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
