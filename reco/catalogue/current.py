"""The base to serve from: the newest snapshot on disk if it will do, else a new one."""

import logging
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import MAX_CHANGED, count_changed
from reco.catalogue.folder import load_catalogue, save_catalogue, snapshots, sole_writer
from reco.catalogue.snapshot import Catalogue
from reco.errors import ArtifactRefused

log = logging.getLogger(__name__)

MAX_AGE = timedelta(minutes=10)
"""A base is replaced after this: sessions begin, and what is booked most changes."""
_MAX_AGE_AT_START = timedelta(days=1)
"""To begin with an older one will do: amended, it lacks nothing but the bookings of a day."""
_CLOCKS_DIFFER = timedelta(seconds=5)
"""Another process may have read the clock a moment later."""
# The disk is full, say, or not to be written: a catalogue of its own is better than an old one.
_UNSAVED = "The catalogue is not saved, and shared with nobody: %s"


def is_young(catalogue: Catalogue, now: datetime) -> bool:
    """Say whether the base of `catalogue` was read not long before `now`."""
    return _is_within(MAX_AGE, catalogue, now)


def first_base(connection: psycopg.Connection[Any], parent: Path, now: datetime) -> Catalogue:
    """Return a base to begin with: the newest snapshot, up to a day old, else `current_base`.

    A start need not wait until a whole catalogue is built; a younger one is the next to be had.
    """
    newest = _newest(parent, now)
    if (
        newest
        and _is_within(_MAX_AGE_AT_START, newest, now)
        and _has_changed_little(connection, newest)
    ):
        return newest
    return current_base(connection, parent, now)


def current_base(connection: psycopg.Connection[Any], parent: Path, now: datetime) -> Catalogue:
    """Return a base, memory-mapped from a snapshot below `parent`, to which little has changed.

    Of several processes that ask at once one builds, the others wait and map what it wrote. What
    has changed since it was read is still to be added (`reco.catalogue.changes`).
    """
    with ExitStack() as alone:
        try:
            alone.enter_context(sole_writer(parent))
        except OSError as error:
            log.warning(_UNSAVED, error)
            return build_catalogue(connection, now)
        newest = _newest(parent, now)
        if newest and is_young(newest, now) and _has_changed_little(connection, newest):
            return newest
        built = build_catalogue(connection, now)
        try:
            return load_catalogue(save_catalogue(built, parent))
        except OSError as error:
            log.warning(_UNSAVED, error)
            return built


def _is_within(age: timedelta, catalogue: Catalogue, now: datetime) -> bool:
    return -_CLOCKS_DIFFER <= now - catalogue.at <= age


def _has_changed_little(connection: psycopg.Connection[Any], catalogue: Catalogue) -> bool:
    changed = count_changed(connection, catalogue.seen)
    return changed is not None and changed <= MAX_CHANGED // 2


def _newest(parent: Path, now: datetime) -> Catalogue | None:
    for folder in snapshots(parent):
        try:
            found = load_catalogue(folder)
        except ArtifactRefused as error:
            log.warning("A snapshot is built anew: %s", error)
            return None
        # What was made while the clock was ahead would be the newest until then.
        if found.at - now <= _CLOCKS_DIFFER:
            return found
    return None
