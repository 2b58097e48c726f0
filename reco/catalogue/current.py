"""The catalogue to serve now: the newest snapshot if it is fresh, else a new one."""

import fcntl
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from reco.catalogue.build import build_catalogue, newest_change
from reco.catalogue.folder import load_catalogue, save_catalogue, snapshots
from reco.catalogue.snapshot import Catalogue
from reco.errors import ArtifactRefused

log = logging.getLogger(__name__)

MAX_AGE = timedelta(minutes=10)
"""A snapshot is replaced after this even if nothing was written: sessions begin, sales open."""


def is_fresh(catalogue: Catalogue, newest_xid: int, now: datetime) -> bool:
    """Say whether `catalogue` was built not long ago and has seen the change of `newest_xid`."""
    is_young = timedelta() <= now - catalogue.at <= MAX_AGE
    return is_young and newest_xid < catalogue.seen_before_xid


def current_catalogue(
    connection: psycopg.Connection[Any], parent: Path, now: datetime
) -> Catalogue:
    """Return a fresh catalogue, memory-mapped from a snapshot below `parent`.

    Of several processes that ask at once one builds, the others wait and map what it wrote.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = _newest(parent)
        if newest and is_fresh(newest, newest_change(connection), now):
            return newest
        return load_catalogue(save_catalogue(build_catalogue(connection, now), parent))


def _newest(parent: Path) -> Catalogue | None:
    for folder in snapshots(parent)[:1]:
        try:
            return load_catalogue(folder)
        except ArtifactRefused as error:
            log.warning("A snapshot is built anew: %s", error)
    return None
