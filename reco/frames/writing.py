"""From staging into the core, table by table: new and changed rows alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from reco.frames.bare import bare_while_empty
from reco.frames.staging import Progress
from reco.frames.upserts import UPSERTS

# Identities of categories are small: they are drawn for new rows alone.
_CATEGORIES = """
    with wanted as (
      select category as name from staged_taxonomy union select category from staged_items
    ), made as (
      insert into core.category (name)
      select name from wanted
      where name not in (select name from core.category)
      order by name collate "C"
      returning 1
    )
    select (select count(*) from wanted), (select count(*) from made), 0
"""
_SUBCATEGORIES = """
    with wanted as (
      select subcategory as name, c.id as category_id, is_event, is_digital, is_physical
      from staged_taxonomy join core.category c on c.name = category
    ), implied as (
      select distinct subcategory as name, c.id as category_id,
             null::boolean as is_event, null::boolean as is_digital, null::boolean as is_physical
      from staged_items join core.category c on c.name = category
      where subcategory is not null
        and subcategory not in (select subcategory from staged_taxonomy)
    ), named as (
      select * from wanted union all select * from implied
    ), updated as (
      update core.subcategory as kept
      set (category_id, is_event, is_digital, is_physical)
        = row(w.category_id, w.is_event, w.is_digital, w.is_physical)
      from wanted w
      where w.name = kept.name
        and (kept.category_id, kept.is_event, kept.is_digital, kept.is_physical)
          is distinct from (w.category_id, w.is_event, w.is_digital, w.is_physical)
      returning 1
    ), made as (
      insert into core.subcategory (name, is_event, is_digital, is_physical, category_id)
      select name, is_event, is_digital, is_physical, category_id from named
      where name not in (select name from core.subcategory)
      order by name collate "C"
      returning 1
    )
    select (select count(*) from named),
           (select count(*) from made),
           (select count(*) from updated)
"""

# The statement that counts new rows by a system column is not to be had for a partitioned table.
_RESOLVED = """
    select distinct on (u.id, i.at, o.id, i.kind)
      u.id as user_id, o.id as offer_id, i.kind, i.at, i.value, i.slate_id::uuid, i.split
    from staged_interactions i
    join core.beneficiary u on u.external_id = i.user_id
    join core.offer o on o.external_id = i.offer_id
    order by u.id, i.at, o.id, i.kind, i.row
"""
_KEEP_RESOLVED = "create temporary table resolved_interactions on commit drop as" + _RESOLVED
_FIRST_INTERACTIONS = (
    "insert into core.interaction (user_id, offer_id, kind, at, value, slate_id, split)" + _RESOLVED
)
_CHANGED_INTERACTIONS = """
    update core.interaction as kept
    set ({columns}) = row({proposed})
    from resolved_interactions r
    where r.user_id = kept.user_id and r.offer_id = kept.offer_id and r.kind = kept.kind
      and r.at is not distinct from kept.at
      and ({present}) is distinct from ({proposed})
"""
_OF_INTERACTIONS = ("value", "slate_id", "split")
"""What may change of an interaction."""
_NEW_INTERACTIONS = """
    insert into core.interaction (user_id, offer_id, kind, at, value, slate_id, split)
    select * from resolved_interactions
    on conflict (user_id, at, offer_id, kind) do nothing
"""


@dataclass(frozen=True)
class Counts:
    """What became of the rows of a frame in one table."""

    rows: int
    new: int
    changed: int

    @property
    def unchanged(self) -> int:
        """Rows that were there already, as they are."""
        return self.rows - self.new - self.changed


_FILLED = (
    *(f"core.{upsert.table}" for upsert in UPSERTS),
    *("core.interaction", "core.change", "core.ledger"),
    *("reco.item_text", "reco.venue_text"),
)
"""Every large table that an import writes to, by itself or through triggers."""


def write_tables(
    connection: psycopg.Connection[Any], told: Mapping[str, Collection[str]], progress: Progress
) -> Iterator[tuple[str, Counts]]:
    """Write the staged rows; yield each table of the core and what became of its rows.

    Items imply categories and subcategories that no taxonomy describes; their flags are null.
    Tables without a row are loaded bare, and get their indexes in the end.

    Parameters
    ----------
    told
        Frame to the columns that it has; of rows that are there, others are left as they are.
    """
    yield "category", _counts(connection, sql.SQL(_CATEGORIES))
    yield "subcategory", _counts(connection, sql.SQL(_SUBCATEGORIES))
    with bare_while_empty(connection, _FILLED, progress) as empty:
        for upsert in UPSERTS:
            into_empty = f"core.{upsert.table}" in empty
            statement = upsert.statement(told.get(upsert.frame, ()), into_empty=into_empty)
            yield upsert.table, _counts(connection, statement)
        into_empty = "core.interaction" in empty
        of_frame = told.get("interactions", ())
        yield "interaction", _write_interactions(connection, of_frame, into_empty=into_empty)


def _counts(connection: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> Counts:
    row = connection.execute(statement).fetchone()
    return Counts(*row) if row else Counts(0, 0, 0)


def _write_interactions(
    connection: psycopg.Connection[Any], told: Collection[str], *, into_empty: bool
) -> Counts:
    """Write interactions; one that is there twice is kept once, the first of the file."""
    rows = _counts(connection, sql.SQL("select count(*), 0, 0 from staged_interactions")).rows
    if into_empty:
        return Counts(rows, connection.execute(_FIRST_INTERACTIONS.encode()).rowcount, 0)
    connection.execute(_KEEP_RESOLVED.encode())
    connection.execute(b"analyze resolved_interactions")
    columns = [name for name in _OF_INTERACTIONS if name in told]
    changed = connection.execute(_changed_interactions(columns)).rowcount if columns else 0
    new = connection.execute(_NEW_INTERACTIONS.encode()).rowcount
    return Counts(rows, new, changed)


def _changed_interactions(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(_CHANGED_INTERACTIONS).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        proposed=sql.SQL(", ").join(sql.Identifier("r", name) for name in columns),
        present=sql.SQL(", ").join(sql.Identifier("kept", name) for name in columns),
    )
