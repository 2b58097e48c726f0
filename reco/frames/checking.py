"""What only the database can tell of staged rows: what is there twice, what does not exist."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from reco.errors import InvalidInput
from reco.frames.pieces import SHOWN_ROWS, FaultRecord, RowFault
from reco.frames.schema import FRAMES, Column, FrameSpec
from reco.frames.staging import staged

_CORE_TABLES: Mapping[str, str] = {
    "items": "item",
    "venues": "venue",
    "offers": "offer",
    "stocks": "stock",
    "users": "beneficiary",
}

_RULES: Mapping[str, tuple[bytes, ...]] = {
    "items": (
        b"""
        select row, 'subcategory', 'is a subcategory of ' || quote_literal(first_category) || ' too'
        from (
          select i.row, i.category, coalesce(
            t.category,
            c.name,
            first_value(i.category) over (partition by i.subcategory order by i.row)
          ) as first_category
          from staged_items i
          left join staged_taxonomy t on t.subcategory = i.subcategory
          left join core.subcategory s on s.name = i.subcategory
          left join core.category c on c.id = s.category_id
          where i.subcategory is not null
        ) as placed
        where category <> first_category
        """,
    ),
    "users": (
        b"""
        select row, case when lon is null then 'lon' else 'lat' end,
               'is empty; a home needs both lon and lat'
        from staged_users where (lon is null) <> (lat is null)
        """,
        b"""
        select row, 'credit_granted_at', 'is empty; it is needed with credit_eur'
        from staged_users where credit_cents is not null and credit_granted_at is null
        """,
        b"""
        select row, 'credit_eur', 'is empty; it is needed with the time of a credit'
        from staged_users
        where credit_cents is null
          and (credit_granted_at is not null or credit_expires_at is not null)
        """,
    ),
    "bookings": (
        b"""
        select row, 'quantity', quantity || ' is outside 1 to 32,767'
        from staged_bookings where quantity not between 1 and 32767
        """,
        b"""
        select row, 'booked_at', 'the same user books the same stock at the same time twice'
        from (
          select row, row_number() over (partition by user_id, stock_id, booked_at order by row)
          from staged_bookings
        ) as numbered
        where row_number > 1
        """,
        b"""
        select row, 'used_at', 'is given, and so is cancelled_at: a booking ends in one way'
        from staged_bookings where used_at is not null and cancelled_at is not null
        """,
    ),
    "interactions": (
        b"""
        select row, 'slate_id', quote_literal(left(slate_id, 40)) || ' is no UUID'
        from staged_interactions
        where slate_id is not null
          and slate_id !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        """,
    ),
}
"""Frame to queries of bad rows: row, column, reason."""


_SAME_IDS = b"""
    select count(*), count(*) filter (where kept.birth_date <> told.birth_date)
    from staged_users told join core.beneficiary kept on kept.external_id = told.user_id
    where kept.birth_date is not null and told.birth_date is not null
"""
_ENOUGH_PEOPLE = 10
"""Of fewer, those whose dates are being mended may be the most."""


def check_frame(connection: psycopg.Connection[Any], name: str) -> FaultRecord:
    """Return the staged rows of a frame that can't be taken."""
    spec = FRAMES[name]
    queries: list[sql.Composable] = [sql.SQL(rule.decode()) for rule in _RULES.get(name, ())]
    queries += [_dangling(spec, column) for column in spec.columns if column.references]
    if spec.key:
        queries.append(_repeated(spec, spec.key))
    statement = sql.SQL(
        'with bad (row, "column", reason) as ({}),'
        " first as (select distinct on (row) * from bad order by row)"
        " select *, count(*) over () from first order by row limit {}"
    ).format(sql.SQL(" union all ").join(queries), SHOWN_ROWS)
    rows = connection.execute(statement).fetchall()
    faults = [RowFault(row, column, reason) for row, column, reason, _ in rows]
    return FaultRecord(faults, rows[0][3] if rows else 0)


def require_same_people(connection: psycopg.Connection[Any], world: str) -> None:
    """Check that staged users are those that the world knows by the same ids.

    Frames of another world would otherwise be mixed into this one: simulated ones share their ids.

    Raises
    ------
    InvalidInput
        Most of those whose birth date both know were born on another day.
    """
    row = connection.execute(_SAME_IDS).fetchone()
    known, others = row or (0, 0)
    if known >= _ENOUGH_PEOPLE and 2 * others > known:
        raise InvalidInput(
            "users",
            f"{others:,} of {known:,} people whose ids {world} has were born on another day there,"
            " so these frames are of other people, and nothing was imported; import them into a"
            " world of their own (--world NAME)",
        )


def _repeated(spec: FrameSpec, key: str) -> sql.Composable:
    return sql.SQL(
        "select row, {label}, quote_literal(left({key}, 40)) || ' is there twice' from"
        " (select row, {key}, row_number() over (partition by {key} order by row) from {table})"
        " as numbered where row_number > 1"
    ).format(label=sql.Literal(key), key=sql.Identifier(key), table=staged(spec.name))


def _dangling(spec: FrameSpec, column: Column) -> sql.Composable:
    referred = FRAMES[str(column.references)]
    return sql.SQL(
        "select row, {label}, quote_literal(left({name}, 40)) || ' is not among the ' || {referred}"
        " from {table} as pointing where {name} is not null"
        " and not exists (select from {other} as known where known.{key} = pointing.{name})"
        " and not exists (select from core.{kept} as kept where kept.external_id = pointing.{name})"
    ).format(
        label=sql.Literal(column.name),
        name=sql.Identifier(column.name),
        referred=sql.Literal(referred.name),
        table=staged(spec.name),
        other=staged(referred.name),
        key=sql.Identifier(str(referred.key)),
        kept=sql.Identifier(_CORE_TABLES[referred.name]),
    )
