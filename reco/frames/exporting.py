"""A world's core as frames again, streamed in pieces from one moment of the database."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import sql

from reco.db.session import transaction
from reco.frames.files import Format, FrameWriter
from reco.frames.schema import FRAMES, Frames
from reco.frames.staging import Progress
from reco.world import World

_PIECE_BYTES = 8 * 2**20

_QUERIES: Mapping[str, str] = {
    "taxonomy": """
        select c.name, s.name, s.is_event, s.is_digital, s.is_physical
        from core.subcategory s join core.category c on c.id = s.category_id
        where s.is_event is not null and s.is_digital is not null and s.is_physical is not null
        order by s.id
    """,
    "items": """
        select i.external_id, c.name, i.title, s.name, nullif(array_to_string(i.genres, '|'), ''),
               i.description, i.image_url
        from core.item i
        join core.category c on c.id = i.category_id
        left join core.subcategory s on s.id = i.subcategory_id
        order by i.id
    """,
    "venues": """
        select external_id, st_x(location::geometry), st_y(location::geometry), name, venue_type,
               timezone, opening
        from core.venue order by id
    """,
    "offers": """
        select o.external_id, i.external_id, v.external_id, o.is_duo, o.url, o.published_at,
               o.withdrawn_at
        from core.offer o
        join core.item i on i.id = o.item_id
        left join core.venue v on v.id = o.venue_id
        order by o.id
    """,
    "stocks": """
        select s.external_id, o.external_id, s.price_cents / 100.0, s.starts_at, s.ends_at,
               s.quantity, s.booking_limit_at, s.created_at, s.cancelled_at
        from core.stock s join core.offer o on o.id = s.offer_id
        order by s.id
    """,
    "users": """
        select b.external_id, b.birth_date, st_x(b.home::geometry), st_y(b.home::geometry),
               d.amount_cents / 100.0, d.granted_at, d.expires_at
        from core.beneficiary b
        left join (
          select distinct on (user_id) * from core.deposit order by user_id, granted_at desc
        ) as d on d.user_id = b.id
        where b.erased_at is null
        order by b.id
    """,
    "bookings": """
        select u.external_id, s.external_id, b.quantity, b.amount_cents / 100.0, b.booked_at,
               b.cancelled_at, b.used_at
        from core.booking b
        join core.beneficiary u on u.id = b.user_id
        join core.stock s on s.id = b.stock_id
        where u.erased_at is null
        order by b.id
    """,
    "interactions": """
        select u.external_id, o.external_id, i.kind, i.at, i.value, i.slate_id, i.split
        from core.interaction i
        join core.beneficiary u on u.id = i.user_id
        join core.offer o on o.id = i.offer_id
        where u.erased_at is null
        order by i.user_id, i.at, i.offer_id, i.kind
    """,
}
"""Frame to the query that makes its columns, in the frame's order."""

_TOLD_BOOKINGS = f"select * from ({_QUERIES['interactions']}) told where kind = 'booking'"  # noqa: S608 - of ours

_COUNTED: Mapping[str, str] = {
    "taxonomy": "subcategory",
    "items": "item",
    "venues": "venue",
    "offers": "offer",
    "stocks": "stock",
    "users": "beneficiary",
    "bookings": "booking",
    "interactions": "interaction",
}


def export_frames(
    world: World, folder: Path, file_format: Format, progress: Progress
) -> Mapping[str, int]:
    """Write the core of `world` to `folder` as frames and return the rows of each.

    The format has one credit a user: the latest deposit is written. People who are erased, and what
    is left of them, are not. Optional frames without a row are left out. A folder of frames at that
    place is replaced when all is written, not before.

    Raises
    ------
    InvalidInput
        `folder` holds other files.
    Unavailable
        The database does not answer.
    """
    rows: dict[str, int] = {}
    with (
        transaction(world.conninfo, read_only=True) as connection,
        FrameWriter(folder, file_format) as writer,
    ):
        for name, spec in FRAMES.items():
            total = _count(connection, name)
            written = 0
            for table in tables_of(connection, name):
                writer.write(name, table)
                written += len(table)
                progress(f"writing {name}", written, min(written / max(total, 1), 1.0))
            if not written and spec.required:
                writer.write(name, spec.arrow_schema().empty_table())
            if written or spec.required:
                rows[name] = written
    return rows


def read_world_frames(conninfo: str, names: Collection[str]) -> Frames:
    """Return some frames of a world in memory, from one moment of the database.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    with transaction(conninfo, read_only=True) as connection:
        return {name: _whole(name, tables_of(connection, name)) for name in names}


def read_told_bookings(conninfo: str) -> pa.Table:
    """Return the frame `interactions` of a world, but of what it tells only the bookings.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    name = "interactions"
    with transaction(conninfo, read_only=True) as connection:
        return _whole(name, _copied(connection, name, _TOLD_BOOKINGS))


def _whole(name: str, pieces: Iterator[pa.Table]) -> pa.Table:
    return pa.concat_tables([FRAMES[name].arrow_schema().empty_table(), *pieces])


def _count(connection: psycopg.Connection[Any], name: str) -> int:
    table = sql.Identifier("core", _COUNTED[name])
    row = connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchone()
    return int(row[0]) if row else 0


def tables_of(connection: psycopg.Connection[Any], name: str) -> Iterator[pa.Table]:
    """Return one frame of a world in pieces, read within the running transaction."""
    return _copied(connection, name, _QUERIES[name])


def _copied(connection: psycopg.Connection[Any], name: str, query: str) -> Iterator[pa.Table]:
    statement = f"copy ({query}) to stdout (format csv)".encode()
    schema = FRAMES[name].arrow_schema()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        # The server sends each row whole, so that a piece never ends inside one.
        piece = bytearray()
        for row in copy:
            piece += row
            if len(piece) >= _PIECE_BYTES:
                yield _parsed(piece, schema)
                piece = bytearray()
        if piece:
            yield _parsed(piece, schema)


def _parsed(content: bytearray, schema: pa.Schema) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(content),
        read_options=pacsv.ReadOptions(column_names=schema.names, block_size=len(content) + 1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
