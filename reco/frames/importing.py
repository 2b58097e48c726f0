"""Frames into a world: all of them or nothing, new and changed rows alone."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from reco.db.partitions import INTERACTIONS, make_partitions, partitions_of
from reco.db.session import transaction
from reco.errors import BadRow, FramesRefused
from reco.frames.checking import check_frame, require_same_people
from reco.frames.pieces import SHOWN_ROWS
from reco.frames.sources import FrameSource
from reco.frames.spelling import spell_as_kept
from reco.frames.staging import Progress, create_staging, stage_frame
from reco.frames.writing import Counts, write_tables
from reco.world import World

log = logging.getLogger(__name__)

_MONTHS = 36
"""Partitions made for the latest months of the interactions; older ones share the default."""

# Two imports would wait for each other's rows in the middle; this way one waits at the start.
_LOCK = b"select pg_advisory_xact_lock(hashtext('reco.import'))"
_DAYS = b"""
    select
      greatest(
        min(at at time zone 'UTC'),
        date_trunc('month', max(at at time zone 'UTC')) - make_interval(months => %(months)s - 1)
      )::date,
      max(at at time zone 'UTC')::date
    from staged_interactions having max(at) is not null
"""


@dataclass(frozen=True)
class ImportSummary:
    """What an import did, by table of the core."""

    tables: Mapping[str, Counts]

    @property
    def written(self) -> int:
        """Rows that are new or changed."""
        return sum(counts.new + counts.changed for counts in self.tables.values())


def import_frames(world: World, source: FrameSource, progress: Progress) -> ImportSummary:
    """Write the frames of `source` into the database of `world`, in one transaction.

    Partitions that their interactions lack are made before, and stay where it fails.

    Rows are found again by their external ids (bookings by user, stock and time; interactions by
    user, time, offer and kind), so that importing the same frames twice changes nothing. What the
    frames do not mention stays: other rows, and of their rows what an absent column would tell (an
    empty cell tells that there is nothing). What the database knows to be over stays so, too: a
    booking that ended, a stock or an offer that its partner ended. References may point to rows of
    the frames or of the database. A credit becomes a deposit with the programme's caps; one that
    was granted here keeps its own, and nobody is granted a second of that age while one runs:
    what frames say of its time stays unheard. Money is rounded to whole cents.

    Parameters
    ----------
    progress
        Called after every piece.

    Raises
    ------
    FramesRefused
        There are bad rows; nothing was written.
    InvalidInput
        A file can't be read, or the people are not those of the world; nothing was written.
    Unavailable
        The database does not answer; nothing was written.
    """
    with transaction(world.conninfo) as connection:
        connection.execute(_LOCK)
        _stage(connection, source, progress)
        spell_as_kept(connection)
        _check(connection, source, progress)
        require_same_people(connection, world.name)
        _make_partitions(world, connection)
        tables = _write(connection, source, progress)
        connection.execute(b"analyze " + b", ".join(b"core." + t.encode() for t in tables))
    return ImportSummary(tables)


def _stage(connection: psycopg.Connection[Any], source: FrameSource, progress: Progress) -> None:
    create_staging(connection)
    refusals = []
    for name in source.names:
        refused = stage_frame(connection, source, name, progress)
        refusals += [refused] if refused else []
    if refusals:
        bad = [row for refused in refusals for row in refused.rows]
        raise FramesRefused(bad[:SHOWN_ROWS], sum(refused.total for refused in refusals))


def _check(connection: psycopg.Connection[Any], source: FrameSource, progress: Progress) -> None:
    shown: list[BadRow] = []
    total = 0
    for done, name in enumerate(source.names, start=1):
        record = check_frame(connection, name)
        total += record.total
        if record.first and len(shown) < SHOWN_ROWS:
            shown += source.bad_rows(name, record.first)
        progress("checking", done, done / len(source.names))
    if total:
        raise FramesRefused(shown[:SHOWN_ROWS], total)


def _make_partitions(world: World, connection: psycopg.Connection[Any]) -> None:
    """Make them apart from what writes rows: feeds would wait for a whole import."""
    days = connection.execute(_DAYS, {"months": _MONTHS}).fetchone()
    left = make_partitions(world.conninfo, partitions_of(INTERACTIONS, *days)) if days else ()
    for partition in left:
        log.warning("Somebody reads for long: rows of %s share the default one.", partition.name)


def _write(
    connection: psycopg.Connection[Any], source: FrameSource, progress: Progress
) -> dict[str, Counts]:
    tables: dict[str, Counts] = {}
    told = {name: source.columns(name) for name in source.names}
    for table, counts in write_tables(connection, told, progress):
        tables[table] = counts
        progress(f"writing {table}", counts.rows, 1.0)
    return tables
