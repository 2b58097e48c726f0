"""A catalogue that is never stale: whoever changes something tells, and nothing is missed."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Self

import psycopg

from reco.catalogue.changes import MAX_CHANGED, amended, read_changes
from reco.catalogue.current import MAX_AGE, current_base, first_base, is_young
from reco.catalogue.snapshot import Catalogue
from reco.db.outage import Outage
from reco.db.revision import check_revision, read_revision
from reco.db.session import SOON
from reco.errors import RecoError
from reco.world import World

log = logging.getLogger(__name__)

LISTENER = "reco catalogue"
"""What the listening connection calls itself."""

_LISTEN = b"listen core_change"
_LOOK_EVERY_S = 0.3
"""Without a notice, look after so long: not all that changes is told."""
_REST_S = 0.2
"""Between two looks: many changes are one."""
_RETRY_S = 0.5
_REBUILD_EVERY_S = 5.0
_REBUILD_AT_LEAST_EVERY_S = 600.0
"""However often it has failed: each reads the whole catalogue."""
_LATE_S = 15.0
_OLD = 3 * MAX_AGE
_ON_ONE_CORE = "max_parallel_workers_per_gather=0"
"""A new base can wait; who is answered meanwhile cannot."""
_STOP_S = 2.0
"""A look or a build that takes longer is left behind: its thread is a daemon."""


class CatalogueWatch:
    """Holds the catalogue of one world and amends it within a second of every change.

    Use it as a context manager: within it a thread listens, and looks by itself every half second,
    so that neither a lost notice nor a broken connection is ever more than a delay. The base is
    rebuilt in another thread; meanwhile changes go on.

    Parameters
    ----------
    world
        Nothing of it is read while its schema is not this code's.
    clock
        Returns the present.
    take
        Is called with each new catalogue.
    outage
        Told whether the database gives connections.
    """

    def __init__(
        self,
        world: World,
        clock: Callable[[], datetime],
        take: Callable[[Catalogue], None],
        outage: Outage,
    ) -> None:
        self._world = world
        self._clock = clock
        self._take = take
        self._outage = outage
        self._catalogue: Catalogue | None = None
        self._looked_at_s = time.monotonic()
        self._looking = threading.Lock()
        self._needs_base = False
        self._rebuild: _Rebuild | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalogue-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_STOP_S)
        if self._rebuild:
            self._rebuild.stop()

    @property
    def lateness(self) -> list[str]:
        """What of the catalogue is older than usual, in words; nothing before there is one."""
        if (catalogue := self._catalogue) is None:
            return []
        found = []
        if (silent_s := time.monotonic() - self._looked_at_s) > _LATE_S:
            found.append(f"changes: not looked at for {silent_s:.0f} s")
        if (age := self._clock() - catalogue.at) > _OLD:
            found.append(f"base: {age // timedelta(minutes=1)} min old")
        return found

    def look(self, connection: psycopg.Connection[Any]) -> None:
        """Bring the catalogue up to what is committed now; the first look maps or builds it.

        Raises
        ------
        SetupError
            The schema is not this code's; says what to do. Later a newer one does no harm.
        """
        with self._looking:
            # To find again that there is too much costs as much as the first time.
            if self._needs_base and self._rebuild and not self._rebuild.has_said():
                return
            now = self._clock()
            before = self._catalogue
            rebuilt = self._rebuilt()
            latest = rebuilt or before or self._first(connection, now)
            changes = read_changes(connection, latest, now)
            self._needs_base = changes is None
            if changes is not None:
                latest = amended(latest, changes)
            if changes is None or not is_young(latest, now) or latest.changed_offers > MAX_CHANGED:
                self._start_rebuild(now)
            if before is None or latest.version != before.version:
                self._take(latest)
            # What could not be taken, a new base too, is to be taken at the next look.
            self._catalogue = latest
            if self._rebuild and self._rebuild.base is rebuilt:
                self._rebuild.base = None
            self._looked_at_s = time.monotonic()

    def _first(self, connection: psycopg.Connection[Any], now: datetime) -> Catalogue:
        check_revision(read_revision(connection), self._world.name)
        return first_base(connection, self._world.catalogue, now)

    def _rebuilt(self) -> Catalogue | None:
        """Return a base that was rebuilt meanwhile and is not taken yet."""
        return self._rebuild.base if self._rebuild else None

    def _start_rebuild(self, now: datetime) -> None:
        if self._rebuild and not self._rebuild.is_over():
            return
        pause_s = self._rebuild.next_pause_s() if self._rebuild else _REBUILD_EVERY_S
        self._rebuild = _Rebuild(self._world, now, pause_s)
        self._rebuild.start()

    def _run(self) -> None:
        is_told = False
        while not self._stopping.is_set():
            try:
                with _listening(self._world.conninfo) as connection:
                    is_told = False
                    self._outage.end()
                    self._follow(connection)
            except (psycopg.Error, RecoError) as error:
                if not self._outage.is_why(error):
                    if not is_told:
                        log.warning("What is served stays as it was: %s", error)
                    is_told = True
            except Exception:
                # A full disk, say: the thread that looks for better must outlive it.
                log.exception("What is served stays as it was.")
            self._stopping.wait(_RETRY_S)

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            self.look(connection)
            if self._stopping.wait(_REST_S):
                return
            for _ in connection.notifies(timeout=_LOOK_EVERY_S, stop_after=1):
                pass


class _Rebuild(threading.Thread):
    """Brings a new base, in a thread of its own; `base` is it when it is there.

    Parameters
    ----------
    pause_s
        How long the next one waits should this one fail.
    """

    def __init__(self, world: World, now: datetime, pause_s: float) -> None:
        super().__init__(name="catalogue-rebuild", daemon=True)
        self.base: Catalogue | None = None
        self._world = world
        self._now = now
        self._pause_s = pause_s
        self._has_failed = True
        self._connection: psycopg.Connection[Any] | None = None
        self._not_before_s = time.monotonic() + _REBUILD_EVERY_S

    def has_said(self) -> bool:
        """Say whether there is a new base, or another one may be begun."""
        return self.base is not None or self.is_over()

    def is_over(self) -> bool:
        """Say whether another one may begin: this one ended, and one that fails is no loop."""
        return not self.is_alive() and time.monotonic() >= self._not_before_s

    def next_pause_s(self) -> float:
        """Return the pause of the next one: many that fail in a row rest for long."""
        longer_s = min(2 * self._pause_s, _REBUILD_AT_LEAST_EVERY_S)
        return longer_s if self._has_failed else _REBUILD_EVERY_S

    def stop(self) -> None:
        """Give up what the database is still doing for it."""
        connection = self._connection
        if self.is_alive() and connection is not None:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1.0)
        self.join(_STOP_S)

    def run(self) -> None:
        """Build, or map what another process has built."""
        try:
            with _opened(self._world.conninfo, _ON_ONE_CORE) as self._connection:
                self.base = current_base(self._connection, self._world.catalogue, self._now)
            self._has_failed = False
        except (psycopg.Error, RecoError) as error:
            log.warning("The base of the catalogue stays as it was: %s", error)
        except Exception:
            log.exception("The base of the catalogue stays as it was.")
        if self._has_failed:
            self._not_before_s = time.monotonic() + self._pause_s


def _listening(conninfo: str) -> psycopg.Connection[Any]:
    connection = _opened(conninfo)
    connection.execute(_LISTEN)
    return connection


def _opened(conninfo: str, *settings: str) -> psycopg.Connection[Any]:
    options = " ".join(f"-c {setting}" for setting in ("timezone=UTC", *settings))
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=1,
        application_name=LISTENER,
        options=options,
        **SOON,
    )
