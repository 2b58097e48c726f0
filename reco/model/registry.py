"""Which model versions there are, and which one is served (`reco.model_version`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


class Champion(NamedTuple):
    """The model version that is served."""

    version: str
    address: str
    digest: str


@dataclass(frozen=True)
class ModelVersion:
    """A row of `reco.model_version`."""

    version: str
    kind: str
    address: str
    digest: str
    cutoff: datetime | None
    created_at: datetime
    metrics: Mapping[str, Any]
    state: str
    """published, champion or retired."""


_LOCK = "lock table reco.model_version in share row exclusive mode"
_RETIRE = "update reco.model_version set state = 'retired' where state = 'champion'"
_PUBLISH = """
insert into reco.model_version
  (version, kind, address, digest, cutoff, created_at, metrics, state)
values (%s, %s, %s, %s, %s, %s, %s, 'champion')
"""
_CHAMPION = "select version, address, digest from reco.model_version where state = 'champion'"
_VERSIONS = """
select version, kind, address, digest, cutoff, created_at, metrics, state
from reco.model_version order by created_at desc, version
"""


@contextmanager
def publication(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction in which one model is published; others, and erasures of people, wait.

    What is read of the accounts in it still holds when the model is published.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute(_LOCK)
        yield connection


def publish_champion(
    connection: psycopg.Connection[Any],
    *,
    version: str,
    kind: str,
    address: str,
    digest: str,
    cutoff: datetime | None,
    created_at: datetime,
    metrics: Mapping[str, Any],
) -> None:
    """Register a model version as the champion, in a `publication`; the former one is retired."""
    row = (version, kind, address, digest, cutoff, created_at, Jsonb(metrics))
    connection.execute(_RETIRE)
    connection.execute(_PUBLISH, row)


def champion(conninfo: str) -> Champion | None:
    """Return the champion, or None where no model was published yet."""
    with psycopg.connect(conninfo) as connection:
        return connection.cursor(row_factory=class_row(Champion)).execute(_CHAMPION).fetchone()


def versions(conninfo: str) -> list[ModelVersion]:
    """Return all model versions, the newest first."""
    with psycopg.connect(conninfo) as connection:
        return connection.cursor(row_factory=class_row(ModelVersion)).execute(_VERSIONS).fetchall()
