"""Slates on record, written off the request's path; nothing is lost on a stop in good order."""

import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import numpy as np
import orjson
import psycopg
from psycopg.types.json import Json
from psycopg_pool import PoolTimeout

from reco.db.pool import Pool
from reco.experiments.exposure import Exposure
from reco.geo.points import Point

log = logging.getLogger(__name__)

_MAX_WAITING = 20_000
"""Slates kept in memory while the database is away; those that come then are lost, and counted."""
_LATE = 1_000
"""More that wait than this are no moment's work."""
_BATCH = 500
_GATHERING_S = 0.2
"""A batch is written so often: together slates cost the database a fraction."""
_RETRY_S = 0.5
_AWAY = (
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.ProgrammingError,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""What no slate is to blame for: a server that is away or takes no changes, a right that lacks."""

_INSERT = """
insert into reco.slate (id, at, user_id, model_version, catalogue_version, location, radius_m,
  query, seed, relevance_kept, offers, probabilities, propensities, gains, experiment, variant)
select s.id, s.at, s.user_id, s.model_version, s.catalogue_version,
  st_setsrid(st_makepoint(s.lon, s.lat), 4326)::geography, s.radius_m, s.query, s.seed,
  s.relevance_kept, s.offers, s.probabilities, s.propensities, s.gains, s.experiment, s.variant
from json_to_recordset(%s) as s (
  id uuid, at timestamptz, user_id bigint, model_version text, catalogue_version text,
  lon float8, lat float8, radius_m real, query jsonb, seed bigint, relevance_kept real,
  offers bigint[], probabilities real[], propensities real[], gains real[],
  experiment text, variant text
)
-- Who was erased since the slate was shown leaves none behind.
where not exists (
  select from core.beneficiary b where b.id = s.user_id and b.erased_at is not null
)
on conflict do nothing
"""


@dataclass(frozen=True)
class Slate:
    """One slate as it was shown: each offer is an impression."""

    id: UUID
    at: datetime
    user_id: int | None
    model_version: str
    catalogue_version: str
    location: Point | None
    radius_m: float | None
    """None without a place, as in the answer."""
    query: Mapping[str, Any]
    seed: int
    relevance_kept: float
    offers: Sequence[int]
    probabilities: Sequence[float]
    propensities: Sequence[float]
    """Of each position showing what it shows, given the query (`reco.feed.exploring`)."""
    gains: Sequence[float]
    exposure: Exposure | None = None

    def row(self) -> dict[str, Any]:
        """Return the columns of the insert, as JSON takes them."""
        columns = dict(vars(self))
        here, exposure = columns.pop("location"), columns.pop("exposure")
        for name in ("probabilities", "propensities", "gains"):
            # The columns are real, which refuses what it cannot tell from 0; NumPy rounds it.
            columns[name] = np.array(columns[name], dtype=np.float32)
        return columns | {
            "lon": here.lon if here else None,
            "lat": here.lat if here else None,
            "experiment": exposure.name if exposure else None,
            "variant": exposure.variant if exposure else None,
        }


class SlateRecorder:
    """One thread that writes slates in batches, and waits out a database that is away.

    Use it as a context manager: leaving it writes what is waiting.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: queue.Queue[Slate] = queue.Queue(_MAX_WAITING)
        self._stopping = threading.Event()
        self._held = 0
        self._counting = threading.Lock()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="slate-recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def lateness(self) -> str | None:
        """What is not written as it should be, in words; None: slates are written as they come."""
        waiting, dropped = self._waiting.qsize() + self._held, self._dropped
        if not (self._held or dropped or waiting > _LATE):
            return None
        lost = f", {dropped} found no room and are lost" if dropped else ""
        return f"{waiting} wait to be written{lost}"

    def record(self, slate: Slate) -> None:
        """Hand over a slate; returns at once, also where there is no room and it is lost."""
        try:
            self._waiting.put_nowait(slate)
        except queue.Full:
            with self._counting:
                self._dropped += 1
                is_first = self._dropped == 1
            if is_first:
                log.warning("%d slates wait; others are lost meanwhile.", self._waiting.qsize())

    def _run(self) -> None:
        while batch := self._next_batch():
            while not self._written(batch):
                self._held = len(batch)
                if self._stopping.wait(_RETRY_S) and not self._written(batch):
                    log.error("The database is away: %d slates are lost.", self._lost(batch))
                    return
            self._held = 0
            self._forget_dropped()

    def _next_batch(self) -> list[Slate]:
        """Wait for slates; an empty batch means that the recorder stops and none is left."""
        batch: list[Slate] = []
        while not batch:
            # What was handed over before it was told to stop is in the queue.
            is_stopping = self._stopping.wait(_GATHERING_S)
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            if is_stopping:
                break
        return batch

    def _written(self, batch: Sequence[Slate]) -> bool:
        """Write `batch`; False: the database is away, and all of it is still to be written."""
        try:
            self._insert(batch)
        except _AWAY as error:
            if not self._held:
                log.warning("Slates wait for the database: %s", error)
            return False
        except (psycopg.Error, ValueError, TypeError, OverflowError):
            # One slate that cannot be kept must not take the others, or the thread, with it.
            if len(batch) == 1:
                log.exception("The slate %s cannot be kept.", batch[0].id)
                return True
            pending = [slate for slate in batch if not self._written([slate])]
            return not pending
        return True

    def _insert(self, batch: Sequence[Slate]) -> None:
        rows = Json([slate.row() for slate in batch], dumps=_json)
        with self._pool.connection() as connection:
            try:
                connection.execute(_INSERT, (rows,))
            except psycopg.errors.CheckViolation:
                # A month got its partition while they waited on their way to the default one.
                connection.execute(_INSERT, (rows,))

    def _forget_dropped(self) -> None:
        """Tell how many found no room, now that there is some again."""
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.error("%d slates found no room and are lost.", dropped)

    def _lost(self, batch: Sequence[Slate]) -> int:
        return len(batch) + self._waiting.qsize() + self._dropped


def _json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
