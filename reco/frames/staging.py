"""Frames on their way into the core: temporary tables, filled by binary COPY."""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from reco.errors import FramesRefused
from reco.frames.copying import HEADER, TRAILER, copied_rows
from reco.frames.pieces import Piece
from reco.frames.schema import FRAMES, Column, FrameSpec, Kind
from reco.frames.sources import FrameSource

Progress = Callable[[str, int, float], None]
"""Told what is being done ("reading items"), how many rows of it are, and its share, 0 to 1."""

_STAGED: Mapping[Kind, str] = {
    Kind.FLAG: "boolean",
    Kind.LON: "double precision",
    Kind.LAT: "double precision",
    Kind.MONEY_EUR: "integer",
    Kind.COUNT: "integer",
    Kind.NUMBER: "real",
    Kind.TIME: "timestamptz",
    Kind.DATE: "date",
}
"""Kind to the type that its column has in staging, text where nothing is said."""


def create_staging(connection: psycopg.Connection[Any]) -> None:
    """Create an empty table `staged_<frame>` for every frame; they go with the transaction.

    Each has the frame's columns, `<name>_eur` as whole cents in `<name>_cents`, and `row`, the
    number of the row in its file.
    """
    for spec in FRAMES.values():
        columns = [sql.SQL("row bigint")] + [
            sql.SQL("{} {}").format(_name(column), sql.SQL(_STAGED.get(column.kind, "text")))
            for column in spec.columns
        ]
        connection.execute(
            sql.SQL("create temporary table {} ({}) on commit drop").format(
                staged(spec.name), sql.SQL(", ").join(columns)
            )
        )


def stage_frame(
    connection: psycopg.Connection[Any], source: FrameSource, name: str, progress: Progress
) -> FramesRefused | None:
    """Copy the good rows of a frame into its staging table; return what is wrong with others."""
    spec = FRAMES[name]
    columns = sql.SQL(", ").join([sql.Identifier("row"), *(_name(c) for c in spec.columns)])
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(staged(name), columns)
    rows, refused = 0, None
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        try:
            for piece in source.pieces(name):
                copy.write(copied_rows(_arrays(piece, spec)))
                rows += len(piece.table)
                progress(f"reading {name}", rows, piece.share)
        except FramesRefused as error:
            refused = error
        copy.write(TRAILER)
    connection.execute(sql.SQL("analyze {}").format(staged(name)))
    progress(f"reading {name}", rows, 1.0)
    return refused


def staged(name: str) -> sql.Identifier:
    """Return the staging table of a frame."""
    return sql.Identifier(f"staged_{name}")


def _name(column: Column) -> sql.Identifier:
    if column.kind is Kind.MONEY_EUR:
        return sql.Identifier(column.name.removesuffix("_eur") + "_cents")
    return sql.Identifier(column.name)


def _arrays(piece: Piece, spec: FrameSpec) -> list[pa.Array]:
    table = piece.table.combine_chunks()
    columns = (table.column(column.name) for column in spec.columns)
    staged_columns = map(_staged_column, columns, (column.kind for column in spec.columns))
    return [pa.array(piece.rows), *staged_columns]


def _staged_column(column: pa.ChunkedArray, kind: Kind) -> pa.Array:
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if kind is Kind.MONEY_EUR:
        return pc.round(pc.multiply(values, 100.0)).cast(pa.int32())
    if kind is Kind.NUMBER:
        return values.cast(pa.float32(), safe=False)
    return values
